/* feed/date_local.c - dates of programs that write them in Greek, Hungarian or Korean. */

#include "feed/date.h"

typedef struct Word {
    const char *name, *value;
} Word;

static const char *find_word(const Word *words, size_t n, Str name) {
    for (size_t i = 0; i < n; i++)
        if (str_eq(str_c(words[i].name), name))
            return words[i].value;
    return NULL;
}

static bool take(Str *s, Str what) {
    if (!str_starts(*s, what))
        return false;
    *s = str_from(*s, what.n);
    return true;
}

/* `least` to `most` digits. */
static bool take_digits(Str *s, size_t least, size_t most, Str *out) {
    size_t n = 0;
    while (n < most && n < s->n && text_is_digit(s->p[n]))
        n++;
    *out = str_first(*s, n);
    *s = str_from(*s, n);
    return n >= least;
}

static bool take_space(Str *s) {
    size_t before = s->n, k;
    while ((k = text_space_size(*s)) > 0)
        *s = str_from(*s, k);
    return s->n < before;
}

/* "Κυρ, 11 Ιουλ 2004 12:00:00 EST" is RFC 822 but for its names. */
static bool date_greek(Str text, Arena *scratch, Time *out) {
    static const Word months[] = {
        { "Ιαν", "Jan" }, { "Φεβ", "Feb" }, { "Μάώ", "Mar" },  { "Μαώ", "Mar" },  { "Απρ", "Apr" },  { "Μάι", "May" },
        { "Μαϊ", "May" }, { "Μαι", "May" }, { "Ιούν", "Jun" }, { "Ιον", "Jun" },  { "Ιούλ", "Jul" }, { "Ιολ", "Jul" },
        { "Αύγ", "Aug" }, { "Αυγ", "Aug" }, { "Σεπ", "Sep" },  { "Οκτ", "Oct" },  { "Νοέ", "Nov" },  { "Νοε", "Nov" },
        { "Δεκ", "Dec" }, { "Μαρ", "Mar" }, { "Μάρ", "Mar" },  { "Ιουν", "Jun" }, { "Ιουλ", "Jul" },
    };
    static const Word days[] = { { "Κυρ", "Sun" }, { "Δευ", "Mon" }, { "Τρι", "Tue" }, { "Τετ", "Wed" },
                                 { "Πεμ", "Thu" }, { "Παρ", "Fri" }, { "Σαβ", "Sat" } };
    ptrdiff_t comma = str_find_char(text, ',');
    if (comma < 0 || !find_word(days, ARRAY_LEN(days), str_first(text, (size_t)comma)))
        return false;
    Str rest = str_from(text, (size_t)comma + 1), day, month;
    if (!text_word(&rest, &day) || !text_word(&rest, &month))
        return false;
    const char *english = find_word(months, ARRAY_LEN(months), month);
    return english &&
           date_rfc822(str_fmt(scratch, STR_FMT " %s " STR_FMT, STR_ARG(day), english, STR_ARG(rest)), scratch, out);
}

/* "2004-július-13T9:15-05:00" */
static bool date_hungarian(Str text, Arena *scratch, Time *out) {
    static const Word months[] = {
        { "január", "01" },  { "februári", "02" }, { "február", "02" },  { "március", "03" },   { "április", "04" },
        { "május", "05" },   { "június", "06" },   { "július", "07" },   { "augusztus", "08" }, { "szeptember", "09" },
        { "október", "10" }, { "november", "11" }, { "december", "12" },
    };
    Str year, day, hour;
    if (!take_digits(&text, 4, 4, &year) || !take(&text, S("-")))
        return false;
    ptrdiff_t dash = str_find_char(text, '-');
    const char *month = dash > 0 ? find_word(months, ARRAY_LEN(months), str_first(text, (size_t)dash)) : NULL;
    if (!month)
        return false;
    text = str_from(text, (size_t)dash + 1);
    if (!take_digits(&text, 1, 2, &day) || !take(&text, S("T")) || !take_digits(&text, 1, 2, &hour))
        return false;
    return date_w3c(str_fmt(scratch, STR_FMT "-%s-" STR_FMT "T" STR_FMT STR_FMT, STR_ARG(year), month, STR_ARG(day),
                            STR_ARG(hour), STR_ARG(text)),
                    scratch, out);
}

/* "2004년 05월 28일  01:31:15", Korean time */
static bool date_onblog(Str text, Arena *scratch, Time *out) {
    Str year, month, day;
    if (!take_digits(&text, 4, 4, &year) || !take(&text, S("년")) || !take_space(&text) ||
        !take_digits(&text, 2, 2, &month) || !take(&text, S("월")) || !take_space(&text) ||
        !take_digits(&text, 2, 2, &day) || !take(&text, S("일")) || !take_space(&text))
        return false;
    return date_w3c(str_fmt(scratch, STR_FMT "-" STR_FMT "-" STR_FMT "T" STR_FMT "+09:00", STR_ARG(year),
                            STR_ARG(month), STR_ARG(day), STR_ARG(text)),
                    scratch, out);
}

/* "2004-05-25 오후 11:23:17", Korean time */
static bool date_nate(Str text, Arena *scratch, Time *out) {
    Str date = str_first(text, 10), hour;
    int h;
    text = str_from(text, 10);
    if (!take_space(&text))
        return false;
    bool evening = take(&text, S("오후"));
    if ((!evening && !take(&text, S("오전"))) || !take_space(&text) || !take_digits(&text, 1, 2, &hour) ||
        !date_number(hour, &h))
        return false;
    h = h % 12 + (evening ? 12 : 0);
    return date_w3c(str_fmt(scratch, STR_FMT "T%02d" STR_FMT "+09:00", STR_ARG(date), h, STR_ARG(text)), scratch, out);
}

bool date_local(Str text, Arena *scratch, Time *out) {
    bool foreign = false;
    for (size_t i = 0; i < text.n && !foreign; i++)
        foreign = (text.p[i] & 0x80) || (text.p[i] | 32) == 'z' || text_is_alpha(text.p[i]);
    return foreign && (date_greek(text, scratch, out) || date_hungarian(text, scratch, out) ||
                       date_onblog(text, scratch, out) || date_nate(text, scratch, out));
}
