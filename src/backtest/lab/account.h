#pragma once

/* backtest/lab/account.h - the account of one signal-only strategy, without an engine: the inner loop of sweeps.
 *
 * Long or flat in one asset, market orders at the next open: what the backtrader engine does for a strategy that enters
 * on one signal and leaves on another, its two cash checks included, with the same trades and the same values to the
 * rounding of a sum. Nothing is kept for each candle: deepest drawdown, sums of returns and of trades are taken on the
 * way.
 *
 * Signals come as bits, one a candle. While flat only buy bits matter, while long only sell bits, so the candles in
 * between cost a search for the next set bit, and, while long, a pass over the closes. That pass is there twice, in
 * plain C and for AVX2; both give the same bits. Pure; one account, one thread. */

#include "backtest/lab/overfit.h"
#include "base/defs.h"

enum { ACCOUNT_PIECE = 1024, ACCOUNT_WORDS = ACCOUNT_PIECE / 64 }; /* candles of signals at a time */

typedef struct AccountMarket {
    size_t n;
    const double *open, *high, *low, *close; /* (n) finite, > 0 */
} AccountMarket;

typedef enum AccountSizing { ACCOUNT_PERCENT, ACCOUNT_UNITS, ACCOUNT_MONEY } AccountSizing;

typedef struct AccountRules {
    double cash;
    double fee_rate;     /* of the traded value, each side */
    double fee_per_unit; /* the other kind; one of the two is 0 */
    double slip_rate;    /* 0.001: buys at open * 1.001, at most at the high; sells alike */
    double slip_amount;  /* the same as an amount of price */
    bool at_close;       /* fills at the signal's close instead (cheat on close) */
    AccountSizing sizing;
    double size;
    bool avx2; /* only where account_has_avx2() */
} AccountRules;

typedef enum AccountPending { PENDING_NONE, PENDING_BUY, PENDING_SELL } AccountPending;

typedef struct Account {
    double cash, size;
    double equity;    /* at the last close seen */
    double peak;      /* of the equity */
    double worst;     /* least equity / peak so far: 1 - max drawdown */
    BlockSum returns; /* since the caller last took them */
    double entry_price, entry_fee, pending_size;
    double won, lost, fees;
    uint32_t n_trades, n_won, n_lost, n_refused; /* closed trades; orders refused for cash */
    uint32_t n_long;                             /* candles that closed with a position */
    uint8_t pending;                             /* AccountPending */
    uint8_t block;                               /* of time, for the caller */
    int8_t sign;                                 /* of the signal source: account_cross_bits */
} Account;

void account_init(Account *a, const AccountRules *rules);
/* The candles [from, to), all in one piece of bits: bit k of buy and sell is candle base + k. */
void account_run(Account *a, const AccountRules *rules, const AccountMarket *m, size_t base, const uint64_t *buy,
                 const uint64_t *sell, size_t from, size_t to);
/* The last candles of the data cannot be filled any more; what is pending is dropped. Nothing else is left to do. */

/* --- signals --- */

/* Backtrader's CrossOver of two lines: buy where a rises above b and the last difference that was not 0 was negative,
 * sell the other way round. NaN is no difference. *sign remembers between pieces; start with 0. n <= ACCOUNT_PIECE;
 * words beyond n are 0. */
void account_cross_bits(const double *a, const double *b, size_t n, bool avx2, int8_t *sign, uint64_t *buy,
                        uint64_t *sell);
/* Where a > b, or a < b with `below`; b NULL: the number. Words beyond n are 0. */
void account_compare_bits(const double *a, const double *b, double number, bool below, size_t n, uint64_t *bits);

bool account_has_avx2(void);
