#pragma once

/* sim/exchange_stream.h - one WebSocket connection to the simulated Binance, as a machine of texts and times.
 *
 * /ws, /ws/NAME and /stream?streams=NAME/NAME, and SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS on it; streams are
 * SYMBOL@kline_INTERVAL in lower case. The running candle is pushed every stream_ms while it changes, the last word on
 * it (x true) when it has closed, at once. A ping every 20 s; 24 hours of life; at most 5 messages a second inbound
 * and 1,024 streams.
 * Faults (sim/fault.h): ws-close, ws-day, ws-twice, ws-gap, ws-shutdown, ws-ping; asked for each message of a candle,
 * with path "/stream" and the symbol.
 * No socket, no clock: exchange_server.h serves it, sim_ws.h calls it in virtual time. */

#include "sim/exchange_sim.h"

typedef struct ExchangeStream ExchangeStream;

typedef enum StreamAct { STREAM_TEXT, STREAM_PING, STREAM_CLOSE, STREAM_CUT } StreamAct;
/* What the venue does: sends a text or a ping with that payload, closes with a frame of `code`, or is gone. Nothing
 * follows a close or a cut. */
typedef void StreamEmit(void *arg, StreamAct act, Str text, int code);

/* NULL: the path is no stream's. */
ExchangeStream *exchange_stream_new(ExchangeSim *x, Str target, Time now, StreamEmit *emit, void *arg);
ExchangeStream *exchange_stream_free(ExchangeStream *s);
void exchange_stream_input(ExchangeStream *s, Str text, Time now);
/* Does what is due by now. */
void exchange_stream_run(ExchangeStream *s, Time now);
/* When something is due next. */
Time exchange_stream_due(const ExchangeStream *s);
