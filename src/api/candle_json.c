/* api/candle_json.c - candles as rows of JSON: the fast writer, and a reader that takes what people have.
 *
 * Written: {"timestamp":"2024-01-01T00:00:00Z","open":42283.58,…,"volume":1271.68108} with "flags":["synthetic"]
 * only where a flag is set. Read: the same; the short names t o h l c v; rows as arrays [t,o,h,l,c,v]; times as
 * ISO-8601 or epoch numbers; decimals as numbers or strings. Doubles keep their bits both ways.
 *
 * The writer formats straight into the buffer's memory, remembers the date of the row before (rows of one day
 * share it) and the number of decimals of each column: see num_format_f64_hint. */

#include "api/field.h"

#include "base/num.h"

enum {
    ROW_TEXT_MAX = 96 + TIME_TEXT_MAX + 5 * NUM_TEXT_MAX + 64, /* names, time, numbers, flags */
    DATE_TEXT = 11,                                            /* "2024-01-01T" */
};

static const struct {
    unsigned flag;
    Str word;
} flag_words[] = { { CANDLE_OPEN, STR_INIT("open") },
                   { CANDLE_SYNTHETIC, STR_INIT("synthetic") },
                   { CANDLE_SIMULATED, STR_INIT("simulated") },
                   { CANDLE_PARTIAL, STR_INIT("partial") } };

/* --- writing --- */

typedef struct RowWriter {
    int64_t day;          /* whose date is in `date` */
    char date[DATE_TEXT]; /* "2024-01-01T" */
    bool have_date;
    int hints[5];
} RowWriter;

#define PUT(p, literal) (memcpy((p), literal, sizeof(literal) - 1), (p) + sizeof(literal) - 1)

static inline char *put_two(char *p, unsigned v) {
    p[0] = (char)('0' + v / 10);
    p[1] = (char)('0' + v % 10);
    return p + 2;
}

static char *put_time(RowWriter *rw, char *p, int64_t ms) {
    int64_t day = floor_div(ms, MS_PER_DAY);
    unsigned rest = (unsigned)floor_mod(ms, MS_PER_DAY);
    if (ms < TIME_ISO_MIN.ms || ms > TIME_ISO_MAX.ms || rest % 1000)
        return p + time_format_iso(time_ms(ms), p);
    if (!rw->have_date || day != rw->day) {
        char text[TIME_TEXT_MAX];
        time_format_iso(time_ms(ms), text);
        memcpy(rw->date, text, DATE_TEXT);
        rw->day = day;
        rw->have_date = true;
    }
    memcpy(p, rw->date, DATE_TEXT);
    p += DATE_TEXT;
    unsigned seconds = rest / 1000;
    p = put_two(p, seconds / 3600);
    *p++ = ':';
    p = put_two(p, seconds / 60 % 60);
    *p++ = ':';
    p = put_two(p, seconds % 60);
    *p++ = 'Z';
    return p;
}

static inline char *put_number(char *p, double v, int *hint) {
    if (UNLIKELY(!__builtin_isfinite(v)))
        return PUT(p, "null");
    return p + num_format_f64_hint(v, hint, p);
}

static char *put_flags(char *p, unsigned flags) {
    p = PUT(p, ",\"flags\":[");
    bool comma = false;
    for (size_t i = 0; i < ARRAY_LEN(flag_words); i++) {
        if (!(flags & flag_words[i].flag))
            continue;
        if (comma)
            *p++ = ',';
        comma = true;
        *p++ = '"';
        memcpy(p, flag_words[i].word.p, flag_words[i].word.n);
        p += flag_words[i].word.n;
        *p++ = '"';
    }
    *p++ = ']';
    return p;
}

static char *put_row(RowWriter *rw, char *p, const Candles *cs, size_t i) {
    p = PUT(p, "{\"timestamp\":\"");
    p = put_time(rw, p, cs->open_ms[i]);
    p = PUT(p, "\",\"open\":");
    p = put_number(p, cs->open[i], &rw->hints[0]);
    p = PUT(p, ",\"high\":");
    p = put_number(p, cs->high[i], &rw->hints[1]);
    p = PUT(p, ",\"low\":");
    p = put_number(p, cs->low[i], &rw->hints[2]);
    p = PUT(p, ",\"close\":");
    p = put_number(p, cs->close[i], &rw->hints[3]);
    p = PUT(p, ",\"volume\":");
    p = put_number(p, cs->volume[i], &rw->hints[4]);
    if (cs->flags && cs->flags[i] & CANDLE_FLAGS_ALL)
        p = put_flags(p, cs->flags[i]);
    *p++ = '}';
    return p;
}

void candles_write_json(JsonWriter *w, const Candles *cs) {
    RowWriter rw = { 0 };
    size_t indent = w->pretty ? 2 * ((size_t)w->depth + 1) : 0;
    json_raw(w, S("[")); /* the writer's comma and key handling; rows and the end are ours */
    for (size_t i = 0; i < cs->n; i++) {
        char *p = buf_reserve(w->out, ROW_TEXT_MAX + indent);
        if (!p)
            return; /* the buffer is full and says so */
        char *at = p;
        if (i)
            *at++ = ',';
        if (w->pretty) {
            *at++ = '\n';
            memset(at, ' ', indent);
            at += indent;
        }
        at = put_row(&rw, at, cs, i);
        w->out->n += (size_t)(at - p);
    }
    if (w->pretty && cs->n)
        buf_printf(w->out, "\n%*s", (int)indent - 2, "");
    buf_put_c(w->out, ']');
}

void candle_write_json(Buf *out, const Candles *cs, size_t i) {
    RowWriter rw = { 0 };
    char *p = buf_reserve(out, ROW_TEXT_MAX);
    if (p)
        out->n += (size_t)(put_row(&rw, p, cs, i) - p);
}

/* --- reading --- */

typedef enum Column {
    COL_TIME,
    COL_OPEN,
    COL_HIGH,
    COL_LOW,
    COL_CLOSE,
    COL_VOLUME,
    COL_FLAGS,
    COL_KNOWN,
    COL_NAME
} Column;

enum { COL_NEEDED = (1u << COL_FLAGS) - 1 };

static const struct {
    Str name;
    Column column;
} column_names[] = {
    { STR_INIT("timestamp"), COL_TIME }, { STR_INIT("open"), COL_OPEN },      { STR_INIT("high"), COL_HIGH },
    { STR_INIT("low"), COL_LOW },        { STR_INIT("close"), COL_CLOSE },    { STR_INIT("volume"), COL_VOLUME },
    { STR_INIT("flags"), COL_FLAGS },    { STR_INIT("t"), COL_TIME },         { STR_INIT("o"), COL_OPEN },
    { STR_INIT("h"), COL_HIGH },         { STR_INIT("l"), COL_LOW },          { STR_INIT("c"), COL_CLOSE },
    { STR_INIT("v"), COL_VOLUME },       { STR_INIT("time"), COL_TIME },      { STR_INIT("open_time"), COL_TIME },
    { STR_INIT("date"), COL_TIME },      { STR_INIT("known_at"), COL_KNOWN }, { STR_INIT("symbol"), COL_NAME },
    { STR_INIT("exchange"), COL_NAME },  { STR_INIT("venue"), COL_NAME },     { STR_INIT("timeframe"), COL_NAME },
};

typedef struct RowReader {
    ShapeReader *rd;
    Place at; /* this row */
    Candle row;
    unsigned seen; /* bits of Column */
} RowReader;

static int fault(RowReader *rr) {
    return shape_json_fault(rr->rd->cx, rr->rd->r);
}

/* The value of a number-like column goes through the same parser as every field of its type. */
static int read_scalar(RowReader *rr, const Place *at, FieldType type, void *out) {
    static const Field number = { .type = FT_F64 }, time = { .type = FT_TIME };
    JsonReader *r = rr->rd->r;
    JsonKind kind = json_peek(r);
    JsonToken token;
    if (kind != JSON_NUMBER && kind != JSON_STRING)
        return shape_wrong_kind(rr->rd, at, type == FT_TIME ? "a time (ISO-8601 or epoch)" : "a number");
    if (json_next(r, &token))
        return fault(rr);
    if (type == FT_F64 && LIKELY(num_parse_f64(token.text, out)))
        return 0;
    const Field *f = type == FT_TIME ? &time : &number;
    int e = field_scalar(f, rr->rd->cx, at, token.text, out);
    return e ? e : field_check(f, rr->rd->cx, at, out);
}

static int read_flags(RowReader *rr, const Place *at) {
    JsonReader *r = rr->rd->r;
    JsonKind kind = json_peek(r);
    if (kind != JSON_ARRAY)
        return shape_wrong_kind(rr->rd, at, "an array");
    json_open_array(r);
    int more;
    for (size_t i = 0; (more = json_array_next(r)) > 0; i++) {
        Place here = place_item(at, i);
        Str word;
        if (json_peek(r) != JSON_STRING)
            return shape_wrong_kind(rr->rd, &here, "a string");
        if (json_read_str(r, &word))
            return fault(rr);
        size_t w = 0;
        while (w < ARRAY_LEN(flag_words) && !str_eq(flag_words[w].word, word))
            w++;
        if (w == ARRAY_LEN(flag_words))
            return place_invalid(rr->rd->cx, &here, "must be one of open, synthetic, simulated, not " STR_FMT,
                                 STR_ARG(words_quote(rr->rd->cx->arena, word)));
        rr->row.flags |= (uint8_t)flag_words[w].flag;
    }
    return more < 0 ? fault(rr) : 0;
}

static int read_name(RowReader *rr, const Place *at, Str key) {
    CandleRowNames *names = &rr->rd->names;
    Str *slot = key.p[0] == 's' ? &names->symbol : key.p[0] == 't' ? &names->timeframe : &names->exchange;
    JsonReader *r = rr->rd->r;
    JsonKind kind = json_peek(r);
    Str text;
    if (kind != JSON_STRING)
        return shape_wrong_kind(rr->rd, at, "a string");
    if (json_read_str(r, &text))
        return fault(rr);
    if (slot->p && !str_eq(*slot, text))
        return place_invalid(rr->rd->cx, at, "is " STR_FMT ", and " STR_FMT " in the candles before it",
                             STR_ARG(words_quote(rr->rd->cx->arena, text)),
                             STR_ARG(words_quote(rr->rd->cx->arena, *slot)));
    *slot = text.p ? text : S("");
    return 0;
}

static int read_column(RowReader *rr, Column column, Str name) {
    Candle *c = &rr->row;
    double *const numbers[] = { [COL_OPEN] = &c->open,
                                [COL_HIGH] = &c->high,
                                [COL_LOW] = &c->low,
                                [COL_CLOSE] = &c->close,
                                [COL_VOLUME] = &c->volume };
    Place at = place_member(&rr->at, name);
    if (column == COL_NAME)
        return read_name(rr, &at, name);
    if (rr->seen >> column & 1)
        return place_invalid(rr->rd->cx, &at, "is given twice");
    rr->seen |= 1u << column;
    switch (column) {
    case COL_TIME:
        return read_scalar(rr, &at, FT_TIME, &c->open_time);
    case COL_KNOWN:
        return read_scalar(rr, &at, FT_TIME, &c->known_at);
    case COL_FLAGS:
        return read_flags(rr, &at);
    default:
        return read_scalar(rr, &at, FT_F64, numbers[column]);
    }
}

static int read_object(RowReader *rr) {
    JsonReader *r = rr->rd->r;
    Str key;
    int more;
    size_t guess = 0;
    json_open_object(r);
    while ((more = json_object_next(r, &key)) > 0) {
        size_t i = 0, at = guess;
        while (i < ARRAY_LEN(column_names) && !str_eq(column_names[at].name, key)) {
            i++;
            at = at + 1 < ARRAY_LEN(column_names) ? at + 1 : 0;
        }
        if (i == ARRAY_LEN(column_names)) {
            if (rr->rd->lenient && json_skip(r) == 0)
                continue;
            Nearest near = { .wanted = key };
            for (size_t k = 0; k < ARRAY_LEN(column_names); k++)
                nearest_offer(&near, column_names[k].name);
            Place here = place_member(&rr->at, key);
            return r->err ? fault(rr)
                          : place_invalid(rr->rd->cx, &here, "is not a known field of a candle" STR_FMT,
                                          STR_ARG(nearest_hint(&near, rr->rd->cx->arena)));
        }
        guess = at + 1 < ARRAY_LEN(column_names) ? at + 1 : 0;
        int e = read_column(rr, column_names[at].column, column_names[at].name);
        if (e)
            return e;
    }
    return more < 0 ? fault(rr) : 0;
}

static int read_array(RowReader *rr) {
    JsonReader *r = rr->rd->r;
    int more;
    json_open_array(r);
    for (size_t i = 0; (more = json_array_next(r)) > 0; i++) {
        if (i > COL_VOLUME)
            return place_invalid(rr->rd->cx, &rr->at, "must be [time, open, high, low, close, volume]; it has more");
        int e = read_column(rr, (Column)i, column_names[i].name);
        if (e)
            return e;
    }
    return more < 0 ? fault(rr) : 0;
}

static int read_row(RowReader *rr) {
    JsonReader *r = rr->rd->r;
    JsonKind kind = json_peek(r);
    int e;
    if (kind == JSON_OBJECT)
        e = read_object(rr);
    else if (kind == JSON_ARRAY)
        e = read_array(rr);
    else
        e = shape_wrong_kind(rr->rd, &rr->at, "a candle (an object or an array)");
    if (e || (rr->seen & COL_NEEDED) == COL_NEEDED)
        return e;
    Column missing = COL_TIME;
    while (rr->seen >> missing & 1)
        missing++;
    Place at = place_member(&rr->at, column_names[missing].name);
    return place_invalid(rr->rd->cx, &at, "is required");
}

/* What a table of that many rows takes, for the request's ceiling. */
static bool fits(const Ctx *cx, size_t cap) {
    size_t bytes = mem_mul(cap, 7 * sizeof(int64_t) + 1), limit = cx->arena->limit;
    return !limit || (cx->arena->used <= limit && bytes <= limit - cx->arena->used);
}

int candles_read_rows(ShapeReader *rd, const Place *at, size_t most, Candles *out) {
    JsonReader *r = rd->r;
    JsonKind kind = json_peek(r);
    if (kind != JSON_ARRAY)
        return shape_wrong_kind(rd, at, "an array of candles");
    json_open_array(r);
    Candles cs = { 0 };
    int more;
    while ((more = json_array_next(r)) > 0) {
        RowReader rr = { .rd = rd, .at = place_item(at, cs.n) };
        if (cs.n >= most)
            return place_invalid(rd->cx, at, "must have at most %zu candles", most);
        int e = read_row(&rr);
        if (e)
            return e;
        if (cs.n == cs.cap) {
            size_t cap = MIN(MAX(cs.cap * 2, (size_t)64), most);
            if (!fits(rd->cx, cap))
                return err_set_at(rd->cx, ERR_TOO_LARGE, place_text(rd->cx->arena, at),
                                  "more candles than one request may carry; send them in parts");
            candles_reserve(&cs, rd->cx->arena, cap);
        }
        candles_push(&cs, &rr.row);
    }
    if (more < 0)
        return shape_json_fault(rd->cx, r);
    *out = cs;
    return 0;
}

int candles_read_json(JsonReader *r, Ctx *cx, Candles *out, size_t most) {
    ShapeReader rd = { .cx = cx, .r = r, .allowed = UINT64_MAX };
    Place root = { 0 };
    Candles cs;
    int e = candles_read_rows(&rd, &root, most, &cs);
    bool named = rd.names.symbol.p || rd.names.exchange.p || rd.names.timeframe.p;
    if (!e && named) /* dropping it could file the rows under another name */
        e = place_invalid(cx, &root, "must be candles of one series, without its symbol, exchange or timeframe");
    if (!e)
        *out = cs;
    return e;
}
