/* core/validate: what is wrong with a candle, and with a table (MDS-12). */

#include "core/validate.h"
#include "lib/test.h"

static const Timeframe H1 = { UNIT_HOUR, 1 };
static const int64_t HOUR = MS_PER_HOUR;

static Candle good(int64_t ms) {
    return (Candle){ .open_time = time_ms(ms), .open = 10, .high = 12, .low = 9, .close = 11, .volume = 5 };
}

TEST(each_fault_is_named) {
    static const struct {
        const char *name;
        Candle c;
        unsigned want;
    } rows[] = {
        { "clean", { { 0 }, 10, 12, 9, 11, 5, { 0 }, 0 }, 0 },
        { "flat and without volume", { { 0 }, 10, 10, 10, 10, 0, { 0 }, 0 }, 0 },
        { "open on high, close on low", { { 0 }, 12, 12, 9, 9, 5, { 0 }, 0 }, 0 },
        { "high below low", { { 0 }, 10, 9, 12, 11, 5, { 0 }, 0 }, ISSUE_HIGH_BELOW_LOW },
        { "open above high", { { 0 }, 13, 12, 9, 11, 5, { 0 }, 0 }, ISSUE_OPEN_OUTSIDE },
        { "open below low", { { 0 }, 8, 12, 9, 11, 5, { 0 }, 0 }, ISSUE_OPEN_OUTSIDE },
        { "close above high", { { 0 }, 10, 12, 9, 12.5, 5, { 0 }, 0 }, ISSUE_CLOSE_OUTSIDE },
        { "both outside", { { 0 }, 8, 12, 9, 13, 5, { 0 }, 0 }, ISSUE_OPEN_OUTSIDE | ISSUE_CLOSE_OUTSIDE },
        { "volume", { { 0 }, 10, 12, 9, 11, -1, { 0 }, 0 }, ISSUE_NEGATIVE_VOLUME },
        { "NaN", { { 0 }, 10, NAN, 9, 11, 5, { 0 }, 0 }, ISSUE_NOT_FINITE },
        { "infinite volume", { { 0 }, 10, 12, 9, 11, INFINITY, { 0 }, 0 }, ISSUE_NOT_FINITE },
        { "negative prices", { { 0 }, -10, -9, -12, -11, 5, { 0 }, 0 }, ISSUE_NEGATIVE_PRICE },
        { "a zero low", { { 0 }, 10, 12, 0, 11, 5, { 0 }, 0 }, ISSUE_ZERO_PRICE },
        { "off grid", { { 1 }, 10, 12, 9, 11, 5, { 0 }, 0 }, ISSUE_OFF_GRID },
        { "year 10000", { { INT64_C(253402300800000) }, 10, 12, 9, 11, 5, { 0 }, 0 }, ISSUE_TIME_RANGE },
        { "end of time", { { INT64_MIN }, 10, 12, 9, 11, 5, { 0 }, 0 }, ISSUE_TIME_RANGE },
        { "open", { { 0 }, 10, 12, 9, 11, 5, { 0 }, CANDLE_OPEN }, ISSUE_OPEN },
        { "flag", { { 0 }, 10, 12, 9, 11, 5, { 0 }, 0x80 }, ISSUE_UNKNOWN_FLAG },
    };
    EACH_ROW (r, rows)
        CHECK_EQ(candle_issues(&r->c, H1), r->want);
    Candle off_grid = good(1);
    CHECK_EQ(candle_issues(&off_grid, (Timeframe){ 0 }), 0); /* no timeframe, no grid */
}

TEST(issues_have_words_and_severities) {
    TestCtx t;
    test_ctx_init(&t);
    CHECK_STR(issues_text(&t.arena, 0), S(""));
    CHECK_STR(issues_text(&t.arena, ISSUE_HIGH_BELOW_LOW | ISSUE_NEGATIVE_VOLUME | ISSUE_OPEN),
              S("high is below low, volume is negative, the candle is not closed yet"));
    unsigned errors = 0;
    for (size_t i = 0; i < ISSUE_COUNT; i++) {
        CHECK_EQ(CANDLE_ISSUES[i].bit, 1u << i);
        CHECK(CANDLE_ISSUES[i].name && CANDLE_ISSUES[i].words);
        errors |= CANDLE_ISSUES[i].error ? CANDLE_ISSUES[i].bit : 0;
    }
    CHECK_EQ(errors, ISSUE_ERRORS);
    test_ctx_done(&t);
}

static void push(Candles *cs, Candle c) {
    candles_push(cs, &c);
}

TEST(a_table_is_checked_for_order_over_pieces) {
    TestCtx t;
    test_ctx_init(&t);
    Candles first, second;
    candles_init(&first, &t.arena, 3);
    candles_init(&second, &t.arena, 3);
    push(&first, good(0));
    push(&first, good(HOUR));
    push(&first, good(HOUR)); /* row 2: duplicate */
    push(&second, good(0));   /* row 3: descending, over the border of the pieces */
    push(&second, good(HOUR + 1));
    second.volume[1] = -1; /* row 4: error and warning */
    push(&second, good(3 * HOUR));

    ValidationReport report = { 0 };
    candles_validate(&first, H1, &report);
    CHECK_EQ(report.n_error_rows, 1);
    CHECK(!validation_ok(&report));
    candles_validate(&second, H1, &report);
    CHECK_EQ(report.n_rows, 6);
    CHECK_EQ(report.n_error_rows, 3);
    CHECK_EQ(report.n_warning_rows, 0);
    CHECK_EQ(report.n_places, 3);
    CHECK_EQ(report.places[0].row, 2);
    CHECK_EQ(report.places[0].issues, ISSUE_DUPLICATE);
    CHECK_EQ(report.places[1].row, 3);
    CHECK_EQ(report.places[1].issues, ISSUE_DESCENDING);
    CHECK_EQ(report.places[2].issues, ISSUE_NEGATIVE_VOLUME | ISSUE_OFF_GRID);
    CHECK_EQ(report.places[2].open_time.ms, HOUR + 1);
    test_ctx_done(&t);
}

TEST(errors_push_warnings_out_of_the_places) {
    TestCtx t;
    test_ctx_init(&t);
    Candles cs;
    candles_init(&cs, &t.arena, 100);
    for (int i = 0; i < 100; i++) {
        push(&cs, good(i * HOUR + 1)); /* all off grid */
        if (i == 50 || i == 60)
            cs.volume[i] = -1;
    }
    ValidationReport report = { 0 };
    candles_validate(&cs, H1, &report);
    CHECK_EQ(report.n_warning_rows, 98);
    CHECK_EQ(report.n_error_rows, 2);
    CHECK_EQ(report.n_places, VALIDATION_PLACES);
    CHECK_EQ(report.places[VALIDATION_PLACES - 1].row, 60);
    CHECK_EQ(report.places[VALIDATION_PLACES - 2].row, 50);
    CHECK_EQ(report.places[VALIDATION_PLACES - 3].row, VALIDATION_PLACES - 3);
    for (size_t i = 1; i < report.n_places; i++)
        CHECK(report.places[i - 1].row < report.places[i].row);
    test_ctx_done(&t);
}

TESTS(T(each_fault_is_named), T(issues_have_words_and_severities), T(a_table_is_checked_for_order_over_pieces),
      T(errors_push_warnings_out_of_the_places))
