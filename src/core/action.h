#pragma once

/* core/action.h - splits and dividends, applied when candles are read.
 *
 * Stored candles stay as they were traded. A view that asks for it sees all prices before an action in the money of
 * after it: before a split of 4 for 1 prices are divided and volumes multiplied by 4; before a dividend prices shrink
 * by 1 - amount / last close before the ex-date (the way of CRSP and most data vendors). Actions compound. Pure. */

#include "core/candle.h"
#include "core/instrument.h"
#include "core/series.h"

typedef enum ActionKind { ACTION_SPLIT, ACTION_DIVIDEND } ActionKind;
const char *action_kind_name(ActionKind kind); /* "split", "dividend" */
bool action_kind_parse(Str text, ActionKind *out);

typedef struct CorporateAction {
    Symbol instrument; /* as listed: "AAPL", "BTC/USDT" */
    Time ex;           /* the first open time in the new money */
    ActionKind kind;
    Decimal value; /* split: new shares for one old (4, 0.1); dividend: money a share */
    Time known_at; /* when we learnt it; ms 0 = not known */
} CorporateAction;

/* Value above 0, time in range. For those who take actions from outside. */
bool action_valid(const CorporateAction *a);

typedef struct AdjustStep { /* candles that open before `ex` */
    Time ex;
    double price, volume; /* factors of all actions from here on, compounded */
} AdjustStep;

/* Steps, ascending by ex, for the actions (ascending by ex) that `how` asks for. close_before[i] is the last raw close
 * before action i, needed for dividends; where it is 0 or the dividend is not smaller, the action is left out and
 * counted in *left_out. steps has room for n. Returns their number. */
size_t adjust_steps(const CorporateAction *actions, size_t n, Adjustment how, const double *close_before,
                    AdjustStep *steps, size_t *left_out);
/* Multiplies rows in place. */
void adjust_candles(Candles *rows, const AdjustStep *steps, size_t n);
