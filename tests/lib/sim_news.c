/* tests/lib/sim_news.c - see sim_news.h. */

#include "sim_news.h"

int sim_news_serve(void *arg, Ctx *cx, const HttpRequest *req, HttpResponse *out) {
    HttpUrl url;
    UNUSED(arg);
    int r = http_url_parse(cx, req->url, &url);
    if (r < 0)
        return r;
    FeedSimRequest ask = { .method = str_c(req->method),
                           .target = url.path.n ? url.path : S("/"),
                           .headers = req->headers,
                           .n_headers = req->n_headers,
                           .body = req->body };
    FeedSimReply got;
    feed_sim_handle(SIM_NEWS_SEED, cx->arena, &ask, clock_wall(cx->clock), &got);
    if (got.wire == FEED_WIRE_STALL || got.wire == FEED_WIRE_DRIP)
        return err_set(cx, ERR_TIMEOUT, "no answer within %lld ms", (long long)req->total_ms);
    if (got.wire == FEED_WIRE_CUT)
        return err_set(cx, ERR_COLLECTION, "the answer was cut short");
    if (got.wire == FEED_WIRE_ENDLESS || got.body.n > req->max_body)
        return err_set(cx, ERR_TOO_LARGE, "more than %zu bytes", req->max_body);
    *out = (HttpResponse){ .status = got.status, .n_headers = got.n_headers, .body = got.body };
    out->headers = arena_new_n(cx->arena, HttpHeader, got.n_headers);
    memcpy(out->headers, got.headers, got.n_headers * sizeof *got.headers);
    return 0;
}
