/* base/buf.c - see buf.h. */

#include "base/buf.h"

#include <stdio.h>

enum { BUF_FIRST = 256 };

void buf_init(Buf *b, size_t limit) {
    assert(limit > 0);
    *b = (Buf){ .limit = limit };
}

void buf_done(Buf *b) {
    mem_free(b->p);
    *b = (Buf){ 0 };
}

void buf_clear(Buf *b) {
    b->n = 0;
    b->full = false;
}

char *buf_reserve(Buf *b, size_t n) {
    if (UNLIKELY(b->full || n > b->limit - b->n)) {
        b->full = true;
        return NULL;
    }
    if (b->cap - b->n < n) {
        size_t cap = MAX(MAX(b->cap * 2, b->n + n), (size_t)BUF_FIRST);
        b->cap = MIN(cap, b->limit);
        b->p = mem_realloc(b->p, b->cap);
    }
    return b->p + b->n;
}

int buf_put(Buf *b, const void *p, size_t n) {
    if (n == 0)
        return b->full ? ERR_LIMIT : 0;
    char *to = buf_reserve(b, n);
    if (!to)
        return ERR_LIMIT;
    memcpy(to, p, n);
    b->n += n;
    return 0;
}

int buf_put_str(Buf *b, Str s) {
    return buf_put(b, s.p, s.n);
}

int buf_put_c(Buf *b, char c) {
    return buf_put(b, &c, 1);
}

int buf_vprintf(Buf *b, const char *fmt, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    assert(n >= 0);
    char stack[512];
    int r = 0;
    if ((size_t)n < sizeof stack) {
        vsnprintf(stack, sizeof stack, fmt, again);
        r = buf_put(b, stack, (size_t)n);
    } else {
        char *tmp = mem_alloc((size_t)n + 1);
        vsnprintf(tmp, (size_t)n + 1, fmt, again);
        r = buf_put(b, tmp, (size_t)n);
        mem_free(tmp);
    }
    va_end(again);
    return r;
}

int buf_printf(Buf *b, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    int r = buf_vprintf(b, fmt, args);
    va_end(args);
    return r;
}

void buf_consume(Buf *b, size_t n) {
    assert(n <= b->n);
    b->n -= n;
    if (b->n && n)
        memmove(b->p, b->p + n, b->n);
}
