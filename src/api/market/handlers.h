#pragma once

/* api/market/handlers.h - handlers of the market operations; inside this folder only.
 *
 * Each turns a request record into a call of the MarketService and its result into a reply record. */

#include "api/market/market_api.h"
#include "services/market/complete.h"
#include "services/market/market.h"

#define HANDLER(name) int name(void *role, Ctx *cx, const void *in, void *out)
HANDLER(market_api_candles);
HANDLER(market_api_save);
HANDLER(market_api_statistics);
HANDLER(market_api_gaps);
HANDLER(market_api_quality);
HANDLER(market_api_ensure);
HANDLER(market_api_symbols);
HANDLER(market_api_timeframes);
HANDLER(market_api_exchanges);
HANDLER(market_api_series);
HANDLER(market_api_remove);
HANDLER(market_api_changes);
HANDLER(market_api_storage);
HANDLER(market_api_verify);
HANDLER(market_api_completeness);
HANDLER(market_api_fill);
HANDLER(market_api_unfill);
HANDLER(market_api_resample);
HANDLER(market_api_resample_save);
HANDLER(market_api_compare);
HANDLER(market_api_retention);
HANDLER(market_api_actions);
HANDLER(market_api_put_actions);
/* The same, with their row in the audit: record.c. */
HANDLER(market_api_save_recorded);
HANDLER(market_api_ensure_recorded);
HANDLER(market_api_remove_recorded);
HANDLER(market_api_fill_recorded);
HANDLER(market_api_unfill_recorded);
HANDLER(market_api_resample_save_recorded);
HANDLER(market_api_retention_recorded);
HANDLER(market_api_put_actions_recorded);

bool market_api_candles_kept(Ctx *cx, const void *in, const void *out, OpKept *k);
bool market_api_statistics_kept(Ctx *cx, const void *in, const void *out, OpKept *k);
bool market_api_storage_kept(Ctx *cx, const void *in, const void *out, OpKept *k);

/* How every request for a range of a series opens: its texts -> key and range. */
int market_api_ask(Ctx *cx, const SeriesQuery *q, SeriesKey *key, Time *from, Time *to);
#define ASK(cx, in, key, from, to)                                                                                     \
    market_api_ask(                                                                                                    \
        (cx), &(SeriesQuery){ (in)->exchange, (in)->symbol, (in)->timeframe, (in)->provider, (in)->start, (in)->end }, \
        (key), (from), (to))
/* The gaps of a query as a report. */
void market_api_gap_report(Ctx *cx, const MarketGaps *g, GapReport *out);

/* Texts that validation has already passed -> key. */
int market_api_key(Ctx *cx, Str exchange, Str symbol, Str timeframe, Str provider, SeriesKey *out);
/* [start, end) where 0 means unbounded; ERR_INVALID on "end" when it is not after start. */
int market_api_range(Ctx *cx, Time start, Time end, Time *from, Time *to);
/* The words for MARKET_NO_SERIES and its like, as an ErrCode; 0 and ErrCodes pass through. */
int market_api_outcome(Ctx *cx, const SeriesKey *key, int r);
/* exchange, symbol, timeframe, provider of a reply, in the arena. */
typedef struct KeyTexts {
    Str exchange, symbol, timeframe, provider;
} KeyTexts;
KeyTexts market_api_texts(Ctx *cx, const SeriesKey *key);
#define PUT_KEY(cx, key, out)                                                                                          \
    do {                                                                                                               \
        KeyTexts texts_ = market_api_texts((cx), (key));                                                               \
        (out)->exchange = texts_.exchange;                                                                             \
        (out)->symbol = texts_.symbol;                                                                                 \
        (out)->timeframe = texts_.timeframe;                                                                           \
        (out)->provider = texts_.provider;                                                                             \
    } while (0)
