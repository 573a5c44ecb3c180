/* core/timeframe.c - see timeframe.h.
 *
 * Every unit but the month is a fixed length with a fixed origin, so a grid time has an index by one floor
 * division. Months are counted from January of year 0. All arithmetic goes through that index; it saturates
 * at the ends of int64_t, so no Time from outside can overflow it. */

#include "core/timeframe.h"

/* 365.2425 days / 12: the mean month of the Gregorian calendar. */
static const int64_t MONTH_NOMINAL_MS = INT64_C(2629746000);
/* 1970-01-05, the first Monday of the epoch. */
static const int64_t WEEK_ORIGIN_MS = INT64_C(4) * MS_PER_DAY;

/* clang-format off */
const Timeframe TIMEFRAMES[16] = {
    { UNIT_SECOND, 1 },
    { UNIT_MINUTE, 1 }, { UNIT_MINUTE, 3 }, { UNIT_MINUTE, 5 }, { UNIT_MINUTE, 15 }, { UNIT_MINUTE, 30 },
    { UNIT_HOUR, 1 }, { UNIT_HOUR, 2 }, { UNIT_HOUR, 4 }, { UNIT_HOUR, 6 }, { UNIT_HOUR, 8 }, { UNIT_HOUR, 12 },
    { UNIT_DAY, 1 }, { UNIT_DAY, 3 },
    { UNIT_WEEK, 1 },
    { UNIT_MONTH, 1 },
};

static const struct { char letter; uint8_t most; int64_t ms; } units[] = {
    [UNIT_SECOND] = { 's', 59, MS_PER_SECOND },
    [UNIT_MINUTE] = { 'm', 59, MS_PER_MINUTE },
    [UNIT_HOUR] = { 'h', 23, MS_PER_HOUR },
    [UNIT_DAY] = { 'd', 6, MS_PER_DAY },
    [UNIT_WEEK] = { 'w', 52, INT64_C(7) * MS_PER_DAY },
    [UNIT_MONTH] = { 'M', 12, MONTH_NOMINAL_MS },
};
/* clang-format on */

bool timeframe_valid(Timeframe tf) {
    return tf.unit >= UNIT_SECOND && tf.unit <= UNIT_MONTH && tf.n >= 1 && tf.n <= units[tf.unit].most;
}

bool timeframe_parse(Str text, Timeframe *out) {
    if (text.n < 2 || text.n > 3 || text.p[0] == '0')
        return false;
    unsigned n = 0;
    for (size_t i = 0; i + 1 < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        n = n * 10 + (unsigned)(text.p[i] - '0');
    }
    for (uint8_t unit = UNIT_SECOND; unit <= UNIT_MONTH; unit++) {
        if (units[unit].letter != text.p[text.n - 1])
            continue;
        if (n > units[unit].most)
            return false;
        *out = (Timeframe){ unit, (uint8_t)n };
        return true;
    }
    return false;
}

Str timeframe_text(Timeframe tf, char out[static TIMEFRAME_TEXT_MAX]) {
    if (!timeframe_valid(tf))
        return S("none");
    size_t n = 0;
    if (tf.n >= 10)
        out[n++] = (char)('0' + tf.n / 10);
    out[n++] = (char)('0' + tf.n % 10);
    out[n++] = units[tf.unit].letter;
    return str_n(out, n);
}

int64_t timeframe_ms(Timeframe tf) {
    assert(timeframe_valid(tf));
    return units[tf.unit].ms * tf.n;
}

static int64_t month_index(Time t) {
    int year, month, day;
    civil_from_days(floor_div(t.ms, MS_PER_DAY), &year, &month, &day);
    return (int64_t)year * 12 + month - 1;
}

static Time month_open(int64_t index) {
    const int64_t far = INT64_C(300000000) * 12; /* past every year that int64_t milliseconds can say */
    int64_t ms;
    index = CLAMP(index, -far, far);
    int64_t days = civil_to_days((int)floor_div(index, 12), (int)floor_mod(index, 12) + 1, 1);
    if (__builtin_mul_overflow(days, (int64_t)MS_PER_DAY, &ms))
        return days < 0 ? TIME_MIN : TIME_MAX;
    return time_ms(ms);
}

/* Index of the last grid time <= t. */
static int64_t grid_index(Timeframe tf, Time t) {
    if (tf.unit == UNIT_MONTH)
        return floor_div(month_index(t), tf.n);
    int64_t length = timeframe_ms(tf);
    int64_t index = floor_div(t.ms, length);
    if (tf.unit == UNIT_WEEK && floor_mod(t.ms, length) < WEEK_ORIGIN_MS)
        index--; /* the origin is taken off after the division, where it cannot overflow */
    return index;
}

static Time grid_open(Timeframe tf, int64_t index) {
    if (tf.unit == UNIT_MONTH) {
        int64_t month;
        if (__builtin_mul_overflow(index, (int64_t)tf.n, &month))
            return index < 0 ? TIME_MIN : TIME_MAX;
        return month_open(month);
    }
    __int128 ms = (__int128)index * timeframe_ms(tf) + (tf.unit == UNIT_WEEK ? WEEK_ORIGIN_MS : 0);
    return ms < INT64_MIN ? TIME_MIN : ms > INT64_MAX ? TIME_MAX : time_ms((int64_t)ms);
}

Time timeframe_floor(Timeframe tf, Time t) {
    if (timeframe_is_fixed(tf) && tf.unit != UNIT_WEEK) { /* the hot case: one division */
        int64_t rest = floor_mod(t.ms, timeframe_ms(tf));
        return time_add_ms(t, -rest);
    }
    return grid_open(tf, grid_index(tf, t));
}

Time timeframe_step(Timeframe tf, Time open, int64_t n) {
    int64_t index;
    if (__builtin_add_overflow(grid_index(tf, open), n, &index))
        return n < 0 ? TIME_MIN : TIME_MAX;
    return grid_open(tf, index);
}

Time timeframe_next(Timeframe tf, Time t) {
    return timeframe_step(tf, t, 1);
}

/* Grid times < t, counted from index 0; negative before the origin. */
static int64_t grid_before(Timeframe tf, Time t) {
    int64_t index = grid_index(tf, t);
    return timeframe_on_grid(tf, t) ? index : index + 1;
}

int64_t timeframe_count(Timeframe tf, Time from, Time to) {
    if (to.ms <= from.ms)
        return 0;
    return grid_before(tf, to) - grid_before(tf, from);
}
