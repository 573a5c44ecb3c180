/* api/shape_read.c - JSON -> struct, by the table of the shape. */

#include "api/field.h"

#include <math.h>

static const char *kind_words(JsonKind kind) {
    switch (kind) {
    case JSON_NULL:
        return "null";
    case JSON_FALSE:
    case JSON_TRUE:
        return "a boolean";
    case JSON_NUMBER:
        return "a number";
    case JSON_STRING:
        return "a string";
    case JSON_ARRAY:
        return "an array";
    case JSON_OBJECT:
        return "an object";
    default:
        return "nothing";
    }
}

int shape_json_fault(Ctx *cx, const JsonReader *r) {
    size_t line, column;
    json_where(r, &line, &column);
    const char *why = r->why ? r->why : "it ends too early";
    if (r->err == ERR_LIMIT)
        return err_set(cx, ERR_TOO_LARGE, "JSON, line %zu, column %zu: %s", line, column, why);
    return err_set(cx, ERR_BAD_REQUEST, "not JSON, line %zu, column %zu: %s", line, column, why);
}

int shape_wrong_kind(ShapeReader *rd, const Place *at, const char *wanted) {
    JsonKind found = json_peek(rd->r);
    if (json_skip(rd->r)) /* its first byte alone does not make it JSON */
        return shape_json_fault(rd->cx, rd->r);
    return place_invalid(rd->cx, at, "must be %s, not %s", wanted, kind_words(found));
}

/* The names of a shape are few: a linear look-up beats hashing, and the usual case is that the keys come in
 * the order of the table. */
static const Field *find_key(const Shape *s, Str key, size_t *guess) {
    for (size_t i = 0; i < s->n_fields; i++) {
        size_t at = (*guess + i) % s->n_fields;
        const Field *f = &s->fields[at];
        if (str_eq(str_c(f->name), key) || (f->rename && str_eq(str_c(f->rename), key))) {
            *guess = at + 1;
            return f;
        }
    }
    return NULL;
}

static int unknown_key(ShapeReader *rd, const Shape *s, uint64_t allowed, const Place *at, Str key) {
    Nearest near = { .wanted = key };
    for (size_t i = 0; i < s->n_fields; i++)
        if (allowed >> i & 1)
            nearest_offer(&near, field_name(&s->fields[i]));
    Place here = place_member(at, key);
    return place_invalid(rd->cx, &here, "is not a known field of %s" STR_FMT, s->name,
                         STR_ARG(nearest_hint(&near, rd->cx->arena)));
}

/* What the page says once ("symbol") its rows may say again: then they must agree, and one is enough. */
static int settle_names(ShapeReader *rd, const Shape *s, const Place *at, void *out, uint64_t *seen) {
    const struct {
        Str row;
        Str member, other;
    } pairs[] = { { rd->names.symbol, S("symbol"), { 0 } },
                  { rd->names.exchange, S("exchange"), S("venue") },
                  { rd->names.timeframe, S("timeframe"), { 0 } } };
    Arena *a = rd->cx->arena;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        if (!pairs[i].row.p)
            continue;
        const Field *f = shape_field(s, pairs[i].member);
        if (!f && pairs[i].other.p)
            f = shape_field(s, pairs[i].other);
        Place here = place_member(at, f ? field_name(f) : pairs[i].member);
        if (!f || f->type != FT_STR)
            return place_invalid(rd->cx, &here, "is not a known field of the candles of %s", s->name);
        Str *said = FIELD_AT(f, out, Str);
        if (said->n && !str_eq(*said, pairs[i].row))
            return place_invalid(rd->cx, &here, "is " STR_FMT " here and " STR_FMT " in the candles",
                                 STR_ARG(words_quote(a, *said)), STR_ARG(words_quote(a, pairs[i].row)));
        *said = pairs[i].row;
        *seen |= UINT64_C(1) << (f - s->fields);
        int e = rd->lenient ? 0 : field_check(f, rd->cx, &here, out);
        if (e)
            return e;
    }
    rd->names = (CandleRowNames){ 0 };
    return 0;
}

static int wrong_place(ShapeReader *rd, const Place *at, const Field *f) {
    Place here = place_member(at, field_name(f));
    return place_invalid(rd->cx, &here, "belongs in the path or the query, not in the body");
}

int shape_read_members(ShapeReader *rd, const Shape *s, const Place *at, void *out, uint64_t *seen) {
    assert(s->n_fields <= SHAPE_FIELDS_MAX);
    uint64_t allowed = at->up ? UINT64_MAX : rd->allowed;
    JsonKind kind = json_peek(rd->r);
    if (kind != JSON_OBJECT)
        return shape_wrong_kind(rd, at, "an object");
    json_open_object(rd->r);
    Str key;
    size_t guess = 0;
    while (json_object_next(rd->r, &key) > 0) {
        const Field *f = find_key(s, key, &guess);
        size_t i = f ? (size_t)(f - s->fields) : 0;
        if (!f || !(allowed >> i & 1)) {
            if (!rd->lenient)
                return f ? wrong_place(rd, at, f) : unknown_key(rd, s, allowed, at, key);
            if (json_skip(rd->r))
                break;
            continue;
        }
        Place here = place_member(at, field_name(f));
        if (*seen >> i & 1)
            return place_invalid(rd->cx, &here, "is given twice");
        *seen |= UINT64_C(1) << i;
        int e = shape_read_field(rd, f, &here, out);
        if (e)
            return e;
    }
    return rd->r->err ? shape_json_fault(rd->cx, rd->r) : settle_names(rd, s, at, out, seen);
}

int shape_finish(const Shape *s, Ctx *cx, const Place *at, uint64_t seen, bool lenient, void *out) {
    for (size_t i = 0; i < s->n_fields; i++) {
        const Field *f = &s->fields[i];
        if (seen >> i & 1) {
            if (!lenient && !at->up && f->def && field_unset(f, out)) /* "order=" is "not given" */
                field_default(f, cx, out);
            continue;
        }
        if (lenient) {
            if (f->type == FT_F64 && f->flags & F_NULLABLE)
                field_default(f, cx, out);
            continue;
        }
        Place here = place_member(at, field_name(f));
        if (f->flags & F_REQUIRED)
            return place_invalid(cx, &here, "is required");
        field_default(f, cx, out);
    }
    return 0;
}

static int read_shape(ShapeReader *rd, const Shape *s, const Place *at, void *out) {
    uint64_t seen = 0;
    memset(out, 0, s->size);
    int e = shape_read_members(rd, s, at, out, &seen);
    return e ? e : shape_finish(s, rd->cx, at, seen, rd->lenient, out);
}

static int read_list(ShapeReader *rd, const Field *f, const Place *at, List *out) {
    JsonKind kind = json_peek(rd->r);
    if (kind != JSON_ARRAY)
        return shape_wrong_kind(rd, at, "an array");
    json_open_array(rd->r);
    List list = { 0 };
    size_t cap = 0;
    while (json_array_next(rd->r) > 0) {
        Place here = place_item(at, list.n);
        int e = list_room(f, rd->cx, at, &list, &cap);
        if (e)
            return e;
        kind = json_peek(rd->r);
        if (f->of)
            e = read_shape(rd, f->of, &here, (char *)list.v + list.n * f->of->size);
        else if (kind == JSON_STRING)
            json_read_str(rd->r, &((Str *)list.v)[list.n]);
        else
            e = shape_wrong_kind(rd, &here, "a string");
        if (e)
            return e;
        if (rd->r->err)
            break;
        list.n++;
    }
    if (rd->r->err)
        return shape_json_fault(rd->cx, rd->r);
    *out = list;
    return 0;
}

static int read_scalar(ShapeReader *rd, const Field *f, const Place *at, void *record) {
    static const struct {
        const char *words;
        unsigned kinds;
    } wanted[] = {
        [FT_STR] = { "a string", 1u << JSON_STRING },
        [FT_I64] = { "a whole number", 1u << JSON_NUMBER | 1u << JSON_STRING },
        [FT_F64] = { "a number", 1u << JSON_NUMBER | 1u << JSON_STRING }, /* "42.10": a venue's decimal */
        [FT_BOOL] = { "true or false", 1u << JSON_TRUE | 1u << JSON_FALSE },
        [FT_TIME] = { "a time (ISO-8601, or a number of epoch s, ms, us or ns)",
                      1u << JSON_STRING | 1u << JSON_NUMBER },
    };
    JsonKind kind = json_peek(rd->r);
    if (!(wanted[f->type].kinds >> kind & 1))
        return shape_wrong_kind(rd, at, wanted[f->type].words);
    JsonToken token;
    if (json_next(rd->r, &token))
        return shape_json_fault(rd->cx, rd->r);
    if (f->type == FT_BOOL) {
        *FIELD_AT(f, record, bool) = kind == JSON_TRUE;
        return 0;
    }
    return field_scalar(f, rd->cx, at, token.text, record);
}

int shape_read_field(ShapeReader *rd, const Field *f, const Place *at, void *record) {
    int e = 0;
    if ((f->flags & F_NULLABLE || rd->lenient) && f->type != FT_JSON && json_read_null(rd->r)) {
        if (f->type == FT_F64)
            *FIELD_AT(f, record, double) = (double)NAN;
        return 0; /* of all other types null is the zero value, which is there already */
    }
    switch (f->type) {
    case FT_SHAPE:
        return read_shape(rd, f->of, at, FIELD_AT(f, record, char));
    case FT_LIST:
        e = read_list(rd, f, at, FIELD_AT(f, record, List));
        break;
    case FT_CANDLES:
        e = candles_read_rows(rd, at, field_max_items(f), FIELD_AT(f, record, Candles));
        break;
    case FT_JSON:
        if (json_skip_raw(rd->r, &FIELD_AT(f, record, RawJson)->json))
            return shape_json_fault(rd->cx, rd->r);
        break;
    default:
        e = read_scalar(rd, f, at, record);
    }
    return e || rd->lenient ? e : field_check(f, rd->cx, at, record);
}

int shape_read(const Shape *shape, Ctx *cx, JsonReader *r, void *out) {
    ShapeReader rd = { .cx = cx, .r = r, .allowed = UINT64_MAX };
    Place root = { 0 };
    return read_shape(&rd, shape, &root, out);
}

static int decode(const Shape *shape, Ctx *cx, Str json, bool lenient, void *out) {
    JsonReader r;
    json_reader_init(&r, json, cx->arena, SHAPE_DEPTH_MAX);
    ShapeReader rd = { .cx = cx, .r = &r, .lenient = lenient, .allowed = UINT64_MAX };
    Place root = { 0 };
    int e = read_shape(&rd, shape, &root, out);
    return e ? e : json_finish(&r) ? shape_json_fault(cx, &r) : 0;
}

int shape_decode(const Shape *shape, Ctx *cx, Str json, void *out) {
    return decode(shape, cx, json, false, out);
}

int shape_decode_reply(const Shape *shape, Ctx *cx, Str json, void *out) {
    return decode(shape, cx, json, true, out);
}
