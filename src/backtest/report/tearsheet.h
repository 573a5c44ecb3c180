#pragma once

/* backtest/report/tearsheet.h - one page about one backtest, to read, to print and to send.
 *
 * A single HTML file that needs nothing else: style, charts (inline SVG) and a small script of our own are in it, and it
 * asks no other host for anything. Light and dark follow the reader's system. Tables are tables, charts carry their
 * words, everything is reached by keyboard; without the script only the read-out under the cursor is missing.
 * Whatever came from outside is escaped. The same input gives the same bytes: no clock is read. */

#include "backtest/lab/bootstrap.h"
#include "backtest/lab/heat.h"
#include "backtest/lab/overfit.h"
#include "backtest/metrics.h"
#include "base/ctx.h"
#include "core/candle.h"

typedef struct TearSheet {
    const BacktestResult *result; /* with metrics */
    const Candles *candles;       /* of the first asset; NULL: no price chart, and nothing known of filled candles */
    const double *benchmark;      /* (n_steps) prices; NULL: none */
    Str benchmark_name;           /* "buy and hold" */
    Str currency;                 /* "USDT"; may be empty */
    const HeatMap *heat;          /* of the sweep that chose the parameters; NULL: none */
    size_t n_combos;
    const DeflatedSharpe *deflated; /* NULL: not told; so on */
    const Pbo *pbo;
    const Bootstrap *bootstrap;
    size_t trades_max; /* rows of the table of trades; 0: 400. The page says how many it leaves out */
} TearSheet;

/* Appends the page to out. ERR_INVALID without metrics; ERR_LIMIT when out is full. About 200 kB, whatever the number
 * of candles; scratch in cx->arena is given back. */
int tearsheet_write(Ctx *cx, const TearSheet *t, Buf *out);
