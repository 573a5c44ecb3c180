/* api/field.c - see field.h. */

#include "api/field.h"

#include "api/pattern.h"
#include "base/num.h"
#include "base/utf8.h"

#include <math.h>

/* --- text -> value --- */

static Str shown(const Field *f, Ctx *cx, Str text) {
    if (f->flags & F_SECRET)
        return S("what was given");
    return text.n ? words_quote(cx->arena, text) : S("nothing");
}

static int wrong(const Field *f, Ctx *cx, const Place *at, const char *wanted, Str text) {
    return place_invalid(cx, at, "must be %s, not " STR_FMT, wanted, STR_ARG(shown(f, cx, text)));
}

/* Also 1e3 and 100.0, which programs print where they mean an integer. */
static bool text_to_i64(Str text, int64_t *out) {
    double v;
    if (str_to_i64(text, out))
        return true;
    if (!num_parse_f64(text, &v) || fabs(v) > 9007199254740992.0 || v != trunc(v))
        return false;
    *out = (int64_t)v;
    return true;
}

/* Seconds with a fraction are what Python's time.time() prints; the rest is base/time's. */
static bool text_to_time(Str text, Time *out) {
    double v;
    if (time_parse_any(text, out))
        return true;
    if (str_find_char(text, '.') < 0 || !num_parse_f64(text, &v) || !(fabs(v) < 1e14))
        return false;
    *out = time_ms(llround(fabs(v) < 1e11 ? v * 1000.0 : v));
    return true;
}

static bool text_to_bool(Str text, bool *out) {
    static const struct {
        const char *word;
        bool value;
    } words[] = { { "true", true }, { "false", false }, { "1", true },  { "0", false },
                  { "yes", true },  { "no", false },    { "on", true }, { "off", false } };
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq_nocase(text, str_c(words[i].word))) {
            *out = words[i].value;
            return true;
        }
    return false;
}

int field_scalar(const Field *f, Ctx *cx, const Place *at, Str text, void *record) {
    switch (f->type) {
    case FT_STR:
        *FIELD_AT(f, record, Str) = text;
        return 0;
    case FT_I64:
        if (!text_to_i64(text, FIELD_AT(f, record, int64_t)))
            return wrong(f, cx, at, "a whole number", text);
        return 0;
    case FT_F64:
        if (!num_parse_f64(text, FIELD_AT(f, record, double)))
            return wrong(f, cx, at, "a number", text);
        return 0;
    case FT_BOOL:
        if (!text_to_bool(text, FIELD_AT(f, record, bool)))
            return wrong(f, cx, at, "true or false", text);
        return 0;
    case FT_TIME:
        if (!text_to_time(text, FIELD_AT(f, record, Time)))
            return wrong(f, cx, at, "a time (2024-01-31, 2024-01-31T12:00:00Z, or epoch s, ms, us, ns)", text);
        /* 0 is "not given". Where that is allowed, the very start of 1970 becomes the millisecond before it, so that it
         * does not silently mean "without bound": no candle of any timeframe opens in between. */
        if (f->flags & F_NULLABLE && FIELD_GET(f, record, Time).ms == 0)
            FIELD_AT(f, record, Time)->ms = -1;
        return 0;
    default:
        assert(!"a scalar type");
        return ERR_INTERNAL;
    }
}

static int list_from_text(const Field *f, Ctx *cx, const Place *at, Str text, List *out) {
    List list = { 0 };
    size_t cap = 0;
    Str item;
    while (text.n && str_next(&text, ',', &item)) {
        Place here = place_item(at, list.n);
        int e = list_room(f, cx, at, &list, &cap);
        if (e)
            return e;
        if (str_trim(item).n == 0)
            return place_invalid(cx, &here, "must not be empty");
        ((Str *)list.v)[list.n++] = str_trim(item);
    }
    *out = list;
    return 0;
}

int field_text(const Field *f, Ctx *cx, const Place *at, Str text, void *record) {
    int e;
    if (f->type == FT_LIST && !f->of) {
        e = list_from_text(f, cx, at, text, FIELD_AT(f, record, List));
    } else if (f->type >= FT_SHAPE) { /* what has no text of its own is written as JSON */
        JsonReader r;
        json_reader_init(&r, text, cx->arena, SHAPE_DEPTH_MAX);
        ShapeReader rd = { .cx = cx, .r = &r, .allowed = UINT64_MAX };
        e = shape_read_field(&rd, f, at, record);
        if (!e && json_finish(&r))
            e = shape_json_fault(cx, &r);
        return e; /* checked while it was read */
    } else {
        e = field_scalar(f, cx, at, text, record);
    }
    return e ? e : field_check(f, cx, at, record);
}

int field_from_text(const Field *f, Ctx *cx, Str text, void *record) {
    Place root = { 0 }, at = place_member(&root, field_name(f));
    return field_text(f, cx, &at, text, record);
}

int list_room(const Field *f, Ctx *cx, const Place *at, List *list, size_t *cap) {
    if (list->n < *cap)
        return 0;
    size_t most = field_max_items(f), size = field_item_size(f);
    if (list->n >= most)
        return place_invalid(cx, at, "must have at most %zu items", most);
    size_t grown = MIN(MAX(*cap * 2, (size_t)8), most);
    size_t bytes = mem_mul(grown, size);
    if (cx->arena->limit && (cx->arena->used > cx->arena->limit || bytes > cx->arena->limit - cx->arena->used))
        return err_set_at(cx, ERR_TOO_LARGE, place_text(cx->arena, at), "the list is larger than a request may be");
    list->v = arena_grow(cx->arena, list->v, *cap * size, bytes);
    memset((char *)list->v + *cap * size, 0, bytes - *cap * size);
    *cap = grown;
    return 0;
}

/* --- bounds --- */

static Str bound_text(char out[static NUM_TEXT_MAX], double v) {
    return str_n(out, num_format_f64(v, out));
}

static int check_range(const Field *f, Ctx *cx, const Place *at, double v, const char *what) {
    bool low = field_bounded_below(f) && v < f->min, high = f->max != 0 && v > f->max;
    if (!low && !high)
        return 0;
    char lo[NUM_TEXT_MAX], hi[NUM_TEXT_MAX], is[NUM_TEXT_MAX];
    Str min = bound_text(lo, f->min), max = bound_text(hi, f->max);
    Str got = f->flags & F_SECRET ? S("what was given") : bound_text(is, v);
    if (field_bounded_below(f) && f->max != 0)
        return place_invalid(cx, at, "must %s between " STR_FMT " and " STR_FMT ", not " STR_FMT, what, STR_ARG(min),
                             STR_ARG(max), STR_ARG(got));
    return place_invalid(cx, at, "must %s at %s " STR_FMT ", not " STR_FMT, what, low ? "least" : "most",
                         STR_ARG(low ? min : max), STR_ARG(got));
}

static int check_choice(const Field *f, Ctx *cx, const Place *at, Str text) {
    Nearest near = { .wanted = text };
    for (const char *const *c = f->choices; *c; c++) {
        if (str_eq(text, str_c(*c)))
            return 0;
        nearest_offer(&near, str_c(*c));
    }
    Buf list;
    buf_init(&list, ERR_TEXT_MAX / 2);
    for (const char *const *c = f->choices; *c; c++)
        buf_printf(&list, "%s%s", list.n ? ", " : "", *c);
    int e =
        place_invalid(cx, at, "must be one of " STR_FMT "%s; it is " STR_FMT STR_FMT, STR_ARG(buf_str(&list)),
                      buf_ok(&list) ? "" : ", …", STR_ARG(shown(f, cx, text)), STR_ARG(nearest_hint(&near, cx->arena)));
    buf_done(&list);
    return e;
}

/* Characters, pattern and choices; the length is a range of the field only where it is not a list's. */
static int check_text(const Field *f, Ctx *cx, const Place *at, Str text) {
    if (!utf8_valid(text))
        return place_invalid(cx, at, "must be valid UTF-8");
    size_t length = utf8_count(text);
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
            return place_invalid(cx, at, "must not contain control characters (byte %zu is 0x%02x)", i,
                                 (unsigned char)text.p[i]);
    bool own_bounds = f->type == FT_STR;
    if (length > FIELD_STR_MAX && !(own_bounds && f->max > 0))
        return place_invalid(cx, at, "must have at most %d characters, not %zu", FIELD_STR_MAX, length);
    if (own_bounds) {
        int e = check_range(f, cx, at, (double)length, "have a length");
        if (e)
            return e;
    }
    if (f->choices)
        return check_choice(f, cx, at, text);
    if (f->pattern) {
        const Pattern *p = pattern_find(f->pattern);
        assert(p);
        if (!p->check(text))
            return wrong(f, cx, at, p->words, text);
    }
    return 0;
}

static int check_str(const Field *f, Ctx *cx, const Place *at, Str text) {
    if (text.n == 0) /* "not given" */
        return f->flags & F_REQUIRED ? place_invalid(cx, at, "must not be empty") : 0;
    return check_text(f, cx, at, text);
}

static int check_f64(const Field *f, Ctx *cx, const Place *at, double v) {
    if (isnan(v) && f->flags & F_NULLABLE)
        return 0;
    if (!isfinite(v))
        return place_invalid(cx, at, "must be a finite number");
    return check_range(f, cx, at, v, "be");
}

static int check_list(const Field *f, Ctx *cx, const Place *at, const List *list) {
    if (list->n == 0 && !(f->flags & F_REQUIRED))
        return 0;
    if ((double)list->n < f->min || list->n > field_max_items(f))
        return place_invalid(cx, at, "must have between %zu and %zu items, not %zu", (size_t)f->min, field_max_items(f),
                             list->n);
    for (size_t i = 0; !f->of && i < list->n; i++) {
        Place here = place_item(at, i);
        Str item = ((const Str *)list->v)[i];
        if (f->flags & F_REPEAT && str_find_char(item, ',') >= 0)
            return place_invalid(cx, &here, "must not contain a comma"); /* it separates items in a query */
        int e = check_text(f, cx, &here, item);
        if (e)
            return e;
    }
    return 0;
}

static int check_candles(const Field *f, Ctx *cx, const Place *at, const Candles *cs) {
    if (cs->n < f->min && (cs->n || f->flags & F_REQUIRED))
        return place_invalid(cx, at, "must have at least %zu candles, not %zu", (size_t)f->min, cs->n);
    if (cs->n > field_max_items(f))
        return place_invalid(cx, at, "must have at most %zu candles, not %zu", field_max_items(f), cs->n);
    return 0;
}

int field_check(const Field *f, Ctx *cx, const Place *at, const void *record) {
    switch (f->type) {
    case FT_STR:
        return check_str(f, cx, at, FIELD_GET(f, record, Str));
    case FT_I64:
        return check_range(f, cx, at, (double)FIELD_GET(f, record, int64_t), "be");
    case FT_F64:
        return check_f64(f, cx, at, FIELD_GET(f, record, double));
    case FT_TIME: {
        int64_t ms = FIELD_GET(f, record, Time).ms;
        if (ms < TIME_ISO_MIN.ms || ms > TIME_ISO_MAX.ms)
            return place_invalid(cx, at, "must lie in the years 1 to 9999");
        return 0;
    }
    case FT_LIST:
        return check_list(f, cx, at, &FIELD_GET(f, record, List));
    case FT_CANDLES:
        return check_candles(f, cx, at, &FIELD_GET(f, record, Candles));
    case FT_JSON:
        if (f->flags & F_REQUIRED && FIELD_GET(f, record, RawJson).json.n == 0)
            return place_invalid(cx, at, "is required");
        return 0;
    case FT_SHAPE:
    case FT_BOOL:
    case FT_NONE:
        return 0;
    }
    return 0;
}

/* --- defaults and absence --- */

static void absent_value(const Field *f, Ctx *cx, void *record) {
    if (f->type == FT_F64 && f->flags & F_NULLABLE)
        *FIELD_AT(f, record, double) = (double)NAN;
    else if (f->type == FT_SHAPE && !(f->flags & (F_NULLABLE | F_OMIT_EMPTY)))
        shape_init(f->of, cx, FIELD_AT(f, record, char));
}

void field_default(const Field *f, Ctx *cx, void *record) {
    if (!f->def) {
        absent_value(f, cx, record);
        return;
    }
    int e = field_from_text(f, cx, str_c(f->def), record);
    assert(e == 0); /* a table's own default must pass its own checks: op_lint */
    UNUSED(e);
}

static bool zero_allowed(const Field *f) {
    return !(field_bounded_below(f) && f->min > 0) && !(f->max < 0);
}

bool field_unset(const Field *f, const void *record) {
    switch (f->type) {
    case FT_STR:
        return FIELD_GET(f, record, Str).n == 0;
    case FT_I64:
        return FIELD_GET(f, record, int64_t) == 0 && !(f->flags & F_REQUIRED) && !zero_allowed(f);
    case FT_F64: {
        double v = FIELD_GET(f, record, double);
        return (isnan(v) && f->flags & F_NULLABLE) || (v == 0 && !(f->flags & F_REQUIRED) && !zero_allowed(f));
    }
    case FT_TIME:
        return FIELD_GET(f, record, Time).ms == 0 && !(f->flags & F_REQUIRED);
    case FT_LIST:
        return FIELD_GET(f, record, List).n == 0;
    case FT_CANDLES:
        return FIELD_GET(f, record, Candles).n == 0;
    case FT_JSON:
        return FIELD_GET(f, record, RawJson).json.n == 0;
    case FT_SHAPE:
        return f->flags & (F_NULLABLE | F_OMIT_EMPTY) && field_empty(f, record);
    case FT_BOOL: /* false is a value */
    case FT_NONE:
        return false;
    }
    return false;
}

bool field_empty(const Field *f, const void *record) {
    switch (f->type) {
    case FT_I64:
        return FIELD_GET(f, record, int64_t) == 0;
    case FT_F64: {
        double v = FIELD_GET(f, record, double);
        return f->flags & F_NULLABLE ? isnan(v) : v == 0;
    }
    case FT_BOOL:
        return !FIELD_GET(f, record, bool);
    case FT_TIME:
        return FIELD_GET(f, record, Time).ms == 0;
    case FT_SHAPE:
        return shape_empty(f->of, (const char *)record + f->offset);
    default:
        return field_unset(f, record);
    }
}

bool shape_empty(const Shape *s, const void *v) {
    for (size_t i = 0; i < s->n_fields; i++) {
        const Field *f = &s->fields[i];
        bool zero_double = f->type == FT_F64 && FIELD_GET(f, v, double) == 0;
        if (!zero_double && !field_empty(f, v))
            return false;
    }
    return true;
}
