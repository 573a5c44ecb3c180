/* The tear sheet and what it is made of. */

#include "backtest/report/html.h"
#include "backtest/report/series.h"
#include "backtest/report/tearsheet.h"
#include "test.h"

/* --- text and numbers --- */

TEST(text_from_outside_cannot_leave_its_place) {
    static const struct {
        const char *name, *text, *want;
    } rows[] = {
        { "markup", "<script>alert('x')</script>", "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" },
        { "attribute", "\" onload=\"x", "&quot; onload=&quot;x" },
        { "entity", "a&amp;b", "a&amp;amp;b" },
        { "control", "a\x01z", "a\xEF\xBF\xBDz" },
        { "broken UTF-8", "a\xC3z\xFF", "a\xEF\xBF\xBDz\xEF\xBF\xBD" },
        { "overlong", "\xC0\xBC", "\xEF\xBF\xBD\xEF\xBF\xBD" },
        { "good UTF-8", "L\xC3\xB3pez \xE2\x82\xAC", "L\xC3\xB3pez \xE2\x82\xAC" },
    };
    Buf b;
    buf_init(&b, 1000);
    EACH_ROW (r, rows) {
        buf_clear(&b);
        html_text(&b, str_c(r->text));
        CHECK_STR(buf_str(&b), str_c(r->want));
    }
    buf_done(&b);
}

#define THIN "\xE2\x80\xAF"
#define LESS "\xE2\x88\x92"

TEST(numbers_read_well) {
    static const struct {
        const char *name;
        double v;
        int decimals;
        const char *want;
    } rows[] = { { "plain", 12.345, 2, "12.35" },
                 { "groups", 1234567.5, 1, "1" THIN "234" THIN "567.5" },
                 { "four digits", 1234, 0, "1234" },
                 { "less", -3.5, 1, LESS "3.5" },
                 { "no minus zero", -0.001, 2, "0.00" },
                 { "null", NAN, 2, "\xE2\x80\x93" },
                 { "five digits", -12345.25, 2, LESS "12" THIN "345.25" } };
    Buf b;
    buf_init(&b, 1000);
    EACH_ROW (r, rows) {
        buf_clear(&b);
        html_number(&b, r->v, r->decimals);
        CHECK_STR(buf_str(&b), str_c(r->want));
    }
    buf_clear(&b);
    html_signed_percent(&b, 0.1234, 1);
    html_signed_percent(&b, -0.0000001, 1);
    CHECK_STR(buf_str(&b), S("+12.3" THIN "%0.0" THIN "%"));
    buf_done(&b);
}

/* --- series --- */

TEST(months_are_measured_from_the_last_candle_before) {
    static const double equity[] = { 110, 99, 120, 150, 75 };
    int64_t t[] = { civil_to_days(2023, 11, 5), civil_to_days(2023, 11, 30), civil_to_days(2024, 1, 2),
                    civil_to_days(2024, 1, 31), civil_to_days(2024, 2, 29) };
    Arena a = { 0 };
    MonthReturns *years;
    size_t n;
    for (int i = 0; i < 5; i++)
        t[i] *= MS_PER_DAY;
    month_returns(100, equity, t, 5, &a, &years, &n);
    CHECK_EQ(n, 2);
    CHECK_NEAR(years[0].month[10], -0.01, 1e-12);
    CHECK(isnan(years[0].month[11]) && isnan(years[0].month[0]));
    CHECK_NEAR(years[0].total, -0.01, 1e-12);
    CHECK_NEAR(years[1].month[0], 150 / 99.0 - 1, 1e-12);
    CHECK_NEAR(years[1].month[1], -0.5, 1e-12);
    CHECK_NEAR(years[1].total, 75 / 99.0 - 1, 1e-12);
    arena_done(&a);
}

TEST(a_histogram_counts_every_value_and_has_an_edge_at_zero) {
    double x[1000];
    size_t sum = 0;
    Histogram1 h;
    for (int i = 0; i < 1000; i++)
        x[i] = (i - 400) * 0.001;
    x[0] = -50;
    histogram_of(x, 1000, &h);
    for (size_t k = 0; k < h.n_bins; k++)
        sum += h.n[k];
    CHECK_EQ(sum, 1000);
    CHECK(h.cut_low && h.n_bins > 8);
    CHECK_NEAR(remainder(h.from, h.step), 0, 1e-12);
    histogram_of(x, 0, &h);
    CHECK_EQ(h.n_bins, 0);
    double same[] = { 0, 0, 0 };
    histogram_of(same, 3, &h);
    CHECK(h.n_bins == 1 && h.n[0] == 3);
}

/* --- the page --- */

enum { STEPS = 400 };

typedef struct Page {
    TestCtx t;
    Candles candles;
    double equity[STEPS];
    Trade trades[3];
    Order orders[1];
    OrderCounts counts;
    ResultAsset asset;
    ResultParam params[1];
    BacktestResult r;
    TearSheet sheet;
    Buf out;
} Page;

static void page_init(Page *p, size_t n) {
    memset(p, 0, sizeof *p);
    test_ctx_init(&p->t);
    candles_init(&p->candles, &p->t.arena, STEPS);
    for (size_t i = 0; i < n; i++) {
        double price = 100 + 10 * sin((double)i / 9);
        candles_push(&p->candles, &(Candle){ .open_time = time_ms((int64_t)i * MS_PER_DAY),
                                             .open = price,
                                             .high = price + 1,
                                             .low = price - 1,
                                             .close = price });
        p->equity[i] = 10000 + 10 * (double)i + 200 * sin((double)i / 7);
    }
    symbol_parse(S("GOOG"), &p->asset.symbol);
    p->params[0] = (ResultParam){ S("short_period"), S("10") };
    p->r = (BacktestResult){ .engine = S("backtrader"),
                             .strategy_type = S("moving_average_crossover"),
                             .params = p->params,
                             .n_params = 1,
                             .position_sizing = S("percent"),
                             .position_size = 0.95,
                             .assets = &p->asset,
                             .n_assets = 1,
                             .timeframe = { UNIT_DAY, 1 },
                             .initial_cash = 10000,
                             .equity = p->equity,
                             .time_ms = p->candles.open_ms,
                             .n_steps = n };
    p->sheet = (TearSheet){ .result = &p->r, .candles = &p->candles };
    buf_init(&p->out, 4 << 20);
}

static void page_trades(Page *p) {
    p->trades[0] = (Trade){ .id = 1,
                            .closed = true,
                            .size = 5,
                            .entry_price = 100,
                            .exit_price = 110,
                            .entry_step = 10,
                            .exit_step = 40,
                            .pnl = 50,
                            .fees = 1,
                            .pnl_net = 49 };
    p->trades[1] = (Trade){ .id = 2,
                            .side = SIDE_SHORT,
                            .closed = true,
                            .size = -5,
                            .entry_price = 100,
                            .exit_price = 105,
                            .entry_step = 60,
                            .exit_step = 90,
                            .pnl = -25,
                            .fees = 1,
                            .pnl_net = -26 };
    p->trades[2] = (Trade){ .id = 3, .size = 1, .entry_price = 104, .exit_price = 104, .entry_step = 120 };
    p->orders[0] = (Order){ .id = 1,
                            .status = ORDER_MARGIN,
                            .reason = ORDER_BECAUSE_CASH_AT_FILL,
                            .size = 900,
                            .created_price = 100,
                            .needed = 123.45 };
    p->r.trades = p->trades;
    p->r.n_trades = 3;
    p->r.n_closed = 2;
    p->r.orders = p->orders;
    p->r.n_orders = 1;
    p->r.counts.n = 1;
    p->r.counts.by_status[ORDER_MARGIN] = 1;
}

static void page_write(Page *p) {
    result_add_metrics(&p->r, &p->t.arena, p->sheet.benchmark, 0);
    buf_clear(&p->out);
    CHECK_OK_PLAIN(&p->t.cx, tearsheet_write(&p->t.cx, &p->sheet, &p->out));
}

static void page_done(Page *p) {
    buf_done(&p->out);
    test_ctx_done(&p->t);
}

static bool has(const Page *p, const char *text) {
    return str_find(buf_str(&p->out), str_c(text)) >= 0;
}

static size_t count(const Page *p, const char *text) {
    Str rest = buf_str(&p->out);
    size_t n = 0;
    for (ptrdiff_t at; (at = str_find(rest, str_c(text))) >= 0; n++)
        rest = str_from(rest, (size_t)at + strlen(text));
    return n;
}

TEST(the_page_has_its_sections_and_asks_nobody_for_anything) {
    static const char *const parts[] = { "id=\"equity\"",       "id=\"price\"",
                                         "id=\"months\"",       "id=\"rolling\"",
                                         "id=\"distribution\"", "id=\"metrics\"",
                                         "id=\"trades\"",       "id=\"refused\"",
                                         "id=\"assumptions\"",  "prefers-color-scheme:dark",
                                         "default-src 'none'",  "<title>Moving average crossover \xC2\xB7 GOOG</title>",
                                         "not enough cash",     "123.45 short",
                                         "still open" };
    Page p;
    page_init(&p, STEPS);
    page_trades(&p);
    page_write(&p);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (!has(&p, parts[i]))
            FAIL("the page lacks %s", parts[i]);
    CHECK(!has(&p, "https://") && !has(&p, "src=") && !has(&p, "<link") && !has(&p, "@import") && !has(&p, "url("));
    CHECK_EQ(count(&p, "http://"), 1); /* the name of the SVG namespace in the script: no request */
    CHECK(count(&p, "<section") == count(&p, "</section>") && count(&p, "<svg") == count(&p, "</svg>"));
    CHECK(count(&p, "<table") == count(&p, "</table>") && count(&p, "<div") == count(&p, "</div>"));
    CHECK(count(&p, "<svg") == count(&p, "role=\"img\"")); /* every chart tells what it shows */
    for (MetricId id = 0; id < METRIC_BENCHMARK_RETURN; id++)
        CHECK(has(&p, metric_info(id)->label));
    CHECK(!has(&p, "NaN") && !has(&p, "nan ") && !has(&p, "inf ")); /* coordinates */
    page_done(&p);
}

TEST(the_page_is_the_same_for_the_same_input) {
    Page p;
    page_init(&p, STEPS);
    page_trades(&p);
    page_write(&p);
    Str first = str_dup(&p.t.arena, buf_str(&p.out));
    page_write(&p);
    CHECK_STR(buf_str(&p.out), first);
    page_done(&p);
}

TEST(what_is_simulated_filled_or_without_trades_says_so_first) {
    Page p;
    page_init(&p, STEPS);
    p.candles.flags[3] = CANDLE_SIMULATED;
    p.candles.flags[4] = CANDLE_SYNTHETIC;
    p.r.explanation = S("the averages never crossed");
    page_write(&p);
    CHECK(has(&p, "<b>SIMULATED.</b>") && has(&p, "<b>FILLED.</b>") && has(&p, "the averages never crossed"));
    Str page = buf_str(&p.out);
    CHECK(str_find(page, S("SIMULATED")) < str_find(page, S("id=\"equity\"")));
    page_done(&p);
}

TEST(names_from_outside_are_escaped_everywhere) {
    static const char evil[] = "</title><script>x</script>";
    Page p;
    page_init(&p, STEPS);
    page_trades(&p);
    p.params[0] = (ResultParam){ str_c(evil), str_c(evil) };
    p.r.strategy_type = p.r.engine = p.r.engine_version = p.r.backtest_id = p.r.explanation = str_c(evil);
    p.r.position_sizing = p.sheet.benchmark_name = str_c(evil);
    memcpy(p.asset.symbol.s, "<b>", 4);
    text_list_add(&p.r.warnings, &p.t.arena, "%s", evil);
    text_list_add(&p.r.assumptions, &p.t.arena, "%s", evil);
    p.sheet.benchmark = p.candles.close;
    page_write(&p);
    CHECK(!has(&p, "<script>x"));
    CHECK_EQ(count(&p, "<script"), 2);
    CHECK_EQ(count(&p, "</script>"), 2);
    CHECK(!has(&p, "<b></")); /* the symbol */
    page_done(&p);
}

TEST(short_and_ruined_runs_have_a_page_too) {
    Page p;
    page_init(&p, 1);
    page_write(&p);
    CHECK(has(&p, "too short for a window"));
    page_done(&p);
    page_init(&p, STEPS);
    for (int i = 300; i < STEPS; i++)
        p.equity[i] = -50;
    page_write(&p);
    CHECK(p.r.metrics->wiped_out && !has(&p, "NaN"));
    page_done(&p);
    page_init(&p, 0);
    page_write(&p);
    CHECK(has(&p, "</html>"));
    page_done(&p);
}

TEST(a_page_that_does_not_fit_is_an_error) {
    Page p;
    page_init(&p, STEPS);
    result_add_metrics(&p.r, &p.t.arena, NULL, 0);
    buf_done(&p.out);
    buf_init(&p.out, 20000);
    CHECK_EQ(tearsheet_write(&p.t.cx, &p.sheet, &p.out), ERR_LIMIT);
    p.r.metrics = NULL;
    CHECK_EQ(tearsheet_write(&p.t.cx, &p.sheet, &p.out), ERR_INVALID);
    page_done(&p);
}

TESTS(T(text_from_outside_cannot_leave_its_place), T(numbers_read_well),
      T(months_are_measured_from_the_last_candle_before), T(a_histogram_counts_every_value_and_has_an_edge_at_zero),
      T(the_page_has_its_sections_and_asks_nobody_for_anything), T(the_page_is_the_same_for_the_same_input),
      T(what_is_simulated_filled_or_without_trades_says_so_first), T(names_from_outside_are_escaped_everywhere),
      T(short_and_ruined_runs_have_a_page_too), T(a_page_that_does_not_fit_is_an_error))
