/* base/tz_read.c - TZif bytes to a Tz. RFC 8536; the footer's grammar is POSIX's TZ with the extension of version 3
 * (times from -167 to 167 hours). Every count is checked against the bytes before it is used. */

#include "base/tz_read.h"

enum {
    HEADER_SIZE = 44,
    TYPE_SIZE = 6,
    TRANSITIONS_MAX = 20000,
    TYPES_MAX = 256,
    CHARS_MAX = 4096,
    RULE_MAX_SIZE = 256,
    OFFSET_MIN_S = -89999, /* RFC 8536, section 3.2 */
    OFFSET_MAX_S = 93599,
};

/* --- POSIX TZ --- */

static bool take_char(Str *s, char c) {
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = str_from(*s, 1);
    return true;
}

static bool take_int(Str *s, int most, int *out) { /* 0..most */
    int v = 0;
    size_t n = 0;
    for (; n < s->n && n < 4 && s->p[n] >= '0' && s->p[n] <= '9'; n++)
        v = v * 10 + (s->p[n] - '0');
    *s = str_from(*s, n);
    *out = v;
    return n > 0 && v <= most;
}

static bool is_letter(char c) {
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* "CET" or "<+0330>" */
static bool take_name(Arena *a, Str *s, Str *out) {
    bool quoted = take_char(s, '<');
    size_t n = 0;
    while (n < s->n &&
           (is_letter(s->p[n]) || (quoted && (s->p[n] == '+' || s->p[n] == '-' || (s->p[n] >= '0' && s->p[n] <= '9')))))
        n++;
    *out = str_dup(a, str_first(*s, n));
    *s = str_from(*s, n);
    return n >= 3 && (!quoted || take_char(s, '>'));
}

/* [+-]hh[:mm[:ss]] in seconds */
static bool take_time(Str *s, int hours_most, int *out_s) {
    int hours, minutes = 0, seconds = 0;
    int sign = take_char(s, '-') ? -1 : (take_char(s, '+'), 1);
    if (!take_int(s, hours_most, &hours))
        return false;
    if (take_char(s, ':')) {
        if (!take_int(s, 59, &minutes))
            return false;
        if (take_char(s, ':') && !take_int(s, 59, &seconds))
            return false;
    }
    *out_s = sign * (hours * 3600 + minutes * 60 + seconds);
    return true;
}

static bool take_date(Str *s, TzDate *d) {
    *d = (TzDate){ .kind = TZ_JULIAN_0, .time_s = 2 * 3600 };
    if (take_char(s, 'J')) {
        d->kind = TZ_JULIAN_1;
        if (!take_int(s, 365, &d->day) || d->day < 1)
            return false;
    } else if (take_char(s, 'M')) {
        d->kind = TZ_WEEK_DAY;
        if (!take_int(s, 12, &d->month) || d->month < 1 || !take_char(s, '.') || !take_int(s, 5, &d->week) ||
            d->week < 1 || !take_char(s, '.') || !take_int(s, 6, &d->day))
            return false;
    } else if (!take_int(s, 365, &d->day)) {
        return false;
    }
    return !take_char(s, '/') || take_time(s, 167, &d->time_s);
}

bool tz_rule_parse(Arena *a, Str s, TzRule *out) {
    TzRule r = { .dst.dst = true };
    int west_s;
    if (s.n > RULE_MAX_SIZE || !take_name(a, &s, &r.standard.abbreviation) || !take_time(&s, 24, &west_s))
        return false;
    r.standard.offset_s = -west_s; /* POSIX counts westward */
    if (s.n) {
        r.has_dst = true;
        r.dst.offset_s = r.standard.offset_s + 3600;
        if (!take_name(a, &s, &r.dst.abbreviation))
            return false;
        if (s.n && s.p[0] != ',') {
            if (!take_time(&s, 24, &west_s))
                return false;
            r.dst.offset_s = -west_s;
        }
        /* Without dates POSIX leaves them to the system: no answer here. */
        if (!take_char(&s, ',') || !take_date(&s, &r.dst_begin) || !take_char(&s, ',') || !take_date(&s, &r.dst_end))
            return false;
    }
    *out = r;
    return s.n == 0;
}

/* --- TZif --- */

typedef struct Block { /* the header of a data block, and where its parts are */
    uint8_t version;
    uint32_t n_ut, n_std, n_leap, n_at, n_types, n_chars;
    Str at, type_of, types, chars;
    Str rest; /* behind the block */
} Block;

static uint32_t be32(const char *p) {
    assert(p);
    const unsigned char *b = (const unsigned char *)p;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static int64_t be_time(const char *p, size_t size) {
    if (size == 4)
        return (int32_t)be32(p);
    return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

static bool take_bytes(Str *s, size_t n, Str *out) {
    if (s->n < n)
        return false;
    *out = str_first(*s, n);
    *s = str_from(*s, n);
    return true;
}

/* Splits one header and its data; time_size is 4 in the first block, 8 in the second. */
static const char *split_block(Str s, size_t time_size, Block *b) {
    Str header, skipped;
    if (!take_bytes(&s, HEADER_SIZE, &header) || memcmp(header.p, "TZif", 4) != 0)
        return "no TZif header";
    b->version = (uint8_t)header.p[4];
    b->n_ut = be32(header.p + 20);
    b->n_std = be32(header.p + 24);
    b->n_leap = be32(header.p + 28);
    b->n_at = be32(header.p + 32);
    b->n_types = be32(header.p + 36);
    b->n_chars = be32(header.p + 40);
    if (b->n_at > TRANSITIONS_MAX || b->n_types > TYPES_MAX || b->n_chars > CHARS_MAX || b->n_leap > TRANSITIONS_MAX)
        return "a count that is too large";
    if ((b->n_ut && b->n_ut != b->n_types) || (b->n_std && b->n_std != b->n_types))
        return "indicators that do not match the types";
    if (!take_bytes(&s, b->n_at * time_size, &b->at) || !take_bytes(&s, b->n_at, &b->type_of) ||
        !take_bytes(&s, b->n_types * (size_t)TYPE_SIZE, &b->types) || !take_bytes(&s, b->n_chars, &b->chars) ||
        !take_bytes(&s, b->n_leap * (time_size + 4), &skipped) || !take_bytes(&s, b->n_std, &skipped) ||
        !take_bytes(&s, b->n_ut, &skipped))
        return "fewer bytes than the header says";
    b->rest = s;
    return NULL;
}

static const char *read_types(Arena *a, const Block *b, Tz *tz) {
    if (b->n_types == 0)
        return "no local time type";
    TzOffset *types = arena_new_n(a, TzOffset, b->n_types);
    for (size_t i = 0; i < b->n_types; i++) {
        const char *p = b->types.p + i * TYPE_SIZE;
        int32_t offset_s = (int32_t)be32(p);
        uint8_t dst = (uint8_t)p[4];
        Str name = str_from(b->chars, (uint8_t)p[5]);
        ptrdiff_t size = str_find_char(name, '\0');
        if (offset_s < OFFSET_MIN_S || offset_s > OFFSET_MAX_S || dst > 1 || size < 0)
            return "a local time type that cannot be";
        types[i] = (TzOffset){ offset_s, dst, str_dup(a, str_first(name, (size_t)size)) };
    }
    tz->types = types;
    tz->n_types = b->n_types;
    return NULL;
}

static const char *read_transitions(Arena *a, const Block *b, size_t time_size, Tz *tz) {
    int64_t *at = arena_new_n(a, int64_t, b->n_at);
    uint8_t *type_of = arena_new_n(a, uint8_t, b->n_at);
    for (size_t i = 0; i < b->n_at; i++) {
        at[i] = be_time(b->at.p + i * time_size, time_size);
        type_of[i] = (uint8_t)b->type_of.p[i];
        if (type_of[i] >= b->n_types || (i && at[i] <= at[i - 1]))
            return "transitions that are not in order";
    }
    tz->at = at;
    tz->type_of = type_of;
    tz->n = b->n_at;
    return NULL;
}

static const char *read_footer(Arena *a, Str s, Tz *tz) {
    if (!take_char(&s, '\n'))
        return "no footer";
    ptrdiff_t size = str_find_char(s, '\n');
    if (size < 0)
        return "no end of the footer";
    tz->has_rule = size > 0;
    return size == 0 || tz_rule_parse(a, str_first(s, (size_t)size), &tz->rule) ? NULL : "a rule that cannot be read";
}

/* NULL, or what is wrong. */
static const char *read_tzif(Arena *a, Str bytes, Tz *tz) {
    Block b;
    size_t time_size = 4;
    const char *wrong = split_block(bytes, time_size, &b);
    if (!wrong && b.version >= '2') { /* the first block is for old readers */
        time_size = 8;
        wrong = split_block(b.rest, time_size, &b);
    }
    if (wrong || (wrong = read_types(a, &b, tz)) || (wrong = read_transitions(a, &b, time_size, tz)))
        return wrong;
    if (time_size == 8 && (wrong = read_footer(a, b.rest, tz)))
        return wrong;
    return b.n_leap ? "" : NULL;
}

int tz_read(Ctx *cx, Str name, Str bytes, const Tz **out) {
    Tz *tz = arena_new(cx->arena, Tz);
    tz->name = str_dup(cx->arena, name);
    const char *wrong = read_tzif(cx->arena, bytes, tz);
    if (wrong && !*wrong)
        return err_set(cx, ERR_UNSUPPORTED,
                       "time zone " STR_FMT " counts leap seconds, Unix time does not; "
                       "use the zone outside of right/",
                       STR_ARG(name));
    if (wrong)
        return err_set(cx, ERR_CORRUPT, "time zone " STR_FMT ": %s", STR_ARG(name), wrong);
    *out = tz;
    return 0;
}
