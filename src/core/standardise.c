/* core/standardise.c - see standardise.h. */

#include "core/standardise.h"

#include "base/num.h"

#include <math.h>

static const int64_t EPOCH_MS_FROM = INT64_C(100000000000);       /* 1e11 */
static const int64_t EPOCH_US_FROM = INT64_C(100000000000000);    /* 1e14 */
static const int64_t EPOCH_NS_FROM = INT64_C(100000000000000000); /* 1e17 */

const char *candle_field_name(CandleField field) {
    static const char *const names[] = { "", "time", "open", "high", "low", "close", "volume" };
    assert((size_t)field < ARRAY_LEN(names));
    return names[field];
}

Time epoch_to_time(int64_t v) {
    if (v > -EPOCH_MS_FROM && v < EPOCH_MS_FROM)
        return time_ms(v * 1000);
    if (v > -EPOCH_US_FROM && v < EPOCH_US_FROM)
        return time_ms(v);
    if (v > -EPOCH_NS_FROM && v < EPOCH_NS_FROM)
        return time_ms(floor_div(v, 1000));
    return time_ms(floor_div(v, 1000000));
}

/* An epoch with a fraction ("1688671200.123", 1.6886712e9): its whole part tells the unit. */
static bool epoch_from_number(double v, Time *out) {
    if (!isfinite(v) || fabs(v) >= 9.2e18)
        return false;
    double whole = floor(v);
    if (v == whole || fabs(v) >= (double)EPOCH_MS_FROM)
        *out = epoch_to_time((int64_t)whole);
    else
        *out = time_ms((int64_t)floor(v * 1000 + 0.5));
    return true;
}

static bool read_time(const RawValue *v, Time *out) {
    double number = v->number;
    int64_t whole;
    if (v->text.n == 0)
        return epoch_from_number(number, out);
    if (str_to_i64(v->text, &whole)) {
        *out = epoch_to_time(whole);
        return true;
    }
    if (num_parse_f64(v->text, &number))
        return epoch_from_number(number, out);
    return time_parse_iso(v->text, out, NULL);
}

static bool read_number(const RawValue *v, double *out) {
    double number = v->number;
    if (v->text.n > 0 && !num_parse_f64(v->text, &number))
        return false;
    if (!isfinite(number))
        return false;
    *out = number + 0.0; /* -0 becomes 0: one value, one text, one set of bits */
    return true;
}

int candle_standardise(const RawCandle *raw, const StandardiseOptions *options, Candle *out) {
    Candle c = { .known_at = options->now, .flags = options->flags };
    if (!read_time(&raw->time, &c.open_time))
        return FIELD_TIME;
    if (!read_number(&raw->open, &c.open))
        return FIELD_OPEN;
    if (!read_number(&raw->high, &c.high))
        return FIELD_HIGH;
    if (!read_number(&raw->low, &c.low))
        return FIELD_LOW;
    if (!read_number(&raw->close, &c.close))
        return FIELD_CLOSE;
    if (!read_number(&raw->volume, &c.volume))
        return FIELD_VOLUME;
    if (options->now.ms != 0 && timeframe_valid(options->timeframe) &&
        time_before(options->now, timeframe_next(options->timeframe, c.open_time)))
        c.flags |= CANDLE_OPEN;
    *out = c;
    return 0;
}
