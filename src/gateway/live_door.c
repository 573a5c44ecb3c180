/* gateway/live_door.c - GET /ws: who may come in. */

#include "gateway/internal.h"

/* A page of another site may open a WebSocket to us with its visitor's rights: there is no same-origin rule for it but
 * ours (RFC 6455 section 10.2). Programs send no Origin. */
static bool same_origin(const HttpHead *head) {
    Str origin = http_field(head, S("origin"));
    if (!origin.p)
        return true;
    ptrdiff_t at = str_find(origin, S("://"));
    return at > 0 && str_eq_nocase(str_from(origin, (size_t)at + 3), head->host);
}

static int refused(Request *rq, int status, const char *why) {
    int code = status == 426   ? ERR_BAD_REQUEST
               : status == 503 ? ERR_BUSY
               : status == 501 ? ERR_UNSUPPORTED
                               : ERR_BAD_REQUEST;
    return err_set(&rq->cx, code, "%s", why);
}

bool live_serve(Request *rq) {
    Gateway *g = rq->g;
    HttpExchange *ex = rq->ex;
    const HttpHead *head = &ex->head;
    if (!g->live || !str_eq(head->path, S("/ws")))
        return false;
    const char *why = "";
    int r = 0, status = 0;
    if (!str_eq(head->method, S("GET"))) {
        rq->match.allow = S("GET");
        r = err_set(&rq->cx, ERR_METHOD, "/ws is opened with GET");
    } else if (!same_origin(head)) {
        r = err_set_at(&rq->cx, ERR_DENIED, S("origin"), "a page of another origin may not open a live connection");
    } else {
        r = gateway_principal(rq);
        if (r == 0)
            r = gateway_allow(rq, ROLE_READ);
    }
    if (r == 0)
        status = live_accept(g->live, ex, rq->key ? rq->key->key.id : (Str){ 0 }, &why);
    if (r == 0 && status == 0) {
        request_left(rq);
        return true;
    }
    if (r == 0)
        refused(rq, status, why);
    request_fail(rq);
    return true;
}
