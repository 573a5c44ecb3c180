/* api/market: completeness, fill, resample, compare, retention and corporate actions through the wire's form. */

#include "adapters/jobs/sqlite.h"
#include "adapters/store/memory.h"
#include "api/call.h"
#include "api/market/market_api.h"
#include "lib/test.h"
#include "lib/zone.h"
#include "services/market/market.h"

typedef struct Rig {
    TestCtx t;
    CandleStore *store;
    JobStore *control;
    MarketService *m;
    ApiCaller *api;
} Rig;

static void rig_init(Rig *r) {
    test_ctx_init(&r->t);
    r->store = store_memory_new();
    CHECK_OK_PLAIN(&r->t.cx, job_store_sqlite_open(&r->t.cx, &(JobStoreOptions){ 0 }, &r->control));
    r->m = market_service_new(&(MarketOptions){ .store = r->store, .record = r->control });
    r->api = api_caller_wire(&(ApiRole){ &market_api, r->m }, 1);
}

static void rig_done(Rig *r) {
    api_caller_close(r->api);
    market_service_free(r->m);
    job_store_close(r->control);
    candle_store_close(r->store);
    test_ctx_done(&r->t);
}

/* 48 hours from 2023-01-01, close 100 + hour; `hole` of three left out from hour 10 on. */
static void save_hours(Rig *r, const char *venue, bool hole, double plus) {
    OHLCVSave in = {
        .exchange = str_c(venue), .symbol = S("AAPL"), .timeframe = S("1h"), .source = S("test"), .durable = true
    };
    SaveResponse out;
    candles_init(&in.candles, &r->t.arena, 48);
    for (int i = 0; i < 48; i++) {
        double p = 100 + i + plus;
        Candle c = { .open_time = time_ms(test_time("2023-01-01").ms + i * (int64_t)MS_PER_HOUR) };
        c.open = c.close = p;
        c.high = p + 1;
        c.low = p - 1;
        c.volume = 2;
        if (!hole || i < 10 || i >= 13)
            candles_push(&in.candles, &c);
    }
    CHECK_OK_PLAIN(&r->t.cx, api_call(r->api, &r->t.cx, &op_market_save, &in, &out));
}

TEST(a_hole_is_told_filled_and_emptied_again) {
    Rig r;
    rig_init(&r);
    Ctx *cx = &r.t.cx;
    save_hours(&r, "nasdaq", true, 0);
    CompletenessQuery ask = { .symbol = S("AAPL"),
                              .timeframe = S("1h"),
                              .start = test_time("2023-01-01"),
                              .end = test_time("2023-01-04"),
                              .limit = 100 };
    GapReport gaps;
    CHECK_OK(cx, api_call(r.api, cx, &op_market_completeness, &ask, &gaps));
    CHECK(gaps.missing == 27 && gaps.expected == 72 && gaps.gaps == 2);
    FillRequest fill;
    shape_init(&fill_request_shape, cx, &fill);
    fill.symbol = S("AAPL");
    fill.timeframe = S("1h");
    fill.method = S("linear");
    FillResponse filled;
    CHECK_OK(cx, api_call(r.api, cx, &op_market_fill, &fill, &filled));
    CHECK(filled.success && filled.filled == 3 && filled.gaps == 1);
    CHECK_OK(cx, api_call(r.api, cx, &op_market_completeness, &ask, &gaps));
    CHECK(gaps.missing == 24 && gaps.synthetic == 3);
    ask.real_only = true;
    CHECK_OK(cx, api_call(r.api, cx, &op_market_completeness, &ask, &gaps));
    CHECK_EQ(gaps.missing, 27);
    SeriesQuery all = { .symbol = S("AAPL"), .timeframe = S("1h") };
    RemoveResponse gone;
    CHECK_OK(cx, api_call(r.api, cx, &op_market_unfill, &all, &gone));
    CHECK_EQ(gone.removed, 3);
    fill.method = S("venue");
    CHECK_EQ(api_call(r.api, cx, &op_market_fill, &fill, &filled), ERR_INVALID);
    CHECK_STR(str_c(cx->err.field), S("donor_exchange"));
    rig_done(&r);
}

TEST(coarser_and_adjusted_candles_say_what_they_are) {
    Rig r;
    rig_init(&r);
    Ctx *cx = &r.t.cx;
    save_hours(&r, "nasdaq", false, 0);
    ActionRow split = { S("AAPL"), test_time("2023-01-02"), S("split"), S("4") };
    ActionsPut put = { { &split, 1 }, false };
    ActionList actions;
    CHECK_OK(cx, api_call(r.api, cx, &op_market_put_actions, &put, &actions));
    CHECK(actions.count == 1);
    CHECK_STR(((ActionRow *)actions.actions.v)[0].value, S("4"));
    OHLCVQuery q = { .symbol = S("AAPL"), .timeframe = S("1d"), .limit = 10, .order = S("asc"), .adjust = S("splits") };
    CandlePage page;
    CHECK_OK(cx, api_call(r.api, cx, &op_market_candles, &q, &page));
    CHECK_EQ(page.count, 2);
    CHECK_STR(page.timeframe, S("1d"));
    CHECK_STR(page.derived_from, S("1h"));
    CHECK(page.actions == 1 && page.candles.close[0] == 123.0 / 4 && page.candles.close[1] == 147);
    ResampleRequest resample;
    shape_init(&resample_request_shape, cx, &resample);
    resample.symbol = S("AAPL");
    resample.timeframe = S("1h");
    resample.to = S("4h");
    CHECK_OK(cx, api_call(r.api, cx, &op_market_resample, &resample, &page));
    CHECK(page.count == 12 && page.candles.close[0] == 103);
    SaveResponse saved;
    CHECK_OK(cx, api_call(r.api, cx, &op_market_resample_save, &resample, &saved));
    CHECK_EQ(saved.inserted, 12);
    resample.to = S("5h");
    CHECK_OK(cx, api_call(r.api, cx, &op_market_resample, &resample, &page));
    resample.to = S("1m");
    CHECK_EQ(api_call(r.api, cx, &op_market_resample, &resample, &page), ERR_INVALID);
    split.value = S("-1");
    CHECK_EQ(api_call(r.api, cx, &op_market_put_actions, &put, &actions), ERR_INVALID);
    CHECK_STR(str_c(cx->err.field), S("actions[0].value"));
    rig_done(&r);
}

TEST(two_venues_are_compared_and_old_candles_told) {
    Rig r;
    rig_init(&r);
    Ctx *cx = &r.t.cx;
    save_hours(&r, "nasdaq", false, 0);
    save_hours(&r, "other", true, 5);
    CompareQuery q = { .exchange = S("other"),
                       .symbol = S("AAPL"),
                       .timeframe = S("1h"),
                       .other_exchange = S("nasdaq"),
                       .threshold_bps = 100 };
    CompareReport report;
    CHECK_OK(cx, api_call(r.api, cx, &op_market_compare, &q, &report));
    CHECK(report.compared == 45 && report.only_second == 3 && report.over == 45 && report.worst_bps > 480);
    CHECK_STR(report.first, S("other:AAPL:1h"));
    RetentionRequest keep = { .rules = S("1h=30d") };
    RetentionReport old;
    CHECK_OK(cx, api_call(r.api, cx, &op_market_retention, &keep, &old));
    CHECK(old.dry_run && old.old == 48 + 45 && old.removed == 0);
    keep.apply = true;
    CHECK_OK(cx, api_call(r.api, cx, &op_market_retention, &keep, &old));
    CHECK_EQ(old.removed, 0); /* no collector could bring them again */
    keep.force = true;
    CHECK_OK(cx, api_call(r.api, cx, &op_market_retention, &keep, &old));
    CHECK_EQ(old.removed, 48 + 45);
    rig_done(&r);
}

/* MDS-44: the newest row, as one text. */
static Str newest_row(Rig *r) {
    AuditRow *rows;
    size_t n;
    CHECK_OK_PLAIN(&r->t.cx, job_store_audit_list(r->control, &r->t.cx, 0, 1, &rows, &n));
    if (n == 0)
        return S("none");
    return str_fmt(&r->t.arena, STR_FMT " " STR_FMT " " STR_FMT " " STR_FMT " %lld", STR_ARG(rows[0].who),
                   STR_ARG(rows[0].action), STR_ARG(rows[0].subject), STR_ARG(rows[0].outcome),
                   (long long)rows[0].rows);
}

TEST(who_changes_data_is_on_record_and_who_only_asks_is_not) {
    Rig r;
    rig_init(&r);
    Ctx *cx = &r.t.cx;
    save_hours(&r, "nasdaq", true, 0);
    FillRequest fill;
    FillResponse filled;
    shape_init(&fill_request_shape, cx, &fill);
    fill.symbol = S("AAPL");
    fill.timeframe = S("1h");
    fill.dry_run = true;
    CHECK_STR(newest_row(&r), S("local market.save nasdaq:AAPL:1h ok 45"));
    CHECK_OK(cx, api_call(r.api, cx, &op_market_fill, &fill, &filled));
    CHECK_STR(newest_row(&r), S("local market.save nasdaq:AAPL:1h ok 45")); /* it only asked */
    fill.dry_run = false;
    CHECK_OK(cx, api_call(r.api, cx, &op_market_fill, &fill, &filled));
    CHECK_STR(newest_row(&r), S("local market.fill AAPL:1h ok 3"));
    SeriesQuery all = { .exchange = S("nasdaq"), .symbol = S("AAPL"), .timeframe = S("1h") };
    RemoveResponse gone;
    CHECK_OK(cx, api_call(r.api, cx, &op_market_unfill, &all, &gone));
    CHECK_STR(newest_row(&r), S("local market.unfill nasdaq:AAPL:1h ok 3"));
    RetentionRequest keep = { .rules = S("1h=1d"), .apply = true };
    RetentionReport old;
    CHECK_OK(cx, api_call(r.api, cx, &op_market_retention, &keep, &old));
    CHECK_STR(newest_row(&r), S("local market.retention 1h=1d ok 0"));
    all.symbol = S("MSFT"); /* what failed is on record too */
    CHECK_EQ(api_call(r.api, cx, &op_market_remove, &all, &gone), ERR_NOT_FOUND);
    CHECK_STR(newest_row(&r), S("local market.remove nasdaq:MSFT:1h not_found 0"));
    rig_done(&r);
}

TESTS(T(a_hole_is_told_filled_and_emptied_again), T(coarser_and_adjusted_candles_say_what_they_are),
      T(two_venues_are_compared_and_old_candles_told), T(who_changes_data_is_on_record_and_who_only_asks_is_not))
