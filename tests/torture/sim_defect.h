#pragma once

/* tests/torture/sim_defect.h - a store with a planted mistake: what the simulation has to find, or it finds nothing.
 *
 * The wrapper forwards every call to a real store and does one thing wrong in save. */

#include "ports/candle_store.h"

typedef enum SimDefect {
    DEFECT_NONE,
    DEFECT_ROW_DROPPED,    /* one row of every tenth page is missing, its coverage is not */
    DEFECT_EARLY_COVERAGE, /* coverage is committed before its rows */
    DEFECT_NOT_DURABLE,    /* answered before the sync */
    DEFECT_FLAG_LOST,      /* simulated candles look like a market's */
    DEFECT_ERROR_HIDDEN,   /* a save that failed is answered as done */
    DEFECT_KINDS
} SimDefect;

const char *sim_defect_name(SimDefect defect);
/* Takes `inner` over: closing the wrapper closes it. DEFECT_NONE gives `inner` back. */
CandleStore *sim_defect_wrap(CandleStore *inner, SimDefect defect);
