#pragma once

/* base/tz_read.h - the inside of a Tz, shared by tz.c, which asks, and tz_read.c, which makes one from bytes. */

#include "base/tz.h"

typedef enum TzDateKind {
    TZ_JULIAN_1, /* Jn: day 1..365, without 29 February */
    TZ_JULIAN_0, /* n: day 0..365 */
    TZ_WEEK_DAY, /* Mm.w.d: weekday 0 = Sunday in week 1..5 of the month */
} TzDateKind;

typedef struct TzDate {
    TzDateKind kind;
    int month, week, day;
    int time_s; /* local time of the change, may be negative or past a day */
} TzDate;

typedef struct TzRule {
    TzOffset standard, dst;
    bool has_dst;
    TzDate dst_begin, dst_end;
} TzRule;

typedef struct TzPeriod { /* begin <= t < end, in seconds */
    int64_t begin, end;
    const TzOffset *offset;
} TzPeriod;

struct Tz {
    Str name;
    size_t n; /* transitions, ascending: from at[i] on types[type_of[i]] holds; before all of them types[0] */
    const int64_t *at;
    const uint8_t *type_of;
    size_t n_types; /* >= 1 */
    const TzOffset *types;
    bool has_rule; /* governs after the last transition */
    TzRule rule;
};

/* The POSIX TZ string of a footer; names are copied into the arena. false: it is none. */
bool tz_rule_parse(Arena *a, Str text, TzRule *out);
