#pragma once

/* core/cron.h - when a schedule fires.
 *
 *     minute hour day-of-month month day-of-week      30 9 * * mon-fri
 *     @yearly @annually @monthly @weekly @daily @midnight @hourly
 *     @every 5m                                       grid of that length, counted from 1970-01-01 UTC
 *
 * A field is a list of *, n, a-b, each range and * with an optional step: 0-30/10. Months and weekdays have names of
 * three letters; Sunday is 0 and 7. As crontab(5): when both day fields are restricted (neither begins with *), a day
 * that fits either fires.
 *
 * Clocks that change, as Vixie cron does it:
 *  - an expression whose minute or hour begins with * goes by the minutes that the clock really shows: it does not
 *    fire at times that are skipped, and fires in both of the hours that come twice;
 *  - any other names times of day, and each is due once a day: one that is skipped fires when the gap ends (with
 *    others of the same gap, once), one that comes twice fires the first time.
 *
 * Pure. A Cron is plain data. */

#include "base/tz.h"

typedef struct Cron {
    int64_t every_ms; /* > 0: @every, and nothing below counts */
    uint64_t minutes; /* one bit a value, as in all of these */
    uint32_t hours, days, months;
    uint8_t weekdays;              /* bit 0 is Sunday */
    bool by_clock;                 /* minute or hour begins with * */
    bool days_free, weekdays_free; /* the field begins with * */
} Cron;

/* ERR_INVALID with words that name the field. An expression that can never fire ("0 0 30 2 *") is refused too. */
int cron_parse(Ctx *cx, Str text, Cron *out);

/* The first time later than `after` at which it fires; TIME_MAX when there is none (past the year 9999). */
Time cron_next(const Cron *cron, const Tz *tz, Time after);

/* Does the local time of day and date fit the five fields? For those who show or test schedules. */
bool cron_matches(const Cron *cron, const Civil *local);
