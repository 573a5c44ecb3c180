/* sim/sim_http.c - see sim_http.h. */

#include "sim/sim_http.h"

#include "base/mem.h"
#include "base/rng.h"
#include "base/zip.h"

typedef struct SimHttp {
    HttpClient client; /* first */
    SimHttpOptions o;
    Rng rng;
    Zip *zip;
} SimHttp;

/* Lets ms pass on the clock, but not beyond the deadline of the exchange. false: that came first. */
static bool pass(SimHttp *h, Ctx *cx, MonoNs deadline, int64_t ms) {
    int64_t left = mono_ms_between(clock_mono(h->o.clock), deadline);
    left = ctx_left_ms(cx, MAX(left, 0));
    clock_sleep_ms(h->o.clock, MIN(ms, left));
    return ms <= left;
}

static int timed_out(Ctx *cx, const HttpRequest *req) {
    int r = ctx_check(cx); /* the caller's own deadline or cancel says more */
    return r ? r
             : err_set(cx, ERR_TIMEOUT, STR_FMT ": no answer in %lld ms", STR_ARG(req->url), (long long)req->total_ms);
}

/* Everything on the way but the answer itself: 0, or how it was lost. */
static int travel(SimHttp *h, Ctx *cx, const HttpRequest *req, MonoNs deadline) {
    if (rng_chance(&h->rng, h->o.refuse))
        return err_set(cx, ERR_UNAVAILABLE, STR_FMT ": cannot connect (simulated)", STR_ARG(req->url));
    int64_t ms = h->o.latency_ms + (h->o.jitter_ms > 0 ? rng_between(&h->rng, 0, h->o.jitter_ms) : 0);
    if (rng_chance(&h->rng, h->o.drop))
        ms = INT64_MAX;
    return pass(h, cx, deadline, ms) ? 0 : timed_out(cx, req);
}

/* The bytes of the answer on their way back. */
static int deliver(SimHttp *h, Ctx *cx, const HttpRequest *req, const SimReply *r, MonoNs deadline) {
    switch (r->wire) {
    case SIM_RESET:
        return err_set(cx, ERR_COLLECTION, STR_FMT ": the connection broke after %zu bytes (simulated)",
                       STR_ARG(req->url), r->body.n / 2);
    case SIM_STALL:
        return pass(h, cx, deadline, r->wire_n) ? 0 : timed_out(cx, req);
    case SIM_TRICKLE: {
        int64_t pieces = ((int64_t)r->body.n + r->wire_n - 1) / r->wire_n;
        return pass(h, cx, deadline, pieces * 100) ? 0 : timed_out(cx, req);
    }
    default:
        return 0;
    }
}

static int decode(SimHttp *h, Ctx *cx, const HttpRequest *req, const SimReply *r, HttpResponse *out) {
    Buf plain;
    buf_init(&plain, req->max_body);
    bool gzip = str_eq_nocase(http_response_header(out, S("Content-Encoding")), S("gzip"));
    int e = gzip ? zip_expand(h->zip, ZIP_GZIP, r->body, &plain) : buf_put_str(&plain, r->body);
    if (e == 0) {
        char *copy = arena_alloc(cx->arena, plain.n + 1);
        memcpy(copy, plain.n ? plain.p : "", plain.n);
        out->body = str_n(copy, plain.n);
    } else if (e == ERR_LIMIT) {
        e = err_set(cx, ERR_TOO_LARGE, STR_FMT ": the body is over %zu bytes", STR_ARG(req->url), req->max_body);
    } else {
        e = err_set(cx, ERR_COLLECTION, STR_FMT ": the body is not gzip as it says", STR_ARG(req->url));
    }
    buf_done(&plain);
    return e;
}

static int exchange(SimHttp *h, Ctx *cx, const HttpRequest *req, HttpResponse *out) {
    HttpUrl url;
    int r = http_url_parse(cx, req->url, &url);
    if (r != 0)
        return r;
    MonoNs deadline = mono_add_ms(clock_mono(h->o.clock), req->total_ms);
    r = travel(h, cx, req, deadline);
    if (r != 0)
        return r;
    /* as the curl adapter asks: so that the encoding is exercised too */
    HttpHeader *headers = arena_new_n(cx->arena, HttpHeader, req->n_headers + 1);
    memcpy(headers, req->headers ? req->headers : headers, req->n_headers * sizeof *headers);
    headers[req->n_headers] = (HttpHeader){ S("Accept-Encoding"), S("gzip, deflate") };
    SimRequest call = { .method = str_c(req->method),
                        .target = url.path.n ? url.path : S("/"),
                        .headers = headers,
                        .n_headers = req->n_headers + 1,
                        .body = req->body,
                        .peer = S("127.0.0.1") };
    SimReply reply;
    exchange_sim_handle(h->o.exchange, cx->arena, &call, clock_wall(h->o.venue), &reply);
    r = deliver(h, cx, req, &reply, deadline);
    if (r != 0)
        return r;
    *out = (HttpResponse){ .status = reply.status, .n_headers = reply.n_headers };
    out->headers = arena_new_n(cx->arena, HttpHeader, reply.n_headers + 1);
    memcpy(out->headers, reply.headers, reply.n_headers * sizeof *out->headers);
    return decode(h, cx, req, &reply, out);
}

static int sim_fetch(HttpClient *c, Ctx *cx, const HttpRequest *req, HttpResponse *out) {
    SimHttp *h = (SimHttp *)c;
    int r = exchange(h, cx, req, out);
    if (r != 0)
        out->status = 0;
    if (h->o.on_done)
        h->o.on_done(h->o.arg, req, r, out);
    return r;
}

static void sim_close(HttpClient *c) {
    zip_free(((SimHttp *)c)->zip);
    mem_free(c);
}

static const HttpClientOps ops = { .name = "simulated", .fetch = sim_fetch, .close = sim_close };

HttpClient *sim_http_new(const SimHttpOptions *o) {
    assert(o->exchange && o->clock);
    SimHttp *h = mem_new(SimHttp);
    h->client.ops = &ops;
    h->o = *o;
    h->o.venue = o->venue ? o->venue : o->clock;
    rng_seed(&h->rng, o->seed);
    h->zip = zip_new();
    return &h->client;
}
