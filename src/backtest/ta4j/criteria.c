/* backtest/ta4j/criteria.c - ta4j's analysis criteria, with its conventions:
 *
 * - positions are the closed ones; an open one counts in the cash flow (drawdown) only;
 * - a position's profit is net of commission and borrowing, its gross one is of prices alone; its return is gross;
 * - a net price has the commission of its side in it; the cash flow begins with 1 and multiplies net prices over the
 *   net entry price (of shorts: 2 less it), with the borrowing of one mean candle in each value;
 * - the standard deviation of a criterion is that of the population of positions.
 *
 * Source: ta4j 0.17, package criteria; equal to a run of it (tests/unit/backtest/test_ta4j.c). */

#include <math.h>
#include <stdlib.h>

#include "backtest/ta4j/ta4j.h"

typedef struct Sums {
    const BacktestResult *r;
    const Candles *cs;
    double borrowing;
    size_t n, n_won, n_lost, n_even, bars, streak_won, streak_lost;
    double profit, loss, gross_profit, gross_loss, percent, returns;
    double *flow; /* (cs->n) */
    double *logs; /* (cs->n - 1) returns of candles 1.. */
} Sums;

static double gross_return(const Trade *t) {
    double ratio = t->exit_price / t->entry_price;
    return t->side == SIDE_LONG ? ratio : 2 - ratio;
}

static void add_positions(Sums *s) {
    size_t won = 0, lost = 0;
    s->returns = 1;
    for (size_t i = 0; i < s->r->n_closed; i++) {
        const Trade *t = &s->r->trades[s->r->closings[i]];
        double net = t->pnl_net;
        s->n++;
        s->n_won += net > 0;
        s->n_lost += net < 0;
        s->n_even += net == 0;
        s->bars += t->exit_step - t->entry_step + 1;
        *(net > 0 ? &s->profit : &s->loss) += net;
        *(t->pnl > 0 ? &s->gross_profit : &s->gross_loss) += t->pnl;
        s->percent += net / fabs(t->size * t->entry_price) * 100;
        s->returns *= gross_return(t);
        won = net > 0 ? won + 1 : 0;
        lost = net < 0 ? lost + 1 : 0;
        s->streak_won = MAX(s->streak_won, won);
        s->streak_lost = MAX(s->streak_lost, lost);
    }
}

/* --- cash flow and returns, candle by candle --- */

static double net_price(double price, double fee, double size) { /* of a purchase: more; of a sale: less */
    return price + fee / size;
}

static double ratio_of(const Trade *t, double entry, double price) {
    return t->side == SIDE_LONG ? price / entry : 2 - price / entry;
}

static double with_borrowing(const Trade *t, double price, double borrowed) {
    return t->side == SIDE_LONG ? price - borrowed : price + borrowed;
}

static void flow_of(Sums *s, const Trade *t, size_t *filled) {
    size_t end = t->closed ? t->exit_step : s->cs->n - 1, periods = end - t->entry_step;
    double entry = net_price(t->entry_price, t->entry_fees, t->size);
    double exit = t->closed ? net_price(t->exit_price, t->fees - t->entry_fees, -t->size) : s->cs->close[end];
    /* of the whole position, as ta4j has it, whatever the amount */
    double borrowed = t->side == SIDE_SHORT ? fabs(t->size * t->entry_price) * s->borrowing : 0, last = entry;
    for (; *filled <= t->entry_step; (*filled)++)
        s->flow[*filled] = *filled ? s->flow[*filled - 1] : 1;
    double base = s->flow[t->entry_step], sign = t->side == SIDE_LONG ? 1 : -1;
    for (size_t i = t->entry_step + 1; i <= end && periods > 0; i++) {
        double price = with_borrowing(t, i < end ? s->cs->close[i] : exit, borrowed);
        s->flow[i] = base * ratio_of(t, entry, price);
        if (t->closed) /* ta4j's returns leave the open position out */
            s->logs[i - 1] = sign * log(price / last);
        last = s->cs->close[i];
    }
    *filled = MAX(*filled, end + 1);
}

static void run_flow(Sums *s, Arena *arena) {
    size_t filled = 0, n = s->cs->n;
    s->flow = arena_new_n(arena, double, n);
    s->logs = arena_new_n(arena, double, n);
    for (size_t i = 0; i < s->r->n_trades; i++)
        flow_of(s, &s->r->trades[i], &filled);
    for (; filled < n; filled++)
        s->flow[filled] = filled ? s->flow[filled - 1] : 1;
}

static double max_drawdown(const Sums *s) {
    double peak = 0, most = 0;
    for (size_t i = 0; i < s->cs->n; i++) {
        peak = fmax(peak, s->flow[i]);
        most = fmax(most, (peak - s->flow[i]) / peak);
    }
    return most;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Value at risk and expected shortfall of log returns at 95 %; never above 0. */
static void tail(const Sums *s, double *at_risk, double *shortfall) {
    size_t n = s->cs->n - 1;
    *at_risk = *shortfall = 0;
    if (n == 0)
        return;
    qsort(s->logs, n, sizeof(double), by_value);
    size_t in_tail = n - (size_t)((double)n * 0.95);
    double sum = 0;
    for (size_t i = 0; i < in_tail; i++)
        sum += s->logs[i];
    *at_risk = fmin(s->logs[in_tail - 1], 0);
    *shortfall = fmin(sum / (double)in_tail, 0);
}

/* --- over positions --- */

static double variance_of_profit(const Sums *s) {
    double mean = (s->profit + s->loss) / (double)s->n, sum = 0;
    for (size_t i = 0; i < s->r->n_closed; i++) {
        double d = s->r->trades[s->r->closings[i]].pnl_net - mean;
        sum += d * d;
    }
    return s->n ? sum / (double)s->n : 0;
}

static double average(double sum, size_t n) {
    return n ? sum / (double)n : 0;
}

static double profit_loss_ratio(const Sums *s) {
    double won = average(s->profit, s->n_won), lost = average(s->loss, s->n_lost);
    return won == 0 ? 0 : lost == 0 ? 1 : fabs(won / lost);
}

static double expectancy(const Sums *s) {
    double ratio = profit_loss_ratio(s);
    return s->n == 0 || ratio == 0 ? 0 : (1 + ratio) * ((double)s->n_won / (double)s->n) - 1;
}

/* X(name, words, value of the Sums `s` and what ta4j_criteria has made of them) */
/* clang-format off */
#define CRITERIA(X) \
    X("Return", "product of the positions' gross returns", s.returns) \
    X("EnterAndHoldReturn", "last close over first close", hold) \
    X("VersusEnterAndHold", "Return over EnterAndHoldReturn", s.returns / hold) \
    X("AverageReturnPerBar", "Return to the power of 1 / NumberOfBars", s.bars ? pow(s.returns, 1 / (double)s.bars) : 1) \
    X("Profit", "net profits of winning positions", s.profit) \
    X("ProfitGross", "gross profits of positions that have one", s.gross_profit) \
    X("Loss", "net losses of losing positions", s.loss) \
    X("LossGross", "gross losses of positions that have one", s.gross_loss) \
    X("ProfitLoss", "net profits and losses", pnl) \
    X("ProfitLossGross", "gross profits and losses", s.gross_profit + s.gross_loss) \
    X("ProfitLossPercentage", "sum of net profits in percent of their entries", s.percent) \
    X("ProfitLossRatio", "size of AverageProfit over AverageLoss; 0 without a profit, 1 without a loss", profit_loss_ratio(&s)) \
    X("AverageProfit", "Profit over winning positions", average(s.profit, s.n_won)) \
    X("AverageLoss", "Loss over losing positions", average(s.loss, s.n_lost)) \
    X("NumberOfPositions", "closed positions", n) \
    X("NumberOfWinningPositions", "net profit above 0", (double)s.n_won) \
    X("NumberOfLosingPositions", "net profit below 0", (double)s.n_lost) \
    X("NumberOfBreakEvenPositions", "net profit 0", (double)s.n_even) \
    X("WinningPositionsRatio", "winning over all", s.n ? (double)s.n_won / n : NAN) \
    X("LosingPositionsRatio", "losing over all", s.n ? (double)s.n_lost / n : NAN) \
    X("NumberOfConsecutiveWinningPositions", "most in a row", (double)s.streak_won) \
    X("NumberOfConsecutiveLosingPositions", "most in a row", (double)s.streak_lost) \
    X("NumberOfBars", "candles in positions, first and last among them", (double)s.bars) \
    X("MaximumDrawdown", "of the cash flow, a fraction of its peak", drawdown) \
    X("ReturnOverMaxDrawdown", "Return over MaximumDrawdown", drawdown > 0 ? s.returns / drawdown : NAN) \
    X("ValueAtRisk", "log return of a candle at 95 %, not above 0", at_risk) \
    X("ExpectedShortfall", "mean log return beyond ValueAtRisk, not above 0", shortfall) \
    X("Expectancy", "(1 + ProfitLossRatio) * WinningPositionsRatio - 1", expectancy(&s)) \
    X("Sqn", "mean of ProfitLoss over its deviation, times the root of positions", deviation > 0 ? mean / deviation * sqrt(n) : 0) \
    X("Average", "of ProfitLoss, a position", mean) \
    X("Variance", "of ProfitLoss, of the population", variance) \
    X("StandardDeviation", "root of Variance", deviation) \
    X("StandardError", "StandardDeviation over the root of positions", s.n ? deviation / sqrt(n) : 0) \
    X("RelativeStandardDeviation", "StandardDeviation over Average", s.n ? deviation / mean : 0)
/* clang-format on */

#define CRITERION_NAME(name_, words_, value_) { .name = name_, .words = words_ },
static const Ta4jCriterion NAMES[] = { CRITERIA(CRITERION_NAME) };
#undef CRITERION_NAME

size_t ta4j_criteria_names(const Ta4jCriterion **out) {
    *out = NAMES;
    return ARRAY_LEN(NAMES);
}

void ta4j_criteria_describe(Buf *out) {
    buf_put_str(out,
                S("\n## Criteria of the engine ta4j\n\nBeside the figures above, under ta4j's names (class without "
                  "\"Criterion\") and by ta4j's conventions: closed positions\nalone, profits net of fees, returns "
                  "gross. A run of another engine has none.\n\n| criterion | definition |\n|---|---|\n"));
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
        buf_printf(out, "| `%s` | %s |\n", NAMES[i].name, NAMES[i].words);
}

size_t ta4j_criteria(const BacktestResult *r, const Candles *candles, double borrowing, Arena *arena,
                     const Ta4jCriterion **out) {
    Sums s = { .r = r, .cs = candles, .borrowing = borrowing };
    double at_risk, shortfall;
    add_positions(&s);
    run_flow(&s, arena);
    double drawdown = max_drawdown(&s), hold = candles->close[candles->n - 1] / candles->close[0];
    double pnl = s.profit + s.loss, variance = variance_of_profit(&s), deviation = sqrt(variance), n = (double)s.n;
    double mean = s.n ? pnl / n : 0;
    tail(&s, &at_risk, &shortfall);
#define CRITERION_VALUE(name, words, value) value,
    const double values[] = { CRITERIA(CRITERION_VALUE) };
#undef CRITERION_VALUE
    Ta4jCriterion *v = arena_new_n(arena, Ta4jCriterion, ARRAY_LEN(NAMES));
    memcpy(v, NAMES, sizeof NAMES);
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
        v[i].value = values[i];
    *out = v;
    return ARRAY_LEN(NAMES);
}
