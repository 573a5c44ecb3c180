/* api/mlflow/mlflow.c - see mlflow.h: which path is what, and failures in MLflow's words. */

#include "api/mlflow/internal.h"

enum { ANSWER_MAX = 64 << 20 };

#define JSON_MEDIA S("application/json")

typedef struct MlflowCode {
    int code, status;
    const char *name;
} MlflowCode;

static const MlflowCode codes[] = { { ERR_NOT_FOUND, 404, "RESOURCE_DOES_NOT_EXIST" },
                                    { ERR_CONFLICT, 400, "RESOURCE_ALREADY_EXISTS" },
                                    { ERR_INVALID, 400, "INVALID_PARAMETER_VALUE" },
                                    { ERR_BAD_REQUEST, 400, "BAD_REQUEST" },
                                    { ERR_METHOD, 404, "ENDPOINT_NOT_FOUND" },
                                    { ERR_TOO_LARGE, 413, "INVALID_PARAMETER_VALUE" },
                                    { ERR_DENIED, 403, "PERMISSION_DENIED" },
                                    { ERR_LIMIT, 429, "RESOURCE_EXHAUSTED" },
                                    { ERR_UNSUPPORTED, 501, "NOT_IMPLEMENTED" },
                                    { ERR_REPOSITORY, 503, "TEMPORARILY_UNAVAILABLE" },
                                    { ERR_UNAVAILABLE, 503, "TEMPORARILY_UNAVAILABLE" },
                                    { ERR_BUSY, 503, "TEMPORARILY_UNAVAILABLE" },
                                    { ERR_TIMEOUT, 504, "DEADLINE_EXCEEDED" },
                                    { ERR_INTERNAL, 500, "INTERNAL_ERROR" } };

static void fail(Ctx *cx, int r, MlflowReply *out) {
    const MlflowCode *c = &codes[ARRAY_LEN(codes) - 1];
    Buf b;
    JsonWriter w;
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (codes[i].code == r)
            c = &codes[i];
    buf_init(&b, 4096);
    json_writer_init(&w, &b, false);
    json_object(&w);
    json_put_str(&w, "error_code", str_c(c->name));
    json_put_str(&w, "message", str_c(cx->err.text));
    json_object_end(&w);
    *out = (MlflowReply){ c->status, JSON_MEDIA, str_dup(cx->arena, buf_str(&b)) };
    buf_done(&b);
}

static const MlflowRoute *find(const MlflowRoute *routes, Str method, Str path) {
    for (const MlflowRoute *r = routes; r->method; r++)
        if (str_eq(method, str_c(r->method)) && str_eq(path, str_c(r->path)))
            return r;
    return NULL;
}

/* What lies behind "/api/2.0/mlflow/" or "/ajax-api/2.0/mlflow/"; empty: another path. */
static Str behind(Str path, Str what) {
    Str rest = str_starts(path, MLFLOW_PREFIX)        ? str_from(path, MLFLOW_PREFIX.n)
               : str_starts(path, MLFLOW_AJAX_PREFIX) ? str_from(path, MLFLOW_AJAX_PREFIX.n)
                                                      : (Str){ 0 };
    return str_starts(rest, what) ? str_from(rest, what.n) : (Str){ 0 };
}

static int endpoint_unknown(Ctx *cx, const MlflowRequest *rq) {
    return err_set(cx, ERR_METHOD, "API endpoint not found: " STR_FMT " " STR_FMT, STR_ARG(rq->method),
                   STR_ARG(str_first(rq->path, 120)));
}

static int answer_json(ModelRegistry *r, Ctx *cx, const MlflowRequest *rq, Str path, MlflowReply *out) {
    const MlflowRoute *route = find(mlflow_tracking_routes, rq->method, path);
    if (!route)
        route = find(mlflow_model_routes, rq->method, path);
    if (!route)
        return endpoint_unknown(cx, rq);
    Buf b;
    JsonWriter w;
    MlflowIn in = { .cx = cx, .r = r, .w = &w };
    buf_init(&b, ANSWER_MAX);
    json_writer_init(&w, &b, false);
    json_object(&w);
    int e = mlflow_in_read(&in, rq);
    if (e == 0)
        e = route->fn(&in);
    if (e == 0) {
        json_object_end(&w);
        e = buf_ok(&b) ? 0 : err_set(cx, ERR_LIMIT, "the answer is too long: ask for fewer at once (max_results)");
    }
    if (e == 0)
        *out = (MlflowReply){ 200, JSON_MEDIA, str_dup(cx->arena, buf_str(&b)) };
    buf_done(&b);
    return e;
}

void mlflow_answer(ModelRegistry *r, Ctx *cx, const MlflowRequest *rq, MlflowReply *out) {
    Str json = behind(rq->path, S("/mlflow/")), files = behind(rq->path, S("/mlflow-artifacts/"));
    int e = json.n    ? answer_json(r, cx, rq, json, out)
            : files.n ? mlflow_files(r, cx, rq, files, out)
                      : endpoint_unknown(cx, rq);
    if (e)
        fail(cx, e, out);
}

Role mlflow_needs(Str method, Str path) {
    bool asks = str_eq(method, S("GET")) || str_eq(method, S("HEAD")) || str_ends(path, S("/search")) ||
                str_ends(path, S("/get-latest-versions"));
    bool file = behind(path, S("/mlflow-artifacts/")).n > 0;
    return asks && (!file || str_eq(method, S("GET"))) ? ROLE_READ : ROLE_WRITE;
}
