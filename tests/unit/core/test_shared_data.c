/* The candle files of the shared test data, read with suitable options: row counts, gap counts on the plain time
 * grid, and the way back to text. Skipped where the data is absent. */

#include "core/candle_csv.h"
#include "core/gap.h"
#include "core/stats.h"
#include "core/validate.h"
#include "lib/test.h"

typedef struct DataFile {
    const char *name; /* below data/ */
    const char *tf;   /* what the times show */
    CsvStamp stamp;
    int64_t n_rows;
    int64_t n_gaps, n_missing; /* -1: not stated by anyone */
    bool off_grid;             /* weeks stamped at New York's midnight, with two stamps in the week of 1954-12-27 */
} DataFile;

/* clang-format off */
static const DataFile files[] = {
    { "ohlcv/aapl_d1.csv",          "1d", CSV_STAMP_START,   252,  -1,   -1 },
    { "ohlcv/btcindex_d1.csv",      "1d", CSV_STAMP_START,  5905,  -1,   -1 },
    { "ohlcv/btcperp_m1.csv",       "1m", CSV_STAMP_START, 45031,   0,    0 },
    { "ohlcv/btcusd_cb_h4.csv",     "4h", CSV_STAMP_START, 20695,   3,   -1 },
    { "ohlcv/btcusd_mn1.csv",       "1M", CSV_STAMP_END,     156,   0,    0 },
    { "ohlcv/btcusdt_d1.csv",       "1d", CSV_STAMP_START,  1432,   0,    0 },
    { "ohlcv/btcusdt_h1.csv",       "1h", CSV_STAMP_START, 34349,   1,    1 },
    { "ohlcv/estx50_d1.csv",        "1d", CSV_STAMP_START,   512,  -1,   -1 },
    { "ohlcv/ethusd_bus_m5.csv",    "5m", CSV_STAMP_END,     580,  -1,   -1 },
    { "ohlcv/ethusd_cb_d1.csv",     "1d", CSV_STAMP_END,    3582,  -1,   -1 },
    { "ohlcv/ethusd_cb_h4.csv",     "4h", CSV_STAMP_START, 20675,   9,   -1 },
    { "ohlcv/ethusdt_h1.csv",       "1h", CSV_STAMP_START, 34349,   1,    1 },
    { "ohlcv/eurusd_h1.csv",        "1h", CSV_STAMP_START,  5000,  42, 2063 },
    { "ohlcv/fesx_m1.csv",          "1m", CSV_STAMP_END,   30889, 765,   -1 },
    { "ohlcv/gbpusd_m1_bid.csv",    "1m", CSV_STAMP_START, 30117, 111,   -1 },
    { "ohlcv/goog_d1.csv",          "1d", CSV_STAMP_START,  2148,  -1,   -1 },
    { "ohlcv/nvda_d1.csv",          "1d", CSV_STAMP_START,  4012,  -1,   -1 },
    { "ohlcv/orcl_d1.csv",          "1d", CSV_STAMP_START,  5036,  -1,   -1 },
    { "ohlcv/spx_w1.csv",           "1w", CSV_STAMP_START,  3977,  -1,   -1, .off_grid = true },
    { "ohlcv/unittest_btc_m1.csv",  "1m", CSV_STAMP_START, 13681, 538,  717 },
    { "ohlcv/vn_fpt_d1.csv",        "1d", CSV_STAMP_START,   858,  -1,   -1 },
    { "ohlcv/vn_hpg_d1.csv",        "1d", CSV_STAMP_START,   858,  -1,   -1 },
    { "ohlcv/vn_ssi_d1.csv",        "1d", CSV_STAMP_START,   858,  -1,   -1 },
    { "ohlcv/vn_vic_d1.csv",        "1d", CSV_STAMP_START,   858,  -1,   -1 },
    { "ohlcv/vn_vnm_d1.csv",        "1d", CSV_STAMP_START,   858,  -1,   -1 },
    { "ohlcv/xrpusdt_fut_h1.csv",   "1h", CSV_STAMP_START,   100,  -1,   -1 },
    { "ohlcv/yhoo_d1.csv",          "1d", CSV_STAMP_START,  4965,  -1,   -1 },
    { "xexch/binanceus_btcusdc_m1_202303.csv", "1m", CSV_STAMP_START, 30240, 0, 0 },
    { "xexch/binanceus_btcusdt_m1_202303.csv", "1m", CSV_STAMP_START, 30240, 0, 0 },
    { "xexch/kraken_btcusdc_m1_202303.csv",    "1m", CSV_STAMP_START, 15719, -1, -1 },
};
/* clang-format on */

static void read_text(TestCtx *t, const CandleCsvOptions *options, Str text, Candles *out, CandleCsvReport *report) {
    CandleCsv *r;
    void **state_ = NULL;
    candles_init_heap(out, 0);
    CHECK_OK(&t->cx, candle_csv_open(&t->cx, options, &r));
    for (size_t at = 0; at < text.n; at += 65536)
        CHECK_OK(&t->cx, candle_csv_feed(r, &t->cx, str_first(str_from(text, at), 65536), out));
    CHECK_OK(&t->cx, candle_csv_finish(r, &t->cx, out));
    *report = *candle_csv_report(r);
    candle_csv_close(r);
}

static void read_data(TestCtx *t, const DataFile *f, Candles *out) {
    void **state_ = NULL;
    CandleCsvReport report;
    char path[64];
    snprintf(path, sizeof path, "data/%s", f->name);
    const char *full = test_shared_file(path);
    if (!full)
        FAIL("data/%s is missing", f->name);
    read_text(t, &(CandleCsvOptions){ .stamp = f->stamp }, test_read_file(&t->arena, full), out, &report);
    char text[TIMEFRAME_TEXT_MAX];
    CHECK_STR(timeframe_text(report.timeframe, text), str_c(f->tf));
    CHECK_EQ(report.n_rows, f->n_rows);
    CHECK_EQ(out->n, f->n_rows);
}

TEST(every_file_reads_with_its_rows_valid_and_on_the_grid) {
    if (!test_shared())
        SKIP("no shared test data");
    EACH_ROW (f, files) {
        TestCtx t;
        test_ctx_init(&t);
        test_row_name = f->name;
        Candles cs;
        read_data(&t, f, &cs);
        Timeframe tf;
        CHECK(timeframe_parse(str_c(f->tf), &tf));
        ValidationReport report = { 0 };
        candles_validate(&cs, tf, &report);
        CHECK(validation_ok(&report));
        CHECK_EQ(report.n_warning_rows > 0 && (report.places[0].issues & ISSUE_OFF_GRID), f->off_grid);
        candles_done_heap(&cs);
        test_ctx_done(&t);
    }
}

TEST(gaps_of_real_series_are_counted) {
    if (!test_shared())
        SKIP("no shared test data");
    EACH_ROW (f, files) {
        if (f->n_gaps < 0)
            continue;
        TestCtx t;
        test_ctx_init(&t);
        test_row_name = f->name;
        Candles cs;
        read_data(&t, f, &cs);
        Timeframe tf;
        CHECK(timeframe_parse(str_c(f->tf), &tf));
        GapList gaps = { 0 };
        int64_t missing = gaps_find(&cs, tf, false, &t.arena, &gaps);
        CHECK_EQ(gaps.n, f->n_gaps);
        if (f->n_missing >= 0)
            CHECK_EQ(missing, f->n_missing);
        CandleStats s; /* the same count, from the other side */
        candle_stats_init(&s, tf);
        candle_stats_add(&s, &cs);
        CHECK_EQ(timeframe_count(tf, s.first, timeframe_next(tf, s.last)) - s.n_cells, missing);
        candles_done_heap(&cs);
        test_ctx_done(&t);
    }
}

TEST(text_to_candles_to_text_keeps_every_number) {
    if (!test_shared())
        SKIP("no shared test data");
    EACH_ROW (f, files) {
        TestCtx t;
        test_ctx_init(&t);
        test_row_name = f->name;
        Candles cs, back;
        CandleCsvReport report;
        Buf text;
        read_data(&t, f, &cs);
        buf_init(&text, 16 << 20);
        CHECK_EQ(candle_csv_write_header(&(CandleCsvFormat){ 0 }, &text), 0);
        CHECK_EQ(candle_csv_write(&cs, 0, cs.n, &(CandleCsvFormat){ 0 }, &text), 0);
        read_text(&t, &(CandleCsvOptions){ 0 }, buf_str(&text), &back, &report);
        CHECK_EQ(back.n, cs.n);
        for (size_t i = 0; i < cs.n; i++) {
            Candle a = candles_get(&cs, i), b = candles_get(&back, i);
            CHECK(candle_same_data(&a, &b));
        }
        candles_done_heap(&cs);
        candles_done_heap(&back);
        buf_done(&text);
        test_ctx_done(&t);
    }
}

/* Against the C library, field by field: the reader's numbers are the file's numbers. */
TEST(numbers_are_those_of_the_file) {
    if (!test_shared())
        SKIP("no shared test data");
    static const DataFile *const some[] = { &files[18], &files[19], &files[28] };
    for (size_t k = 0; k < ARRAY_LEN(some); k++) {
        TestCtx t;
        test_ctx_init(&t);
        test_row_name = some[k]->name;
        Candles cs;
        read_data(&t, some[k], &cs);
        char path[64];
        snprintf(path, sizeof path, "data/%s", some[k]->name);
        Str text = test_read_file(&t.arena, test_shared_file(path)), line;
        CHECK(str_next(&text, '\n', &line)); /* the header */
        for (size_t i = 0; i < cs.n; i++) {
            const double got[] = { cs.open[i], cs.high[i], cs.low[i], cs.close[i], cs.volume[i] };
            Str field;
            CHECK(str_next(&text, '\n', &line) && str_next(&line, ',', &field));
            for (size_t c = 0; c < 5; c++) {
                CHECK(str_next(&line, ',', &field));
                CHECK(strtod(str_cz(&t.arena, str_trim(field)), NULL) == got[c]);
            }
        }
        candles_done_heap(&cs);
        test_ctx_done(&t);
    }
}

/* Three symbols of one venue over the same weeks: Kraken's holes of BTC/USDC are explained where Binance.US, taken as
 * a peer for the test, traded. */
TEST(real_holes_get_a_class_and_evidence) {
    if (!test_shared())
        SKIP("no shared test data");
    TestCtx t;
    test_ctx_init(&t);
    Candles kraken, peer;
    read_data(&t, &files[29], &kraken);
    read_data(&t, &files[28], &peer);
    const Timeframe m1 = { UNIT_MINUTE, 1 };
    GapList gaps = { 0 };
    gaps_find(&kraken, m1, false, &t.arena, &gaps);
    CHECK(gaps.n > 1000);
    Coverage cover = { time_ms(kraken.open_ms[0]), time_ms(kraken.open_ms[kraken.n - 1]), time_ms(1), "file kraken" };
    Symbol name = { "BTCUSDT" };
    GapEvidence ev = {
        .cover = &cover, .n_cover = 1, .cover_known = true, .peers = &peer, .peer_symbols = &name, .n_peers = 1
    };
    gaps_classify(&gaps, m1, &ev);
    for (size_t i = 0; i < gaps.n; i++) {
        CHECK_EQ(gaps.v[i].cls, GAP_NO_TRADE);
        CHECK(gaps.v[i].evidence[0] != '\0');
    }
    candles_done_heap(&kraken);
    candles_done_heap(&peer);
    test_ctx_done(&t);
}

TESTS(T(every_file_reads_with_its_rows_valid_and_on_the_grid), T(gaps_of_real_series_are_counted),
      T(text_to_candles_to_text_keeps_every_number), T(numbers_are_those_of_the_file),
      T(real_holes_get_a_class_and_evidence))
