/* feed/date.c - dates as feeds write them.
 *
 * Each dialect is tried in turn; the first that can read the text wins. Dialects that name their months in a language
 * come first: ISO 8601 would take the year at their beginning for the whole. */

#include "feed/date.h"

/* --- parts --- */

bool date_number(Str s, int *out) {
    s = text_strip(s);
    bool minus = s.n && s.p[0] == '-';
    if (s.n && (s.p[0] == '-' || s.p[0] == '+'))
        s = str_from(s, 1);
    int64_t v = 0;
    if (s.n == 0 || s.n > 9)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!text_is_digit(s.p[i]))
            return false;
        v = v * 10 + (s.p[i] - '0');
    }
    *out = (int)(minus ? -v : v);
    return true;
}

bool date_make(const Civil *c, int zone_minutes, Time *out) {
    if (c->year < 1 || c->year > 9999 || !civil_valid(c) || zone_minutes < -6000 || zone_minutes > 6000)
        return false;
    Time t = time_add_ms(time_from_civil(c), -(int64_t)zone_minutes * MS_PER_MINUTE);
    if (time_cmp(t, TIME_ISO_MIN) < 0 || time_cmp(t, TIME_ISO_MAX) > 0)
        return false;
    *out = t;
    return true;
}

int date_month(Str word) {
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    for (int i = 0; i < 12 && word.n >= 3; i++)
        if (memcmp(names + (ptrdiff_t)i * 3, word.p, 3) == 0)
            return i + 1;
    return 0;
}

int date_zone(Str name) {
    static const struct {
        const char *name;
        int hours;
    } zones[] = { { "adt", -3 }, { "ast", -4 }, { "at", -4 }, { "edt", -4 }, { "est", -5 }, { "et", -5 },
                  { "cdt", -5 }, { "cst", -6 }, { "ct", -6 }, { "mdt", -6 }, { "mst", -7 }, { "mt", -7 },
                  { "pdt", -7 }, { "pst", -8 }, { "pt", -8 }, { "a", -1 },   { "n", 1 },    { "m", -12 },
                  { "y", 12 },   { "met", 1 },  { "mest", 2 } };
    for (size_t i = 0; i < ARRAY_LEN(zones); i++)
        if (str_eq(str_c(zones[i].name), name))
            return zones[i].hours;
    return 0;
}

/* "+05:30", "-0500", "+5:00": minutes east. */
static bool read_offset(Str s, int *out) {
    int hours, minutes = 0;
    Str rest = str_from(s, 3);
    if (rest.n && rest.p[0] == ':')
        rest = str_from(rest, 1);
    if (!date_number(str_n(s.p + 1, MIN(s.n - 1, (size_t)2)), &hours) || (rest.n && !date_number(rest, &minutes)))
        return false;
    *out = (s.p[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
    return true;
}

/* --- RFC 822, 1123, 2822 --- */

static bool is_day_name(Str word) {
    static const char names[] = "montuewedthufrisatsun";
    for (size_t i = 0; i < 7 && word.n >= 3; i++)
        if (memcmp(names + i * 3, word.p, 3) == 0)
            return true;
    return false;
}

static bool read_clock(Str text, Civil *c) { /* h, h:m or h:m:s */
    int *fields[] = { &c->hour, &c->minute, &c->second };
    Str part;
    size_t n = 0;
    for (; str_next(&text, ':', &part); n++)
        if (n == ARRAY_LEN(fields) || !date_number(part, fields[n]))
            return false;
    return n > 0;
}

static bool read_zone_822(Str zone, int *minutes) {
    if (str_starts(zone, S("etc/")))
        zone = str_from(zone, 4);
    if (str_starts(zone, S("gmt")) && zone.n > 3)
        zone = str_from(zone, 3);
    if (zone.n && (zone.p[0] == '+' || zone.p[0] == '-'))
        return zone.n > 3 && read_offset(zone, minutes);
    *minutes = date_zone(zone) * 60;
    return true;
}

bool date_rfc822(Str text, Arena *scratch, Time *out) {
    Str rest = text_lower(scratch, text), all[10], *parts = all;
    size_t n = 0;
    while (n < 6 && text_word(&rest, &all[n]))
        n++;
    ptrdiff_t comma = n > 0 ? str_find_char(parts[0], ',') : -1;
    if (comma > 0 && (size_t)comma + 1 < parts[0].n) { /* "Fri,24": two words */
        memmove(parts + 1, parts, n++ * sizeof *parts);
        parts[0] = str_first(parts[1], (size_t)comma);
        parts[1] = str_from(parts[1], (size_t)comma + 1);
    }
    if (n < 5) { /* the time and its zone may be missing */
        all[n++] = S("00:00:00");
        all[n++] = S("0000");
    }
    if (is_day_name(parts[0])) {
        parts++;
        n--;
    }
    if (n < 5)
        return false;
    Civil c = { .month = date_month(parts[1]) };
    if (!date_number(parts[0], &c.day)) { /* month and day may be swapped */
        c.month = date_month(parts[0]);
        if (!c.month || !date_number(parts[1], &c.day))
            return false;
    }
    int zone = 0;
    if (!c.month || !date_number(parts[2], &c.year) || !read_clock(parts[3], &c) || !read_zone_822(parts[4], &zone))
        return false;
    if (parts[2].n <= 2)
        c.year += c.year < 90 ? 2000 : 1900;
    return date_make(&c, zone, out);
}

/* --- W3CDTF --- */

static bool read_fraction(Str s, int *out) { /* the whole part of "07.5" */
    ptrdiff_t dot = str_find_char(s, '.');
    int ignored;
    Str behind = dot < 0 ? str_n(NULL, 0) : str_first(str_from(s, (size_t)dot + 1), 9);
    if (behind.n && !date_number(behind, &ignored))
        return false;
    return date_number(dot < 0 ? s : str_first(s, (size_t)dot), out);
}

static bool read_date_w3c(Str date, Civil *c) {
    int *fields[] = { &c->year, &c->month, &c->day };
    c->month = c->day = 1;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        ptrdiff_t dash = i < 2 ? str_find_char(date, '-') : -1;
        Str part = dash < 0 ? date : str_first(date, (size_t)dash);
        if ((i == 0 && part.n != 4) || !date_number(part, fields[i]))
            return false;
        if (dash < 0)
            return true;
        date = str_from(date, (size_t)dash + 1);
    }
    return true;
}

static bool read_time_w3c(Str clock, Civil *c) {
    int *fields[] = { &c->hour, &c->minute, &c->second };
    Str part;
    for (size_t i = 0; i < ARRAY_LEN(fields) && str_next(&clock, ':', &part); i++)
        if (!read_fraction(part, fields[i]))
            return false;
    return clock.n == 0;
}

/* Date and time are parted by 'T' or white space; with white space the zone may stand apart. */
bool date_w3c(Str text, Arena *scratch, Time *out) {
    Str rest = text_strip(text_lower(scratch, text)), parts[3] = { { 0 } };
    ptrdiff_t t = str_find_char(rest, 't');
    if (t >= 0) {
        parts[0] = str_first(rest, (size_t)t);
        parts[1] = str_from(rest, (size_t)t + 1);
        if (str_find_char(parts[1], 't') >= 0)
            return false;
    } else {
        for (size_t n = 0; n < 3 && text_word(&rest, &parts[n]);)
            n++;
    }
    Civil c = { 0 };
    int zone = 0;
    if (!read_date_w3c(parts[0], &c))
        return false;
    Str clock = parts[1], offset = parts[2];
    if (str_ends(clock, S("z")))
        clock.n--;
    size_t sign = 0;
    while (sign < clock.n && clock.p[sign] != '-' && clock.p[sign] != '+')
        sign++;
    if (offset.n == 0)
        offset = str_from(clock, sign);
    clock = str_first(clock, sign);
    if (parts[1].n && !read_time_w3c(clock, &c))
        return false;
    if (offset.n && (offset.p[0] == '-' || offset.p[0] == '+')) {
        if (offset.n < 4 || !read_offset(offset, &zone))
            return false;
    } else {
        zone = date_zone(offset) * 60;
    }
    return date_make(&c, zone, out);
}

/* --- ISO 8601 in its short forms --- */

typedef struct Iso {
    int year, month, day, ordinal, century; /* -1: not told */
    int year_digits;
} Iso;

static bool digits(Str *s, size_t n, const char *first, int *out) {
    if (s->n < n || (first && !strchr(first, s->p[0])))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!text_is_digit(s->p[i]))
            return false;
    date_number(str_first(*s, n), out);
    *s = str_from(*s, n);
    return true;
}

/* Y year, y its last two digits, M month, D day, O day of the year, C century at the end, - a dash, ~ a dash or not. */
static bool match_iso(const char *form, Str *s, Iso *out) {
    Iso got = { -1, -1, -1, -1, -1, 0 };
    Str rest = *s;
    for (; *form; form++) {
        bool ok = true;
        if (*form == 'Y')
            ok = digits(&rest, 4, NULL, &got.year), got.year_digits = 4;
        else if (*form == 'y')
            ok = digits(&rest, 2, NULL, &got.year), got.year_digits = 2;
        else if (*form == 'M')
            ok = digits(&rest, 2, "01", &got.month);
        else if (*form == 'D')
            ok = digits(&rest, 2, "0123", &got.day);
        else if (*form == 'O')
            ok = digits(&rest, 3, "0123", &got.ordinal);
        else if (*form == 'C')
            ok = rest.n == 2 && digits(&rest, 2, NULL, &got.century);
        else if (rest.n && rest.p[0] == *(*form == '~' ? "-" : form))
            rest = str_from(rest, 1);
        else
            ok = *form == '~';
        if (!ok)
            return false;
    }
    *s = rest;
    *out = got;
    return true;
}

static void read_iso_time(Str s, int64_t *ms) { /* what is there of it */
    int h = 0, m = 0, sec = 0, zh = 0, zm = 0;
    if (s.n && s.p[0] == 'T')
        s = str_from(s, 1);
    if (!digits(&s, 2, NULL, &h) || s.n == 0 || s.p[0] != ':')
        return;
    s = str_from(s, 1);
    if (!digits(&s, 2, NULL, &m))
        return;
    Str more = str_from(s, 1);
    if (s.n && s.p[0] == ':' && digits(&more, 2, NULL, &sec))
        s = more;
    if (s.n > 1 && s.p[0] == '.' && text_is_digit(s.p[1]))
        for (s = str_from(s, 1); s.n && text_is_digit(s.p[0]);)
            s = str_from(s, 1);
    if (s.n && (s.p[0] == '+' || s.p[0] == '-')) {
        int sign = s.p[0] == '-' ? -1 : 1;
        more = str_from(s, 1);
        if (digits(&more, 2, NULL, &zh) && more.n && more.p[0] == ':') {
            more = str_from(more, 1);
            digits(&more, 2, NULL, &zm);
        }
        zh *= sign;
        zm *= sign;
    }
    *ms = ((int64_t)(h - zh) * 3600 + (int64_t)(m - zm) * 60 + sec) * 1000;
}

#define NOT_TOLD INT64_MIN

static bool date_iso(Str s, Time now, Time *out) {
    static const char *const forms[] = { "Y~M~D", "Y-0M~D", "Y-0~D", "Y-M",   "Y~O", "y~M~D", "y~O", "Y",
                                         "-y~M",  "-O",     "-y",    "--M~D", "--M", "---D",  "C",   "" };
    Iso got = { 0 };
    Str rest = s;
    size_t i = 0;
    while (i < ARRAY_LEN(forms) && !match_iso(forms[i], &rest, &got))
        i++;
    int64_t time = NOT_TOLD;
    read_iso_time(rest, &time);
    if (rest.n == s.n && time == NOT_TOLD && i == ARRAY_LEN(forms) - 1)
        return false;
    Civil today = time_to_civil(now);
    int year = got.year < 0 ? today.year : got.year_digits == 2 ? today.year / 100 * 100 + got.year : got.year;
    int month = got.month >= 0 ? got.month : got.ordinal > 0 ? 1 : today.month;
    int day = got.day > 0                                        ? got.day
              : got.ordinal > 0                                  ? got.ordinal
              : got.century > 0 || got.year > 0 || got.month > 0 ? 1
                                                                 : today.day;
    if (got.century >= 0)
        year = (got.century - 1) * 100 + 1;
    if (year < 1)
        return false;
    int64_t months = (int64_t)year * 12 + month - 1; /* month 0 and 13 are its neighbours', as in mktime */
    int64_t days = civil_to_days((int)floor_div(months, 12), (int)floor_mod(months, 12) + 1, 1) + day - 1;
    Time t = time_ms(days * MS_PER_DAY + (time == NOT_TOLD ? 0 : time));
    if (time_cmp(t, TIME_ISO_MIN) < 0 || time_cmp(t, TIME_ISO_MAX) > 0)
        return false;
    *out = t;
    return true;
}

/* --- asctime, Perforce --- */

static bool date_asctime(Str text, Arena *scratch, Time *out) {
    Str words[7], rest = text;
    size_t n = 0;
    while (n < 7 && text_word(&rest, &words[n]))
        n++;
    if (n != 5 && n != 6)
        return false;
    Str zone = n == 6 ? words[4] : S("+0000"), year = words[n - 1];
    return date_rfc822(str_fmt(scratch, STR_FMT " " STR_FMT " " STR_FMT " " STR_FMT " " STR_FMT " " STR_FMT,
                               STR_ARG(words[0]), STR_ARG(words[2]), STR_ARG(words[1]), STR_ARG(year),
                               STR_ARG(words[3]), STR_ARG(zone)),
                       scratch, out);
}

/* "Fri, 2006/09/15 08:19:53 EDT" */
static bool date_perforce(Str text, Arena *scratch, Time *out) {
    Str words[4] = { { 0 } }, rest = text, part;
    size_t n = 0;
    while (n < 4 && text_word(&rest, &words[n]))
        n++;
    if (n < 3 || !str_ends(words[0], S(",")))
        return false;
    Civil c = { 0 };
    int *fields[] = { &c.year, &c.month, &c.day };
    size_t k = 0;
    for (Str date = words[1]; str_next(&date, '/', &part); k++)
        if (k == 3 || !date_number(part, fields[k]))
            return false;
    if (k != 3 || !read_clock(words[2], &c))
        return false;
    if (c.year < 100)
        c.year += c.year > 68 ? 1900 : 2000;
    return date_make(&c, date_zone(text_lower(scratch, words[3])) * 60, out);
}

bool feed_date_parse(Str text, Time now, Time *out) {
    Arena scratch = { 0 };
    enum { LONGEST = 200 };
    bool ok = text.n > 0 && text.n <= LONGEST &&
              (date_local(text, &scratch, out) || date_w3c(text, &scratch, out) || date_rfc822(text, &scratch, out) ||
               date_iso(text, now, out) || date_asctime(text, &scratch, out) || date_perforce(text, &scratch, out));
    arena_done(&scratch);
    return ok;
}
