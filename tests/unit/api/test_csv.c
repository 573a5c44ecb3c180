/* api/csv: the text/csv form of operations that carry candles. */

#include "demo.h"
#include "lib/test.h"

/* "symbol=A&…" and CSV rows, as a POST of text/csv comes in. */
static int decode_csv(TestCtx *t, const Op *op, const char *query, Str csv, void *in) {
    OpText text = { 0 };
    QueryPair *pairs;
    err_clear(&t->cx);
    int e = query_split(&t->cx, str_c(query), &pairs, &text.n_query);
    text.query = pairs;
    return e ? e : op_decode_csv(op, &t->cx, &text, csv, in);
}

TEST(an_answer_is_written_with_a_header_and_flags_only_where_set) {
    TestCtx t;
    Buf b;
    DemoPage page = { 0 };
    test_ctx_init(&t);
    buf_init(&b, 4096);
    candles_init(&page.candles, &t.arena, 2);
    CHECK_EQ(op_write_csv(&op_demo_candles, &page, &b), 0);
    CHECK_STR(buf_str(&b), S("ts,open,high,low,close,volume\n"));
    candles_push(&page.candles, &(Candle){ .open_time = time_ms(INT64_C(1704067200000)),
                                           .open = 42283.58,
                                           .high = 42554.57,
                                           .low = 42261.02,
                                           .close = 42475.23,
                                           .volume = 1271.68108 });
    buf_clear(&b);
    CHECK_EQ(op_write_csv(&op_demo_candles, &page, &b), 0);
    CHECK_STR(
        buf_str(&b),
        S("ts,open,high,low,close,volume\n2024-01-01T00:00:00Z,42283.58,42554.57,42261.02,42475.23,1271.68108\n"));
    page.candles.flags[0] = CANDLE_SYNTHETIC;
    buf_clear(&b);
    CHECK_EQ(op_write_csv(&op_demo_candles, &page, &b), 0);
    CHECK(str_starts(buf_str(&b), S("ts,open,high,low,close,volume,flags\n")) &&
          str_ends(buf_str(&b), S(",synthetic\n")));
    buf_done(&b);
    buf_init(&b, 40);
    CHECK_EQ(op_write_csv(&op_demo_candles, &page, &b), ERR_LIMIT);
    buf_done(&b);
    test_ctx_done(&t);
}

TEST(what_is_written_is_read_back) {
    TestCtx t;
    Buf b;
    DemoPage page = { 0 };
    DemoSave save;
    test_ctx_init(&t);
    buf_init(&b, 1 << 20);
    candles_init(&page.candles, &t.arena, 500);
    for (int i = 0; i < 500; i++)
        candles_push(&page.candles, &(Candle){ .open_time = time_ms(INT64_C(3600000) * (i * i - 1000)),
                                               .open = 1.0 / (i + 1),
                                               .high = 2,
                                               .low = 1e-9,
                                               .close = 1,
                                               .volume = i,
                                               .flags = (uint8_t)(i % 8) });
    CHECK_EQ(op_write_csv(&op_demo_candles, &page, &b), 0);
    CHECK_OK(&t.cx, decode_csv(&t, &op_demo_save, "symbol=A&timeframe=1h&dry_run=1", buf_str(&b), &save));
    CHECK_STR(save.symbol, S("A"));
    CHECK_STR(save.exchange, S("csv")); /* the default */
    CHECK(save.dry_run);
    CHECK_EQ(save.candles.n, 500);
    for (size_t i = 0; i < 500; i++) {
        Candle x = candles_get(&page.candles, i), y = candles_get(&save.candles, i);
        CHECK(candle_same_data(&x, &y));
        CHECK_EQ(x.flags, y.flags);
    }
    buf_done(&b);
    test_ctx_done(&t);
}

TEST(a_bad_csv_request_is_refused_at_its_place) {
    static const struct {
        const char *name, *query, *csv, *words;
        int code;
    } rows[] = {
        { "fault in a row", "symbol=A&timeframe=1h",
          "ts,open,high,low,close,volume\n2024-01-01,1,2,1,1,0\n2024-01-01T01:00,1,x,1,1,0\n", "line 3", ERR_INVALID },
        { "no rows", "symbol=A&timeframe=1h", "", "", ERR_INVALID },
        { "no symbol", "timeframe=1h", "2024-01-01,1,2,1,1,0\n", "symbol is required", ERR_INVALID },
        { "bad timeframe", "symbol=A&timeframe=5x", "2024-01-01,1,2,1,1,0\n", "timeframe must be a timeframe",
          ERR_INVALID },
        { "rows in the query", "symbol=A&timeframe=1h&candles=[]", "2024-01-01,1,2,1,1,0\n",
          "candles belongs in the body", ERR_INVALID },
        { "unknown parameter", "symbol=A&timeframe=1h&x=1", "2024-01-01,1,2,1,1,0\n", "\"x\" is not a known parameter",
          ERR_INVALID },
    };
    TestCtx t;
    DemoSave save;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        CHECK_EQ(decode_csv(&t, &op_demo_save, r->query, str_c(r->csv), &save), r->code);
        if (!strstr(t.cx.err.text, r->words))
            FAIL("\"%s\" lacks \"%s\"", t.cx.err.text, r->words);
    }
    DemoQuery query;
    CHECK_EQ(decode_csv(&t, &op_demo_candles, "symbol=A&timeframe=1h", S("x"), &query), ERR_MEDIA_TYPE);
    test_ctx_done(&t);
}

TEST(rows_are_bounded_by_the_field_and_the_request) {
    TestCtx t;
    Buf b;
    DemoSave save;
    test_ctx_init(&t);
    buf_init(&b, 1 << 20);
    for (int i = 0; i < 1001; i++)
        buf_printf(&b, "%lld,1,2,1,1,0\n", 3600000000LL * (i + 1));
    CHECK_EQ(decode_csv(&t, &op_demo_save, "symbol=A&timeframe=1h", buf_str(&b), &save), ERR_INVALID);
    CHECK(strstr(t.cx.err.text, "at most 1000 candles") != NULL);
    Str first_800 = str_first(buf_str(&b), (size_t)str_find(buf_str(&b), S("2883600000000")));
    Arena small;
    arena_init(&small, 8 * 1024);
    t.cx.arena = &small;
    CHECK_EQ(decode_csv(&t, &op_demo_save, "symbol=A&timeframe=1h", first_800, &save), ERR_TOO_LARGE);
    CHECK_STR(str_c(t.cx.err.field), S("candles"));
    t.cx.arena = &t.arena;
    arena_done(&small);
    buf_done(&b);
    test_ctx_done(&t);
}

TESTS(T(an_answer_is_written_with_a_header_and_flags_only_where_set), T(what_is_written_is_read_back),
      T(a_bad_csv_request_is_refused_at_its_place), T(rows_are_bounded_by_the_field_and_the_request))
