/* base/ctx.c - see ctx.h. */

#include "base/ctx.h"

#include <stdarg.h>
#include <stdio.h>

void ctx_init(Ctx *cx, Arena *arena, Clock *clock) {
    *cx = (Ctx){ .arena = arena, .clock = clock, .workspace = S("default") };
}

int ctx_check(Ctx *cx) {
    if (cx->cancel && atomic_load_explicit(cx->cancel, memory_order_relaxed))
        return err_set(cx, ERR_CANCELLED, "cancelled");
    if (cx->deadline.ns && clock_mono(cx->clock).ns >= cx->deadline.ns)
        return err_set(cx, ERR_TIMEOUT, "the deadline of the request has passed");
    return 0;
}

int64_t ctx_left_ms(Ctx *cx, int64_t most) {
    if (!cx->deadline.ns)
        return most;
    int64_t left = mono_ms_between(clock_mono(cx->clock), cx->deadline);
    return CLAMP(left, 0, most);
}

#undef err_set /* the analyzer's versions, see the header */
#undef err_set_at
#undef err_note

static PRINTF_LIKE(4, 0) int set(Ctx *cx, int code, Str field, const char *fmt, va_list args) {
    assert(code < 0);
    /* The arguments may point into the old text (a prefix, a rewording): build beside it. */
    char text[ERR_TEXT_MAX];
    vsnprintf(text, sizeof text, fmt, args);
    memcpy(cx->err.text, text, sizeof text);
    cx->err.code = code;
    cx->err.retry_after_ms = 0;
    size_t n = MIN(field.n, sizeof cx->err.field - 1);
    if (n)
        memmove(cx->err.field, field.p, n);
    cx->err.field[n] = '\0';
    return code;
}

int err_set(Ctx *cx, int code, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    set(cx, code, (Str){ 0 }, fmt, args);
    va_end(args);
    return code;
}

int err_set_at(Ctx *cx, int code, Str field, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    set(cx, code, field, fmt, args);
    va_end(args);
    return code;
}

int err_note(Ctx *cx, int code, const char *fmt, ...) {
    if (cx->err.code == code)
        return code;
    va_list args;
    va_start(args, fmt);
    set(cx, code, (Str){ 0 }, fmt, args);
    va_end(args);
    return code;
}

int err_prefix(Ctx *cx, const char *fmt, ...) {
    assert(cx->err.code < 0);
    char prefix[ERR_TEXT_MAX], text[ERR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(prefix, sizeof prefix, fmt, args);
    va_end(args);
    n = CLAMP(n, 0, (int)sizeof prefix - 3);
    snprintf(text, sizeof text, "%.*s: %.*s", n, prefix, (int)sizeof text - 3 - n, cx->err.text);
    memcpy(cx->err.text, text, sizeof text);
    return cx->err.code;
}

void err_clear(Ctx *cx) {
    cx->err = (Err){ 0 };
}
