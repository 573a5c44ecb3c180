/* core/cron.c - see cron.h.
 *
 * The five fields are bit sets, and the next match in "local minutes" (minutes since 1970 as a clock on the wall
 * counts them, without zones) is a walk over days with a look into the sets. What remains is the way between wall
 * and time, once for each of the two kinds of expression. */

#include "core/cron.h"

enum {
    MINUTES_A_DAY = 1440,
    S_PER_MINUTE = 60,
    YEARS_SEARCHED = 40,     /* a date falls on a weekday within 28 years, or 40 around a year like 2100 */
    SHIFT_MAX_MIN = 26 * 60, /* no clock was ever put back or forth by more than a day and two hours */
    EVERY_MIN_MS = 1000,
};

/* --- parsing --- */

typedef struct CronField {
    const char *what;
    int min, max;
    const char *const *names; /* of min, min + 1, ... */
} CronField;

static const char *const month_names[] = { "jan", "feb", "mar", "apr", "may", "jun",
                                           "jul", "aug", "sep", "oct", "nov", "dec" };
static const char *const weekday_names[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELDS };
static const CronField fields[FIELDS] = {
    { "minute", 0, 59, NULL },
    { "hour", 0, 23, NULL },
    { "day of month", 1, 31, NULL },
    { "month", 1, 12, month_names },
    { "day of week", 0, 7, weekday_names },
};

static int field_fail(Ctx *cx, const CronField *f, Str text) {
    return err_set_at(cx, ERR_INVALID, S("schedule"),
                      "'" STR_FMT "' is no %s of a cron expression; write *, %d..%d, a list, a range or a step (*/5)",
                      STR_ARG(str_first(text, 40)), f->what, f->min, f->max);
}

static bool parse_value(const CronField *f, Str text, int *out) {
    int64_t v;
    size_t n_names = f->names == month_names ? ARRAY_LEN(month_names) : f->names ? ARRAY_LEN(weekday_names) : 0;
    for (size_t i = 0; i < n_names; i++)
        if (str_eq_nocase(text, str_c(f->names[i]))) {
            *out = f->min + (int)i;
            return true;
        }
    if (text.n == 0 || text.n > 2 || text.p[0] == '-' || text.p[0] == '+' || !str_to_i64(text, &v) || v < f->min ||
        v > f->max)
        return false;
    *out = (int)v;
    return true;
}

/* One item of a list: "*", "5", "1-5", with "/2" behind the first and the last. */
static bool parse_item(const CronField *f, Str item, uint64_t *bits) {
    int from = f->min, to = f->max, step = 1;
    ptrdiff_t slash = str_find_char(item, '/');
    Str range = slash < 0 ? item : str_first(item, (size_t)slash);
    bool single = false;
    if (!str_eq(range, S("*"))) {
        ptrdiff_t dash = str_find_char(range, '-');
        Str first = dash < 0 ? range : str_first(range, (size_t)dash);
        if (!parse_value(f, first, &from))
            return false;
        single = dash < 0;
        to = from;
        if (!single && !parse_value(f, str_from(range, (size_t)dash + 1), &to))
            return false;
        if (f->names == weekday_names && to == 0 && from > 0)
            to = 7; /* fri-sun */
    }
    if (slash >= 0) {
        int64_t v;
        Str text = str_from(item, (size_t)slash + 1);
        if (single || text.n == 0 || text.n > 2 || !str_to_i64(text, &v) || v < 1 || v > f->max)
            return false;
        step = (int)v;
    }
    if (from > to)
        return false;
    assert(from >= 0 && to < 64); /* parse_value keeps to the field */
    for (int v = from; v <= to; v += step)
        *bits |= UINT64_C(1) << v;
    return true;
}

static int parse_field(Ctx *cx, const CronField *f, Str text, uint64_t *bits) {
    Str rest = text, item;
    *bits = 0;
    while (str_next(&rest, ',', &item))
        if (!parse_item(f, item, bits))
            return field_fail(cx, f, item);
    return *bits ? 0 : field_fail(cx, f, text);
}

static bool next_word(Str *rest, Str *out) {
    *rest = str_trim(*rest);
    size_t n = 0;
    while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\t')
        n++;
    *out = str_first(*rest, n);
    *rest = str_from(*rest, n);
    return n > 0;
}

static int64_t days_match(const Cron *cron, int64_t day, int64_t last);

static int parse_fields(Ctx *cx, Str text, Cron *out) {
    Str rest = text, words[FIELDS], more;
    uint64_t bits[FIELDS];
    for (int i = 0; i < FIELDS; i++)
        if (!next_word(&rest, &words[i]))
            return err_set_at(cx, ERR_INVALID, S("schedule"),
                              "'" STR_FMT "' has %d of the five fields: minute hour day-of-month month day-of-week",
                              STR_ARG(str_first(text, 80)), i);
    if (next_word(&rest, &more))
        return err_set_at(cx, ERR_INVALID, S("schedule"), "there is something behind the five fields: '" STR_FMT "'",
                          STR_ARG(str_first(more, 40)));
    for (int i = 0; i < FIELDS; i++) {
        int r = parse_field(cx, &fields[i], words[i], &bits[i]);
        if (r != 0)
            return r;
    }
    Cron cron = { .minutes = bits[MINUTE],
                  .hours = (uint32_t)bits[HOUR],
                  .days = (uint32_t)bits[DAY],
                  .months = (uint32_t)bits[MONTH],
                  .weekdays = (uint8_t)((bits[WEEKDAY] | bits[WEEKDAY] >> 7) & 0x7f),
                  .by_clock = words[MINUTE].p[0] == '*' || words[HOUR].p[0] == '*',
                  .days_free = words[DAY].p[0] == '*',
                  .weekdays_free = words[WEEKDAY].p[0] == '*' };
    if (days_match(&cron, civil_to_days(2000, 1, 1), civil_to_days(2000 + YEARS_SEARCHED, 1, 1)) < 0)
        return err_set_at(cx, ERR_INVALID, S("schedule"), "'" STR_FMT "' never fires: no month has that day",
                          STR_ARG(str_first(text, 80)));
    *out = cron;
    return 0;
}

static const struct {
    const char *name, *means;
} nicknames[] = {
    { "@yearly", "0 0 1 1 *" }, { "@annually", "0 0 1 1 *" }, { "@monthly", "0 0 1 * *" }, { "@weekly", "0 0 * * 0" },
    { "@daily", "0 0 * * *" },  { "@midnight", "0 0 * * *" }, { "@hourly", "0 * * * *" },
};

int cron_parse(Ctx *cx, Str text, Cron *out) {
    Str s = str_trim(text);
    if (str_starts(s, S("@every"))) {
        int64_t ms;
        if (!duration_parse_ms(str_trim(str_from(s, 6)), &ms) || ms < EVERY_MIN_MS)
            return err_set_at(cx, ERR_INVALID, S("schedule"),
                              "'" STR_FMT "' is no interval of at least a second; write @every 5m, @every 36h",
                              STR_ARG(str_first(s, 40)));
        *out = (Cron){ .every_ms = ms };
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(nicknames); i++)
        if (str_eq_nocase(s, str_c(nicknames[i].name)))
            return parse_fields(cx, str_c(nicknames[i].means), out);
    if (s.n && s.p[0] == '@')
        return err_set_at(cx, ERR_INVALID, S("schedule"),
                          "'" STR_FMT "' is not known; there are @yearly, @monthly, @weekly, @daily, @hourly and "
                          "@every 5m",
                          STR_ARG(str_first(s, 40)));
    return parse_fields(cx, s, out);
}

/* --- days and minutes of the wall --- */

static bool day_fits(const Cron *cron, int64_t day) {
    int year, month, dom;
    civil_from_days(day, &year, &month, &dom);
    if (!(cron->months >> month & 1))
        return false;
    bool by_dom = cron->days >> dom & 1, by_weekday = cron->weekdays >> ((weekday_of_days(day) + 1) % 7) & 1;
    return cron->days_free || cron->weekdays_free ? by_dom && by_weekday : by_dom || by_weekday;
}

/* The first day of [day, last] that fits, or -1; asked of days after 1970 only. */
static int64_t days_match(const Cron *cron, int64_t day, int64_t last) {
    for (; day <= last; day++)
        if (day_fits(cron, day))
            return day;
    return -1;
}

static bool minute_fits(const Cron *cron, int minute) {
    return (cron->hours >> (minute / 60) & 1) && (cron->minutes >> (minute % 60) & 1);
}

bool cron_matches(const Cron *cron, const Civil *local) {
    return minute_fits(cron, local->hour * 60 + local->minute) &&
           day_fits(cron, civil_to_days(local->year, local->month, local->day));
}

/* The first wall minute >= from that fits; INT64_MAX when there is none for years. */
static int64_t next_wall(const Cron *cron, int64_t from) {
    int64_t day = floor_div(from, MINUTES_A_DAY), last = day + YEARS_SEARCHED * 366;
    int minute = (int)floor_mod(from, MINUTES_A_DAY);
    for (; day <= last; day++, minute = 0) {
        if (!day_fits(cron, day))
            continue;
        for (; minute < MINUTES_A_DAY; minute++)
            if (minute_fits(cron, minute))
                return day * MINUTES_A_DAY + minute;
    }
    return INT64_MAX;
}

/* --- from the wall to time --- */

static Time wall_time(int64_t wall, int offset_s) {
    return time_ms((wall * S_PER_MINUTE - offset_s) * MS_PER_SECOND);
}

/* The first whole wall minute at or after t. */
static int64_t wall_ceil(Time t, int offset_s) {
    int64_t length = INT64_C(60000);
    return -floor_div(-(t.ms + offset_s * (int64_t)MS_PER_SECOND), length);
}

/* By the minutes the clock shows: period of one offset after the other. */
static Time next_by_clock(const Cron *cron, const Tz *tz, Time after) {
    for (Time at = time_add_ms(after, 1); at.ms <= TIME_ISO_MAX.ms;) {
        int offset_s = tz_offset_at(tz, at).offset_s;
        Time end = tz_next_change(tz, at);
        int64_t wall = next_wall(cron, wall_ceil(at, offset_s));
        if (wall == INT64_MAX)
            return TIME_MAX;
        Time found = wall_time(wall, offset_s);
        if (time_before(found, end))
            return found;
        at = end;
    }
    return TIME_MAX;
}

/* When a named time of day is due: its first occurrence, or the end of the gap that swallows it. */
static Time due(const Tz *tz, int64_t wall) {
    Civil local = time_to_civil(wall_time(wall, 0));
    TzFit fit;
    Time t = tz_from_civil(tz, &local, &fit);
    if (fit != TZ_SKIPPED)
        return t;
    Time gap_end = t;
    for (Time at = time_add_ms(t, -2 * SHIFT_MAX_MIN * INT64_C(60000));;) { /* the last change at or before t */
        Time change = tz_next_change(tz, at);
        if (time_before(t, change))
            return gap_end;
        gap_end = at = change;
    }
}

static Time next_by_name(const Cron *cron, const Tz *tz, Time after) {
    int64_t wall = wall_ceil(time_add_ms(after, 1), tz_offset_at(tz, after).offset_s);
    Time before = time_add_ms(after, -SHIFT_MAX_MIN * INT64_C(60000));
    if (time_cmp(tz_next_change(tz, before), after) <= 0) /* a change just now: times near it are due out of step */
        wall -= SHIFT_MAX_MIN;
    for (;; wall++) {
        wall = next_wall(cron, wall);
        if (wall == INT64_MAX || wall > TIME_ISO_MAX.ms / 60000)
            return TIME_MAX;
        Time t = due(tz, wall);
        if (time_before(after, t))
            return t;
    }
}

Time cron_next(const Cron *cron, const Tz *tz, Time after) {
    if (time_before(after, TIME_ISO_MIN))
        after = TIME_ISO_MIN;
    if (after.ms >= TIME_ISO_MAX.ms - 2 * (int64_t)MS_PER_DAY)
        return TIME_MAX;
    if (cron->every_ms > 0)
        return time_ms((floor_div(after.ms, cron->every_ms) + 1) * cron->every_ms);
    return cron->by_clock ? next_by_clock(cron, tz, after) : next_by_name(cron, tz, after);
}
