/* nn/schedule.c - see schedule.h. Constants of OneCycleLR as torch has them: starts at rate / 25, ends at rate / 25 / 1e4,
 * beta1 from .95 down to .85 and back. */

#include "nn/schedule.h"

#include <math.h>

static const double START = 25, END = 1e4, BETA_HIGH = .95, BETA_LOW = .85, BETA_USUAL = .9;

const char *schedule_kind_name(ScheduleKind kind) {
    static const char *const names[SCHEDULE_KINDS] = { "constant", "type1", "type3", "onecycle" };
    return (size_t)kind < SCHEDULE_KINDS ? names[kind] : NULL;
}

/* Half a cosine from a to b as part goes from 0 to 1. */
static double cosine(double a, double b, double part) {
    return b + (a - b) / 2 * (1 + cos(3.14159265358979323846 * part));
}

static ScheduleStep one_cycle(const Schedule *s, uint64_t step) {
    double last = (double)s->steps_total - 1, top = s->pct_start * (double)s->steps_total - 1, at = (double)step;
    double low = s->rate / START;
    if (at <= top && top > 0)
        return (ScheduleStep){ cosine(low, s->rate, at / top), cosine(BETA_HIGH, BETA_LOW, at / top) };
    double part = last > top ? MIN((at - top) / (last - top), 1) : 1;
    return (ScheduleStep){ cosine(s->rate, low / END, part), cosine(BETA_LOW, BETA_HIGH, part) };
}

ScheduleStep schedule_at(const Schedule *s, uint64_t epoch, uint64_t step) {
    ScheduleStep at = { s->rate, s->kind == SCHEDULE_TYPE3 && s->constructed_quirk ? BETA_HIGH : BETA_USUAL };
    switch (s->kind) {
    case SCHEDULE_HALVE:
        at.rate = ldexp(s->rate, -(int)(CLAMP(epoch, 1, 1000) - 1));
        break;
    case SCHEDULE_TYPE3:
        if (s->constructed_quirk && epoch == 0)
            at.rate = s->rate / START;
        else if (epoch > 3)
            at.rate = s->rate * pow(.9, (double)epoch - 3);
        break;
    case SCHEDULE_ONECYCLE:
        return one_cycle(s, step);
    default:
        break;
    }
    return at;
}
