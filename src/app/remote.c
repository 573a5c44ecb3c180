/* app/remote.c - see remote.h. */

#include "app/remote.h"

#include "net/http_caller.h"

enum { FIELDS_MAX = 16, CALL_MS = 15 * 60 * 1000, REPLY_MAX = 256 << 20 };

typedef struct Remote {
    ApiCaller caller; /* first */
    HttpCaller *http;
    ApiCaller *inner; /* turns operations into requests */
} Remote;

/* An ApiExchange. */
static int exchange(void *arg, Ctx *cx, const ApiRequest *request, ApiAnswer *out) {
    Remote *m = arg;
    HttpField fields[FIELDS_MAX];
    size_t n = 0;
    for (; n < request->n_headers && n < FIELDS_MAX; n++)
        fields[n] = (HttpField){ request->headers[n].name, request->headers[n].value };
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

int remote_open(Ctx *cx, Str address, Str key, ApiCaller **out) {
    HttpCaller *http;
    int r = http_caller_new(cx, address, &http);
    if (r != 0)
        return r;
    Remote *m = mem_new(Remote);
    *m = (Remote){ .caller = { .call = call, .close = close_remote, .name = "server" }, .http = http };
    m->inner = api_caller_http(exchange, m, key);
    *out = &m->caller;
    return 0;
}
