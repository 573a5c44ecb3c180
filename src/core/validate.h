#pragma once

/* core/validate.h - is this a candle? Pure checks of one candle and of a table (MDS-12).
 *
 * Errors keep a candle out of a store; warnings are things that happen in real data (a negative oil price, a
 * Binance candle of 2018 off its grid) and are only told. */

#include "core/candle.h"

/* Columns: constant, bit, is it an error, stable name, words. */
#define CANDLE_ISSUE_TABLE(X)                                                                                          \
    X(ISSUE_NOT_FINITE, 0, true, "not_finite", "a number is not finite")                                               \
    X(ISSUE_HIGH_BELOW_LOW, 1, true, "high_below_low", "high is below low")                                            \
    X(ISSUE_OPEN_OUTSIDE, 2, true, "open_outside", "open is outside [low, high]")                                      \
    X(ISSUE_CLOSE_OUTSIDE, 3, true, "close_outside", "close is outside [low, high]")                                   \
    X(ISSUE_NEGATIVE_VOLUME, 4, true, "negative_volume", "volume is negative")                                         \
    X(ISSUE_TIME_RANGE, 5, true, "time_range", "open time is outside the years 1 to 9999")                             \
    X(ISSUE_UNKNOWN_FLAG, 6, true, "unknown_flag", "a flag is not known")                                              \
    X(ISSUE_DESCENDING, 7, true, "descending", "open time is before the previous row's")                               \
    X(ISSUE_DUPLICATE, 8, true, "duplicate", "open time is the previous row's")                                        \
    X(ISSUE_NEGATIVE_PRICE, 9, false, "negative_price", "a price is negative")                                         \
    X(ISSUE_ZERO_PRICE, 10, false, "zero_price", "a price is zero")                                                    \
    X(ISSUE_OFF_GRID, 11, false, "off_grid", "open time is not on the timeframe's grid")                               \
    X(ISSUE_OPEN, 12, false, "open", "the candle is not closed yet")

enum {
#define ISSUE_ENUM(name, bit, error, id, words) name = 1u << (bit),
    CANDLE_ISSUE_TABLE(ISSUE_ENUM)
#undef ISSUE_ENUM
        ISSUE_COUNT = 13,
    ISSUE_ERRORS = (1u << 9) - 1,
};

typedef struct IssueInfo {
    unsigned bit; /* ISSUE_… */
    bool error;
    const char *name; /* "high_below_low": stable, for machines */
    const char *words;
} IssueInfo;
extern const IssueInfo CANDLE_ISSUES[ISSUE_COUNT]; /* [i] describes bit i */

/* Issues of one candle by itself: never DESCENDING or DUPLICATE. No grid check when tf is none. */
unsigned candle_issues(const Candle *c, Timeframe tf);
/* "high is below low, volume is negative"; empty for none. */
Str issues_text(Arena *a, unsigned issues);

enum { VALIDATION_PLACES = 20 };

typedef struct ValidationPlace {
    int64_t row; /* from 0, over all pieces */
    Time open_time;
    unsigned issues;
} ValidationPlace;

/* All-zero is an empty report. */
typedef struct ValidationReport {
    int64_t n_rows;
    int64_t n_error_rows;                      /* rows with at least one error */
    int64_t n_warning_rows;                    /* rows with warnings only */
    int64_t counts[ISSUE_COUNT];               /* rows with issue i */
    ValidationPlace places[VALIDATION_PLACES]; /* the first ones; rows with errors push out rows with warnings only */
    size_t n_places;
    /* private */
    int64_t last_ms;
} ValidationReport;

/* Adds a table, or the next piece of one, to the report. Order is checked across pieces. */
void candles_validate(const Candles *cs, Timeframe tf, ValidationReport *report);
static inline bool validation_ok(const ValidationReport *report) { /* no errors; warnings are fine */
    return report->n_error_rows == 0;
}
