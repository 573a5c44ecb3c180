/* services/monitor/http_log.c - see http_log.h. */

#include "services/monitor/http_log.h"

typedef struct LoggedClient {
    HttpClient client; /* first */
    HttpClientOps ops; /* under the inner one's name */
    HttpClient *inner;
    Logger *log;
} LoggedClient;

static Str without_query(Str url) {
    for (size_t i = 0; i < url.n; i++)
        if (url.p[i] == '?' || url.p[i] == '#')
            return str_first(url, i);
    return url;
}

/* "HTTP GET failed": the method is one of ours, a literal. */
static Str words(Ctx *cx, const HttpRequest *req, const char *what) {
    return str_fmt(cx->arena, "HTTP %s %s", req->method ? req->method : "GET", what);
}

static int fetch(HttpClient *c, Ctx *cx, const HttpRequest *req, HttpResponse *out) {
    enum { FAILED_FROM = 400 };
    LoggedClient *l = (LoggedClient *)c;
    int r = l->inner->ops->fetch(l->inner, cx, req, out);
    Str url = without_query(req->url);
    if (r == 0 && out->status >= FAILED_FROM)
        LOG_WARNING(l->log, cx, words(cx, req, "failed"), F_STR("url", url), F_I64("status", out->status));
    else if (r < 0 && r != ERR_CANCELLED) /* nobody wanted the answer any more */
        LOG_ERROR(l->log, cx, words(cx, req, "error"), F_STR("url", url), F_STR("error", str_c(err_info(r)->name)),
                  F_STR("reason", str_c(cx->err.text)));
    return r;
}

static void close_logged(HttpClient *c) {
    LoggedClient *l = (LoggedClient *)c;
    http_client_close(l->inner);
    mem_free(l);
}

HttpClient *http_client_logged(HttpClient *inner, Logger *log) {
    LoggedClient *l = mem_new(LoggedClient);
    *l = (LoggedClient){ .ops = { .name = inner->ops->name, .fetch = fetch, .close = close_logged },
                         .inner = inner,
                         .log = log };
    l->client.ops = &l->ops;
    return &l->client;
}
