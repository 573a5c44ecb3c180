/* tests/lib/fake_http.c - see fake_http.h. */

#include "fake_http.h"

#include "base/vec.h"

#include <pthread.h>
#include <stdio.h>

typedef struct Step {
    int status, code; /* an answer, or the code of a failure */
    char *headers, *words;
    Str body;
} Step;

typedef struct Record {
    Str url;
    Time sent;
} Record;

struct FakeHttp {
    HttpClient client; /* first */
    pthread_mutex_t lock;
    Arena arena; /* owns the script and the records; under the lock */
    VEC(Step) script;
    size_t at;
    VEC(Record) records;
    FakeHttpFn *fn;
    void *arg;
    int64_t latency_ms;
};

void fake_http_answer(Ctx *cx, HttpResponse *out, int status, const char *headers, Str body) {
    HttpHeader *hs = arena_new_n(cx->arena, HttpHeader, 32);
    size_t n = 0;
    Str rest = str_dup(cx->arena, str_c(headers)), line;
    while (str_next(&rest, '\n', &line)) {
        ptrdiff_t colon = str_find_char(line, ':');
        if (colon <= 0)
            continue;
        assert(n < 32);
        hs[n].name = str_lower(cx->arena, str_first(line, (size_t)colon));
        hs[n++].value = str_trim(str_from(line, (size_t)colon + 1));
    }
    *out = (HttpResponse){ .status = status, .headers = hs, .n_headers = n, .body = str_dup(cx->arena, body) };
}

Str fake_http_param(Str url, const char *name) {
    ptrdiff_t mark = str_find_char(url, '?');
    Str rest = mark < 0 ? (Str){ 0 } : str_from(url, (size_t)mark + 1), pair;
    while (str_next(&rest, '&', &pair)) {
        ptrdiff_t eq = str_find_char(pair, '=');
        if (eq >= 0 && str_eq(str_first(pair, (size_t)eq), str_c(name)))
            return str_from(pair, (size_t)eq + 1);
    }
    return (Str){ 0 };
}

static int fake_fetch(HttpClient *c, Ctx *cx, const HttpRequest *req, HttpResponse *out) {
    FakeHttp *f = (FakeHttp *)c;
    pthread_mutex_lock(&f->lock);
    Record record = { str_dup(&f->arena, req->url), clock_wall(cx->clock) };
    vec_push(&f->records, record);
    Step step = { 0 };
    bool scripted = f->at < f->script.n;
    if (scripted)
        step = f->script.v[f->at++];
    pthread_mutex_unlock(&f->lock);

    clock_sleep_ms(cx->clock, f->latency_ms);
    if (!scripted && f->fn)
        return f->fn(f->arg, cx, req, out);
    if (!scripted)
        return err_set(cx, ERR_INTERNAL, "unexpected request " STR_FMT, STR_ARG(req->url));
    if (step.code)
        return err_set(cx, step.code, "%s", step.words);
    if (step.body.n > req->max_body)
        return err_set(cx, ERR_TOO_LARGE, "the answer is larger than %zu bytes", req->max_body);
    fake_http_answer(cx, out, step.status, step.headers, step.body);
    return 0;
}

static void fake_close(HttpClient *c) {
    UNUSED(c);
}

static const HttpClientOps ops = { .name = "fake", .fetch = fake_fetch, .close = fake_close };

FakeHttp *fake_http_new(void) {
    FakeHttp *f = mem_new(FakeHttp);
    f->client.ops = &ops;
    pthread_mutex_init(&f->lock, NULL);
    return f;
}

FakeHttp *fake_http_free(FakeHttp *f) {
    if (!f)
        return NULL;
    vec_done(&f->script);
    vec_done(&f->records);
    arena_done(&f->arena);
    pthread_mutex_destroy(&f->lock);
    return mem_free(f);
}

HttpClient *fake_http_client(FakeHttp *f) {
    return &f->client;
}

void fake_http_reply(FakeHttp *f, int status, const char *headers, Str body) {
    Step step = { .status = status, .headers = str_cz(&f->arena, str_c(headers)), .body = str_dup(&f->arena, body) };
    vec_push(&f->script, step);
}

void fake_http_fail(FakeHttp *f, int code, const char *words) {
    Step step = { .code = code, .words = str_cz(&f->arena, str_c(words)) };
    vec_push(&f->script, step);
}

void fake_http_serve(FakeHttp *f, FakeHttpFn *fn, void *arg) {
    f->fn = fn;
    f->arg = arg;
}

void fake_http_latency_ms(FakeHttp *f, int64_t ms) {
    f->latency_ms = ms;
}

size_t fake_http_n(FakeHttp *f) {
    pthread_mutex_lock(&f->lock);
    size_t n = f->records.n;
    pthread_mutex_unlock(&f->lock);
    return n;
}

Str fake_http_url(FakeHttp *f, size_t i) {
    assert(i < fake_http_n(f));
    return f->records.v[i].url;
}

Time fake_http_sent(FakeHttp *f, size_t i) {
    assert(i < fake_http_n(f));
    return f->records.v[i].sent;
}

size_t fake_http_n_with(FakeHttp *f, const char *part) {
    size_t n = 0;
    for (size_t i = 0; i < fake_http_n(f); i++)
        n += str_find(f->records.v[i].url, str_c(part)) >= 0;
    return n;
}
