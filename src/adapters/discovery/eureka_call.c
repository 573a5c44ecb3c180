/* adapters/discovery/eureka_call.c - one call to whichever server answers; see eureka_internal.h. */

#include "adapters/discovery/eureka_internal.h"

enum { CONNECT_MS = 5000, TOTAL_MS = 8000 };

int eureka_server_parse(Ctx *cx, Arena *a, Str url, EurekaAddress *out) {
    HttpUrl parts;
    EurekaAddress address = { 0 };
    int r = eureka_address_parse(a, url, &address);
    if (r == 0)
        r = http_url_parse(cx, address.base, &parts);
    if (r == 0)
        *out = address;
    return r == 0 ? 0 : err_set(cx, ERR_USAGE, "an address of a registry is http://[USER:PASSWORD@]HOST:PORT/eureka");
}

static int call_one(EurekaClient *c, Ctx *cx, const EurekaAddress *s, const EurekaCall *call, HttpResponse *out) {
    HttpHeader headers[3] = { { S("Accept"), S("application/json") } };
    size_t n = 1;
    if (call->body.n)
        headers[n++] = (HttpHeader){ S("Content-Type"), S("application/json") };
    if (s->authorization.n)
        headers[n++] = (HttpHeader){ S("Authorization"), s->authorization };
    HttpRequest rq = { .method = call->method,
                       .url = str_fmt(cx->arena, STR_FMT STR_FMT, STR_ARG(s->base), STR_ARG(call->path)),
                       .headers = headers,
                       .n_headers = n,
                       .body = call->body,
                       .connect_ms = c->o.connect_ms ? c->o.connect_ms : CONNECT_MS,
                       .total_ms = c->o.total_ms ? c->o.total_ms : TOTAL_MS,
                       .max_body = EUREKA_ANSWER_MAX,
                       .allow_private = true };
    *out = (HttpResponse){ 0 };
    int r = http_fetch(c->o.http, cx, &rq, &(RetryPolicy){ .attempts = 1 }, out, NULL);
    return out->status ? 0 : r; /* an answer is an answer, whatever it says */
}

int eureka_call(EurekaClient *c, Ctx *cx, const EurekaCall *call, HttpResponse *out, const EurekaAddress **who) {
    int r = 0;
    for (size_t i = 0; i < c->o.n_servers; i++) {
        size_t at = (c->at + i) % c->o.n_servers;
        *who = &c->servers[at];
        err_clear(cx);
        r = call_one(c, cx, *who, call, out);
        if (r == 0 && out->status < 500) {
            c->at = at;
            return 0;
        }
        if (r == ERR_CANCELLED)
            return r;
    }
    return r;
}

void eureka_tell(EurekaClient *c, const DiscoveryNews *news) {
    if (c->base.news)
        c->base.news(c->base.news_arg, news);
}

MonoNs eureka_later(EurekaClient *c, MonoNs now, int n) {
    int64_t wait = retry_wait_ms(&retry_endless, n, 0, INT64_MAX, &c->rng);
    enum { LEAST_MS = 100 }; /* full jitter may draw 0 */
    return mono_add_ms(now, MAX(wait, (int64_t)LEAST_MS));
}
