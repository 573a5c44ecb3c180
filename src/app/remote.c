/* app/remote.c - see remote.h. */

#include "app/remote.h"

#include "gateway/forward.h"

enum { FIELDS_MAX = 16, OWN_FIELDS = 2, CALL_MS = 15 * 60 * 1000, REPLY_MAX = 256 << 20 };

typedef struct Remote {
    ApiCaller caller; /* first */
    HttpCaller *http;
    Str internal_key; /* empty: none */
    ApiCaller *inner; /* turns operations into requests */
} Remote;

/* An ApiExchange. */
static int exchange(void *arg, Ctx *cx, const ApiRequest *request, ApiAnswer *out) {
    Remote *m = arg;
    HttpField fields[FIELDS_MAX];
    size_t n = 0;
    for (; n < request->n_headers && n < FIELDS_MAX - OWN_FIELDS; n++)
        fields[n] = (HttpField){ request->headers[n].name, request->headers[n].value };
    if (m->internal_key.n) {
        const Principal *who = &cx->principal;
        fields[n++] = (HttpField){ S(FORWARD_INTERNAL_KEY), m->internal_key };
        fields[n++] =
            (HttpField){ S(FORWARD_PRINCIPAL), str_fmt(cx->arena, "%d " STR_FMT, (int)MAX(who->role, ROLE_READ),
                                                       STR_ARG(who->id.n ? who->id : S("finsight"))) };
    }
    HttpCall call = { .method = request->method,
                      .path = request->target,
                      .fields = fields,
                      .n_fields = n,
                      .body = request->body,
                      .max_body = REPLY_MAX,
                      .timeout_ms = CALL_MS };
    HttpCallReply reply;
    int r = http_call(m->http, cx, &call, &reply);
    if (r != 0)
        return r;
    int64_t retry_s = 0;
    str_to_i64(http_call_field(&reply, S("retry-after")), &retry_s);
    *out = (ApiAnswer){ .status = reply.status,
                        .content_type = http_call_field(&reply, S("content-type")),
                        .body = reply.body,
                        .retry_after_ms = retry_s * MS_PER_SECOND };
    return 0;
}

static int call(ApiCaller *c, Ctx *cx, const Op *op, const void *in, void *out) {
    return api_call(((Remote *)c)->inner, cx, op, in, out);
}

static void close_remote(ApiCaller *c) {
    Remote *m = (Remote *)c;
    api_caller_close(m->inner);
    http_caller_free(m->http);
    mem_free(m);
}

int remote_open(Ctx *cx, Str address, const RemoteTrust *trust, ApiCaller **out) {
    static const RemoteTrust nothing;
    const RemoteTrust *t = trust ? trust : &nothing;
    HttpCaller *http;
    int r = http_caller_new_trusting(cx, address, &t->tls, &http);
    if (r != 0)
        return r;
    Remote *m = mem_new(Remote);
    *m = (Remote){ .caller = { .call = call, .close = close_remote, .name = "server" },
                   .http = http,
                   .internal_key = t->internal_key };
    m->inner = api_caller_http(exchange, m, t->internal_key.n ? (Str){ 0 } : t->key);
    *out = &m->caller;
    return 0;
}
