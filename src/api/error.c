/* api/error.c - the uniform error of the wire, written and read. */

#include "api/op.h"

void op_write_error(JsonWriter *w, const Ctx *cx) {
    const ErrInfo *info = err_info(cx->err.code);
    json_object(w);
    json_key(w, S("error"));
    json_object(w);
    json_put_str(w, "code", str_c(info->name));
    json_put_str(w, "message", str_c(cx->err.text[0] ? cx->err.text : info->words));
    json_key(w, S("field"));
    if (cx->err.field[0])
        json_str(w, str_c(cx->err.field));
    else
        json_null(w);
    json_put_str(w, "request_id", cx->trace.request_id);
    json_put_str(w, "correlation_id", cx->trace.correlation_id);
    json_put_bool(w, "retryable", info->retryable);
    if (cx->err.stage)
        json_put_str(w, "stage", str_c(cx->err.stage));
    if (cx->err.retry_after_ms > 0)
        json_put_i64(w, "retry_after_ms", cx->err.retry_after_ms);
    json_object_end(w);
    json_object_end(w);
}

typedef struct WireError {
    Str code, message, field;
    int64_t retry_after_ms;
} WireError;

static int read_members(JsonReader *r, WireError *out) {
    Str key;
    int more;
    json_open_object(r);
    while ((more = json_object_next(r, &key)) > 0) {
        if (str_eq(key, S("code")) && json_peek(r) == JSON_STRING)
            json_read_str(r, &out->code);
        else if (str_eq(key, S("message")) && json_peek(r) == JSON_STRING)
            json_read_str(r, &out->message);
        else if (str_eq(key, S("field")) && json_peek(r) == JSON_STRING)
            json_read_str(r, &out->field);
        else if (str_eq(key, S("retry_after_ms")) && json_peek(r) == JSON_NUMBER)
            json_read_i64(r, &out->retry_after_ms);
        else
            json_skip(r);
    }
    return more;
}

static bool read_error(Ctx *cx, Str body, WireError *out) {
    JsonReader r;
    json_reader_init(&r, body, cx->arena, SHAPE_DEPTH_MAX);
    if (json_peek(&r) != JSON_OBJECT)
        return false;
    json_open_object(&r);
    Str key;
    while (json_object_next(&r, &key) > 0)
        if (str_eq(key, S("error")) && json_peek(&r) == JSON_OBJECT)
            read_members(&r, out);
        else
            json_skip(&r);
    return !r.err && out->code.n > 0;
}

/* A body that is not ours (a proxy's page): the status alone speaks. */
static int code_of_status(int status) {
    static const struct {
        int status, code;
    } rows[] = { { 400, ERR_BAD_REQUEST }, { 401, ERR_UNAUTHORIZED }, { 403, ERR_DENIED },      { 404, ERR_NOT_FOUND },
                 { 405, ERR_METHOD },      { 406, ERR_UNACCEPTABLE }, { 409, ERR_CONFLICT },    { 413, ERR_TOO_LARGE },
                 { 415, ERR_MEDIA_TYPE },  { 422, ERR_INVALID },      { 429, ERR_LIMIT },       { 431, ERR_HEADERS },
                 { 501, ERR_UNSUPPORTED }, { 502, ERR_UNAVAILABLE },  { 503, ERR_UNAVAILABLE }, { 504, ERR_TIMEOUT },
                 { 507, ERR_STORAGE } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].status == status)
            return rows[i].code;
    return ERR_INTERNAL;
}

int op_read_error(Ctx *cx, int status, Str body) {
    WireError wire = { 0 };
    if (!read_error(cx, body, &wire))
        return err_set(cx, code_of_status(status), "the server answered HTTP %d without an error of ours", status);
    int code = err_from_name(wire.code.p, wire.code.n);
    err_set_at(cx, code, wire.field, STR_FMT, STR_ARG(wire.message));
    cx->err.retry_after_ms = MAX(wire.retry_after_ms, 0);
    return code;
}
