#pragma once

/* backtest/report/sheet.h - between the parts of the tear sheet. Private to report/. */

#include "backtest/report/chart.h"
#include "backtest/report/tearsheet.h"

typedef struct Sheet {
    const TearSheet *in;
    const BacktestResult *r;
    const BacktestMetrics *m;
    Arena *scratch;
    Buf *b;
    double *returns, *drawdown;   /* (n_steps) */
    double *price, *low, *high;   /* (n_steps) of the first asset; NULL without candles */
    size_t n_simulated, n_filled; /* candles */
    bool with_time;               /* candles shorter than a day: dates have times */
} Sheet;

extern const char SHEET_STYLE[], SHEET_SCRIPT[];

void sheet_section(Sheet *s, const char *id, const char *title, const char *caption);
void sheet_section_end(Sheet *s);

/* sheet_charts.c */
void sheet_equity(Sheet *s);
void sheet_price(Sheet *s);
void sheet_rolling(Sheet *s);
void sheet_trade_distribution(Sheet *s);
void sheet_heat(Sheet *s);
void sheet_bootstrap(Sheet *s);
void sheet_points(Sheet *s); /* what the script reads out */

/* sheet_tables.c */
void sheet_months(Sheet *s);
void sheet_metrics(Sheet *s);
void sheet_trades(Sheet *s);
void sheet_refused(Sheet *s);
void sheet_criteria(Sheet *s); /* of the engine ta4j; nothing of others */
void sheet_assumptions(Sheet *s);
