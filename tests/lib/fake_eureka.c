/* tests/lib/fake_eureka.c - see fake_eureka.h. */

#include "lib/fake_eureka.h"

#include <stdio.h>

EurekaNow fake_eureka_now(Clock *clock) {
    return (EurekaNow){ clock_wall(clock), clock_mono(clock) };
}

static Str header(const HttpRequest *rq, Str name) {
    for (size_t i = 0; i < rq->n_headers; i++)
        if (str_eq_nocase(rq->headers[i].name, name))
            return rq->headers[i].value;
    return (Str){ 0 };
}

static int fetch(HttpClient *c, Ctx *cx, const HttpRequest *rq, HttpResponse *out) {
    FakeEureka *f = (FakeEureka *)c;
    HttpUrl url;
    int r = http_url_parse(cx, rq->url, &url);
    assert(r == 0 && f->n < FAKE_EUREKA_CALLS);
    FakeCall *call = &f->calls[f->n++];
    Str path = url.path;
    assert(str_starts(path, S("/eureka")));
    path = str_from(path, S("/eureka").n);
    snprintf(call->text, sizeof call->text, "%s " STR_FMT, rq->method, STR_ARG(path));
    snprintf(call->host, sizeof call->host, STR_FMT, STR_ARG(url.host));
    call->at_ms = clock_mono(cx->clock).ns / NS_PER_MS;
    call->authorized = str_eq(header(rq, S("authorization")), S("Basic dXNlcjpwYXNz"));
    if (f->fail_with)
        return err_set(cx, f->fail_with, "no route to " STR_FMT, STR_ARG(url.host));
    if (f->dead && str_eq(url.host, str_c(f->dead)))
        return err_set(cx, ERR_UNAVAILABLE, "connection refused");
    ptrdiff_t mark = str_find_char(path, '?');
    EurekaRequest ask = { .method = str_c(rq->method),
                          .path = mark < 0 ? path : str_first(path, (size_t)mark),
                          .query = mark < 0 ? (Str){ 0 } : str_from(path, (size_t)mark + 1),
                          .accept = header(rq, S("accept")),
                          .content_type = header(rq, S("content-type")),
                          .body = rq->body };
    EurekaReply reply = { .status = 404 };
    if (f->answer_with)
        reply.status = f->answer_with;
    else if (f->no_delta && str_eq(ask.path, S("/apps/delta")))
        reply.status = 403;
    else
        eureka_answer(f->node, cx->arena, fake_eureka_now(cx->clock), &ask, &reply);
    call->status = reply.status;
    *out = (HttpResponse){ .status = reply.status, .body = str_dup(cx->arena, reply.body) };
    return 0;
}

static void stay_open(HttpClient *c) {
    UNUSED(c);
}

static const HttpClientOps ops = { .name = "fake-eureka", .fetch = fetch, .close = stay_open };

void fake_eureka_init(FakeEureka *f, Clock *clock) {
    *f = (FakeEureka){ .base = { &ops } };
    fake_eureka_forget(f, clock);
}

void fake_eureka_forget(FakeEureka *f, Clock *clock) {
    EurekaRegistryOptions o;
    eureka_registry_options_default(&o);
    o.preserve = false;
    eureka_node_free(f->node);
    eureka_registry_free(f->registry);
    f->registry = eureka_registry_new(&o, fake_eureka_now(clock));
    f->node = eureka_node_new(f->registry, (MonoNs){ 0 });
}

void fake_eureka_done(FakeEureka *f) {
    eureka_node_free(f->node);
    eureka_registry_free(f->registry);
}

size_t fake_eureka_count(const FakeEureka *f, const char *part) {
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++)
        n += str_find(str_c(f->calls[i].text), str_c(part)) >= 0;
    return n;
}

const FakeCall *fake_eureka_last(const FakeEureka *f, const char *part) {
    for (size_t i = f->n; i > 0; i--)
        if (str_find(str_c(f->calls[i - 1].text), str_c(part)) >= 0)
            return &f->calls[i - 1];
    return NULL;
}
