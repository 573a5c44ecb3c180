/* core/calendar against the days on which shares really were traded: the shared daily files. Skipped without them. */

#include "core/calendar.h"
#include "core/candle_csv.h"
#include "lib/test.h"

typedef struct Share {
    const char *name, *calendar;
    int outages; /* days of session without a trade: HOSE's trading system stood still on 2018-01-23 and -24 */
} Share;

static const Share shares[] = {
    { "data/ohlcv/orcl_d1.csv", "nyse", 0 },   { "data/ohlcv/nvda_d1.csv", "nyse", 0 },
    { "data/ohlcv/goog_d1.csv", "nyse", 0 },   { "data/ohlcv/aapl_d1.csv", "nyse", 0 },
    { "data/ohlcv/yhoo_d1.csv", "nyse", 0 },   { "data/ohlcv/vn_fpt_d1.csv", "hose", 2 },
    { "data/ohlcv/vn_vnm_d1.csv", "hose", 2 },
};

static Candles read_days(TestCtx *t, const char *file) {
    CandleCsv *r;
    Candles cs;
    candles_init_heap(&cs, 0);
    CHECK_OK_PLAIN(&t->cx, candle_csv_open(&t->cx, &(CandleCsvOptions){ 0 }, &r));
    CHECK_OK_PLAIN(&t->cx, candle_csv_feed(r, &t->cx, test_read_file(&t->arena, test_shared_file(file)), &cs));
    CHECK_OK_PLAIN(&t->cx, candle_csv_finish(r, &t->cx, &cs));
    candle_csv_close(r);
    return cs;
}

TEST(the_calendar_is_open_on_exactly_the_days_that_were_traded) {
    if (!test_shared())
        SKIP("no shared test data");
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (s, shares) {
        const Calendar *table = calendar_find(str_c(s->calendar));
        const Tz *tz = NULL;
        if (table->zone && tz_load(&t.cx, TZ_DIR, str_c(table->zone), &tz) != 0)
            SKIP("no zone files on this system");
        Calendar cal = calendar_bind(table, tz);
        Candles cs = read_days(&t, s->name);
        size_t at = 0;
        int missing = 0;
        int64_t last = cs.open_ms[cs.n - 1] / MS_PER_DAY;
        for (int64_t day = cs.open_ms[0] / MS_PER_DAY; day <= last; day++) {
            bool traded = at < cs.n && cs.open_ms[at] == day * MS_PER_DAY;
            bool open = calendar_count(&cal, (Timeframe){ UNIT_DAY, 1 }, time_ms(day * MS_PER_DAY),
                                       time_ms((day + 1) * MS_PER_DAY));
            at += traded;
            missing += open && !traded;
            if (traded && !open)
                FAIL("traded, and the calendar says closed: " STR_FMT,
                     STR_ARG(time_iso(&t.arena, time_ms(day * MS_PER_DAY))));
            if (open && !traded && missing > s->outages)
                FAIL("not traded, and the calendar says open: " STR_FMT,
                     STR_ARG(time_iso(&t.arena, time_ms(day * MS_PER_DAY))));
        }
        CHECK_EQ(at, cs.n);
        candles_done_heap(&cs);
    }
    test_ctx_done(&t);
}

TESTS(T(the_calendar_is_open_on_exactly_the_days_that_were_traded))
