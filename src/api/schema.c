/* api/schema.c - see schema.h. */

#include "api/schema.h"

#include "api/pattern.h"
#include "base/vec.h"

#include <stdio.h>

/* --- one field --- */

static void put_type(JsonWriter *w, const char *type, bool nullable) {
    json_key(w, S("type"));
    if (!nullable) {
        json_str(w, str_c(type));
        return;
    }
    json_array(w);
    json_str(w, str_c(type));
    json_str(w, S("null"));
    json_array_end(w);
}

static void put_choices(JsonWriter *w, const Field *f, bool nullable) {
    json_key(w, S("enum"));
    json_array(w);
    for (const char *const *c = f->choices; *c; c++)
        json_str(w, str_c(*c));
    if (nullable)
        json_null(w);
    json_array_end(w);
}

static void put_text_rules(JsonWriter *w, const Field *f, bool nullable) {
    if (f->choices)
        put_choices(w, f, nullable);
    const Pattern *p = f->pattern && !f->choices ? pattern_find(f->pattern) : NULL;
    if (p)
        json_put_str(w, "pattern", str_c(p->regex));
}

static void put_range(JsonWriter *w, const Field *f) {
    if (field_bounded_below(f))
        json_put_f64(w, "minimum", f->min);
    if (f->max != 0)
        json_put_f64(w, "maximum", f->max);
}

static void put_default(JsonWriter *w, const Field *f) {
    if (!f->def)
        return;
    Time time;
    json_key(w, S("default"));
    if (f->type == FT_TIME && time_parse_any(str_c(f->def), &time))
        json_time(w, time);
    else if (f->type == FT_STR)
        json_str(w, str_c(f->def));
    else if (f->type == FT_LIST && !f->of) {
        Str rest = str_c(f->def), item;
        json_array(w);
        while (str_next(&rest, ',', &item))
            json_str(w, item);
        json_array_end(w);
    } else
        json_raw(w, str_c(f->def)); /* a number, true, false, or JSON as it is */
}

static void put_ref(JsonWriter *w, const char *name) {
    char ref[160];
    snprintf(ref, sizeof ref, "#/components/schemas/%s", name);
    json_put_str(w, "$ref", str_c(ref));
}

static void put_list(JsonWriter *w, const Field *f, bool nullable) {
    put_type(w, "array", nullable);
    if (f->min > 0)
        json_put_f64(w, "minItems", f->min);
    json_put_i64(w, "maxItems", (int64_t)field_max_items(f));
    json_key(w, S("items"));
    json_object(w);
    if (f->type == FT_CANDLES) {
        put_ref(w, "Candle");
    } else if (f->of) {
        put_ref(w, f->of->name);
    } else {
        json_put_str(w, "type", S("string"));
        put_text_rules(w, f, false);
    }
    json_object_end(w);
}

static void put_shape(JsonWriter *w, const Field *f, bool nullable) {
    if (!nullable) {
        put_ref(w, f->of->name);
        return;
    }
    json_key(w, S("oneOf"));
    json_array(w);
    json_object(w);
    put_ref(w, f->of->name);
    json_object_end(w);
    json_object(w);
    json_put_str(w, "type", S("null"));
    json_object_end(w);
    json_array_end(w);
}

static void put_kind(JsonWriter *w, const Field *f, bool nullable) {
    switch (f->type) {
    case FT_STR:
        put_type(w, "string", nullable);
        if (f->min > 0 || f->flags & F_REQUIRED)
            json_put_f64(w, "minLength", MAX(f->min, 1));
        if (f->max > 0)
            json_put_f64(w, "maxLength", f->max);
        put_text_rules(w, f, nullable);
        if (f->flags & F_SECRET)
            json_put_str(w, "format", S("password"));
        break;
    case FT_I64:
        put_type(w, "integer", nullable);
        json_put_str(w, "format", S("int64"));
        put_range(w, f);
        break;
    case FT_F64:
        put_type(w, "number", nullable);
        json_put_str(w, "format", S("double"));
        put_range(w, f);
        break;
    case FT_BOOL:
        put_type(w, "boolean", nullable);
        break;
    case FT_TIME:
        put_type(w, "string", nullable);
        json_put_str(w, "format", S("date-time"));
        break;
    case FT_SHAPE:
        put_shape(w, f, nullable);
        break;
    case FT_LIST:
    case FT_CANDLES:
        put_list(w, f, nullable);
        break;
    case FT_JSON:
    case FT_NONE:
        break; /* anything */
    }
}

void schema_field(JsonWriter *w, const Field *f) {
    json_object(w);
    put_kind(w, f, f->flags & F_NULLABLE);
    put_default(w, f);
    if (f->doc)
        json_put_str(w, "description", str_c(f->doc));
    json_object_end(w);
}

/* --- components --- */

typedef struct Component {
    Str name;
    const Shape *shape;
    const Op *body_of; /* only what travels in the body of this operation; NULL = every field */
    bool input;
} Component;

typedef struct Components {
    Arena *arena;
    Component *v;
    size_t n, cap;
} Components;

static void add_nested(Components *c, const Shape *s, bool input);

static void add(Components *c, Component one) {
    for (size_t i = 0; i < c->n; i++)
        if (str_eq(c->v[i].name, one.name)) {
            c->v[i].input |= one.input; /* what goes in and out keeps the stricter form */
            return;
        }
    vec_push_in(c->arena, c, one);
    add_nested(c, one.shape, one.input);
}

static void add_nested(Components *c, const Shape *s, bool input) {
    for (size_t i = 0; i < s->n_fields; i++)
        if (s->fields[i].of)
            add(c, (Component){ str_c(s->fields[i].of->name), s->fields[i].of, NULL, input });
}

Str schema_body_name(Arena *a, const Op *op) {
    for (size_t i = 0; i < op->in->n_fields; i++)
        if (!(op_field_source(op, &op->in->fields[i]) & F_BODY))
            return str_fmt(a, "%sBody", op->in->name);
    return str_c(op->in->name);
}

static void put_component(JsonWriter *w, const Component *c) {
    json_key(w, c->name);
    json_object(w);
    json_put_str(w, "type", S("object"));
    if (c->shape->doc)
        json_put_str(w, "description", str_c(c->shape->doc));
    uint64_t required = 0;
    json_key(w, S("properties"));
    json_object(w);
    for (size_t i = 0; i < c->shape->n_fields; i++) {
        const Field *f = &c->shape->fields[i];
        if (c->body_of && !(op_field_source(c->body_of, f) & F_BODY))
            continue;
        bool must = c->input ? f->flags & F_REQUIRED : !(f->flags & F_OMIT_EMPTY);
        required |= (uint64_t)must << i;
        json_key(w, field_name(f));
        schema_field(w, f);
    }
    json_object_end(w);
    if (required) {
        json_key(w, S("required"));
        json_array(w);
        for (size_t i = 0; i < c->shape->n_fields; i++)
            if (required >> i & 1)
                json_str(w, field_name(&c->shape->fields[i]));
        json_array_end(w);
    }
    if (c->input)
        json_put_bool(w, "additionalProperties", false);
    json_object_end(w);
}

static const char candle_schema[] =
    "{\"type\":\"object\",\"description\":\"One candle. Requests may also use the short names t o h l c v, "
    "an array [t,o,h,l,c,v], epoch times in s, ms, us or ns, and decimals in quotes.\",\"properties\":{"
    "\"timestamp\":{\"type\":\"string\",\"format\":\"date-time\",\"description\":\"Open time, UTC.\"},"
    "\"open\":{\"type\":\"number\"},\"high\":{\"type\":\"number\"},\"low\":{\"type\":\"number\"},"
    "\"close\":{\"type\":\"number\"},\"volume\":{\"type\":\"number\"},"
    "\"flags\":{\"type\":\"array\",\"description\":\"Only where one is set: open (not closed yet), synthetic "
    "(filled, not traded), simulated (from a simulator).\",\"items\":{\"type\":\"string\",\"enum\":[\"open\","
    "\"synthetic\",\"simulated\"]}}},\"required\":[\"timestamp\",\"open\",\"high\",\"low\",\"close\",\"volume\"]}";

static void put_error_schema(JsonWriter *w) {
    static const char *const names[] = {
#define ERR_NAME(code, nr, name, http, retry, exit, words) name,
        ERR_TABLE(ERR_NAME)
#undef ERR_NAME
    };
    json_key(w, S("Error"));
    json_raw(w, S("{\"type\":\"object\",\"description\":\"Every failure has this form.\",\"properties\":{\"error\":{"
                  "\"type\":\"object\",\"properties\":{\"code\":{\"type\":\"string\",\"description\":\"Stable: "
                  "programs may rely on it.\",\"enum\":["));
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        buf_printf(w->out, "%s\"%s\"", i ? "," : "", names[i]);
    BUF_LIT(w->out, "]},\"message\":{\"type\":\"string\",\"description\":\"For people: what, where, what to do.\"},"
                    "\"field\":{\"type\":[\"string\",\"null\"],\"description\":\"The place of the fault: limit, "
                    "candles[3].high.\"},\"request_id\":{\"type\":\"string\"},\"correlation_id\":{\"type\":\"string\"},"
                    "\"retryable\":{\"type\":\"boolean\",\"description\":\"The same request may succeed later.\"},"
                    "\"stage\":{\"type\":\"string\",\"description\":\"Where the gateway refused it.\"},"
                    "\"retry_after_ms\":{\"type\":\"integer\",\"format\":\"int64\"}},"
                    "\"required\":[\"code\",\"message\",\"field\",\"request_id\",\"correlation_id\",\"retryable\"]}},"
                    "\"required\":[\"error\"]}");
}

void schema_components(JsonWriter *w, Arena *a, const OpTable *const *tables, size_t n) {
    Components c = { .arena = a };
    for (size_t t = 0; t < n; t++)
        for (size_t i = 0; i < tables[t]->n_ops; i++) {
            const Op *op = tables[t]->ops[i];
            if (op_has_body(op)) {
                Str name = schema_body_name(a, op);
                add(&c, (Component){ name, op->in, str_eq(name, str_c(op->in->name)) ? NULL : op, true });
            }
            if (op->out && !op->raw)
                add(&c, (Component){ str_c(op->out->name), op->out, NULL, false });
        }
    json_key(w, S("Candle"));
    json_raw(w, str_c(candle_schema));
    put_error_schema(w);
    for (size_t i = 0; i < c.n; i++)
        put_component(w, &c.v[i]);
}

/* --- examples --- */

Str field_example_text(const Field *f) {
    if (f->flags & F_SECRET)
        return (Str){ 0 };
    if (f->example)
        return str_c(f->example);
    return str_c(f->def ? f->def : f->choices ? f->choices[0] : NULL);
}

static void example_candles(Ctx *cx, Candles *out) {
    static const Candle rows[] = {
        { { INT64_C(1704067200000) }, 42283.58, 42554.57, 42261.02, 42475.23, 1271.68108, { 0 }, 0 },
        { { INT64_C(1704070800000) }, 42475.23, 42775, 42431.65, 42613.56, 1196.37856, { 0 }, 0 },
    };
    candles_init(out, cx->arena, ARRAY_LEN(rows));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        candles_push(out, &rows[i]);
}

void shape_example(const Shape *s, Ctx *cx, void *out) {
    memset(out, 0, s->size);
    for (size_t i = 0; i < s->n_fields; i++) {
        const Field *f = &s->fields[i];
        Str text = field_example_text(f);
        if (f->type == FT_CANDLES) {
            example_candles(cx, FIELD_AT(f, out, Candles));
        } else if (f->type == FT_SHAPE) {
            shape_example(f->of, cx, FIELD_AT(f, out, char));
        } else if (f->type == FT_LIST && f->of) {
            List *list = FIELD_AT(f, out, List);
            *list = (List){ arena_zalloc(cx->arena, f->of->size), 1 };
            shape_example(f->of, cx, list->v);
        } else if (text.n) {
            field_from_text(f, cx, text, out); /* op_lint saw that it passes */
        }
    }
}

void schema_body_example(JsonWriter *w, Ctx *cx, const Op *op) {
    void *in = arena_alloc(cx->arena, op->in->size);
    shape_example(op->in, cx, in);
    json_object(w);
    for (size_t i = 0; i < op->in->n_fields; i++) {
        const Field *f = &op->in->fields[i];
        if (op_field_source(op, f) & F_BODY && (f->flags & F_REQUIRED || !field_unset(f, in)))
            field_write(f, w, in);
    }
    json_object_end(w);
}
