#pragma once

/* core/resample.h - coarser candles from finer ones, exactly.
 *
 * The cells are those of the target timeframe's grid (weeks from Monday, months from the 1st, n-day candles from
 * 1970-01-01), or the trading days of a calendar. Open of the first, highest high, lowest low, close of the last, sum of
 * the volumes; the label is the cell's open time, as every venue here has it (pandas: label="left", closed="left").
 *
 * A cell with fewer source candles than it has places for, where a calendar is given than it has open places for, is
 * flagged CANDLE_PARTIAL, and so is one that holds a partial candle. One that holds a candle not closed yet, or ends
 * behind `now`, is CANDLE_OPEN; synthetic or simulated sources make a synthetic or simulated cell. Empty cells give no
 * candle. known_at is the latest of the sources'.
 *
 * Streams: pieces of any size, ascending; the cut changes nothing. Pure. */

#include "core/calendar.h"
#include "core/candle.h"

typedef struct ResampleOptions {
    Timeframe from, to; /* each cell of `to` must be made of whole ones of `from`: resample_nests */
    const Calendar
        *days; /* cells are its trading days, labelled by their date at 00:00 UTC; `to` must be 1d. NULL: grid */
    const Calendar *open; /* what is to be expected in a cell; NULL: every place of the grid */
    Time now;             /* ms 0 = not known */
} ResampleOptions;

typedef struct Resampler {
    ResampleOptions o;
    Candle cell; /* at work; n_in 0 = none */
    int64_t n_in;
    bool partial;  /* a source candle of the cell was */
    Time from, to; /* of the cell */
} Resampler;

/* Is every grid time of `coarse` one of `fine`, and coarse longer? 1m -> 1h, 1d -> 1w, 1d -> 1M; not 1w -> 1M, 4h -> 6h. */
bool resample_nests(Timeframe fine, Timeframe coarse);
void resample_init(Resampler *r, const ResampleOptions *o);
/* Appends the cells that are complete with these rows. */
void resample_add(Resampler *r, const Candles *rows, Arena *arena, Candles *out);
/* Appends the last cell. `until`: the source was read up to here; a cell that reaches past it is partial. */
void resample_finish(Resampler *r, Time until, Arena *arena, Candles *out);
