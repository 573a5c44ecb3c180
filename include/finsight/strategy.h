#ifndef FINSIGHT_STRATEGY_H
#define FINSIGHT_STRATEGY_H

/* finsight/strategy.h - a backtest strategy as a shared library. Plain C, needs no other header, links to nothing.
 *
 *     cc -O2 -shared -fPIC -I include -o mine.so mine.c
 *
 * The library exports one function, finsight_strategy: asked with 0, 1, 2, ... it gives its strategies and then a null
 * pointer. FinSight checks `abi` and `size` of each before it reads anything else, copies the texts, and never unloads
 * the library. A strategy keeps what it must remember in `state`; runs may happen on several threads at once, each with
 * a state of its own, so a library has no writable globals.
 *
 * What a strategy sees ends with the present candle: every value is asked for with `ago`, candles before the present
 * one, and there is no way to ask for a later one. Where there is no such candle the answer is NaN.
 *
 * Later versions append fields and functions and keep what is here; `size` tells which of them are there. */

#ifdef __cplusplus
extern "C" {
#endif

#define FINSIGHT_STRATEGY_ABI 1u

enum { FINSIGHT_OPEN, FINSIGHT_HIGH, FINSIGHT_LOW, FINSIGHT_CLOSE, FINSIGHT_VOLUME };
enum { FINSIGHT_MARKET, FINSIGHT_LIMIT, FINSIGHT_STOP, FINSIGHT_STOP_LIMIT, FINSIGHT_TRAILING_STOP };

typedef struct FinsightParam {
    const char *name; /* lower case, digits, '_' */
    double standard, min, max;
    int whole;         /* not 0: a whole number */
    const char *words; /* "candles of the fast average" */
} FinsightParam;

/* All-zero but size: a market order. */
typedef struct FinsightOrder {
    unsigned asset;
    int kind;           /* FINSIGHT_MARKET ... */
    double size;        /* units: > 0 buys, < 0 sells */
    double price;       /* limit, or the trigger of a stop */
    double limit_price; /* of FINSIGHT_STOP_LIMIT */
    double trail;       /* of FINSIGHT_TRAILING_STOP: 0.05 = 5 % */
    unsigned parent;    /* lives once that order was filled; 0 = none */
    unsigned oco;       /* one cancels the other; 0 = none */
} FinsightOrder;

/* What a strategy may declare, before the run. */
typedef struct FinsightSetup {
    unsigned size;
    void *host;
    unsigned n_assets;
    const double *params; /* in the order of the strategy's table */
    /* An indicator of the documentation over an asset's candles: its first line, the others follow. params in the order
     * of the documentation, n_params of them given, the rest are the standard ones. -1: no such indicator, or a
     * parameter out of its range. */
    int (*indicator)(void *host, unsigned asset, const char *name, const double *params, unsigned n_params);
    int (*extra)(void *host, unsigned asset, const char *name); /* a column beside the candles; -1: none of that name */
    void (*warmup)(void *host, unsigned asset, unsigned long candles); /* more than the lines need */
    void (*refuse)(void *host, const char *words);                     /* why setup returns non-zero */
} FinsightSetup;

/* What a strategy sees and may do, at the close of a candle. Valid during the call. */
typedef struct FinsightHost {
    unsigned size;
    void *host;
    unsigned n_assets;
    const double *params;
    unsigned long step;
    double cash, equity;
    int (*fresh)(void *host, unsigned asset); /* has a new candle */
    double (*price)(void *host, unsigned asset, int column, unsigned long ago);
    double (*line)(void *host, int line, unsigned long ago);
    long long (*time_ms)(void *host, unsigned asset, unsigned long ago); /* open time; 0 where there is none */
    double (*position)(void *host, unsigned asset);                      /* signed units */
    double (*entry_price)(void *host, unsigned asset);
    unsigned (*enter)(void *host, unsigned asset, int side); /* 1 long, -1 short: sized as configured */
    unsigned (*close)(void *host, unsigned asset);
    unsigned (*order)(void *host, const FinsightOrder *order); /* an id, or 0 when it was refused at once */
    void (*cancel)(void *host, unsigned id);
    int (*alive)(void *host, unsigned id);
    double (*order_size)(void *host, unsigned id); /* signed units asked for; NaN where there is no such order */
} FinsightHost;

typedef struct FinsightStrategy {
    unsigned abi;  /* FINSIGHT_STRATEGY_ABI */
    unsigned size; /* sizeof(FinsightStrategy) */
    const char *name;
    const char *words; /* one sentence: when it buys, when it sells */
    const FinsightParam *params;
    unsigned n_params;
    unsigned assets_min, assets_max;                       /* 0: one asset */
    unsigned long state_size;                              /* bytes, zeroed before setup */
    int (*setup)(void *state, const FinsightSetup *setup); /* 0 = ready */
    void (*next)(void *state, const FinsightHost *host);
} FinsightStrategy;

#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
const FinsightStrategy *
finsight_strategy(unsigned index);

#ifdef __cplusplus
}
#endif

#endif
