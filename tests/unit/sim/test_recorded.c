/* sim/recorded: windows as text. Files are read in tests/e2e, where there are files. */

#include "lib/test.h"

#include "sim/recorded.h"

TEST(windows_are_read_from_text) {
    static const struct {
        const char *name;
        bool ok;
        int64_t from, to, skew_ms;
        const char *symbol;
    } rows[] = {
        { "2024-03-01T06:00Z..2024-03-01T08:00Z", true, 1709272800000, 1709280000000, 0, "" },
        { "2024-03-01..2024-03-02@BTCUSDT", true, 1709251200000, 1709337600000, 0, "BTCUSDT" },
        { "1518134400000..1518220800000+18123ms", true, 1518134400000, 1518220800000, 18123, "" },
        { "2018-02-09..2018-02-10@ETHBTC+5ms", true, 1518134400000, 1518220800000, 5, "ETHBTC" },
        { "2018-02-09T01:00:00+01:00..2018-02-10", true, 1518134400000, 1518220800000, 0, "" },
        { "", false, 0, 0, 0, "" },
        { "..", false, 0, 0, 0, "" },
        { "2018-02-09", false, 0, 0, 0, "" },
        { "2018-02-10..2018-02-09", false, 0, 0, 0, "" },
        { "2018-02-09..2018-02-09", false, 0, 0, 0, "" },
        { "2018-02-09..2018-02-10+5", false, 0, 0, 0, "" },
        { "2018-02-09..2018-02-10+-5ms", false, 0, 0, 0, "" },
        { "2018-02-09..2018-02-10@", false, 0, 0, 0, "" },
        { "2018-02-09..2018-02-10@A B", false, 0, 0, 0, "" },
    };
    EACH_ROW (r, rows) {
        SimWindow w;
        CHECK_EQ(sim_window_parse(str_c(r->name), &w), r->ok);
        if (!r->ok)
            continue;
        CHECK_EQ(w.from.ms, r->from);
        CHECK_EQ(w.to.ms, r->to);
        CHECK_EQ(w.skew_ms, r->skew_ms);
        CHECK_STR(symbol_str(&w.symbol), str_c(r->symbol));
    }
}

TEST(a_spec_without_symbol_or_file_is_wrong_usage) {
    static const struct {
        const char *name;
    } rows[] = { { "" }, { "btc.csv" }, { "=btc.csv" }, { "BTCUSDT=" }, { "B T=btc.csv" } };
    TestCtx t;
    Recorded *r = NULL;
    CandleCsvOptions csv = { 0 };
    test_ctx_init(&t);
    EACH_ROW (row, rows) {
        CHECK_EQ(recorded_load(&t.cx, str_c(row->name), &csv, &r), ERR_USAGE);
        CHECK(str_find(str_c(t.cx.err.text), S("SYMBOL=FILE")) > 0);
    }
    CHECK(r == NULL);
    test_ctx_done(&t);
}

TESTS(T(windows_are_read_from_text), T(a_spec_without_symbol_or_file_is_wrong_usage))
