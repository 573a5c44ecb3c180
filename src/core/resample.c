/* core/resample.c - see resample.h. */

#include "core/resample.h"

bool resample_nests(Timeframe fine, Timeframe coarse) {
    if (fine.unit == UNIT_MONTH)
        return coarse.unit == UNIT_MONTH && coarse.n > fine.n && coarse.n % fine.n == 0;
    if (coarse.unit == UNIT_MONTH) /* months begin at midnights, and on any weekday */
        return fine.unit != UNIT_WEEK && MS_PER_DAY % timeframe_ms(fine) == 0;
    int64_t a = timeframe_ms(fine), b = timeframe_ms(coarse);
    if (b <= a || b % a != 0)
        return false;
    if (coarse.unit == UNIT_WEEK && fine.unit != UNIT_WEEK) /* weeks are counted from another day than the rest */
        return MS_PER_DAY % a == 0;
    return true;
}

void resample_init(Resampler *r, const ResampleOptions *o) {
    assert(o->days ? timeframe_eq(o->to, (Timeframe){ UNIT_DAY, 1 }) : resample_nests(o->from, o->to));
    *r = (Resampler){ .o = *o };
}

static void cell_of(const Resampler *r, Time t, Time *label, Time *to) {
    if (r->o.days) {
        int64_t day = calendar_day(r->o.days, t);
        *label = time_ms(day * MS_PER_DAY);
        *to = TIME_MAX; /* found by asking each row for its day */
        return;
    }
    *label = timeframe_floor(r->o.to, t);
    *to = timeframe_next(r->o.to, t);
}

/* Candles of `from` that the cell has places for. */
static int64_t places(const Resampler *r) {
    if (r->o.days)
        return calendar_day_count(r->o.days, r->o.from, floor_div(r->from.ms, MS_PER_DAY));
    return r->o.open ? calendar_count(r->o.open, r->o.from, r->from, r->to)
                     : timeframe_count(r->o.from, r->from, r->to);
}

static void emit(Resampler *r, Arena *arena, Candles *out) {
    if (r->n_in == 0)
        return;
    if (r->partial || r->n_in < places(r))
        r->cell.flags |= CANDLE_PARTIAL;
    Time ends = r->o.days ? time_add_ms(r->from, MS_PER_DAY) : r->to;
    if (r->o.now.ms && time_before(r->o.now, ends))
        r->cell.flags |= CANDLE_OPEN;
    candles_reserve(out, arena, out->n + 1);
    candles_push(out, &r->cell);
    r->n_in = 0;
}

static bool in_cell(const Resampler *r, Time t) {
    if (r->n_in == 0)
        return false;
    return r->o.days ? calendar_day(r->o.days, t) * MS_PER_DAY == r->from.ms : time_before(t, r->to);
}

static void take(Resampler *r, const Candle *c) {
    if (r->n_in++ == 0) {
        cell_of(r, c->open_time, &r->from, &r->to);
        r->partial = false;
        r->cell = *c;
        r->cell.open_time = r->from;
    } else {
        r->cell.high = MAX(r->cell.high, c->high);
        r->cell.low = MIN(r->cell.low, c->low);
        r->cell.close = c->close;
        r->cell.volume += c->volume;
        r->cell.known_at.ms = MAX(r->cell.known_at.ms, c->known_at.ms);
        r->cell.flags |= c->flags;
    }
    r->partial |= c->flags & CANDLE_PARTIAL;
}

void resample_add(Resampler *r, const Candles *rows, Arena *arena, Candles *out) {
    for (size_t i = 0; i < rows->n; i++) {
        Candle c = candles_get(rows, i);
        if (!in_cell(r, c.open_time))
            emit(r, arena, out);
        take(r, &c);
    }
}

void resample_finish(Resampler *r, Time until, Arena *arena, Candles *out) {
    if (r->n_in && !r->o.days && time_before(until, r->to))
        r->partial = true;
    emit(r, arena, out);
}
