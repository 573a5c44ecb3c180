/* core/validate.c - see validate.h. */

#include "core/validate.h"

#include <math.h>

const IssueInfo CANDLE_ISSUES[ISSUE_COUNT] = {
#define ISSUE_ROW(name, bit, error, id, words) [bit] = { 1u << (bit), error, id, words },
    CANDLE_ISSUE_TABLE(ISSUE_ROW)
#undef ISSUE_ROW
};

static unsigned price_issues(const Candle *c) {
    unsigned issues = 0;
    if (c->high < c->low)
        return ISSUE_HIGH_BELOW_LOW; /* there is no range for open and close to be outside of */
    if (c->open < c->low || c->open > c->high)
        issues |= ISSUE_OPEN_OUTSIDE;
    if (c->close < c->low || c->close > c->high)
        issues |= ISSUE_CLOSE_OUTSIDE;
    return issues;
}

unsigned candle_issues(const Candle *c, Timeframe tf) {
    unsigned issues = 0;
    if (isfinite(c->open) && isfinite(c->high) && isfinite(c->low) && isfinite(c->close) && isfinite(c->volume))
        issues |= price_issues(c);
    else
        issues |= ISSUE_NOT_FINITE;
    if (c->volume < 0)
        issues |= ISSUE_NEGATIVE_VOLUME;
    if (c->open < 0 || c->high < 0 || c->low < 0 || c->close < 0)
        issues |= ISSUE_NEGATIVE_PRICE;
    if (c->open == 0 || c->high == 0 || c->low == 0 || c->close == 0)
        issues |= ISSUE_ZERO_PRICE;
    if (time_before(c->open_time, TIME_ISO_MIN) || time_before(TIME_ISO_MAX, c->open_time))
        issues |= ISSUE_TIME_RANGE;
    else if (timeframe_valid(tf) && !timeframe_on_grid(tf, c->open_time))
        issues |= ISSUE_OFF_GRID;
    if (c->flags & ~CANDLE_FLAGS_ALL)
        issues |= ISSUE_UNKNOWN_FLAG;
    if (c->flags & CANDLE_OPEN)
        issues |= ISSUE_OPEN;
    return issues;
}

Str issues_text(Arena *a, unsigned issues) {
    Str text = { 0 };
    for (size_t i = 0; i < ISSUE_COUNT; i++)
        if (issues & CANDLE_ISSUES[i].bit)
            text = str_fmt(a, STR_FMT "%s%s", STR_ARG(text), text.n ? ", " : "", CANDLE_ISSUES[i].words);
    return text;
}

static void place_add(ValidationReport *report, const ValidationPlace *place) {
    if (report->n_places < VALIDATION_PLACES) {
        report->places[report->n_places++] = *place;
        return;
    }
    if (!(place->issues & ISSUE_ERRORS))
        return;
    for (size_t i = VALIDATION_PLACES; i-- > 0;) {
        if (report->places[i].issues & ISSUE_ERRORS)
            continue;
        memmove(report->places + i, report->places + i + 1, (VALIDATION_PLACES - i - 1) * sizeof *place);
        report->places[VALIDATION_PLACES - 1] = *place; /* still in the order of rows */
        return;
    }
}

static void report_add(ValidationReport *report, Time open_time, unsigned issues) {
    for (size_t i = 0; i < ISSUE_COUNT; i++)
        report->counts[i] += (issues & CANDLE_ISSUES[i].bit) != 0;
    if (issues & ISSUE_ERRORS)
        report->n_error_rows++;
    else
        report->n_warning_rows++;
    place_add(report, &(ValidationPlace){ report->n_rows, open_time, issues });
}

void candles_validate(const Candles *cs, Timeframe tf, ValidationReport *report) {
    for (size_t i = 0; i < cs->n; i++) {
        Candle c = candles_get(cs, i);
        unsigned issues = candle_issues(&c, tf);
        if (report->n_rows > 0 && c.open_time.ms <= report->last_ms)
            issues |= c.open_time.ms == report->last_ms ? ISSUE_DUPLICATE : ISSUE_DESCENDING;
        if (issues)
            report_add(report, c.open_time, issues);
        report->last_ms = c.open_time.ms;
        report->n_rows++;
    }
}
