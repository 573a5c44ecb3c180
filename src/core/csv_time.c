/* core/csv_time.c - see csv_time.h.
 *
 * The common form, 2024-01-31T23:59:00, is read by fixed positions and its date only once a day. All else goes
 * through a small scanner: a run of digits is an epoch or a compact date, anything with separators is a date. */

#include "core/csv_time.h"

#include "base/num.h"
#include "core/standardise.h"

#include <math.h>

static const char not_a_time[] = "is not a time";
static const char which_order[] = "has day or month first: say which with the date order";

/* A time as the text says it; ms are UTC where has_zone, else local. */
typedef struct CsvTime {
    int64_t ms;
    bool has_zone;
} CsvTime;

/* --- pieces --- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Takes one to `most` digits off *s. */
static bool take_digits(Str *s, size_t most, int *out, size_t *n_digits) {
    size_t n = 0;
    int v = 0;
    while (n < s->n && n < most && is_digit(s->p[n]))
        v = v * 10 + (s->p[n++] - '0');
    if (n == 0)
        return false;
    *s = str_from(*s, n);
    *out = v;
    *n_digits = n;
    return true;
}

static bool take_char(Str *s, char c) {
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = str_from(*s, 1);
    return true;
}

static void skip_spaces(Str *s) {
    while (take_char(s, ' ')) {
    }
}

static bool day_of(int year, int month, int day, int64_t *out) {
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    *out = civil_to_days(year, month, day);
    return true;
}

/* ".123456" -> 123; digits past ms are cut. */
static bool take_fraction(Str *s, int64_t *ms) {
    int64_t scale = 100;
    *ms = 0;
    if (!take_char(s, '.') && !take_char(s, ','))
        return true;
    if (s->n == 0 || !is_digit(s->p[0]))
        return false;
    for (; s->n > 0 && is_digit(s->p[0]); *s = str_from(*s, 1), scale /= 10)
        *ms += (s->p[0] - '0') * scale;
    return true;
}

/* h:mm, hh:mm:ss, hh:mm:ss.fff, hhmm, hhmmss -> ms of the day. */
static bool take_clock(Str *s, int64_t *out) {
    int hour, minute, second = 0;
    size_t n;
    int64_t ms = 0;
    if (!take_digits(s, 2, &hour, &n))
        return false;
    bool colons = take_char(s, ':');
    if (!take_digits(s, 2, &minute, &n) || n != 2)
        return false;
    if (colons ? take_char(s, ':') : s->n > 0 && is_digit(s->p[0])) {
        if (!take_digits(s, 2, &second, &n) || n != 2 || !take_fraction(s, &ms))
            return false;
    }
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    *out = hour * (int64_t)MS_PER_HOUR + minute * (int64_t)MS_PER_MINUTE + second * (int64_t)MS_PER_SECOND + ms;
    return true;
}

static bool take_word(Str *s, Str word) {
    if (!str_eq_nocase(str_first(*s, word.n), word))
        return false;
    *s = str_from(*s, word.n);
    return true;
}

/* Nothing, Z, UTC, GMT, +hh, +hh:mm, +hhmm, GMT+0100; must use the text up. */
static bool take_zone(Str *s, CsvTime *t) {
    skip_spaces(s);
    if (s->n == 0)
        return true;
    t->has_zone = true;
    bool named = take_word(s, S("UTC")) || take_word(s, S("GMT"));
    if (s->n == 0)
        return named;
    if (!named && take_word(s, S("Z")))
        return s->n == 0;
    bool west = s->p[0] == '-';
    int hours, minutes = 0;
    size_t n;
    if (!take_char(s, '+') && !take_char(s, '-'))
        return false;
    if (!take_digits(s, 2, &hours, &n) || n != 2)
        return false;
    take_char(s, ':');
    if (s->n > 0 && (!take_digits(s, 2, &minutes, &n) || n != 2))
        return false;
    if (s->n > 0 || hours > 23 || minutes > 59)
        return false;
    int64_t offset = (hours * 60 + minutes) * (int64_t)MS_PER_MINUTE;
    t->ms += west ? offset : -offset;
    return true;
}

/* --- numbers --- */

static Time epoch_in(CsvTimeUnit unit, int64_t v) {
    switch (unit) {
    case CSV_UNIT_S:
        return v > INT64_MAX / 1000 ? TIME_MAX : v < INT64_MIN / 1000 ? TIME_MIN : time_ms(v * 1000);
    case CSV_UNIT_MS:
        return time_ms(v);
    case CSV_UNIT_US:
        return time_ms(floor_div(v, 1000));
    case CSV_UNIT_NS:
        return time_ms(floor_div(v, 1000000));
    case CSV_UNIT_AUTO:
        break;
    }
    return epoch_to_time(v);
}

/* 20240131 and 20240131235900, where no unit says that the number is an epoch. As seconds the first would lie in
 * 1970, as ms the second in the year 2611. */
static bool compact_date(Str s, CsvTime *out) {
    int year, month, day;
    size_t n;
    int64_t days, clock = 0;
    Str rest = s;
    if (!take_digits(&rest, 4, &year, &n) || !take_digits(&rest, 2, &month, &n) || !take_digits(&rest, 2, &day, &n))
        return false;
    if (year < 1900 || year > 2199 || !day_of(year, month, day, &days))
        return false;
    if (rest.n > 0 && !take_clock(&rest, &clock))
        return false;
    out->ms = days * MS_PER_DAY + clock;
    return true;
}

static const char *read_number(const CsvTimes *t, Str s, CsvTime *out) {
    int64_t whole;
    double number;
    if ((s.n == 8 || s.n == 14) && t->unit == CSV_UNIT_AUTO && is_digit(s.p[0]) && compact_date(s, out))
        return NULL;
    out->has_zone = true; /* an epoch is UTC whatever the file's zone */
    if (str_to_i64(s, &whole)) {
        out->ms = epoch_in(t->unit, whole).ms;
        return NULL;
    }
    if (!num_parse_f64(s, &number) || fabs(number) >= 9.2e18)
        return not_a_time;
    if (floor(number) == number || t->unit > CSV_UNIT_S || fabs(number) >= 1e11)
        out->ms = epoch_in(t->unit, (int64_t)floor(number)).ms;
    else
        out->ms = (int64_t)floor(number * 1000 + 0.5);
    return NULL;
}

/* --- dates --- */

/* 2024-01-31, 1990/1/1, 2024.01.31, 31.01.2024 when told. */
static const char *take_date(const CsvTimes *t, Str *s, int64_t *day) {
    int a, b, c;
    size_t na, nb, nc;
    if (!take_digits(s, 4, &a, &na) || s->n == 0)
        return not_a_time;
    char mark = s->p[0];
    if ((mark != '-' && mark != '/' && mark != '.') || !take_char(s, mark) || !take_digits(s, 2, &b, &nb) ||
        !take_char(s, mark) || !take_digits(s, 4, &c, &nc))
        return not_a_time;
    bool ok;
    if (na == 4)
        ok = nc <= 2 && day_of(a, b, c, day);
    else if (na > 2 || nc != 4)
        return not_a_time; /* years of two digits are nobody's to guess */
    else if (t->order == CSV_YEAR_FIRST)
        return which_order;
    else
        ok = t->order == CSV_DAY_FIRST ? day_of(c, b, a, day) : day_of(c, a, b, day);
    return ok ? NULL : not_a_time;
}

/* 20240131 with a clock behind it. */
static bool take_compact_day(Str *s, int64_t *day) {
    CsvTime t = { 0 };
    for (size_t i = 0; i < 8; i++)
        if (i >= s->n || !is_digit(s->p[i]))
            return false;
    if (!compact_date(str_first(*s, 8), &t))
        return false;
    *s = str_from(*s, 8);
    *day = floor_div(t.ms, MS_PER_DAY);
    return true;
}

static const char *read_date(const CsvTimes *t, Str s, Str clock, CsvTime *out) {
    int64_t day, ms = 0;
    if (!take_compact_day(&s, &day)) {
        const char *why = take_date(t, &s, &day);
        if (why)
            return why;
    }
    if (s.n > 0 && (s.p[0] == 'T' || s.p[0] == 't' || s.p[0] == ' ')) {
        s = str_from(s, 1);
        if (!take_clock(&s, &ms))
            return not_a_time;
    }
    if (clock.n > 0 && !take_clock(&clock, &ms))
        return not_a_time;
    out->ms = day * MS_PER_DAY + ms;
    if (!take_zone(&s, out) || (clock.n > 0 && !take_zone(&clock, out)))
        return not_a_time;
    return NULL;
}

/* --- the common form --- */

static inline int two(const char *p) {
    return is_digit(p[0]) && is_digit(p[1]) ? (p[0] - '0') * 10 + (p[1] - '0') : 1000;
}

static bool read_common(CsvTimes *t, Str s, CsvTime *out) {
    const char *p = s.p;
    if (s.n < 19 || p[4] != '-' || p[7] != '-' || (p[10] != 'T' && p[10] != ' ') || p[13] != ':' || p[16] != ':')
        return false;
    if (!t->day_known || memcmp(p, t->day_text, sizeof t->day_text) != 0) {
        int century = two(p), year = two(p + 2), month = two(p + 5), day = two(p + 8);
        t->day_known = century < 100 && year < 100 && day_of(century * 100 + year, month, day, &t->day);
        if (!t->day_known)
            return false;
        memcpy(t->day_text, p, sizeof t->day_text);
    }
    int hour = two(p + 11), minute = two(p + 14), second = two(p + 17);
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    out->ms = t->day * MS_PER_DAY + hour * (int64_t)MS_PER_HOUR + minute * (int64_t)MS_PER_MINUTE +
              second * (int64_t)MS_PER_SECOND;
    if (s.n == 19)
        return true;
    Str rest = str_from(s, 19);
    int64_t ms;
    if (!take_fraction(&rest, &ms))
        return false;
    out->ms += ms;
    return take_zone(&rest, out);
}

/* --- zones --- */

static int64_t local_to_utc(CsvTimes *t, int64_t local_ms) {
    if (local_ms >= t->offset_from && local_ms < t->offset_to)
        return local_ms - t->offset;
    Civil civil = time_to_civil(time_ms(local_ms));
    Time utc = tz_from_civil(t->zone, &civil, NULL);
    /* A day short of the clock's next change no local time is skipped or shown twice. */
    t->offset = local_ms - utc.ms;
    t->offset_from = local_ms;
    t->offset_to = time_add_ms(tz_next_change(t->zone, utc), -(int64_t)MS_PER_DAY).ms;
    if (t->offset != tz_offset_at(t->zone, utc).offset_s * INT64_C(1000))
        t->offset_to = t->offset_from; /* in a skipped hour: true of this time alone */
    return utc.ms;
}

/* A date with separators, or a clock of its own, is no number. "1.7e+09" is one, "31.01.2024" is not. */
static bool looks_like_date(Str s) {
    size_t points = 0;
    for (size_t i = 1; i < s.n; i++) {
        char c = s.p[i], before = s.p[i - 1];
        points += c == '.';
        if (c == '/' || c == ':' || c == ' ' || c == 'T' || (c == '-' && before != 'e' && before != 'E'))
            return true;
    }
    return points > 1;
}

const char *csv_time_read(CsvTimes *t, Str date, Str clock, Time *out) {
    CsvTime time = { 0 };
    if (clock.n > 0 || !read_common(t, date, &time)) {
        time = (CsvTime){ 0 };
        date = str_trim(date);
        clock = str_trim(clock);
        const char *why =
            clock.n > 0 || looks_like_date(date) ? read_date(t, date, clock, &time) : read_number(t, date, &time);
        if (why)
            return why;
    }
    bool local = !time.has_zone && t->zone;
    if (local && (time.ms < TIME_ISO_MIN.ms || time.ms > TIME_ISO_MAX.ms))
        return not_a_time;
    *out = time_ms(local ? local_to_utc(t, time.ms) : time.ms);
    return NULL;
}
