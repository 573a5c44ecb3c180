/* adapters/registry/mlflow.c - see mlflow.h: opening, and one call. */

#include "adapters/registry/mlflow_internal.h"

#include "base/base64.h"

enum { ANSWER_MAX = 64 << 20, BODY_MAX = 2 << 20, QUERY_MAX = 64 << 10, RETRY_MAX_MS = 5000, RETRY_TOTAL_MS = 60000 };

/* --- texts of requests --- */

static void put_encoded(Buf *b, Str s, bool path) {
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                     c == '.' || c == '_' || c == '~' || (path && c == '/');
        if (plain)
            buf_put_c(b, c);
        else
            buf_printf(b, "%%%02X", (unsigned)(uint8_t)c);
    }
}

void mlflow_query_put(MlflowQuery *q, const char *name, Str value) {
    if (q->b.limit == 0)
        buf_init(&q->b, QUERY_MAX);
    buf_printf(&q->b, "%s%s=", q->b.n ? "&" : "", name);
    put_encoded(&q->b, value, false);
}

Str mlflow_query_end(MlflowQuery *q, Arena *a) {
    Str out = buf_ok(&q->b) ? str_dup(a, buf_str(&q->b)) : (Str){ 0 };
    buf_done(&q->b);
    return out;
}

void mlflow_body_begin(MlflowBody *b) {
    buf_init(&b->b, BODY_MAX);
    json_writer_init(&b->w, &b->b, false);
    json_object(&b->w);
}

int mlflow_body_end(MlflowBody *b, Ctx *cx, Str *out) {
    json_object_end(&b->w);
    bool ok = buf_ok(&b->b);
    *out = ok ? str_dup(cx->arena, buf_str(&b->b)) : (Str){ 0 };
    buf_done(&b->b);
    return ok ? 0 : err_set(cx, ERR_TOO_LARGE, "more than an MLflow server takes at once");
}

void mlflow_put_tags(JsonWriter *w, const char *name, const MlTag *tags, size_t n) {
    if (n == 0)
        return;
    json_key(w, str_c(name));
    json_array(w);
    for (size_t i = 0; i < n; i++) {
        json_object(w);
        json_put_str(w, "key", tags[i].key);
        json_put_str(w, "value", tags[i].value);
        json_object_end(w);
    }
    json_array_end(w);
}

/* --- the call --- */

static int refused(const Mlflow *m, Ctx *cx, const MlflowCall *c, const HttpResponse *r) {
    Str code, words;
    int e = mlflow_read_error(cx->arena, r->body, r->status, &code, &words);
    if (r->status == 401 || r->status == 403)
        return err_set(cx, ERR_REPOSITORY,
                       "the MLflow server at " STR_FMT " turns us away (HTTP %d): see models.mlflow_*",
                       STR_ARG(m->o.url), r->status);
    return err_set(cx, e, "MLflow %s: " STR_FMT " (HTTP %d " STR_FMT ")", c->path,
                   STR_ARG(words.n ? words : S("no reason told")), r->status, STR_ARG(str_first(code, 60)));
}

static Str url_of(const Mlflow *m, Ctx *cx, const MlflowCall *c) {
    Buf b;
    buf_init(&b, QUERY_MAX + 4096);
    buf_printf(&b, STR_FMT "/api/2.0/%s", STR_ARG(m->o.url), c->path);
    if (c->file.n) {
        buf_put_c(&b, '/');
        put_encoded(&b, c->file, true);
    }
    if (c->query.n)
        buf_printf(&b, "?" STR_FMT, STR_ARG(c->query));
    Str out = str_dup(cx->arena, buf_str(&b));
    buf_done(&b);
    return out;
}

int mlflow_call(Mlflow *m, Ctx *cx, const MlflowCall *c, HttpResponse *out) {
    HttpHeader headers[4];
    size_t n = 0;
    Rng rng;
    rng_seed(&rng, ids_u64(m->o.ids));
    headers[n++] = (HttpHeader){ S("accept"), c->file.n ? S("*/*") : S("application/json") };
    if (c->body.n || c->type.n || strcmp(c->method, "GET") != 0)
        headers[n++] = (HttpHeader){ S("content-type"), c->type.n ? c->type : S("application/json") };
    if (m->authorization.n)
        headers[n++] = (HttpHeader){ S("authorization"), m->authorization };
    if (c->range.n)
        headers[n++] = (HttpHeader){ S("range"), c->range };
    HttpRequest req = { .method = c->method,
                        .url = url_of(m, cx, c),
                        .headers = headers,
                        .n_headers = n,
                        .body = c->body,
                        .total_ms = c->timeout_ms ? c->timeout_ms : m->o.timeout_ms,
                        .max_body = c->answer_max ? c->answer_max : ANSWER_MAX,
                        .allow_private = m->o.allow_private };
    RetryPolicy policy = { .attempts = m->o.attempts,
                           .base_ms = m->o.backoff_ms,
                           .max_ms = MAX(m->o.backoff_ms, RETRY_MAX_MS),
                           .total_ms = RETRY_TOTAL_MS,
                           .idempotent = c->reads,
                           .rng = &rng };
    int e = http_fetch(m->o.http, cx, &req, &policy, out, NULL);
    if (e)
        return err_prefix(cx, "MLflow server at " STR_FMT, STR_ARG(m->o.url));
    return out->status / 100 == 2 ? 0 : refused(m, cx, c, out);
}

int mlflow_post(Mlflow *m, Ctx *cx, const char *method, const char *path, MlflowBody *b, HttpResponse *out) {
    MlflowCall c = { .method = method, .path = path };
    int e = mlflow_body_end(b, cx, &c.body);
    return e ? e : mlflow_call(m, cx, &c, out);
}

int mlflow_get(Mlflow *m, Ctx *cx, const char *path, MlflowQuery *q, HttpResponse *out) {
    bool fits = buf_ok(&q->b);
    MlflowCall c = { .method = "GET", .path = path, .query = mlflow_query_end(q, cx->arena), .reads = true };
    return fits ? mlflow_call(m, cx, &c, out) : err_set(cx, ERR_TOO_LARGE, "more than fits into a query");
}

/* --- opening --- */

static void mlflow_close(ModelRegistry *r) {
    Mlflow *m = (Mlflow *)r;
    if (m->authorization.n)
        explicit_bzero((char *)(uintptr_t)m->authorization.p, m->authorization.n); /* the arena's own copy */
    if (m->o.own_http)
        http_client_close(m->o.http);
    arena_done(&m->arena);
    mem_free(m);
}

static const ModelRegistryOps ops = {
    .name = "mlflow",
    .experiment_create = mlflow_experiment_create,
    .experiment = mlflow_experiment,
    .experiments = mlflow_experiments,
    .experiment_rename = mlflow_experiment_rename,
    .experiment_life = mlflow_experiment_life,
    .run_create = mlflow_run_create,
    .run = mlflow_run,
    .runs = mlflow_runs,
    .run_update = mlflow_run_update,
    .run_life = mlflow_run_life,
    .log = mlflow_log,
    .history = mlflow_history,
    .tag_set = mlflow_tag_set,
    .tag_drop = mlflow_tag_drop,
    .model_create = mlflow_model_create,
    .model = mlflow_model,
    .models = mlflow_models,
    .model_rename = mlflow_model_rename,
    .model_describe = mlflow_model_describe,
    .model_delete = mlflow_model_delete,
    .alias_set = mlflow_alias_set,
    .alias_drop = mlflow_alias_drop,
    .version_create = mlflow_version_create,
    .version = mlflow_version,
    .versions = mlflow_versions,
    .version_describe = mlflow_version_describe,
    .version_delete = mlflow_version_delete,
    .version_stage = mlflow_version_stage,
    .file_put = mlflow_file_put,
    .file_get = mlflow_file_get,
    .file_size = mlflow_file_size,
    .file_list = mlflow_file_list,
    .file_remove = mlflow_file_remove,
    .close = mlflow_close,
};

static Str authorization_of(Arena *a, const RegistryMlflowOptions *o) {
    Buf b;
    if (o->token.n)
        return str_fmt(a, "Bearer " STR_FMT, STR_ARG(o->token));
    if (o->user.n == 0)
        return (Str){ 0 };
    Str pair = str_fmt(a, STR_FMT ":" STR_FMT, STR_ARG(o->user), STR_ARG(o->password));
    buf_init(&b, 4096);
    base64_put(&b, pair);
    Str out = str_fmt(a, "Basic " STR_FMT, STR_ARG(buf_str(&b)));
    explicit_bzero((char *)(uintptr_t)pair.p, pair.n);
    buf_done(&b);
    return out;
}

enum { SECRET_MAX = 1024 };

static int check_options(Ctx *cx, const RegistryMlflowOptions *o) {
    HttpUrl url;
    int e = http_url_parse(cx, o->url, &url);
    if (e)
        return err_prefix(cx, "models.mlflow_url");
    if (o->user.n + o->password.n > SECRET_MAX || o->token.n > SECRET_MAX)
        return err_set_at(cx, ERR_INVALID, S("models.mlflow_token"), "user, password and token have at most %d bytes",
                          SECRET_MAX);
    return 0;
}

int registry_mlflow_open(Ctx *cx, const RegistryMlflowOptions *o, ModelRegistry **out) {
    enum { TIMEOUT_MS = 30000, ATTEMPTS = 4, BACKOFF_MS = 200 };
    assert(o->http && o->ids && (!o->files || o->files_root.n));
    int e = check_options(cx, o);
    if (e && o->own_http)
        http_client_close(o->http);
    if (e)
        return e;
    Mlflow *m = mem_new(Mlflow);
    m->base.ops = &ops;
    m->o = *o;
    m->o.url = str_dup(&m->arena, o->url);
    while (m->o.url.n && m->o.url.p[m->o.url.n - 1] == '/')
        m->o.url.n--;
    m->authorization = authorization_of(&m->arena, o);
    m->o.user = m->o.password = m->o.token = (Str){ 0 };
    m->o.files_root = str_dup(&m->arena, o->files_root);
    while (m->o.files_root.n && m->o.files_root.p[m->o.files_root.n - 1] == '/')
        m->o.files_root.n--;
    m->roots.from = o->files ? m->o.files_root : (Str){ 0 };
    m->o.timeout_ms = o->timeout_ms ? o->timeout_ms : TIMEOUT_MS;
    m->o.attempts = o->attempts ? o->attempts : ATTEMPTS;
    m->o.backoff_ms = o->backoff_ms ? o->backoff_ms : BACKOFF_MS;
    *out = &m->base;
    return 0;
}
