/* core/event_schema.c - see event_schema.h. */

#include "core/event_schema.h"

#include "base/json.h"

enum { BODY_DEPTH = 32, TEXT_MAX = 4096, FIELDS_MAX = 64 };

/* --- the tables --- */

/* clang-format off */
static const char *const priorities[] = { "low", "normal", "high", NULL };

static const EventField data_update_1[] = {
    { "exchange",  EVENT_STR,  true },
    { "symbol",    EVENT_STR,  true },
    { "timeframe", EVENT_STR,  true },
    { "from",      EVENT_TIME, true }, /* open time of the first new candle */
    { "to",        EVENT_TIME, true }, /* behind the open time of the last one */
    { "candles",   EVENT_INT,  true, .min = 1, .max = 1e9 },
    { "revision",  EVENT_INT,  true, .min = 1, .max = 9e15 },
    { "provider",  EVENT_STR,  false },
    { "simulated", EVENT_BOOL, false },
};
static const EventField data_collection_request_1[] = {
    { "exchange",       EVENT_STR,  true, .max = 32 },
    { "symbol",         EVENT_STR,  true, .max = 64 },
    { "timeframe",      EVENT_STR,  true, .max = 8 },
    { "start_date",     EVENT_TIME, true },
    { "end_date",       EVENT_TIME, true },
    { "priority",       EVENT_STR,  false, .choices = priorities },
    { "correlation_id", EVENT_STR,  false, .max = 200 },
};
static const EventField backtest_request_1[] = {
    { "backtest_id",     EVENT_STR,    true, .max = 64 },
    { "symbol",          EVENT_STR,    true, .max = 64 },
    { "timeframe",       EVENT_STR,    true, .max = 8 },
    { "strategy_type",   EVENT_STR,    true, .max = 64 },
    { "strategy_params", EVENT_OBJECT, false },
    { "start_date",      EVENT_TIME,   true },
    { "end_date",        EVENT_TIME,   true },
    { "initial_capital", EVENT_NUMBER, true, .min = 1e-9, .max = 1e15 },
    { "exchange",        EVENT_STR,    false, .max = 32 },
    { "priority",        EVENT_STR,    false, .choices = priorities },
    { "correlation_id",  EVENT_STR,    false, .max = 200 },
};
static const EventField backtest_completed_1[] = {
    { "backtest_id",  EVENT_STR,  true, .max = 64 },
    { "success",      EVENT_BOOL, true },
    { "message",      EVENT_STR,  false },
};
static const EventField news_collected_1[] = {
    { "articles_count",  EVENT_INT,  true, .min = 0, .max = 1e9 },
    { "source",          EVENT_STR,  true },
    { "collection_time", EVENT_TIME, true },
    { "article_ids",     EVENT_LIST, false },
    { "job_id",          EVENT_STR,  false },
};
static const EventField sentiment_completed_1[] = {
    { "articles_count", EVENT_INT,  true, .min = 0, .max = 1e9 },
    { "results",        EVENT_LIST, false },
    { "model",          EVENT_STR,  false },
    { "job_id",         EVENT_STR,  false },
};
static const EventField collection_completed_1[] = {
    { "articles_count", EVENT_INT,  true, .min = 0, .max = 1e9 },
    { "source",         EVENT_STR,  false },
    { "job_id",         EVENT_STR,  false },
};
static const EventField training_completed_1[] = {
    { "training_id", EVENT_STR,  true, .max = 64 },
    { "model",       EVENT_STR,  true, .max = 128 },
    { "version",     EVENT_STR,  false },
    { "symbol",      EVENT_STR,  true, .max = 64 },
    { "timeframe",   EVENT_STR,  true, .max = 8 },
    { "success",     EVENT_BOOL, true },
    { "message",     EVENT_STR,  false },
};
static const EventField prediction_made_1[] = {
    { "symbol",    EVENT_STR,    true, .max = 64 },
    { "timeframe", EVENT_STR,    true, .max = 8 },
    { "model",     EVENT_STR,    true, .max = 128 },
    { "version",   EVENT_STR,    false },
    { "fallback",  EVENT_STR,    true },
    { "as_of",     EVENT_TIME,   true }, /* open time of the last candle looked at */
    { "horizon",   EVENT_INT,    true, .min = 1, .max = 1e6 },
    { "first",     EVENT_NUMBER, false },
    { "simulated", EVENT_BOOL,   false },
};

#define SCHEMA(type, version, fields, doc) { type, doc, version, fields, ARRAY_LEN(fields) }
static const EventSchema schemas[] = {
    SCHEMA("data_update", 1, data_update_1, "A collection has stored candles that were not there before."),
    SCHEMA("data_collection_request", 1, data_collection_request_1, "Somebody wants candles to be collected."),
    SCHEMA("backtest_request", 1, backtest_request_1, "Somebody wants a backtest."),
    SCHEMA("backtest_completed", 1, backtest_completed_1, "A backtest that was asked for by event has ended."),
    SCHEMA("training_completed", 1, training_completed_1, "A model was taught and registered, or that failed."),
    SCHEMA("prediction_made", 1, prediction_made_1, "A forecast was given."),
    SCHEMA("news_collected", 1, news_collected_1, "Articles were stored."),
    SCHEMA("sentiment_analysis_completed", 1, sentiment_completed_1, "Articles were scored."),
    SCHEMA("news_collection_completed", 1, collection_completed_1, "The news of one collection are stored and scored."),
};
/* clang-format on */

const EventSchemas event_schemas = { schemas, ARRAY_LEN(schemas) };

/* --- finding --- */

const EventSchema *event_schema_find(const EventSchemas *s, Str type, int64_t version) {
    const EventSchema *best = NULL;
    for (size_t i = 0; i < s->n; i++)
        if (str_eq(str_c(s->v[i].type), type) && s->v[i].version <= version &&
            (!best || s->v[i].version > best->version))
            best = &s->v[i];
    return best;
}

int64_t event_schema_newest(const EventSchemas *s, Str type) {
    const EventSchema *best = event_schema_find(s, type, INT64_MAX);
    return best ? best->version : 0;
}

/* --- checking a body --- */

static const char *const kind_words[] = { "a text",           "a whole number", "a number", "true or false",
                                          "an ISO-8601 time", "an object",      "a list" };

/* words: in the arena, or a literal. */
static int fault(Arena *a, SchemaFault *why, Str field, int code, Str words) {
    why->field = str_dup(a, field);
    why->words = words;
    return code;
}

static bool chosen(const EventField *f, Str text) {
    if (!f->choices)
        return true;
    for (const char *const *c = f->choices; *c; c++)
        if (str_eq(str_c(*c), text))
            return true;
    return false;
}

static bool text_fits(const EventField *f, Str text) {
    Time t;
    if (f->kind == EVENT_TIME)
        return time_parse_iso(text, &t, NULL);
    return text.n <= (f->max > 0 ? (size_t)f->max : (size_t)TEXT_MAX) && (text.n > 0 || !f->required) &&
           chosen(f, text);
}

static bool number_fits(const EventField *f, double v, bool whole) {
    if (f->kind == EVENT_INT && !whole)
        return false;
    return (f->min == 0 && f->max == 0) || (v >= f->min && v <= f->max);
}

/* The value that comes next: of the right kind and within its bounds. */
static bool value_fits(const EventField *f, JsonReader *r, JsonKind kind) {
    Str text = { 0 };
    double v = 0;
    int64_t whole;
    switch (f->kind) {
    case EVENT_STR:
    case EVENT_TIME:
        return kind == JSON_STRING && json_read_str(r, &text) == 0 && text_fits(f, text);
    case EVENT_INT:
    case EVENT_NUMBER: {
        if (kind != JSON_NUMBER || json_skip_raw(r, &text) != 0)
            return false;
        JsonReader number;
        json_reader_init(&number, text, r->scratch, 1);
        bool ok = json_read_f64(&number, &v) == 0;
        json_reader_init(&number, text, r->scratch, 1);
        return ok && number_fits(f, v, json_read_i64(&number, &whole) == 0);
    }
    case EVENT_BOOL:
        return (kind == JSON_TRUE || kind == JSON_FALSE) && json_skip(r) == 0;
    case EVENT_OBJECT:
        return kind == JSON_OBJECT && json_skip(r) == 0;
    case EVENT_LIST:
        return kind == JSON_ARRAY && json_skip(r) == 0;
    }
    return false;
}

static int find_field(const EventSchema *schema, Str name) {
    for (size_t i = 0; i < schema->n_fields; i++)
        if (str_eq(str_c(schema->fields[i].name), name))
            return (int)i;
    return -1;
}

/* "one of low, normal, high", "a whole number from 0 to 10" */
static Str what_fits(Arena *a, const EventField *f) {
    bool number = f->kind == EVENT_INT || f->kind == EVENT_NUMBER;
    if (f->choices) {
        Str list = { 0 };
        for (const char *const *c = f->choices; *c; c++)
            list = str_fmt(a, STR_FMT "%s%s", STR_ARG(list), list.n ? ", " : "one of ", *c);
        return list;
    }
    if (number && (f->min != 0 || f->max != 0))
        return str_fmt(a, "%s from %g to %g", kind_words[f->kind], f->min, f->max);
    if (f->kind == EVENT_STR)
        return str_fmt(a, "a text of %d to %lld bytes", f->required, (long long)(f->max > 0 ? f->max : TEXT_MAX));
    return str_c(kind_words[f->kind]);
}

static int check_value(Arena *a, const EventSchema *schema, JsonReader *r, Str key, uint64_t *seen, SchemaFault *why) {
    int i = find_field(schema, key);
    if (i < 0)
        return 0;
    const EventField *f = &schema->fields[i];
    if (*seen & (UINT64_C(1) << i))
        return fault(a, why, key, ERR_INVALID, str_fmt(a, STR_FMT ": comes twice", STR_ARG(str_first(key, 60))));
    JsonKind kind = json_peek(r);
    if (kind == JSON_NULL && !f->required)
        return 0;
    *seen |= UINT64_C(1) << i;
    if (value_fits(f, r, kind))
        return 0;
    return r->err == ERR_BAD_REQUEST
               ? 0
               : fault(a, why, key, ERR_INVALID,
                       str_fmt(a, "%s: " STR_FMT " is needed", f->name, STR_ARG(what_fits(a, f))));
}

int event_schema_check(Arena *a, const EventSchema *schema, Str body, SchemaFault *why) {
    JsonReader r;
    Str key;
    uint64_t seen = 0;
    int e = 0;
    assert(schema->n_fields <= FIELDS_MAX);
    *why = (SchemaFault){ 0 };
    json_reader_init(&r, body, a, BODY_DEPTH);
    json_open_object(&r);
    while (e == 0 && json_object_next(&r, &key) > 0)
        e = check_value(a, schema, &r, key, &seen, why);
    if (e)
        return e;
    if (json_finish(&r))
        return fault(a, why, (Str){ 0 }, ERR_BAD_REQUEST,
                     str_fmt(a, "the body is no JSON object: %s", r.why ? r.why : "it is cut off"));
    for (size_t i = 0; i < schema->n_fields; i++)
        if (schema->fields[i].required && !(seen & (UINT64_C(1) << i)))
            return fault(a, why, str_c(schema->fields[i].name), ERR_INVALID,
                         str_fmt(a, "%s: is missing", schema->fields[i].name));
    return 0;
}

static Str all_types(Arena *a, const EventSchemas *s) {
    Str list = { 0 };
    for (size_t i = 0; i < s->n; i++)
        if (s->v[i].version == 1)
            list = str_fmt(a, STR_FMT "%s%s", STR_ARG(list), list.n ? ", " : "", s->v[i].type);
    return list;
}

int event_schema_publish(Arena *a, const EventSchemas *s, Str type, int64_t version, Str body, SchemaFault *why) {
    int64_t newest = event_schema_newest(s, type);
    *why = (SchemaFault){ 0 };
    if (newest == 0)
        return fault(a, why, S("event_type"), ERR_INVALID,
                     str_fmt(a, "no event type is called " STR_FMT "; those there are: " STR_FMT,
                             STR_ARG(str_first(type, 80)), STR_ARG(all_types(a, s))));
    if (version < 1 || version > newest)
        return fault(a, why, S("version"), ERR_INVALID,
                     str_fmt(a, STR_FMT " has versions 1 to %lld, not %lld", STR_ARG(str_first(type, 80)),
                             (long long)newest, (long long)version));
    int r = 0;
    for (int64_t v = version; r == 0 && v >= 1; v--) {
        r = event_schema_check(a, event_schema_find(s, type, v), body, why);
        if (r && v < version) {
            Str words = why->words;
            r = fault(a, why, why->field, ERR_INVALID,
                      str_fmt(a, "a reader of version %lld could not read it: " STR_FMT, (long long)v, STR_ARG(words)));
        }
    }
    return r;
}

/* --- the tables themselves --- */

static bool same_choices(const EventField *old, const EventField *new) {
    if (!old->choices)
        return true; /* it takes any */
    if (!new->choices)
        return false;
    for (const char *const *c = new->choices; *c; c++)
        if (!chosen(old, str_c(*c)))
            return false;
    return true;
}

static bool within(const EventField *old, const EventField *new) {
    bool any = old->min == 0 && old->max == 0, new_any = new->min == 0 && new->max == 0;
    return any || (!new_any && new->min >= old->min &&new->max <= old->max);
}

/* What a reader of the old field would stumble over in the new one; NULL = nothing. */
static const char *stumbles(const EventField *old, const EventField *new) {
    if (!new)
        return old->required ? "is gone, and older readers need it" : NULL;
    if (new->kind != old->kind)
        return "has another kind";
    if (old->required && !new->required)
        return "is no longer required, and older readers need it";
    if (!same_choices(old, new))
        return "has choices that older readers do not know";
    return within(old, new) ? NULL : "has bounds that older readers do not accept";
}

bool event_schema_compatible(Arena *a, const EventSchema *old, const EventSchema *new, SchemaFault *why) {
    *why = (SchemaFault){ 0 };
    for (size_t i = 0; i < old->n_fields; i++) {
        const EventField *o = &old->fields[i];
        int at = find_field(new, str_c(o->name));
        const char *words = stumbles(o, at < 0 ? NULL : &new->fields[at]);
        if (words) {
            fault(a, why, str_c(o->name), 0, str_fmt(a, "%s %s", o->name, words));
            return false;
        }
    }
    return true;
}

int event_schemas_check(Arena *a, const EventSchemas *s, SchemaFault *why) {
    for (size_t i = 0; i < s->n; i++) {
        const EventSchema *one = &s->v[i];
        Str type = str_c(one->type);
        if (!event_name_valid(type) || str_find_char(type, '.') >= 0 || one->n_fields > FIELDS_MAX || one->version < 1)
            return fault(a, why, type, ERR_INTERNAL,
                         str_fmt(a, "%s: no valid name, too many fields, or no version", one->type));
        if (one->version == 1)
            continue;
        const EventSchema *before = event_schema_find(s, type, one->version - 1);
        if (!before || before->version != one->version - 1)
            return fault(a, why, type, ERR_INTERNAL,
                         str_fmt(a, "%s: version %lld is missing", one->type, (long long)one->version - 1));
        if (!event_schema_compatible(a, before, one, why))
            return ERR_INTERNAL;
    }
    return 0;
}

/* --- reading a field --- */

bool event_body_text(Arena *a, Str body, Str name, Str *out) {
    JsonReader r;
    Str key;
    json_reader_init(&r, body, a, BODY_DEPTH);
    json_open_object(&r);
    while (json_object_next(&r, &key) > 0)
        if (str_eq(key, name))
            return (json_peek(&r) == JSON_STRING ? json_read_str(&r, out) : json_skip_raw(&r, out)) == 0;
    return false;
}
