#pragma once

/* backtest/setup.h - what a strategy has declared, for those who compute lines themselves: lines.c, and sweeps, which
 * compute what many combinations share once. Everybody else asks strategy.h. */

#include "backtest/strategy.h"

typedef enum LineKind { LINE_IS_PRICE, LINE_IS_EXTRA, LINE_IS_TA, LINE_IS_KERNEL } LineKind;

typedef struct Line {
    LineKind kind;
    uint32_t asset;
    size_t ready;     /* rows of the asset before the first value */
    TaInput price;    /* of LINE_IS_PRICE */
    uint32_t output;  /* of indicators and kernels: 0 computes all of the group, the others follow it */
    size_t n_outputs; /* of that group */
    LineId inputs[LINE_INPUTS_MAX];
    size_t n_inputs;
    const TaIndicator *ta;
    double params[TA_PARAMS_MAX];
    const LineKernel *kernel;
    const void *arg;
    const ExtraColumn *extra;
    size_t extra_next; /* first value of the extra column that is not known yet */
    void *state;       /* TaState or the kernel's */
} Line;

struct StrategySetup {
    Arena *arena;
    const MarketAsset *assets;
    size_t n_assets;
    size_t *warmup; /* (n_assets) */
    size_t *at;     /* (n_assets) rows computed */
    Line *lines;
    size_t n_lines, cap;
    LineId signal;
    SignalRule rule;
    const double **columns; /* (n_lines), made by strategy_compute_begin */
    uint32_t *line_asset;   /* (n_lines) */
    LineId *volatility;     /* (n_assets) where the sizing asks for it; else NULL */
};
