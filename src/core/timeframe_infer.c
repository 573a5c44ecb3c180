/* core/timeframe_infer.c - the timeframe a list of times shows. See timeframe.h. */

#include "core/timeframe.h"

#include <stdlib.h>

static int ms_cmp(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Replaces the times by their positive distances and returns how many there are. */
static size_t distances(int64_t *ms, size_t n) {
    size_t n_steps = 0;
    qsort(ms, n, sizeof *ms, ms_cmp);
    for (size_t i = 1; i < n; i++) {
        int64_t step;
        if (!__builtin_sub_overflow(ms[i], ms[i - 1], &step) && step > 0)
            ms[n_steps++] = step; /* behind the two that are still to be read */
    }
    return n_steps;
}

/* The most common value of a sorted list, the smaller one on a tie. */
static int64_t mode(const int64_t *v, size_t n) {
    int64_t best = 0;
    size_t best_run = 0;
    for (size_t i = 0, run = 0; i < n; i++) {
        run = i > 0 && v[i] == v[i - 1] ? run + 1 : 1;
        if (run > best_run) {
            best = v[i];
            best_run = run;
        }
    }
    return best;
}

/* n months have 28n to 31n days, so a step of d days is d / 30.4 months, if that comes out near. */
static bool months_of(int64_t step, Timeframe *out) {
    if (step % MS_PER_DAY != 0)
        return false;
    int64_t days = step / MS_PER_DAY, n = (days + 15) / 30;
    if (days >= 335)
        n = 12;
    if (n < 1 || n > 12 || days < n * 30 - 2 || days > n * 30 + n / 2 + 1)
        return false;
    *out = (Timeframe){ UNIT_MONTH, (uint8_t)n };
    return true;
}

bool timeframe_infer(int64_t *ms, size_t n, Timeframe *out) {
    static const struct {
        int64_t ms;
        uint8_t unit;
    } units[] = {
        { INT64_C(7) * MS_PER_DAY, UNIT_WEEK }, { MS_PER_DAY, UNIT_DAY },       { MS_PER_HOUR, UNIT_HOUR },
        { MS_PER_MINUTE, UNIT_MINUTE },         { MS_PER_SECOND, UNIT_SECOND },
    };
    if (n < 2)
        return false;
    size_t n_steps = distances(ms, n);
    qsort(ms, n_steps, sizeof *ms, ms_cmp);
    int64_t step = mode(ms, n_steps);
    if (step <= 0)
        return false;
    if (months_of(step, out))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (step % units[i].ms != 0)
            continue;
        Timeframe tf = { units[i].unit, (uint8_t)MIN(step / units[i].ms, UINT8_MAX) };
        if (!timeframe_valid(tf))
            return false;
        *out = tf;
        return true;
    }
    return false;
}
