/* base/time.c - see time.h.
 *
 * The calendar repeats every 400 years = 146,097 days. Years are counted from March, so that the leap day
 * is the last of its year and a month's first day is linear in the month's number: (153 m + 2) / 5. After
 * Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */

#include "base/time.h"

enum {
    DAYS_PER_ERA = 146097,       /* 400 years */
    DAYS_TO_MARCH_OF_0 = 719468, /* from 0000-03-01 to 1970-01-01 */
};

/* --- civil dates --- */

int64_t civil_to_days(int year, int month, int day) {
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = floor_div(y, 400);
    int64_t year_of_era = y - era * 400;
    int64_t month_from_march = month > 2 ? month - 3 : month + 9;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_TO_MARCH_OF_0;
}

void civil_from_days(int64_t days, int *year, int *month, int *day) {
    int64_t z = days + DAYS_TO_MARCH_OF_0;
    int64_t era = floor_div(z, DAYS_PER_ERA);
    int64_t doe = z - era * DAYS_PER_ERA;
    /* Take out the leap days that lie before doe (one in 4 years, none in 100, one at the era's end): then
     * every year has 365 days. */
    int64_t year_of_era = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t day_of_year = doe - (year_of_era * 365 + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    *month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    *year = (int)(era * 400 + year_of_era + (*month <= 2));
}

static bool is_leap(int year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int days_in_month(int year, int month) {
    static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    assert(month >= 1 && month <= 12);
    return days[month - 1] + (month == 2 && is_leap(year));
}

int weekday_of_days(int64_t days) {
    return (int)((floor_mod(days, 7) + 3) % 7); /* 1970-01-01 was a Thursday */
}

Time time_from_civil(const Civil *c) {
    int64_t days = civil_to_days(c->year, c->month, c->day);
    int64_t in_day = ((int64_t)c->hour * 60 + c->minute) * MS_PER_MINUTE + (int64_t)c->second * 1000 + c->ms;
    /* The first day that int64_t can count is not a whole one: its midnight is out of range, its evening is not. */
    if (days < 0) {
        days++;
        in_day -= MS_PER_DAY;
    }
    int64_t ms;
    if (__builtin_mul_overflow(days, (int64_t)MS_PER_DAY, &ms))
        return days > 0 ? TIME_MAX : TIME_MIN;
    return time_add_ms((Time){ ms }, in_day);
}

Civil time_to_civil(Time t) {
    Civil c;
    int64_t days = floor_div(t.ms, MS_PER_DAY);
    int in_day = (int)floor_mod(t.ms, MS_PER_DAY);
    civil_from_days(days, &c.year, &c.month, &c.day);
    c.hour = in_day / MS_PER_HOUR;
    c.minute = in_day / MS_PER_MINUTE % 60;
    c.second = in_day / 1000 % 60;
    c.ms = in_day % 1000;
    return c;
}

static bool between(int v, int lo, int hi) {
    return v >= lo && v <= hi;
}

bool civil_valid(const Civil *c) {
    return between(c->month, 1, 12) && between(c->day, 1, days_in_month(c->year, c->month)) &&
           between(c->hour, 0, 23) && between(c->minute, 0, 59) && between(c->second, 0, 59) && between(c->ms, 0, 999);
}

/* --- text out --- */

/* v in `width` digits; returns the end. */
static char *put_digits(char *p, int v, int width) {
    for (int i = width - 1; i >= 0; i--, v /= 10)
        p[i] = (char)('0' + v % 10);
    return p + width;
}

static char *put_text(char *p, const char *text, size_t n) {
    memcpy(p, text, n);
    return p + n;
}

static char *put_clock(char *p, const Civil *c) { /* hh:mm:ss */
    p = put_digits(p, c->hour, 2);
    *p++ = ':';
    p = put_digits(p, c->minute, 2);
    *p++ = ':';
    return put_digits(p, c->second, 2);
}

static size_t put_number(char *out, int64_t v) {
    uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    char text[TIME_TEXT_MAX];
    char *p = text + sizeof text;
    do
        *--p = (char)('0' + rest % 10);
    while (rest /= 10);
    if (v < 0)
        *--p = '-';
    size_t n = (size_t)(text + sizeof text - p);
    memcpy(out, p, n);
    return n;
}

size_t time_format_iso(Time t, char *out) {
    if (t.ms < TIME_ISO_MIN.ms || t.ms > TIME_ISO_MAX.ms)
        return put_number(out, t.ms);
    Civil c = time_to_civil(t);
    char *p = put_digits(out, c.year, 4);
    *p++ = '-';
    p = put_digits(p, c.month, 2);
    *p++ = '-';
    p = put_digits(p, c.day, 2);
    *p++ = 'T';
    p = put_clock(p, &c);
    if (c.ms) {
        *p++ = '.';
        p = put_digits(p, c.ms, 3);
    }
    *p++ = 'Z';
    return (size_t)(p - out);
}

Str time_iso(Arena *a, Time t) {
    char *p = arena_alloc(a, TIME_TEXT_MAX);
    return str_n(p, time_format_iso(t, p));
}

size_t time_format_http(Time t, char *out) {
    static const char days[] = "MonTueWedThuFriSatSun";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    t.ms = CLAMP(t.ms, TIME_ISO_MIN.ms, TIME_ISO_MAX.ms);
    Civil c = time_to_civil(t);
    char *p = put_text(out, days + 3 * weekday_of_days(floor_div(t.ms, MS_PER_DAY)), 3);
    p = put_text(p, ", ", 2);
    p = put_digits(p, c.day, 2);
    *p++ = ' ';
    p = put_text(p, months + 3 * (c.month - 1), 3);
    *p++ = ' ';
    p = put_digits(p, c.year, 4);
    *p++ = ' ';
    p = put_clock(p, &c);
    p = put_text(p, " GMT", 4);
    return (size_t)(p - out);
}

/* --- text in --- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Takes exactly `width` digits off *s. */
static bool take_digits(Str *s, size_t width, int *out) {
    int v = 0;
    if (s->n < width)
        return false;
    for (size_t i = 0; i < width; i++) {
        if (!is_digit(s->p[i]))
            return false;
        v = v * 10 + (s->p[i] - '0');
    }
    *out = v;
    *s = str_from(*s, width);
    return true;
}

static bool take_char(Str *s, char c) {
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = str_from(*s, 1);
    return true;
}

/* The digits behind a point: three of them count, the rest is cut. */
static bool take_fraction(Str *s, int *out_ms) {
    int ms = 0, weight = 100;
    size_t n = 0;
    for (; n < s->n && is_digit(s->p[n]); n++, weight /= 10)
        ms += (s->p[n] - '0') * weight;
    *out_ms = ms;
    *s = str_from(*s, n);
    return n > 0;
}

static bool take_date(Str *s, Civil *c) {
    return take_digits(s, 4, &c->year) && take_char(s, '-') && take_digits(s, 2, &c->month) && take_char(s, '-') &&
           take_digits(s, 2, &c->day);
}

static bool take_clock(Str *s, Civil *c) {
    if (!take_digits(s, 2, &c->hour) || !take_char(s, ':') || !take_digits(s, 2, &c->minute))
        return false;
    if (!take_char(s, ':'))
        return true;
    if (!take_digits(s, 2, &c->second))
        return false;
    return !(take_char(s, '.') || take_char(s, ',')) || take_fraction(s, &c->ms);
}

static bool take_zone(Str *s, int *out_minutes) {
    int hours, minutes = 0;
    if (take_char(s, 'Z') || take_char(s, 'z')) {
        *out_minutes = 0;
        return true;
    }
    int sign = take_char(s, '+') ? 1 : take_char(s, '-') ? -1 : 0;
    if (!sign || !take_digits(s, 2, &hours))
        return false;
    if (s->n) {
        take_char(s, ':');
        if (!take_digits(s, 2, &minutes))
            return false;
    }
    *out_minutes = sign * (hours * 60 + minutes);
    return hours <= 23 && minutes <= 59;
}

bool time_parse_iso(Str s, Time *out, bool *has_zone) {
    Civil c = { 0 };
    int zone_minutes = 0;
    bool zoned = false;
    if (!take_date(&s, &c))
        return false;
    if (s.n) {
        if (!take_char(&s, 'T') && !take_char(&s, 't') && !take_char(&s, ' '))
            return false;
        if (!take_clock(&s, &c))
            return false;
        zoned = s.n > 0;
        if (zoned && (!take_zone(&s, &zone_minutes) || s.n))
            return false;
    }
    if (!civil_valid(&c))
        return false;
    Time t = time_add_ms(time_from_civil(&c), -(int64_t)zone_minutes * MS_PER_MINUTE);
    if (t.ms < TIME_ISO_MIN.ms || t.ms > TIME_ISO_MAX.ms)
        return false;
    *out = t;
    if (has_zone)
        *has_zone = zoned;
    return true;
}

bool time_parse_any(Str s, Time *out) {
    int64_t v;
    if (!str_to_i64(s, &v))
        return time_parse_iso(s, out, NULL);
    uint64_t size = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    if (size < UINT64_C(100000000000)) /* seconds up to the year 5138 */
        *out = (Time){ v * 1000 };
    else if (size < UINT64_C(100000000000000)) /* ms */
        *out = (Time){ v };
    else if (size < UINT64_C(100000000000000000)) /* µs */
        *out = (Time){ floor_div(v, 1000) };
    else /* ns */
        *out = (Time){ floor_div(v, NS_PER_MS) };
    return true;
}

bool duration_parse_ms(Str s, int64_t *out) {
    static const struct {
        Str suffix;
        int64_t ms;
    } units[] = {
        { STR_INIT("ms"), 1 }, /* before "s", which ends it too */
        { STR_INIT("s"), MS_PER_SECOND },
        { STR_INIT("m"), MS_PER_MINUTE },
        { STR_INIT("h"), MS_PER_HOUR },
        { STR_INIT("d"), MS_PER_DAY },
        { STR_INIT("w"), 7 * (int64_t)MS_PER_DAY },
    };
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (!str_ends(s, units[i].suffix))
            continue;
        uint64_t count;
        int64_t ms;
        if (!str_to_u64(str_first(s, s.n - units[i].suffix.n), &count) ||
            __builtin_mul_overflow(count, units[i].ms, &ms))
            return false;
        *out = ms;
        return true;
    }
    return false;
}
