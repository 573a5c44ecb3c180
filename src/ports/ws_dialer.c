/* ports/ws_dialer.c - the checking wrapper around every dialer. */

#include "ports/ws_dialer.h"

int ws_dialer_dial(WsDialer *d, Ctx *cx, Str url, int *link) {
    assert(d && link);
    int r = ctx_check(cx);
    if (r == 0)
        r = d->ops->dial(d, cx, url, link);
    assert(r != 0 || *link > 0);
    return r;
}

int ws_dialer_send(WsDialer *d, Ctx *cx, int link, Str text) {
    return d->ops->send(d, cx, link, text);
}

void ws_dialer_hang_up(WsDialer *d, int link) {
    d->ops->hang_up(d, link);
}

int ws_dialer_poll(WsDialer *d, Ctx *cx, int64_t wait_ms, WsEvent *out) {
    assert(out);
    *out = (WsEvent){ 0 };
    int r = ctx_check(cx);
    return r ? r : d->ops->poll(d, cx, ctx_left_ms(cx, MAX(wait_ms, 0)), out);
}

WsDialer *ws_dialer_close(WsDialer *d) {
    if (d)
        d->ops->close(d);
    return NULL;
}
