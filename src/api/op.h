#pragma once

/* api/op.h - an operation, declared once as data.
 *
 * Each role declares its API in tables of Op; everything else follows from them: query and JSON
 * decoding, validation with the field's path, JSON out, OpenAPI 3.1, the docs page, CLI flags, client
 * calls, later gRPC messages. Structs stay hand-written and greppable; types and offsets come from
 * _Generic and offsetof; there is no code generator.
 *
 *     typedef struct CandleQueryIn { Str symbol; Str timeframe; Time start, end; int64_t limit; } CandleQueryIn;
 *     static const Field candle_query_fields[] = {
 *         FIELD(CandleQueryIn, symbol, .flags = F_REQUIRED | F_QUERY, .pattern = "symbol", .doc = "Venue symbol", .example = "BTCUSDT"),
 *         FIELD(CandleQueryIn, limit,  .flags = F_QUERY, .def = "1000", .min = 1, .max = 100000, .doc = "..."),
 *     };
 *     SHAPE(candle_query, CandleQueryIn, candle_query_fields);
 *
 * Validation failures are ERR_INVALID with the place of the field in cx->err.field: "limit",
 * "candles[3].high", and words that say what would be right. Unknown query parameters and JSON keys are
 * refused, with the nearest known name.
 *
 * What "not given" means. A struct of `in` has no place for "absent", so one rule serves decoding, calls by
 * hand and the wire alike: an empty Str or List, a Time of 0 ms, and a number 0 that the field's own bounds
 * refuse are "not given". Such a field takes its default; a required Str must not be empty. A nullable double
 * is absent when it is NaN. shape_init makes a struct in which every field has its default. Inside nested structs
 * and lists of them every member is a value: fill those with shape_init first.
 *
 * Threads: tables and the router are read-only and may be used from any thread. */

#include "base/ctx.h"
#include "base/json.h"
#include "core/candle.h"
#include "policy/cache_key.h"

/* clang-format off */
typedef enum FieldType {
    FT_NONE, FT_STR, FT_I64, FT_F64, FT_BOOL, FT_TIME, FT_SHAPE, FT_LIST, FT_CANDLES, FT_JSON,
} FieldType;
/* clang-format on */

enum {
    F_REQUIRED = 1u << 0,
    F_QUERY = 1u << 1,      /* from the query string (GET, DELETE) */
    F_PATH = 1u << 2,       /* a {name} of the path */
    F_BODY = 1u << 3,       /* from the JSON body */
    F_SECRET = 1u << 4,     /* masked in logs and docs */
    F_OMIT_EMPTY = 1u << 5, /* left out of JSON when zero, empty or unset */
    F_NULLABLE = 1u << 6,   /* zero value is written as null (Time ms 0, NaN, empty Str) */
    F_REPEAT = 1u << 7,     /* FT_LIST of Str in a query: a,b or repeated */
};

/* Ceilings where a field names none of its own. */
enum {
    FIELD_STR_MAX = 4096,        /* characters */
    FIELD_LIST_MAX = 10000,      /* items */
    FIELD_CANDLES_MAX = 5000000, /* rows */
    SHAPE_DEPTH_MAX = 32,        /* levels of JSON */
    SHAPE_FIELDS_MAX = 64,       /* fields of one shape */
};

typedef struct Shape Shape;

/* One row per struct member. A zero is "no bound": a field that needs a bound of 0 uses has_min.
 * A field of `in` with none of F_QUERY, F_PATH, F_BODY is a path parameter if the path names it, else it
 * comes from the query of GET, HEAD and DELETE and from the body of the other methods. */
typedef struct Field {
    const char *name; /* as in JSON, query, CLI (--name) */
    size_t offset;
    FieldType type;
    unsigned flags;
    int tag;         /* stable number of the field in binary encodings */
    const char *doc; /* one sentence */
    const char *example;
    const char *def;     /* default as text, decoded like input; NULL = zero value */
    const char *pattern; /* named check of api/pattern.c: "symbol", "venue", "timeframe", "series", "id"; NULL = any */
    const char *const *choices; /* NULL-terminated; NULL = any */
    double min, max;            /* numbers: value; strings and lists: length */
    bool has_min;
    const Shape *of;    /* FT_SHAPE: the member is that struct; FT_LIST: of its items, NULL = Str */
    const char *rename; /* an accepted older name (the documents' alias) */
} Field;

struct Shape {
    const char *name; /* in OpenAPI components: "CandlePage" */
    const char *doc;
    size_t size;
    const Field *fields;
    size_t n_fields;
};

/* A list member: items are `size` bytes of the item shape (or Str). */
typedef struct List {
    void *v;
    size_t n;
} List;

/* Bytes of ready JSON, for members whose form the tables cannot say. */
typedef struct RawJson {
    Str json;
} RawJson;

/* clang-format off */
#define FIELD_TYPE(T, m)                                                                           \
    _Generic(((T *)0)->m,                                                                          \
        Str: FT_STR, int64_t: FT_I64, double: FT_F64, bool: FT_BOOL, Time: FT_TIME,                \
        List: FT_LIST, Candles: FT_CANDLES, RawJson: FT_JSON, default: FT_SHAPE)
/* clang-format on */
#define FIELD(T, m, ...)                                                                                               \
    { .name = #m, .offset = offsetof(T, m), .type = FIELD_TYPE(T, m), __VA_ARGS__ }
#define SHAPE(var, T, table, ...)                                                                                      \
    const Shape var = { .name = #T, .size = sizeof(T), .fields = table, .n_fields = ARRAY_LEN(table), __VA_ARGS__ }

/* LOOP: <= 20 µs, no I/O. FEED waits for venues: apart from IO, so that a venue that hangs never keeps a save waiting. */
typedef enum LaneKind { LANE_LOOP, LANE_CPU, LANE_IO, LANE_FEED } LaneKind;

/* The answer of an operation that gives a document instead of a record: a report, a file. */
typedef struct RawBody {
    Str media; /* "text/html; charset=utf-8" */
    Str bytes;
} RawBody;
extern const Shape raw_body_shape;

/* How an answer may be kept: the question's key, and what the answer was made of. */
typedef struct OpKept {
    Str key;       /* policy/cache_key.h, without the form of the answer */
    Str series;    /* series_key_text of the one series it was made of; "" = of anything */
    Time from, to; /* rows of it, [from, to) */
    int64_t revision;
    bool immutable; /* the range is over: only a correction of the past can change it */
} OpKept;

typedef struct Op Op;
struct Op {
    const char *name;           /* "market.candles": stable, for logs, metrics, clients */
    const char *method;         /* "GET" */
    const char *path;           /* "/api/v1/market/candles", with {param} */
    const char *const *aliases; /* NULL-terminated "METHOD /path" or "/path": same op, other names */
    const char *summary;        /* one line */
    const char *doc;            /* paragraphs; may be NULL */
    const char *tag;            /* group in the docs: "Market data" */
    const Shape *in, *out;      /* NULL = none */
    Role role;                  /* least role that may call */
    LaneKind lane;
    CacheKind cache;
    int64_t deadline_ms;
    size_t max_body; /* 0 = no body */
    int status;      /* of an answer that is none of a failure: 202 where the work goes on; 0 = 200 */
    bool idempotent;
    bool csv;        /* `out` has one FT_CANDLES member that may be asked for as text/csv (or sent as CSV in `in`) */
    bool prose;      /* its body holds text of people or code, which may look like anything: not searched for attacks */
    const char *raw; /* `out` is a RawBody, sent as it is: the media types it may have, for the docs; NULL = a record */
    const char *deprecated; /* "2026-11-01/2027-11-01": since, and the day it goes; NULL = current */
    /* in and out are zeroed structs of the shapes, memory from cx->arena; role = the service object. */
    int (*run)(void *role, Ctx *cx, const void *in, void *out);
    /* The form of its failures where the protocol has one of its own; NULL = op_write_error. */
    void (*write_error)(JsonWriter *w, const Ctx *cx);
    /* With Op.cache: out NULL asks for the key of a question (false: not to be kept), else for what the answer was made
     * of. NULL = answers are not kept here. */
    bool (*kept)(Ctx *cx, const void *in, const void *out, OpKept *k);
    /* When it went well, answers with these surrogate keys are told no more: a gateway forgets its own, too. NULL = none */
    List (*purges)(const void *in); /* of Str */
};

typedef struct OpTable { /* one role's API */
    const char *role;    /* "market" */
    const Op *const *ops;
    size_t n_ops;
} OpTable;

/* --- what follows from the tables --- */

typedef struct QueryPair {
    Str name, value; /* decoded */
} QueryPair;

/* Fills *in (zeroed struct of op->in) from path parameters, query and JSON body; applies defaults; checks all. */
int op_decode(const Op *op, Ctx *cx, const QueryPair *params, size_t n_params, const QueryPair *query, size_t n_query,
              Str json_body, void *in);

typedef struct OpText { /* the parts of a request that are not its body */
    const QueryPair *params, *query;
    size_t n_params, n_query;
} OpText;
/* The same for an operation whose body is text/csv (Op.csv and a member of candles in `in`): rows go there, in any
 * dialect core/candle_csv reads; what else the body would have had comes from the query. A fault names its line. */
int op_decode_csv(const Op *op, Ctx *cx, const OpText *text, Str csv, void *in);
/* The candles of an answer as CSV with a header; flags get a column where one is set. 0 or ERR_LIMIT. */
int op_write_csv(const Op *op, const void *result, Buf *out);
/* Checks a struct that was filled by hand, as a client or the CLI does. */
int shape_validate(const Shape *shape, Ctx *cx, const void *v);
/* Zeroes the struct and gives every field its default (a nullable double: NaN). */
void shape_init(const Shape *shape, Ctx *cx, void *out);
/* Gives the fields that are "not given" their defaults: what a server does with an absent parameter. */
void shape_fill(const Shape *shape, Ctx *cx, void *v);
/* Whole JSON document -> struct, strictly. Strings may borrow from `json`. */
int shape_decode(const Shape *shape, Ctx *cx, Str json, void *out);
int shape_read(const Shape *shape, Ctx *cx, JsonReader *r, void *out); /* the same in a stream */
/* The same for a client that reads an answer: keys it does not know (a newer server's) are skipped, bounds and
 * absence are the server's affair. */
int shape_decode_reply(const Shape *shape, Ctx *cx, Str json, void *out);
void shape_write(const Shape *shape, JsonWriter *w, const void *v); /* struct -> JSON */
/* One field from text (query parameter, CLI flag, default). Lists of Str split at commas. */
int field_from_text(const Field *f, Ctx *cx, Str text, void *record);
/* The field of that name or older name, written with - or _; NULL if there is none. */
const Field *shape_field(const Shape *shape, Str name);

/* Are the tables themselves right? A test of each table asks: names, tags and routes unique; every {name} has a
 * required field; patterns exist; defaults and examples pass the field's own checks; a GET has no body; deprecation
 * dates parse. 0, or ERR_INTERNAL with words for the first fault. */
int op_lint(Ctx *cx, const OpTable *const *tables, size_t n);

/* The uniform error: {"error":{"code","message","field","request_id","correlation_id","retryable"}}. */
void op_write_error(JsonWriter *w, const Ctx *cx);
/* The client's side: an error's JSON becomes the same Err again; returns its code. A body that is no error of
 * ours (a proxy's page) is judged by the status. */
int op_read_error(Ctx *cx, int status, Str body);
/* OpenAPI 3.1 of all tables; the docs page made from the same. API_VERSION is that of /api/v1, not of the program. */
#define API_VERSION "1.0.0"
void openapi_write(JsonWriter *w, const OpTable *const *tables, size_t n, Str server_url);
void docs_write_html(Buf *out, const OpTable *const *tables, size_t n);
/* The page's style, served as DOCS_CSS_PATH: nothing inline, no script, no other host (default-src 'self'). */
#define DOCS_CSS_PATH "/docs.css"
extern const Str docs_css;

typedef struct OpAlias {
    Str method, path;
} OpAlias;
OpAlias op_alias(const Op *op, const char *text); /* an entry of Op.aliases */

/* Path -> op: longest literal prefix wins, aliases included. 0, ERR_NOT_FOUND, ERR_METHOD (allow lists the
 * methods the path has). params in cx->arena. */
typedef struct OpRouter OpRouter;
OpRouter *op_router_new(const OpTable *const *tables, size_t n);
OpRouter *op_router_free(OpRouter *r);
typedef struct OpMatch {
    const Op *op;
    bool alias; /* reached by an older name */
    QueryPair *params;
    size_t n_params;
    Str allow;
} OpMatch;
/* HEAD finds the GET; a trailing slash is forgiven; OPTIONS is the caller's (ERR_METHOD fills allow for it). */
int op_route(const OpRouter *r, Ctx *cx, Str method, Str path, OpMatch *out);
/* "since/sunset" of Op.deprecated; false when the operation is current. */
bool op_deprecation(const Op *op, Time *since, Time *sunset);
/* Deprecation and Sunset of an operation that will go, Link to the successor of an alias; returns how many. */
enum { OP_DEPRECATION_HEADERS = 3 };
size_t op_deprecation_headers(const OpMatch *match, Arena *a, QueryPair out[static OP_DEPRECATION_HEADERS]);

/* Splits and percent-decodes a query string; bounded at 64 pairs; ERR_BAD_REQUEST on a bad escape. */
enum { QUERY_PAIRS_MAX = 64 };
int query_split(Ctx *cx, Str query, QueryPair **out, size_t *n);
/* Percent-decoding; plus: '+' is a space. false on a bad escape or a NUL. Borrows s where nothing is escaped. */
bool percent_decode(Arena *a, Str s, bool plus, Str *out);

/* Candles as JSON rows and CSV, the fast writers and readers behind FT_CANDLES. The JSON form is an array
 * of objects {timestamp, open, high, low, close, volume} with "flags" words only where set. */
void candles_write_json(JsonWriter *w, const Candles *cs);
void candle_write_json(Buf *out, const Candles *cs, size_t i); /* row i alone: an object on one line */
int candles_read_json(JsonReader *r, Ctx *cx, Candles *out, size_t most);

/* --- calls --- */

typedef struct ApiCaller ApiCaller;
struct ApiCaller { /* in-process, wire-checked in-process, or HTTP: api/call.h makes them */
    int (*call)(ApiCaller *c, Ctx *cx, const Op *op, const void *in, void *out);
    void (*close)(ApiCaller *c);
    const char *name;
};
int api_call(ApiCaller *c, Ctx *cx, const Op *op, const void *in, void *out);
ApiCaller *api_caller_close(ApiCaller *c);
