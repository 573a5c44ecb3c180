/* api/candle_json: rows of JSON keep every bit both ways (MDS-16). */

#include "api/op.h"
#include "lib/test.h"

static Str written(TestCtx *t, const Candles *cs, bool pretty) {
    Buf b;
    JsonWriter w;
    buf_init(&b, 1 << 20);
    json_writer_init(&w, &b, pretty);
    candles_write_json(&w, cs);
    Str text = str_dup(&t->arena, buf_str(&b));
    buf_done(&b);
    return text;
}

static int read_text(TestCtx *t, Str text, Candles *out, size_t most) {
    JsonReader r;
    err_clear(&t->cx);
    json_reader_init(&r, text, t->cx.arena, 16);
    int e = candles_read_json(&r, &t->cx, out, most);
    return e ? e : json_finish(&r);
}

TEST(candles_are_written_as_the_documents_say) {
    TestCtx t;
    test_ctx_init(&t);
    Candles cs;
    candles_init(&cs, &t.arena, 4);
    const Candle rows[] = {
        { .open_time = time_ms(INT64_C(1704067200000)),
          .open = 42283.58,
          .high = 42554.57,
          .low = 42261.02,
          .close = 42475.23,
          .volume = 1271.68108 },
        { .open_time = time_ms(INT64_C(1704067200001)),
          .open = 1,
          .high = 1e21,
          .low = 0,
          .close = 5e-324,
          .volume = 0.1,
          .flags = CANDLE_SYNTHETIC | CANDLE_SIMULATED },
        { .open_time = time_ms(INT64_C(-86400000)),
          .open = -37.63,
          .high = -1,
          .low = -40.32,
          .close = (double)INFINITY,
          .volume = 0,
          .flags = CANDLE_OPEN },
    };
    CHECK_STR(written(&t, &cs, false), S("[]"));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        candles_push(&cs, &rows[i]);
    CHECK_STR(written(&t, &cs, false),
              S("[{\"timestamp\":\"2024-01-01T00:00:00Z\",\"open\":42283.58,\"high\":42554.57,\"low\":42261.02,"
                "\"close\":42475.23,\"volume\":1271.68108},"
                "{\"timestamp\":\"2024-01-01T00:00:00.001Z\",\"open\":1,\"high\":1e+21,\"low\":0,\"close\":5e-324,"
                "\"volume\":0.1,\"flags\":[\"synthetic\",\"simulated\"]},"
                "{\"timestamp\":\"1969-12-31T00:00:00Z\",\"open\":-37.63,\"high\":-1,\"low\":-40.32,\"close\":null,"
                "\"volume\":0,\"flags\":[\"open\"]}]"));
    JsonReader r; /* pretty output is JSON too */
    json_reader_init(&r, written(&t, &cs, true), &t.arena, 8);
    CHECK_EQ(json_skip(&r), 0);
    CHECK_EQ(json_finish(&r), 0);
    test_ctx_done(&t);
}

TEST(a_full_buffer_says_so) {
    TestCtx t;
    test_ctx_init(&t);
    Candles cs;
    candles_init(&cs, &t.arena, 100);
    for (int i = 0; i < 100; i++)
        candles_push(&cs, &(Candle){ .open_time = time_ms(i) });
    Buf b;
    JsonWriter w;
    buf_init(&b, 2000);
    json_writer_init(&w, &b, false);
    candles_write_json(&w, &cs);
    CHECK(!buf_ok(&b));
    buf_done(&b);
    test_ctx_done(&t);
}

/* MDS-16: decimal strings, ISO and epoch times, arrays and short names all mean the same candle. */
TEST(the_dialects_of_a_row_read_as_the_same_candle) {
    static const struct {
        const char *name, *text;
    } rows[] = {
        { "ours", "[{\"timestamp\":\"2024-01-01T00:00:00Z\",\"open\":42283.58,\"high\":42554.57,\"low\":42261.02,"
                  "\"close\":42475.23,\"volume\":1271.68108}]" },
        { "strings with zeros",
          "[{\"timestamp\":\"2024-01-01T00:00:00.000Z\",\"open\":\"42283.58000000\",\"high\":\"42554.57000000\","
          "\"low\":\"42261.02000000\",\"close\":\"42475.23000000\",\"volume\":\"1271.68108000\"}]" },
        { "short names, any order",
          "[{\"v\":1271.68108,\"c\":42475.23,\"l\":42261.02,\"h\":42554.57,\"o\":42283.58,\"t\":1704067200000}]" },
        { "epoch seconds", "[{\"time\":1704067200,\"open\":4.228358e4,\"high\":42554.57,\"low\":42261.02,\"close\":"
                           "42475.23,\"volume\":1271.68108,\"flags\":[]}]" },
        { "epoch seconds with a fraction", "[[1704067200.0,42283.58,42554.57,42261.02,42475.23,1271.68108]]" },
        { "array", "[[1704067200000,42283.58,42554.57,42261.02,42475.23,1271.68108]]" },
        { "array of a venue",
          "[[1704067200000000,\"42283.58000000\",\"42554.57\",\"42261.02\",\"42475.23\",\"1271.68108000\"]]" },
        { "array with ISO time",
          "[ [ \"2024-01-01 00:00\" , 42283.58 , 42554.57 , 42261.02 , 42475.23 , 1271.68108 ] ]" },
        { "with an offset", "[{\"timestamp\":\"2024-01-01T07:00:00+07:00\",\"open\":42283.58,\"high\":42554.57,\"low\":"
                            "42261.02,\"close\":42475.23,\"volume\":1271.68108}]" },
    };
    TestCtx t;
    test_ctx_init(&t);
    const Candle want = { .open_time = time_ms(INT64_C(1704067200000)),
                          .open = 42283.58,
                          .high = 42554.57,
                          .low = 42261.02,
                          .close = 42475.23,
                          .volume = 1271.68108 };
    EACH_ROW (r, rows) {
        Candles cs;
        CHECK_OK(&t.cx, read_text(&t, str_c(r->text), &cs, 10));
        CHECK_EQ(cs.n, 1);
        Candle got = candles_get(&cs, 0);
        CHECK_EQ(got.open_time.ms, want.open_time.ms);
        CHECK(candle_same_data(&got, &want));
    }
    test_ctx_done(&t);
}

TEST(a_bad_row_is_refused_at_its_place) {
    static const struct {
        const char *name, *text, *field, *words;
        int code;
    } rows[] = {
        { "not an array", "{}", "body", "body must be an array of candles, not an object", ERR_INVALID },
        { "not a row", "[5]", "[0]", "[0] must be a candle (an object or an array), not a number", ERR_INVALID },
        { "short array", "[[1,2,3,4,5]]", "[0].volume", "[0].volume is required", ERR_INVALID },
        { "long array", "[[1,2,3,4,5,6,7]]", "[0]", "it has more", ERR_INVALID },
        { "no close", "[{\"t\":1,\"o\":1,\"h\":1,\"l\":1,\"v\":1}]", "[0].close", "[0].close is required",
          ERR_INVALID },
        { "second row", "[[1,2,3,4,5,6],[2,2,\"x\",4,5,6]]", "[1].high", "[1].high must be a number, not \"x\"",
          ERR_INVALID },
        { "null", "[[1,null,3,4,5,6]]", "[0].open", "[0].open must be a number, not null", ERR_INVALID },
        { "infinite", "[[1,1e999,3,4,5,6]]", "[0].open", "must be a number", ERR_INVALID },
        { "NaN in quotes", "[[1,\"NaN\",3,4,5,6]]", "[0].open", "must be a number, not \"NaN\"", ERR_INVALID },
        { "empty string", "[[1,\"\",3,4,5,6]]", "[0].open", "must be a number, not nothing", ERR_INVALID },
        { "no time", "[[\"soon\",1,3,4,5,6]]", "[0].timestamp", "must be a time", ERR_INVALID },
        { "boolean time", "[[true,1,3,4,5,6]]", "[0].timestamp", "must be a time (ISO-8601 or epoch), not a boolean",
          ERR_INVALID },
        { "unknown", "[{\"t\":1,\"o\":1,\"h\":1,\"lwo\":1,\"c\":1,\"v\":1}]", "[0].lwo",
          "not a known field of a candle; did you mean \"low\"?", ERR_INVALID },
        { "twice", "[{\"t\":1,\"timestamp\":1,\"o\":1}]", "[0].timestamp", "is given twice", ERR_INVALID },
        { "unknown flag", "[{\"t\":1,\"o\":1,\"h\":1,\"l\":1,\"c\":1,\"v\":1,\"flags\":[\"fake\"]}]", "[0].flags[0]",
          "one of open, synthetic, simulated, not \"fake\"", ERR_INVALID },
        { "flags no array", "[{\"flags\":1}]", "[0].flags", "must be an array, not a number", ERR_INVALID },
        { "rows disagree", "[{\"symbol\":\"A\",\"t\":1,\"o\":1,\"h\":1,\"l\":1,\"c\":1,\"v\":1},{\"symbol\":\"B\"}]",
          "[1].symbol", "is \"B\", and \"A\" in the candles before it", ERR_INVALID },
        { "a name with no place for it", "[{\"symbol\":\"A\",\"t\":1,\"o\":1,\"h\":1,\"l\":1,\"c\":1,\"v\":1}]", "body",
          "without its symbol", ERR_INVALID },
        { "not JSON", "[[1,2,3,4,5,nope]]", "", "not JSON, line 1, column 13", ERR_BAD_REQUEST },
        { "cut off", "[[1,2,3,4,5,6]", "", "not JSON", ERR_BAD_REQUEST },
        { "too many", "[[1,2,3,4,5,6],[2,2,3,4,5,6],[3,2,3,4,5,6],[4,2,3,4,5,6]]", "body", "at most 3 candles",
          ERR_INVALID },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        Candles cs = { .n = 77 };
        CHECK_EQ(read_text(&t, str_c(r->text), &cs, 3), r->code);
        CHECK_EQ(cs.n, 77); /* untouched */
        CHECK_STR(str_c(t.cx.err.field), str_c(r->field));
        if (!strstr(t.cx.err.text, r->words))
            FAIL("\"%s\" lacks \"%s\"", t.cx.err.text, r->words);
    }
    test_ctx_done(&t);
}

TEST(a_table_past_the_memory_of_the_request_is_refused) {
    TestCtx t;
    test_ctx_init(&t);
    Arena small;
    arena_init(&small, 16 * 1024);
    Buf b;
    buf_init(&b, 1 << 20);
    buf_put_c(&b, '[');
    for (int i = 0; i < 2000; i++)
        buf_printf(&b, "%s[%d,2,3,4,5,6]", i ? "," : "", i);
    buf_put_c(&b, ']');
    t.cx.arena = &small;
    Candles cs;
    CHECK_EQ(read_text(&t, buf_str(&b), &cs, 100000), ERR_TOO_LARGE);
    CHECK(small.used <= 16 * 1024 + 4096);
    t.cx.arena = &t.arena;
    CHECK_OK(&t.cx, read_text(&t, buf_str(&b), &cs, 100000));
    CHECK_EQ(cs.n, 2000);
    arena_done(&small);
    buf_done(&b);
    test_ctx_done(&t);
}

TESTS(T(candles_are_written_as_the_documents_say), T(a_full_buffer_says_so),
      T(the_dialects_of_a_row_read_as_the_same_candle), T(a_bad_row_is_refused_at_its_place),
      T(a_table_past_the_memory_of_the_request_is_refused))
