#pragma once

/* base/ctx.h - what travels with one request or job.
 *
 * Memory: results go to cx->arena, owned by whoever made the Ctx. Threads: one Ctx belongs to one
 * thread at a time; only `cancel` is read across threads. A callee that needs a shorter deadline or
 * other words copies the struct (it is plain data) and shares the arena.
 *
 * Errors: `return err_set(cx, ERR_TIMEOUT, "binance: %s: no answer in %d ms", ...)` where it happens,
 * with the facts; callers forward the code bare. err_field adds the place (JSON path, "line 7"). */

#include "base/clock.h"
#include "base/err.h"

#include <stdatomic.h>

enum { ERR_TEXT_MAX = 480, ERR_FIELD_MAX = 96 };

typedef struct Err {
    int code;                  /* 0 = none */
    char text[ERR_TEXT_MAX];   /* for people: what, where, what to do */
    char field[ERR_FIELD_MAX]; /* "symbol", "candles[3].high", "line 17"; empty if none */
    int64_t retry_after_ms;    /* > 0 where the failing side told one */
    const char *stage;         /* of the gateway, that refused; NULL elsewhere. A literal */
} Err;

/* Who asks. Roles order from none to admin. */
typedef enum Role { ROLE_NONE, ROLE_READ, ROLE_WRITE, ROLE_ADMIN } Role;

typedef struct Principal {
    Role role;
    Str id; /* key id or "cli", "local"; for logs and user-owned rows */
} Principal;

typedef struct Trace {
    Str correlation_id;                /* one per user action, kept across hops */
    Str request_id;                    /* one per hop */
    uint64_t trace_hi, trace_lo, span; /* W3C trace context; 0 = none. span: the one that is open here (base/span.h) */
    bool unsampled;                    /* the caller wants no spans kept of it */
    Str state;                         /* tracestate, passed on as it came */
} Trace;

struct SpanLog;
struct SlowWatch;

typedef struct Ctx {
    Arena *arena;
    Clock *clock;
    MonoNs deadline;           /* ns 0 = none; includes time spent in queues */
    const atomic_bool *cancel; /* NULL = cannot be cancelled */
    Principal principal;
    Str workspace; /* "default" unless told */
    Trace trace;
    const char *operation;        /* that the work is done for: "market.candles"; a literal, NULL where it is none's */
    struct SpanLog *spans;        /* NULL: nobody keeps them */
    const struct SlowWatch *slow; /* NULL: nobody wants to hear of it (base/slow.h) */
    /* Is told how far the call is, 0 .. 1, and how many pieces are done; by long work, on the caller's thread. NULL:
     * nobody asks. */
    void (*progress)(void *arg, double fraction, int64_t n_done);
    void *progress_arg;
    Err err;
} Ctx;

/* A Ctx with the arena and clock, no deadline, workspace "default". */
void ctx_init(Ctx *cx, Arena *arena, Clock *clock);

/* 0, ERR_CANCELLED or ERR_TIMEOUT (with words). Port wrappers call it, and loops every 4,096 rows. */
int ctx_check(Ctx *cx);
/* ms until the deadline: at least 0; `most` when there is no deadline or it is farther away. */
int64_t ctx_left_ms(Ctx *cx, int64_t most);

static inline void ctx_progress(const Ctx *cx, double fraction, int64_t n_done) {
    if (cx->progress)
        cx->progress(cx->progress_arg, fraction, n_done);
}

/* Records code and words and returns the code. The words of a later failure replace earlier ones. */
int err_set(Ctx *cx, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* As err_set, with the place of the fault. */
int err_set_at(Ctx *cx, int code, Str field, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* Words for a bare code from a pure function: keeps what is already there for that code. */
int err_note(Ctx *cx, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Puts "what: " before the words recorded, e.g. the name of the file. Returns the code recorded. */
int err_prefix(Ctx *cx, const char *fmt, ...) PRINTF_LIKE(2, 3);
void err_clear(Ctx *cx);

#ifdef __clang_analyzer__ /* it reads one file at a time and has to be told that an error's code is below 0 */
static inline int err_below_zero(int code) {
    if (code >= 0)
        __builtin_unreachable();
    return code;
}
#define err_set(...)    err_below_zero(err_set(__VA_ARGS__))
#define err_set_at(...) err_below_zero(err_set_at(__VA_ARGS__))
#define err_note(...)   err_below_zero(err_note(__VA_ARGS__))
#endif
