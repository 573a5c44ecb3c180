/* adapters/lake/duck.c - see duck.h: the side of the program. */

#include "adapters/lake/duck.h"

#include "adapters/lake/duck_wire.h"
#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct DuckEngine {
    SqlEngine base; /* first */
    DuckOptions o;
    atomic_int running;
} DuckEngine;

typedef struct Duck { /* one query */
    pid_t pid;
    int to, from; /* the child's stdin and stdout */
    Buf request;
    size_t sent;
    Buf in;
    SqlColumn *columns;
    size_t n_columns;
    const SqlSink *sink;
    bool ended; /* the child said that all is there */
    MonoNs until;
} Duck;

static void write_request(const DuckOptions *o, const SqlAsk *ask, Buf *out) {
    JsonWriter w;
    json_writer_init(&w, out, false);
    json_object(&w);
    json_put_str(&w, "sql", ask->sql);
    json_put_str(&w, "library", str_c(o->library));
    json_put_str(&w, "lake", str_c(ask->lake));
    json_put_i64(&w, "memory", o->memory);
    json_put_i64(&w, "threads", MAX(o->threads, 1));
    json_key(&w, S("allow"));
    json_array(&w);
    for (size_t i = 0; i < ask->n_allow; i++)
        json_str(&w, ask->allow[i]);
    json_array_end(&w);
    json_object_end(&w);
}

/* --- the child --- */

static int start_child(Ctx *cx, Duck *d) {
    int in[2] = { -1, -1 }, out[2] = { -1, -1 };
    char name[] = "finsight", what[] = "duck-child";
    char *const argv[] = { name, what, NULL };
    char *const none[] = { NULL };
    posix_spawn_file_actions_t actions;
    /* The request goes over a socket: writing to a pipe whose reader died would be a signal. */
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) != 0 || pipe2(out, O_CLOEXEC) != 0)
        return file_fail(cx, errno, "make", "a pipe");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    int e = posix_spawn(&d->pid, "/proc/self/exe", &actions, NULL, argv, none);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    d->to = in[1];
    d->from = out[0];
    return e ? file_fail(cx, e, "start", "a process for DuckDB") : 0;
}

static int stop_child(Ctx *cx, Duck *d, int r) {
    int status = 0;
    if (d->to >= 0)
        close(d->to);
    if (d->from >= 0)
        close(d->from);
    if (d->pid <= 0)
        return r;
    if (!d->ended)
        kill(d->pid, SIGKILL);
    while (waitpid(d->pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (r == 0 && !d->ended)
        r = WIFSIGNALED(status)
                ? err_set(cx, ERR_LIMIT, "DuckDB's process was ended by signal %d; a larger sql.memory may help",
                          WTERMSIG(status))
                : err_set(cx, ERR_UNAVAILABLE, "DuckDB's process ended without an answer (status %d)",
                          WEXITSTATUS(status));
    return r;
}

/* --- frames --- */

/* DuckDB's types whose text is a number: the integers, floats and decimals. */
static bool is_number(int64_t type) {
    return (type >= 2 && type <= 11) || type == 16 || type == 19 || type == 32;
}

/* DATE and the timestamps. */
static bool is_moment(int64_t type) {
    return type == 12 || type == 13 || (type >= 20 && type <= 22) || type == 31;
}

static int take_columns(Ctx *cx, Duck *d, Str payload) {
    JsonReader j;
    Str key;
    d->columns = arena_new_n(cx->arena, SqlColumn, DUCK_COLUMNS_MAX);
    json_reader_init(&j, str_dup(cx->arena, payload), cx->arena, 8);
    json_open_array(&j);
    while (json_array_next(&j) > 0 && d->n_columns < DUCK_COLUMNS_MAX) {
        SqlColumn *c = &d->columns[d->n_columns++];
        int64_t type = 0;
        json_open_object(&j);
        while (json_object_next(&j, &key) > 0)
            (void)(str_eq(key, S("name")) ? json_read_str(&j, &c->name) : json_read_i64(&j, &type));
        c->name = utf8_clean(cx->arena, c->name);
        c->type = str_fmt(cx->arena, "%lld", (long long)type);
        c->number = is_number(type);
        c->logical = type == 1;
        c->moment = is_moment(type);
    }
    return d->sink->columns(d->sink->arg, cx, d->columns, d->n_columns);
}

static bool take_u32(Str *s, uint32_t *out) {
    if (s->n < sizeof *out)
        return false;
    memcpy(out, s->p, sizeof *out);
    *s = str_from(*s, sizeof *out);
    return true;
}

static int take_rows(Ctx *cx, Duck *d, Str payload) {
    uint32_t n, size;
    int r = 0;
    if (!take_u32(&payload, &n) || n > DUCK_ROWS || d->n_columns == 0)
        return err_set(cx, ERR_INTERNAL, "rows of DuckDB's process are damaged");
    Str *cells = mem_new_n(Str, mem_mul(n, d->n_columns)); /* row by row */
    for (size_t k = 0; r == 0 && k < d->n_columns; k++)
        for (size_t i = 0; r == 0 && i < n; i++) {
            Str *cell = &cells[i * d->n_columns + k];
            if (!take_u32(&payload, &size) || (size != UINT32_MAX && size > payload.n)) {
                r = err_set(cx, ERR_INTERNAL, "rows of DuckDB's process are damaged");
            } else if (size != UINT32_MAX) {
                *cell = size ? str_first(payload, size) : S("");
                payload = str_from(payload, size);
            }
        }
    for (size_t i = 0; r == 0 && i < n; i++)
        r = d->sink->row(d->sink->arg, cx, cells + i * d->n_columns, d->n_columns);
    mem_free(cells);
    return r;
}

static int take_failure(Ctx *cx, Str payload) {
    Str number;
    int64_t code;
    if (!str_next(&payload, ' ', &number) || !str_to_i64(number, &code) || code >= 0 || code < ERR_USAGE)
        code = ERR_INTERNAL;
    Str words = utf8_first(utf8_clean(cx->arena, payload), ERR_TEXT_MAX - 1); /* it quotes what is in files */
    return err_set(cx, (int)code, STR_FMT, STR_ARG(words));
}

/* Whole frames at the front of d->in. */
static int take_frames(Ctx *cx, Duck *d) {
    DuckFrame f;
    int r = 0;
    while (r == 0 && !d->ended && d->in.n >= sizeof f) {
        memcpy(&f, d->in.p, sizeof f);
        if (f.size > DUCK_FRAME_MAX)
            return err_set(cx, ERR_INTERNAL, "a frame of DuckDB's process is damaged");
        if (d->in.n < sizeof f + f.size)
            break;
        Str payload = str_n(d->in.p + sizeof f, f.size);
        switch (f.kind) {
        case 'C':
            r = take_columns(cx, d, payload);
            break;
        case 'R':
            r = take_rows(cx, d, payload);
            break;
        case 'E':
            r = take_failure(cx, payload);
            break;
        case '.':
            d->ended = true;
            break;
        default:
            r = err_set(cx, ERR_INTERNAL, "a frame of DuckDB's process is damaged");
        }
        buf_consume(&d->in, sizeof f + f.size);
    }
    return r;
}

/* --- the conversation --- */

static void send_some(Duck *d) {
    ssize_t n = send(d->to, d->request.p + d->sent, d->request.n - d->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0)
        d->sent += (size_t)n;
    if (d->sent == d->request.n || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        close(d->to);
        d->to = -1;
    }
}

/* true: the child closed its end. */
static bool receive_some(Duck *d) {
    enum { SOME = 256 << 10 };
    char *p = buf_reserve(&d->in, SOME);
    ssize_t n = p ? read(d->from, p, SOME) : 0;
    if (n > 0)
        d->in.n += (size_t)n;
    return n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN);
}

static int converse(Ctx *cx, Duck *d) {
    enum { LOOK_MS = 50 };
    int r = 0;
    for (bool closed = false; r == 0 && !d->ended && !closed;) {
        struct pollfd p[2] = { { .fd = d->from, .events = POLLIN }, { .fd = d->to, .events = POLLOUT } };
        poll(p, d->to >= 0 ? 2 : 1, LOOK_MS);
        r = ctx_check(cx);
        if (r == 0 && clock_mono(cx->clock).ns > d->until.ns)
            r = err_set(cx, ERR_TIMEOUT, "the query took longer than sql.timeout allows; ask for less, or raise it");
        if (r == 0 && d->to >= 0 && p[1].revents)
            send_some(d);
        if (r == 0 && p[0].revents) {
            closed = receive_some(d);
            r = take_frames(cx, d);
        }
    }
    return r;
}

static int64_t time_of(const DuckEngine *e, const SqlAsk *ask) {
    return ask->timeout_ms > 0 ? MIN(ask->timeout_ms, e->o.timeout_ms) : e->o.timeout_ms;
}

static int run_query(DuckEngine *e, Ctx *cx, const SqlAsk *ask, const SqlSink *sink) {
    Duck d = { .to = -1, .from = -1, .sink = sink };
    d.until = mono_add_ms(clock_mono(cx->clock), time_of(e, ask));
    buf_init(&d.request, DUCK_REQUEST_MAX);
    buf_init(&d.in, DUCK_FRAME_MAX + (1 << 20));
    write_request(&e->o, ask, &d.request);
    int r = buf_ok(&d.request) ? start_child(cx, &d) : err_set(cx, ERR_LIMIT, "the query is too long");
    if (r == 0)
        r = converse(cx, &d);
    r = stop_child(cx, &d, r);
    buf_done(&d.request);
    buf_done(&d.in);
    return r;
}

static int duck_query(SqlEngine *engine, Ctx *cx, const SqlAsk *ask, const SqlSink *sink) {
    DuckEngine *e = (DuckEngine *)engine;
    int before = atomic_fetch_add(&e->running, 1);
    int r = e->o.at_once && before >= e->o.at_once
                ? err_set(cx, ERR_BUSY, "%d queries are at work already; try again when one of them has ended", before)
                : run_query(e, cx, ask, sink);
    atomic_fetch_sub(&e->running, 1);
    return r;
}

static void duck_close(SqlEngine *e) {
    mem_free(e);
}

static const SqlEngineOps duck_ops = { .name = "duckdb", .query = duck_query, .close = duck_close };

SqlEngine *duck_engine_new(const DuckOptions *o) {
    DuckEngine *e = mem_new(DuckEngine);
    e->base.ops = &duck_ops;
    e->o = *o;
    return &e->base;
}
