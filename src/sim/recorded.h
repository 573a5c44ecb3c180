#pragma once

/* sim/recorded.h - candle files as markets of the simulated exchange.
 *
 *     recorded_load(cx, S("BTCUSDT=/data/btc.csv"), &csv, &rec)     then ExchangeSimOptions.recorded = &rec
 *
 * The table is owned by the Recorded and outlives the exchange that borrows it. */

#include "core/candle_csv.h"
#include "sim/exchange_sim.h"

enum { RECORDED_FILE_MAX = 1 << 30 };

typedef struct Recorded {
    SimRecorded rec; /* borrows `candles` */
    Candles candles; /* heap */
} Recorded;

/* "SYMBOL=PATH": reads the whole file with the options of core/candle_csv.h (all-zero: everything is found out),
 * sorts it and drops repeated times. 0, ERR_USAGE (text is not of that form), or the reader's failure, which names
 * file and line. */
int recorded_load(Ctx *cx, Str text, const CandleCsvOptions *csv, Recorded **out);
Recorded *recorded_free(Recorded *r); /* NULL is fine; returns NULL */
DEFINE_CLEANUP(Recorded *, recorded_free)

/* "2024-03-01T06:00..2024-03-01T08:00", with "@SYMBOL" and "+18123ms" behind it where they matter: the windows of
 * outages, quiet and skewed times on a command line. false: not of that form, or empty. */
bool sim_window_parse(Str text, SimWindow *out);
