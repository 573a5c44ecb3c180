/* base/tz.c - see tz.h.
 *
 * A zone is a list of transitions and, for the time after the last one, a rule that repeats every year. Both answer
 * one question, `period_at`: which offset holds at t, since when and until when. All else follows from that.
 * Seconds since 1970, not ms, up to the edge of the file. */

#include "base/tz.h"

#include "base/file.h"
#include "base/tz_read.h"

enum {
    NAME_MAX_SIZE = 64,
    FILE_MAX_SIZE = 256 << 10, /* the largest real ones have 4 KB */
    S_PER_DAY = 86400,
    OFFSET_SPAN_S = 2 * S_PER_DAY, /* more than any two offsets lie apart */
};

#define ALWAYS_BEGIN INT64_MIN
#define ALWAYS_END   INT64_MAX

static const Tz utc = { .name = STR_INIT("UTC"),
                        .n_types = 1,
                        .types = (const TzOffset[]){ { 0, false, STR_INIT("UTC") } } };

const Tz *tz_utc(void) {
    return &utc;
}

Str tz_name(const Tz *tz) {
    return tz->name;
}

/* --- the yearly rule --- */

static int64_t date_of_rule(const TzDate *d, int year) { /* in days since 1970 */
    int64_t january = civil_to_days(year, 1, 1);
    bool leap = days_in_month(year, 2) == 29;
    switch (d->kind) {
    case TZ_JULIAN_1: /* 29 February is never counted: day 60 is 1 March */
        return january + d->day - 1 + (leap && d->day >= 60);
    case TZ_JULIAN_0:
        return january + d->day;
    default: {
        int64_t first = civil_to_days(year, d->month, 1);
        int to_weekday = (int)floor_mod(d->day - (weekday_of_days(first) + 1), 7); /* POSIX: 0 is Sunday */
        int day = to_weekday + 7 * (d->week - 1);
        while (day >= days_in_month(year, d->month))
            day -= 7; /* week 5 is the last one */
        return first + day;
    }
    }
}

/* The period of the rule that t lies in, found among the changes of four years: a change may be written as up to a
 * week before or after its day, and so fall into the year beside. */
static TzPeriod rule_period(const TzRule *rule, int64_t t) {
    if (!rule->has_dst)
        return (TzPeriod){ ALWAYS_BEGIN, ALWAYS_END, &rule->standard };
    int year, month, day;
    struct {
        int64_t at;
        const TzOffset *to;
    } changes[8];
    size_t n = 0;
    civil_from_days(floor_div(t, S_PER_DAY), &year, &month, &day);
    for (int y = year - 2; y <= year + 1; y++)
        for (int end = 0; end < 2; end++) {
            const TzDate *date = end ? &rule->dst_end : &rule->dst_begin;
            const TzOffset *from = end ? &rule->dst : &rule->standard;
            int64_t at = date_of_rule(date, y) * S_PER_DAY + date->time_s - from->offset_s;
            size_t i = n++;
            for (; i > 0 && changes[i - 1].at > at; i--)
                changes[i] = changes[i - 1];
            changes[i].at = at; /* equal times stay in order: daylight time all the year round works */
            changes[i].to = end ? &rule->standard : &rule->dst;
        }
    size_t i = n;
    while (i > 1 && changes[i - 1].at > t)
        i--;
    return (TzPeriod){ changes[i - 1].at, i < n ? changes[i].at : ALWAYS_END, changes[i - 1].to };
}

/* --- the table --- */

static TzPeriod period_at(const Tz *tz, int64_t t) {
    size_t low = 0, high = tz->n; /* transitions [0, low) lie at or before t */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tz->at[middle] <= t)
            low = middle + 1;
        else
            high = middle;
    }
    int64_t begin = low ? tz->at[low - 1] : ALWAYS_BEGIN;
    if (low == tz->n && tz->has_rule) {
        TzPeriod p = rule_period(&tz->rule, t);
        p.begin = MAX(p.begin, begin);
        return p;
    }
    return (TzPeriod){ begin, low < tz->n ? tz->at[low] : ALWAYS_END, &tz->types[low ? tz->type_of[low - 1] : 0] };
}

static int64_t seconds_of(Time t) {
    return floor_div(t.ms, MS_PER_SECOND);
}

TzOffset tz_offset_at(const Tz *tz, Time t) {
    return *period_at(tz, seconds_of(t)).offset;
}

Time tz_next_change(const Tz *tz, Time after) {
    TzPeriod p = period_at(tz, seconds_of(after));
    int64_t ms;
    if (p.end == ALWAYS_END || __builtin_mul_overflow(p.end, (int64_t)MS_PER_SECOND, &ms))
        return TIME_MAX;
    return time_ms(ms);
}

Civil tz_to_civil(const Tz *tz, Time t) {
    return time_to_civil(time_add_ms(t, tz_offset_at(tz, t).offset_s * (int64_t)MS_PER_SECOND));
}

Time tz_from_civil(const Tz *tz, const Civil *local, TzFit *fit) {
    assert(civil_valid(local));
    Time as_utc = time_from_civil(local);
    int64_t wall = seconds_of(as_utc);
    TzPeriod p = period_at(tz, wall - OFFSET_SPAN_S), before = p;
    int n = 0, offset_s = 0;
    /* An instant fits when its own period's offset leads from it to `wall`. */
    for (;; p = period_at(tz, p.end)) {
        int64_t t = wall - p.offset->offset_s;
        if (t >= p.begin && t < p.end && n++ == 0)
            offset_s = p.offset->offset_s;
        if (t >= p.end)
            before = p; /* the clock ran past `wall` only in a later period, or jumped over it */
        if (p.end == ALWAYS_END || p.end > wall + OFFSET_SPAN_S)
            break;
    }
    if (n == 0)
        offset_s = before.offset->offset_s;
    if (fit)
        *fit = n == 0 ? TZ_SKIPPED : n == 1 ? TZ_ONCE : TZ_TWICE;
    return time_add_ms(as_utc, -(int64_t)offset_s * MS_PER_SECOND);
}

size_t tz_format_iso(const Tz *tz, Time t, char *out) {
    int minutes = (int)floor_div(tz_offset_at(tz, t).offset_s, 60);
    Time local = time_add_ms(t, minutes * (int64_t)MS_PER_MINUTE);
    if (local.ms < TIME_ISO_MIN.ms || local.ms > TIME_ISO_MAX.ms)
        return time_format_iso(t, out);
    size_t n = time_format_iso(local, out) - 1; /* without its Z */
    int size = minutes < 0 ? -minutes : minutes;
    const char zone[6] = { minutes < 0 ? '-' : '+',      (char)('0' + size / 600), (char)('0' + size / 60 % 10), ':',
                           (char)('0' + size % 60 / 10), (char)('0' + size % 10) };
    memcpy(out + n, zone, sizeof zone);
    return n + sizeof zone;
}

/* --- by name --- */

static bool is_name_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '+';
}

bool tz_name_valid(Str name) {
    Str rest = name, part;
    if (name.n == 0 || name.n > NAME_MAX_SIZE)
        return false;
    while (str_next(&rest, '/', &part)) {
        if (part.n == 0 || part.p[0] == '-' || part.p[0] == '+') /* a fixed offset gone wrong is no file's name */
            return false;
        for (size_t i = 0; i < part.n; i++)
            if (!is_name_byte(part.p[i]))
                return false;
    }
    return true;
}

/* ±hh, ±hhmm, ±hh:mm; up to 18 hours, more than any place ever had. */
static bool parse_fixed(Str s, int *out_offset_s) {
    int digits[4] = { 0 }, n = 0;
    if (s.n < 3 || (s.p[0] != '+' && s.p[0] != '-'))
        return false;
    for (size_t i = 1; i < s.n; i++) {
        if (i == 3 && s.p[i] == ':' && s.n == 6)
            continue;
        if (s.p[i] < '0' || s.p[i] > '9' || n == 4)
            return false;
        digits[n++] = s.p[i] - '0';
    }
    int hours = digits[0] * 10 + digits[1], minutes = digits[2] * 10 + digits[3];
    *out_offset_s = (s.p[0] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return (n == 2 || n == 4) && minutes < 60 && hours * 60 + minutes <= 18 * 60;
}

static const Tz *make_fixed(Arena *a, Str name, int offset_s) {
    Tz *tz = arena_new(a, Tz);
    TzOffset *type = arena_new(a, TzOffset);
    tz->name = str_dup(a, name);
    *type = (TzOffset){ offset_s, false, tz->name };
    tz->types = type;
    tz->n_types = 1;
    return tz;
}

int tz_load(Ctx *cx, const char *dir, Str name, const Tz **out) {
    int offset_s;
    Str bytes;
    if (str_eq(name, S("UTC")) || str_eq(name, S("Z"))) {
        *out = tz_utc();
        return 0;
    }
    if (parse_fixed(name, &offset_s)) {
        *out = make_fixed(cx->arena, name, offset_s);
        return 0;
    }
    if (!tz_name_valid(name))
        return err_set(cx, ERR_INVALID, "\"" STR_FMT "\" is no time zone; write Area/City, UTC or ±hh:mm",
                       STR_ARG(str_first(name, NAME_MAX_SIZE)));
    const char *path = path_join(cx->arena, dir, str_cz(cx->arena, name));
    int e = dir_exists(path) ? ERR_NOT_FOUND : file_read(cx, path, FILE_MAX_SIZE, &bytes);
    if (e == ERR_NOT_FOUND)
        return err_set(cx, e, "no time zone " STR_FMT " in %s; install the system's tzdata or write ±hh:mm",
                       STR_ARG(name), dir);
    return e ? e : tz_read(cx, name, bytes, out);
}
