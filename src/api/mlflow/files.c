/* api/mlflow/files.c - files through the tracking server: PUT, GET and DELETE of their bytes, and lists of folders. Names in
 * lists are bare, unlike those of artifacts/list. */

#include "api/mlflow/internal.h"

static int list(ModelRegistry *r, Ctx *cx, const MlflowRequest *rq, MlflowReply *out) {
    QueryPair *query;
    size_t n_query, n;
    MlFile *v;
    Str path = { 0 };
    int e = query_split(cx, rq->query, &query, &n_query);
    for (size_t i = 0; e == 0 && i < n_query; i++)
        if (str_eq(query[i].name, S("path")))
            path = query[i].value;
    if (e == 0)
        e = ml_file_list(r, cx, path, &v, &n);
    if (e)
        return e;
    Buf b;
    JsonWriter w;
    buf_init(&b, 16 << 20);
    json_writer_init(&w, &b, false);
    json_object(&w);
    json_key(&w, S("files"));
    json_array(&w);
    for (size_t i = 0; i < n; i++) {
        json_object(&w);
        json_put_str(&w, "path", v[i].path);
        json_put_bool(&w, "is_dir", v[i].is_dir);
        if (!v[i].is_dir)
            json_put_i64(&w, "file_size", v[i].size);
        json_object_end(&w);
    }
    json_array_end(&w);
    json_object_end(&w);
    if (buf_ok(&b))
        *out = (MlflowReply){ 200, S("application/json"), str_dup(cx->arena, buf_str(&b)) };
    else
        e = err_set(cx, ERR_LIMIT, "too many files lie there");
    buf_done(&b);
    return e;
}

static int one(ModelRegistry *r, Ctx *cx, const MlflowRequest *rq, Str path, MlflowReply *out) {
    Str empty = S("{}"), bytes;
    int e;
    if (str_eq(rq->method, S("GET")) || str_eq(rq->method, S("HEAD"))) {
        e = ml_file_get_all(r, cx, path, MLFLOW_FILE_MAX, &bytes);
        if (e == 0)
            *out = (MlflowReply){ 200, S("application/octet-stream"), bytes };
        return e;
    }
    if (str_eq(rq->method, S("PUT")))
        e = rq->body.n > MLFLOW_FILE_MAX
                ? err_set(cx, ERR_TOO_LARGE, "a file has at most %d bytes here", MLFLOW_FILE_MAX)
                : ml_file_put(r, cx, path, rq->body);
    else if (str_eq(rq->method, S("DELETE")))
        e = ml_file_remove(r, cx, path);
    else
        e = err_set(cx, ERR_METHOD, "a file takes GET, PUT and DELETE");
    if (e == 0)
        *out = (MlflowReply){ 200, S("application/json"), empty };
    return e;
}

int mlflow_files(ModelRegistry *r, Ctx *cx, const MlflowRequest *rq, Str rel, MlflowReply *out) {
    Str path;
    if (str_starts(rel, S("mpu/")))
        return err_set(cx, ERR_UNSUPPORTED, "files come whole here, not in parts");
    if (!str_starts(rel, S("artifacts")) || (rel.n > 9 && rel.p[9] != '/'))
        return err_set(cx, ERR_METHOD, "API endpoint not found: " STR_FMT, STR_ARG(str_first(rq->path, 120)));
    rel = str_from(rel, 10);
    if (rel.n == 0)
        return str_eq(rq->method, S("GET")) ? list(r, cx, rq, out)
                                            : err_set(cx, ERR_METHOD, "API endpoint not found: files need a path");
    if (!percent_decode(cx->arena, rel, false, &path))
        return err_set_at(cx, ERR_INVALID, S("path"), "Invalid path: \"" STR_FMT "\"", STR_ARG(str_first(rel, 80)));
    return one(r, cx, rq, path, out);
}
