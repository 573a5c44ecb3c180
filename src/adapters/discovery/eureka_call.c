/* adapters/discovery/eureka_call.c - one call to whichever server answers; see eureka_internal.h. */

#include "adapters/discovery/eureka_internal.h"

#include "base/base64.h"

enum { CONNECT_MS = 5000, TOTAL_MS = 8000 };

/* Credentials out of the address, and /eureka behind it where it names no folder of its own. */
int eureka_server_parse(Ctx *cx, Arena *a, Str url, EurekaServer *out) {
    ptrdiff_t scheme = str_find(url, S("://"));
    if (scheme < 0)
        return err_set(cx, ERR_USAGE, "an address of a registry is http://HOST:PORT/eureka");
    Str rest = str_from(url, (size_t)scheme + 3), host = rest;
    ptrdiff_t slash = str_find_char(rest, '/');
    if (slash >= 0)
        host = str_first(rest, (size_t)slash);
    ptrdiff_t at = str_find_char(host, '@');
    EurekaServer s = { 0 };
    if (at >= 0) {
        Buf b;
        buf_init(&b, 4096);
        if (base64_put(&b, str_first(host, (size_t)at)) != 0) {
            buf_done(&b);
            return err_set(cx, ERR_USAGE, "user and password of a registry are too long");
        }
        s.authorization = str_fmt(a, "Basic " STR_FMT, STR_ARG(buf_str(&b)));
        buf_done(&b);
        rest = str_from(rest, (size_t)at + 1);
    }
    while (str_ends(rest, S("/")))
        rest.n--;
    bool folder = str_ends(rest, S("/eureka")) || str_ends(rest, S("/v2"));
    s.base = str_fmt(a, STR_FMT "://" STR_FMT "%s", STR_ARG(str_first(url, (size_t)scheme)), STR_ARG(rest),
                     folder ? "" : "/eureka");
    s.shown = s.base;
    HttpUrl parts;
    int r = http_url_parse(cx, s.base, &parts);
    if (r == 0)
        *out = s;
    return r == 0 ? 0 : err_set(cx, ERR_USAGE, "'" STR_FMT "' is no address of a registry", STR_ARG(s.base));
}

static int call_one(EurekaClient *c, Ctx *cx, const EurekaServer *s, const EurekaCall *call, HttpResponse *out) {
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

int eureka_call(EurekaClient *c, Ctx *cx, const EurekaCall *call, HttpResponse *out, const EurekaServer **who) {
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
