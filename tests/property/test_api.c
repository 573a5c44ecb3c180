/* api: what holds for every struct. */

#include "base/rng.h"
#include "demo.h"
#include "lib/test.h"

enum { ROUNDS = 2000 };

static Str random_text(Arena *a, Rng *r, size_t most, bool wild) {
    static const char *const pieces[] = { "a", "Z", "9", " ", "\"",       "\\",           "/",
                                          "%", "&", "=", "+", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                                          "{", "<" };
    Buf b;
    buf_init(&b, 4096);
    size_t n = 1 + rng_below(r, most);
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "%s", wild ? pieces[rng_below(r, ARRAY_LEN(pieces))] : pieces[rng_below(r, 3)]);
    Str text = str_dup(a, buf_str(&b));
    buf_done(&b);
    return text;
}

static double random_f64(Rng *r, double lo, double hi) {
    switch (rng_below(r, 4)) {
    case 0:
        return lo;
    case 1:
        return hi;
    case 2:
        return fmax(lo, (double)(int64_t)(lo + (hi - lo) * rng_f64(r)));
    default:
        return lo + (hi - lo) * rng_f64(r);
    }
}

/* A struct that is right by the shape's rules; made from the table itself. */
static void random_shape(const Shape *s, Arena *a, Rng *r, char *out);

static void random_candles(Arena *a, Rng *r, Candles *cs) {
    size_t n = 1 + rng_below(r, 5);
    candles_init(cs, a, n);
    for (size_t i = 0; i < n; i++) {
        uint64_t bits = rng_u64(r) & ~(UINT64_C(0x7ff) << 52); /* any mantissa and sign, tame exponents */
        bits |= (uint64_t)rng_between(r, 900, 1100) << 52;
        Candle c = { .open_time = time_ms(rng_between(r, TIME_ISO_MIN.ms, TIME_ISO_MAX.ms)),
                     .high = rng_f64(r),
                     .low = (double)rng_between(r, -1000, 1000) / 100,
                     .close = (double)rng_between(r, 0, 100000000) / 1e8,
                     .volume = rng_normal(r),
                     .flags = (uint8_t)rng_below(r, 8) };
        memcpy(&c.open, &bits, sizeof c.open);
        candles_push(cs, &c);
    }
}

static void random_field(const Field *f, Arena *a, Rng *r, char *record) {
    void *at = record + f->offset;
    bool absent = !(f->flags & F_REQUIRED) && rng_chance(r, 0.3);
    switch (f->type) {
    case FT_STR:
        if (f->choices)
            *(Str *)at = str_c(f->choices[rng_below(r, 2)]);
        else if (f->pattern && strcmp(f->pattern, "timeframe") == 0)
            *(Str *)at = rng_chance(r, 0.5) ? S("15m") : S("1M");
        else if (!absent || f->def)
            *(Str *)at = f->pattern ? random_text(a, r, 10, false)
                                    : random_text(a, r, (size_t)(f->max ? f->max - f->min : 20), true);
        if (f->pattern && strcmp(f->pattern, "venue") == 0)
            *(Str *)at = str_lower(a, *(Str *)at);
        while (((Str *)at)->n && (double)((Str *)at)->n < f->min)
            *(Str *)at = str_fmt(a, STR_FMT "x", STR_ARG(*(Str *)at));
        break;
    case FT_I64:
        *(int64_t *)at =
            f->max ? rng_between(r, (int64_t)f->min, (int64_t)f->max) : rng_between(r, -INT64_MAX, INT64_MAX);
        break;
    case FT_F64:
        *(double *)at = absent && f->flags & F_NULLABLE ? (double)NAN : random_f64(r, f->min, f->max ? f->max : 1e12);
        break;
    case FT_BOOL:
        *(bool *)at = rng_chance(r, 0.5);
        break;
    case FT_TIME:
        *(Time *)at = absent ? time_ms(0) : time_ms(rng_between(r, TIME_ISO_MIN.ms, TIME_ISO_MAX.ms));
        break;
    case FT_SHAPE:
        if (!absent)
            random_shape(f->of, a, r, at);
        break;
    case FT_LIST: {
        List *list = at;
        size_t n = MAX((size_t)f->min, absent ? 0 : rng_below(r, (uint64_t)f->max + 1)),
               size = f->of ? f->of->size : sizeof(Str);
        *list = (List){ n ? arena_zalloc(a, n * size) : NULL, n };
        for (size_t i = 0; i < n; i++)
            if (f->of)
                random_shape(f->of, a, r, (char *)list->v + i * size);
            else
                ((Str *)list->v)[i] =
                    f->choices ? str_c(f->choices[rng_below(r, 3)]) : random_text(a, r, 8, !f->pattern);
        break;
    }
    case FT_CANDLES:
        random_candles(a, r, at);
        break;
    case FT_JSON:
        if (!absent)
            *(Str *)at = S("{\"k\":[1,null,\"x\"]}");
        break;
    case FT_NONE:
        break;
    }
}

static void random_shape(const Shape *s, Arena *a, Rng *r, char *out) {
    memset(out, 0, s->size);
    for (size_t i = 0; i < s->n_fields; i++)
        random_field(&s->fields[i], a, r, out);
}

static Str json_of(Arena *a, const Shape *s, const void *v) {
    Buf b;
    JsonWriter w;
    buf_init(&b, 1 << 20);
    json_writer_init(&w, &b, false);
    shape_write(s, &w, v);
    Str text = str_dup(a, buf_str(&b));
    buf_done(&b);
    return text;
}

TEST(what_shape_write_writes_shape_decode_reads_back) {
    static const Shape *const shapes[] = { &demo_plan, &demo_page, &demo_save, &demo_leg, &demo_risk, &demo_query };
    TestCtx t;
    Rng rng;
    test_ctx_init(&t);
    rng_seed(&rng, prop_seed(11));
    for (int i = 0; i < ROUNDS; i++) {
        const Shape *s = shapes[rng_below(&rng, ARRAY_LEN(shapes))];
        ArenaMark mark = arena_mark(&t.arena);
        char *v = arena_zalloc(&t.arena, s->size), *back = arena_zalloc(&t.arena, s->size);
        random_shape(s, &t.arena, &rng, v);
        Str json = json_of(&t.arena, s, v);
        /* Strictly where the struct is an input, as a client where it is an answer: the text is the same again. */
        bool answer = s == &demo_page || s == &demo_query || s == &demo_plan;
        if (answer)
            CHECK_OK(&t.cx, shape_decode_reply(s, &t.cx, json, back));
        else
            CHECK_OK(&t.cx, shape_decode(s, &t.cx, json, back));
        CHECK_STR(json_of(&t.arena, s, back), json);
        arena_rewind(&t.arena, mark);
    }
    test_ctx_done(&t);
}

TEST(calls_in_process_and_through_the_wire_answer_alike) {
    static const Op *const ops[] = { &op_demo_candles, &op_demo_save, &op_demo_plan, &op_demo_job };
    TestCtx t;
    Rng rng;
    Demo demo = { 0 };
    ApiRole role = { &demo_table, &demo };
    ApiCaller *local = api_caller_local(&role, 1), *wire = api_caller_wire(&role, 1);
    test_ctx_init(&t);
    rng_seed(&rng, prop_seed(12));
    for (int i = 0; i < ROUNDS; i++) {
        const Op *op = ops[rng_below(&rng, ARRAY_LEN(ops))];
        ArenaMark mark = arena_mark(&t.arena);
        char *in = arena_zalloc(&t.arena, op->in->size);
        void *a = arena_zalloc(&t.arena, op->out->size), *b = arena_zalloc(&t.arena, op->out->size);
        random_shape(op->in, &t.arena, &rng, in);
        if (rng_chance(&rng, 0.2)) { /* and the same refusal of what is wrong */
            const Field *f = &op->in->fields[rng_below(&rng, op->in->n_fields)];
            if (f->type == FT_STR)
                *(Str *)(void *)(in + f->offset) = S("bad\x01value");
            else if (f->type == FT_I64)
                *(int64_t *)(void *)(in + f->offset) = INT64_MIN;
        }
        err_clear(&t.cx);
        int e = api_call(local, &t.cx, op, in, a);
        Err local_err = t.cx.err;
        err_clear(&t.cx);
        CHECK_EQ(api_call(wire, &t.cx, op, in, b), e);
        CHECK_STR(str_c(t.cx.err.text), str_c(local_err.text));
        CHECK_STR(str_c(t.cx.err.field), str_c(local_err.field));
        CHECK_STR(json_of(&t.arena, op->out, b), json_of(&t.arena, op->out, a));
        arena_rewind(&t.arena, mark);
    }
    api_caller_close(local);
    api_caller_close(wire);
    test_ctx_done(&t);
}

TESTS(T(what_shape_write_writes_shape_decode_reads_back), T(calls_in_process_and_through_the_wire_answer_alike))
