/* api/mlflow/in.c - reading MLflow's questions: bounded, tolerant where its own server is (numbers in quotes, unknown
 * members), strict about kinds. */

#include "api/mlflow/internal.h"

#include "base/vec.h"

#include <math.h>

enum { MEMBERS_MAX = 64, DEPTH_MAX = 16, ITEMS_MAX = 2000 };

static int bad_value(MlflowIn *in, const char *name) {
    return err_set_at(in->cx, ERR_INVALID, str_c(name), "Invalid value for parameter '%s' supplied.", name);
}

static int read_members(MlflowIn *in, Str body) {
    VEC(QueryPair) list = { 0 };
    JsonReader j;
    QueryPair m;
    json_reader_init(&j, body, in->cx->arena, DEPTH_MAX);
    json_open_object(&j);
    while (json_object_next(&j, &m.name) > 0) {
        if (list.n == MEMBERS_MAX)
            return err_set(in->cx, ERR_INVALID, "a request has at most %d members", MEMBERS_MAX);
        if (json_skip_raw(&j, &m.value) != 0)
            break;
        vec_push_in(in->cx->arena, &list, m);
    }
    in->members = list.v;
    in->n_members = list.n;
    return json_finish(&j) == 0 ? 0 : err_set(in->cx, ERR_BAD_REQUEST, "Malformed request: %s", j.why);
}

int mlflow_in_read(MlflowIn *in, const MlflowRequest *rq) {
    if (rq->body.n > MLFLOW_JSON_MAX)
        return err_set(in->cx, ERR_INVALID, "A request has at most %d bytes, this one has %zu", MLFLOW_JSON_MAX,
                       rq->body.n);
    int r = query_split(in->cx, rq->query, &in->query, &in->n_query);
    return r || str_trim(rq->body).n == 0 ? r : read_members(in, rq->body);
}

/* The raw JSON of a member, or empty: absent or null. Of those that come twice the last counts. */
static Str raw_of(const MlflowIn *in, const char *name) {
    for (size_t i = in->n_members; i-- > 0;)
        if (str_eq(in->members[i].name, str_c(name)))
            return str_eq(in->members[i].value, S("null")) ? (Str){ 0 } : in->members[i].value;
    return (Str){ 0 };
}

static const QueryPair *query_of(const MlflowIn *in, const char *name) {
    for (size_t i = 0; i < in->n_query; i++)
        if (str_eq(in->query[i].name, str_c(name)))
            return &in->query[i];
    return NULL;
}

/* A string, or a number as it is written. */
static int read_text(JsonReader *j, Str *out) {
    JsonToken t;
    int r = json_next(j, &t);
    *out = t.text;
    return r == 0 && (t.kind == JSON_STRING || t.kind == JSON_NUMBER) ? 0 : ERR_INVALID;
}

int in_str(MlflowIn *in, const char *name, Str *out) {
    Str raw = raw_of(in, name);
    const QueryPair *q = query_of(in, name);
    JsonReader j;
    *out = (Str){ 0 };
    if (raw.n) {
        json_reader_init(&j, raw, in->cx->arena, DEPTH_MAX);
        return read_text(&j, out) == 0 ? 0 : bad_value(in, name);
    }
    if (q)
        *out = q->value;
    return 0;
}

static int missing(MlflowIn *in, const char *name) {
    return err_set_at(
        in->cx, ERR_INVALID, str_c(name),
        "Missing value for required parameter '%s'. See the API docs for more information about request parameters.",
        name);
}

int in_required(MlflowIn *in, const char *name, Str *out) {
    int r = in_str(in, name, out);
    return r ? r : out->n ? 0 : missing(in, name);
}

int in_run_id(MlflowIn *in, Str *out) {
    int r = in_str(in, "run_id", out);
    return r ? r : out->n ? 0 : in_required(in, "run_uuid", out) == 0 ? 0 : missing(in, "run_id");
}

int in_i64(MlflowIn *in, const char *name, int64_t absent, int64_t *out) {
    Str text;
    JsonReader j;
    int r = in_str(in, name, &text);
    *out = absent;
    if (r || text.n == 0)
        return r;
    json_reader_init(&j, text, in->cx->arena, 1);
    return str_to_i64(text, out) || json_read_i64(&j, out) == 0 ? 0 : bad_value(in, name);
}

int in_bool(MlflowIn *in, const char *name, bool *out) {
    Str raw = raw_of(in, name);
    const QueryPair *q = query_of(in, name);
    if (raw.n == 0 && q)
        raw = q->value;
    *out = str_eq_nocase(raw, S("true"));
    return raw.n == 0 || *out || str_eq_nocase(raw, S("false")) ? 0 : bad_value(in, name);
}

static bool to_f64(Arena *a, Str text, double *out) {
    JsonReader j;
    if (str_eq(text, S("NaN")))
        *out = NAN;
    else if (str_eq(text, S("Infinity")) || str_eq(text, S("inf")))
        *out = INFINITY;
    else if (str_eq(text, S("-Infinity")) || str_eq(text, S("-inf")))
        *out = -INFINITY;
    else {
        json_reader_init(&j, text, a, 1);
        return text.n && json_read_f64(&j, out) == 0 && json_finish(&j) == 0;
    }
    return true;
}

int in_f64(MlflowIn *in, const char *name, double *out) {
    Str text;
    int r = in_required(in, name, &text);
    return r ? r : to_f64(in->cx->arena, text, out) ? 0 : bad_value(in, name);
}

int in_strs(MlflowIn *in, const char *name, Str **out, size_t *n) {
    VEC(Str) list = { 0 };
    Str raw = raw_of(in, name), text;
    JsonReader j;
    int more = 0;
    json_reader_init(&j, raw, in->cx->arena, DEPTH_MAX);
    if (raw.n && json_open_array(&j) != 0)
        return bad_value(in, name);
    while (raw.n && (more = json_array_next(&j)) > 0) {
        if (list.n == ITEMS_MAX || read_text(&j, &text) != 0)
            return bad_value(in, name);
        vec_push_in(in->cx->arena, &list, text);
    }
    for (size_t i = 0; raw.n == 0 && i < in->n_query; i++)
        if (str_eq(in->query[i].name, str_c(name)))
            vec_push_in(in->cx->arena, &list, in->query[i].value);
    *out = list.v;
    *n = list.n;
    return more < 0 ? bad_value(in, name) : 0;
}

/* A list of objects whose members are texts: what tags, parameters and metrics are. */
typedef struct TextRow {
    Str key, value, timestamp, step;
} TextRow;

static Str *row_member(TextRow *row, Str key) {
    return str_eq(key, S("key"))         ? &row->key
           : str_eq(key, S("value"))     ? &row->value
           : str_eq(key, S("timestamp")) ? &row->timestamp
           : str_eq(key, S("step"))      ? &row->step
                                         : NULL;
}

static int read_row(JsonReader *j, TextRow *row) {
    Str key;
    int more, r = 0;
    *row = (TextRow){ 0 };
    if (json_open_object(j) != 0)
        return ERR_INVALID;
    while (r == 0 && (more = json_object_next(j, &key)) != 0) {
        Str *to = more > 0 ? row_member(row, key) : NULL;
        r = more < 0 ? ERR_INVALID : !to || json_peek(j) == JSON_NULL ? json_skip(j) : read_text(j, to);
    }
    return r;
}

static int in_rows(MlflowIn *in, const char *name, TextRow **out, size_t *n) {
    VEC(TextRow) list = { 0 };
    Str raw = raw_of(in, name);
    JsonReader j;
    int more = 0;
    json_reader_init(&j, raw, in->cx->arena, DEPTH_MAX);
    if (raw.n && json_open_array(&j) != 0)
        return bad_value(in, name);
    while (raw.n && (more = json_array_next(&j)) > 0) {
        TextRow row;
        if (list.n == ITEMS_MAX)
            return err_set_at(in->cx, ERR_INVALID, str_c(name), "'%s' has more than %d entries", name, ITEMS_MAX);
        if (read_row(&j, &row) != 0)
            return bad_value(in, name);
        if (row.key.n == 0)
            return missing(in, "key");
        vec_push_in(in->cx->arena, &list, row);
    }
    *out = list.v;
    *n = list.n;
    return more < 0 ? bad_value(in, name) : 0;
}

int in_tags(MlflowIn *in, const char *name, MlTag **out, size_t *n) {
    TextRow *rows;
    int r = in_rows(in, name, &rows, n);
    *out = arena_new_n(in->cx->arena, MlTag, r ? 1 : *n + 1);
    for (size_t i = 0; r == 0 && i < *n; i++)
        (*out)[i] = (MlTag){ rows[i].key, rows[i].value };
    return r;
}

int in_metrics(MlflowIn *in, const char *name, MlMetric **out, size_t *n) {
    TextRow *rows;
    int r = in_rows(in, name, &rows, n);
    *out = arena_new_n(in->cx->arena, MlMetric, r ? 1 : *n + 1);
    for (size_t i = 0; r == 0 && i < *n; i++) {
        MlMetric *m = &(*out)[i];
        m->key = rows[i].key;
        if (!to_f64(in->cx->arena, rows[i].value, &m->value))
            return bad_value(in, "value");
        if (rows[i].timestamp.n && !str_to_i64(rows[i].timestamp, &m->at.ms))
            return bad_value(in, "timestamp");
        if (rows[i].step.n && !str_to_i64(rows[i].step, &m->step))
            return bad_value(in, "step");
    }
    return r;
}

int in_view(MlflowIn *in, const char *name, MlView *out) {
    Str text;
    int r = in_str(in, name, &text);
    *out = str_eq(text, S("DELETED_ONLY")) ? ML_VIEW_DELETED : str_eq(text, S("ALL")) ? ML_VIEW_ALL : ML_VIEW_ACTIVE;
    return r || text.n == 0 || *out != ML_VIEW_ACTIVE || str_eq(text, S("ACTIVE_ONLY")) ? r : bad_value(in, name);
}

int in_search(MlflowIn *in, size_t absent, size_t most, MlSearch *out) {
    int64_t limit;
    Str *order;
    *out = (MlSearch){ 0 };
    int r = in_str(in, "filter", &out->filter);
    if (r == 0)
        r = in_strs(in, "order_by", &order, &out->n_order_by);
    if (r == 0)
        r = in_str(in, "page_token", &out->page_token);
    if (r == 0)
        r = in_i64(in, "max_results", (int64_t)absent, &limit);
    if (r)
        return r;
    out->order_by = order;
    out->limit = limit < 0 ? 0 : (size_t)limit; /* 0 is refused by the port, with words */
    if (out->limit > most)
        return err_set_at(in->cx, ERR_INVALID, S("max_results"),
                          "Invalid value %lld for parameter 'max_results' supplied. It must be at most %zu.",
                          (long long)limit, most);
    return 0;
}
