#pragma once

/* backtest/steps.h - the time line of a run: the union of its assets' candles. For engines.
 *
 *     steps_init(&steps, times, lengths, n_assets);     times[a]: ascending, one for each candle of asset a
 *     while (steps_next(&steps))                        one step: every asset whose next candle has the least time
 *         for each a: steps.begun[a], steps.fresh[a], steps.row[a]
 *
 * An asset without a candle at a step keeps its last one. Arrays live in the arena. */

#include "base/arena.h"

typedef struct Steps {
    int64_t time_ms; /* of the present step */
    size_t step;     /* from 0 */
    bool *begun, *fresh;
    size_t *row; /* of the present candle of each asset */
    /* private */
    const int64_t *const *times;
    const size_t *lengths;
    size_t n_assets;
} Steps;

void steps_init(Steps *s, Arena *arena, const int64_t *const *times, const size_t *lengths, size_t n_assets);
bool steps_next(Steps *s); /* false: no candle is left */
/* Number of steps in all: of distinct times. */
size_t steps_count(const int64_t *const *times, const size_t *lengths, size_t n_assets);
