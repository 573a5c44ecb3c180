#pragma once

/* base/buf.h - a growing byte buffer that has a ceiling.
 *
 * No buffer grows without a limit. The first put that would pass it fails with ERR_LIMIT, adds
 * nothing, and makes the buffer `full`: later puts fail too, so a writer may put many pieces and
 * check once at the end (`buf_ok`). Heap memory, owned by the buffer. One buffer, one thread. */

#include "base/err.h"
#include "base/str.h"

#include <stdarg.h>

typedef struct Buf {
    char *p; /* n bytes; not terminated */
    size_t n;
    size_t limit; /* 0 = the buffer was never initialised and refuses everything */
    bool full;    /* a put was refused; cleared by buf_clear */
    /* private */
    size_t cap;
} Buf;

void buf_init(Buf *b, size_t limit);
void buf_done(Buf *b);  /* frees; all-zero afterwards */
void buf_clear(Buf *b); /* empties, keeps the memory and the limit */

int buf_put(Buf *b, const void *p, size_t n); /* 0 or ERR_LIMIT */
int buf_put_str(Buf *b, Str s);
int buf_put_c(Buf *b, char c);
int buf_printf(Buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
int buf_vprintf(Buf *b, const char *fmt, va_list args) PRINTF_LIKE(2, 0);
#define BUF_LIT(b, literal) buf_put((b), ("" literal ""), sizeof(literal) - 1)

/* Room for n more bytes at p + n, or NULL past the limit; follow with `b->n += written`. */
char *buf_reserve(Buf *b, size_t n);
/* Drops the first n bytes. */
void buf_consume(Buf *b, size_t n);

static inline Str buf_str(const Buf *b) { /* borrows until the next put */
    return (Str){ b->p, b->n };
}
static inline bool buf_ok(const Buf *b) {
    return !b->full;
}
