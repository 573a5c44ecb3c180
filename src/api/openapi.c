/* api/openapi.c - OpenAPI 3.1 of all tables. What is written here is what op_decode and shape_write do: one table,
 * two readers. */

#include "api/schema.h"

#include "base/vec.h"

#include <stdio.h>

typedef struct Route {
    Str path, method;
    const Op *op;
    int alias; /* 0: the operation's own path; else the number of the alias */
    const char *role;
} Route;

typedef struct Routes {
    Route *v;
    size_t n, cap;
} Routes;

typedef struct Doc {
    JsonWriter *w;
    Ctx *cx; /* for examples; its arena is ours */
} Doc;

static void collect(Arena *a, const OpTable *const *tables, size_t n, Routes *out) {
    for (size_t t = 0; t < n; t++)
        for (size_t i = 0; i < tables[t]->n_ops; i++) {
            const Op *op = tables[t]->ops[i];
            vec_push_in(a, out, ((Route){ str_c(op->path), str_c(op->method), op, 0, tables[t]->role }));
        }
    for (size_t t = 0; t < n; t++)
        for (size_t i = 0; i < tables[t]->n_ops; i++) {
            const Op *op = tables[t]->ops[i];
            for (int k = 0; op->aliases && op->aliases[k]; k++) {
                OpAlias alias = op_alias(op, op->aliases[k]);
                vec_push_in(a, out, ((Route){ alias.path, alias.method, op, k + 1, tables[t]->role }));
            }
        }
}

/* --- parameters --- */

static void put_example(Doc *d, const Field *f) {
    if (!f->example || f->flags & F_SECRET || f->type >= FT_SHAPE)
        return;
    Time time;
    json_key(d->w, S("example"));
    if (f->type == FT_TIME && time_parse_any(str_c(f->example), &time))
        json_time(d->w, time); /* a date alone is read, but is no date-time of RFC 3339 */
    else if (f->type == FT_STR || f->type == FT_LIST)
        json_str(d->w, str_c(f->example));
    else
        json_raw(d->w, str_c(f->example));
}

static void put_parameter(Doc *d, const Field *f, const char *in, bool required, const char *doc) {
    JsonWriter *w = d->w;
    bool json = f->type >= FT_SHAPE && !(f->type == FT_LIST && !f->of); /* has no text form but JSON */
    json_object(w);
    json_put_str(w, "name", field_name(f));
    json_put_str(w, "in", str_c(in));
    json_put_str(w, "description", str_c(doc ? doc : f->doc));
    json_put_bool(w, "required", required);
    if (json) {
        json_key(w, S("content"));
        json_object(w);
        json_key(w, S("application/json"));
        json_object(w);
    }
    json_key(w, S("schema"));
    schema_field(w, f);
    if (json) {
        json_object_end(w);
        json_object_end(w);
    } else if (f->type == FT_LIST) {
        json_put_str(w, "style", S("form"));
        json_put_bool(w, "explode", false);
    } else {
        put_example(d, f);
    }
    json_object_end(w);
}

/* CSV has room for rows only: the scalar fields of such a body are given in the query. */
static bool goes_beside_csv(const Op *op, const Field *f) {
    return op->csv && op_candles_field(op->in) && f->type < FT_SHAPE && op_field_source(op, f) == F_BODY;
}

static void put_parameters(Doc *d, const Route *r) {
    const Op *op = r->op;
    if (!op->in)
        return;
    json_key(d->w, S("parameters"));
    json_array(d->w);
    for (size_t i = 0; i < op->in->n_fields; i++) {
        const Field *f = &op->in->fields[i];
        unsigned source = op_field_source(op, f);
        if (path_names(r->path, field_name(f)))
            put_parameter(d, f, "path", true, NULL);
        else if (source & (F_QUERY | F_PATH)) /* an alias without the {name} asks for it in the query */
            put_parameter(d, f, "query", f->flags & F_REQUIRED, NULL);
        else if (goes_beside_csv(op, f))
            put_parameter(d, f, "query", false, "Only beside a text/csv body, which has no place for it.");
    }
    json_array_end(d->w);
}

/* --- bodies --- */

static void put_csv(Doc *d) {
    json_key(d->w, S("text/csv"));
    json_raw(d->w, S("{\"schema\":{\"type\":\"string\"},\"example\":\"ts,open,high,low,close,volume\\n"
                     "2024-01-01T00:00:00Z,42283.58,42554.57,42261.02,42475.23,1271.68108\\n\"}"));
}

/* "a/b, c/d": a document under one of these media types. */
static void put_raw(Doc *d, const char *media) {
    json_key(d->w, S("content"));
    json_object(d->w);
    for (Str rest = str_c(media); rest.n;) {
        ptrdiff_t comma = str_find_char(rest, ',');
        json_key(d->w, str_trim(comma < 0 ? rest : str_first(rest, (size_t)comma)));
        json_raw(d->w, S("{\"schema\":{\"type\":\"string\"}}"));
        rest = comma < 0 ? (Str){ 0 } : str_from(rest, (size_t)comma + 1);
    }
    json_object_end(d->w);
}

static void put_ref(JsonWriter *w, const char *kind, Str name) {
    char ref[160];
    snprintf(ref, sizeof ref, "#/components/%s/" STR_FMT, kind, STR_ARG(name));
    json_put_str(w, "$ref", str_c(ref));
}

static void open_json(Doc *d, Str schema) {
    json_key(d->w, S("application/json"));
    json_object(d->w);
    json_key(d->w, S("schema"));
    json_object(d->w);
    put_ref(d->w, "schemas", schema);
    json_object_end(d->w);
    json_key(d->w, S("example"));
}

static void put_request_body(Doc *d, const Op *op) {
    if (!op_has_body(op))
        return;
    bool required = false;
    for (size_t i = 0; i < op->in->n_fields; i++)
        required |= op->in->fields[i].flags & F_REQUIRED && op_field_source(op, &op->in->fields[i]) & F_BODY;
    json_key(d->w, S("requestBody"));
    json_object(d->w);
    json_put_bool(d->w, "required", required);
    json_key(d->w, S("content"));
    json_object(d->w);
    open_json(d, schema_body_name(d->cx->arena, op));
    schema_body_example(d->w, d->cx, op);
    json_object_end(d->w);
    if (op->csv && op_candles_field(op->in))
        put_csv(d);
    json_object_end(d->w);
    json_object_end(d->w);
}

static void put_success(Doc *d, const Op *op) {
    json_key(d->w, !op->out ? S("204") : op->status ? str_fmt(d->cx->arena, "%d", op->status) : S("200"));
    json_object(d->w);
    json_put_str(d->w, "description", str_c(op->out && op->out->doc ? op->out->doc : "Done."));
    if (op->raw) {
        put_raw(d, op->raw);
    } else if (op->out) {
        void *out = arena_alloc(d->cx->arena, op->out->size);
        shape_example(op->out, d->cx, out);
        json_key(d->w, S("content"));
        json_object(d->w);
        open_json(d, str_c(op->out->name));
        shape_write(op->out, d->w, out);
        json_object_end(d->w);
        if (op->csv && op_candles_field(op->out))
            put_csv(d);
        json_object_end(d->w);
    }
    json_object_end(d->w);
}

/* --- errors --- */

/* Which failures an operation can have follows from what it is. */
static bool may_answer(const Op *op, int status) {
    switch (status) {
    case 401:
    case 403:
        return op->role > ROLE_NONE;
    case 404:
        return op->in != NULL;
    case 406:
        return op->csv;
    case 409:
        return strcmp(op->method, "GET") != 0;
    case 413:
    case 415:
        return op_has_body(op);
    case 422:
        return op->in != NULL;
    case 405:
    case 431:
    case 499:
        return false; /* of the server, not of an operation */
    case 501:         /* what the configured adapter cannot do, or has no key for */
    case 502:
    case 507:
        return op->lane == LANE_IO || op->lane == LANE_FEED;
    default:
        return true;
    }
}

enum { STATUSES_MAX = 32 };

static size_t statuses(int out[static STATUSES_MAX]) { /* ascending, once each */
    static const int all[] = {
#define ERR_STATUS(code, nr, name, http, retry, exit, words) http,
        ERR_TABLE(ERR_STATUS)
#undef ERR_STATUS
    };
    size_t n = 0;
    for (int status = 400; status < 600; status++)
        for (size_t i = 0; i < ARRAY_LEN(all); i++)
            if (all[i] == status) {
                out[n++] = status;
                break;
            }
    return n;
}

static void put_responses(Doc *d, const Op *op) {
    int all[STATUSES_MAX];
    size_t n = statuses(all);
    json_key(d->w, S("responses"));
    json_object(d->w);
    put_success(d, op);
    for (size_t i = 0; i < n; i++) {
        if (!may_answer(op, all[i]))
            continue;
        Str name = str_fmt(d->cx->arena, "%d", all[i]);
        json_key(d->w, name);
        json_object(d->w);
        put_ref(d->w, "responses", str_fmt(d->cx->arena, "E" STR_FMT, STR_ARG(name)));
        json_object_end(d->w);
    }
    json_object_end(d->w);
}

static Str status_words(Doc *d, int status) {
    Buf b;
    buf_init(&b, 1024);
#define ERR_WORDS(code, nr, name, http, retry, exit, words)                                                            \
    if (http == status)                                                                                                \
        buf_printf(&b, "%s%s: %s", b.n ? "; " : "", name, words);
    ERR_TABLE(ERR_WORDS)
#undef ERR_WORDS
    Str text = str_dup(d->cx->arena, buf_str(&b));
    buf_done(&b);
    return text;
}

static bool any_may_answer(const Routes *routes, int status) {
    for (size_t i = 0; i < routes->n; i++)
        if (may_answer(routes->v[i].op, status))
            return true;
    return false;
}

static void put_error_components(Doc *d, const Routes *routes) {
    int all[STATUSES_MAX];
    size_t n = statuses(all);
    json_key(d->w, S("responses"));
    json_object(d->w);
    for (size_t i = 0; i < n; i++) {
        if (!any_may_answer(routes, all[i]))
            continue;
        json_key(d->w, str_fmt(d->cx->arena, "E%d", all[i]));
        json_object(d->w);
        json_put_str(d->w, "description", status_words(d, all[i]));
        json_key(d->w, S("content"));
        json_raw(d->w, S("{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/Error\"}}}"));
        json_object_end(d->w);
    }
    json_object_end(d->w);
}

/* --- operations and paths --- */

static void put_security(Doc *d, const Op *op) {
    json_key(d->w, S("security"));
    json_raw(d->w, op->role == ROLE_NONE ? S("[]") : S("[{\"ApiKey\":[]},{\"Bearer\":[]}]"));
}

static void put_operation(Doc *d, const Route *r) {
    static const char *const roles[] = { "none", "read", "write", "admin" };
    const Op *op = r->op;
    JsonWriter *w = d->w;
    json_key(w, str_lower(d->cx->arena, r->method));
    json_object(w);
    json_put_str(w, "operationId",
                 r->alias ? str_fmt(d->cx->arena, "%s.alias%d", op->name, r->alias) : str_c(op->name));
    json_put_str(w, "summary", str_c(op->summary));
    if (op->doc)
        json_put_str(w, "description", str_c(op->doc));
    json_key(w, S("tags"));
    json_array(w);
    json_str(w, str_c(op->tag));
    json_array_end(w);
    if (r->alias || op->deprecated)
        json_put_bool(w, "deprecated", true);
    if (r->alias)
        json_put_str(w, "x-alias-of", str_c(op->path));
    Time since, sunset;
    if (op_deprecation(op, &since, &sunset))
        json_put_time(w, "x-sunset", sunset);
    json_put_str(w, "x-role", str_c(roles[op->role]));
    json_put_bool(w, "x-idempotent", op->idempotent);
    if (op->deadline_ms)
        json_put_i64(w, "x-deadline-ms", op->deadline_ms);
    put_security(d, op);
    put_parameters(d, r);
    put_request_body(d, op);
    put_responses(d, op);
    json_object_end(w);
}

static void put_paths(Doc *d, const Routes *routes) {
    json_key(d->w, S("paths"));
    json_object(d->w);
    for (size_t i = 0; i < routes->n; i++) {
        bool done = false;
        for (size_t k = 0; k < i && !done; k++)
            done = str_eq(routes->v[k].path, routes->v[i].path);
        if (done)
            continue;
        json_key(d->w, routes->v[i].path);
        json_object(d->w);
        for (size_t k = i; k < routes->n; k++)
            if (str_eq(routes->v[k].path, routes->v[i].path))
                put_operation(d, &routes->v[k]);
        json_object_end(d->w);
    }
    json_object_end(d->w);
}

static void put_head(Doc *d, Str server_url) {
    JsonWriter *w = d->w;
    json_put_str(w, "openapi", S("3.1.0"));
    json_key(w, S("info"));
    json_object(w);
    json_put_str(w, "title", S("FinSight API Gateway")); /* GWY-01 */
    json_put_str(w, "version", S(API_VERSION));
    json_put_str(w, "summary", S("Financial data that can be trusted, served by one binary."));
    json_put_str(w, "description",
                 S("Times are UTC; ranges are half open. Unknown parameters and keys are refused. Every failure has "
                   "the form of the Error schema."));
    json_key(w, S("license"));
    json_raw(w, S("{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}"));
    json_object_end(w);
    json_key(w, S("servers"));
    json_array(w);
    json_object(w);
    json_put_str(w, "url", server_url.n ? server_url : S("/"));
    json_object_end(w);
    json_array_end(w);
}

static void put_tags(Doc *d, const Routes *routes) {
    json_key(d->w, S("tags"));
    json_array(d->w);
    for (size_t i = 0; i < routes->n; i++) {
        bool done = false;
        for (size_t k = 0; k < i && !done; k++)
            done = strcmp(routes->v[k].op->tag, routes->v[i].op->tag) == 0;
        if (done)
            continue;
        json_object(d->w);
        json_put_str(d->w, "name", str_c(routes->v[i].op->tag));
        json_put_str(d->w, "description", str_fmt(d->cx->arena, "Served by the role %s.", routes->v[i].role));
        json_object_end(d->w);
    }
    json_array_end(d->w);
}

void openapi_write(JsonWriter *w, const OpTable *const *tables, size_t n, Str server_url) {
    Arena arena;
    Ctx cx;
    arena_init(&arena, 0);
    ctx_init(&cx, &arena, NULL); /* field_from_text reads no clock */
    Doc d = { w, &cx };
    Routes routes = { 0 };
    collect(&arena, tables, n, &routes);
    json_object(w);
    put_head(&d, server_url);
    put_tags(&d, &routes);
    put_paths(&d, &routes);
    json_key(w, S("components"));
    json_object(w);
    json_key(w, S("schemas"));
    json_object(w);
    schema_components(w, &arena, tables, n);
    json_object_end(w);
    put_error_components(&d, &routes);
    json_key(w, S("securitySchemes"));
    json_raw(w, S("{\"ApiKey\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"X-API-Key\"},"
                  "\"Bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"}}"));
    json_object_end(w);
    json_object_end(w);
    arena_done(&arena);
}
