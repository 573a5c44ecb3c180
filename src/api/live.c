/* api/live.c - the messages of the live API as tables; see live.h and docs/live-api.md. */

#include "api/live.h"

static const char *const ops_subscribe[] = { "subscribe", NULL };
static const char *const ops_unsubscribe[] = { "unsubscribe", NULL };
static const char *const ops_plain[] = { "ping", "list", NULL };
static const char *const channels[] = { "candles", NULL };

/* clang-format off */
static const Field subscribe_fields[] = {
    FIELD(LiveSubscribe, op, .flags = F_REQUIRED | F_BODY, .tag = 1, .choices = ops_subscribe, .doc = "What to do"),
    FIELD(LiveSubscribe, id, .flags = F_BODY, .tag = 2, .max = LIVE_ID_MAX, .example = "a1",
          .doc = "Comes back with the answer"),
    FIELD(LiveSubscribe, channel, .flags = F_BODY, .tag = 3, .def = "candles", .choices = channels,
          .doc = "What kind of data"),
    FIELD(LiveSubscribe, exchange, .flags = F_BODY, .tag = 4, .pattern = "venue", .example = "binance",
          .doc = "Venue; may be left out where one venue alone has the symbol"),
    FIELD(LiveSubscribe, symbol, .flags = F_REQUIRED | F_BODY, .tag = 5, .pattern = "symbol", .example = "BTCUSDT",
          .doc = "The venue's spelling"),
    FIELD(LiveSubscribe, timeframe, .flags = F_REQUIRED | F_BODY, .tag = 6, .pattern = "timeframe", .example = "1m",
          .doc = "Length of a candle"),
    FIELD(LiveSubscribe, provider, .flags = F_BODY, .tag = 7, .pattern = "venue", .example = "sim",
          .doc = "Who told us, where that is not the venue"),
    FIELD(LiveSubscribe, limit, .flags = F_BODY, .tag = 8, .def = "100", .min = 1, .max = LIVE_ROWS_MAX,
          .doc = "Newest candles a snapshot begins with"),
    FIELD(LiveSubscribe, from_seq, .flags = F_BODY, .tag = 9, .def = "-1", .min = -1, .has_min = true, .max = 9e15,
          .doc = "Last sequence seen before the line was cut; -1 for none"),
};
const Shape live_subscribe_shape = { .name = "LiveSubscribe", .size = sizeof(LiveSubscribe),
                                     .fields = subscribe_fields, .n_fields = ARRAY_LEN(subscribe_fields) };

static const char *const news_channels[] = { "news", NULL };
static const Field news_subscribe_fields[] = {
    FIELD(LiveNewsSubscribe, op, .flags = F_REQUIRED | F_BODY, .tag = 1, .choices = ops_subscribe, .doc = "What to do"),
    FIELD(LiveNewsSubscribe, id, .flags = F_BODY, .tag = 2, .max = LIVE_ID_MAX, .example = "a1",
          .doc = "Comes back with the answer"),
    FIELD(LiveNewsSubscribe, channel, .flags = F_REQUIRED | F_BODY, .tag = 3, .choices = news_channels,
          .doc = "What kind of data"),
    FIELD(LiveNewsSubscribe, source, .flags = F_BODY, .tag = 4, .max = LIVE_NEWS_SOURCE_MAX, .example = "coindesk",
          .doc = "Only articles of this source"),
    FIELD(LiveNewsSubscribe, ticker, .flags = F_BODY, .tag = 5, .max = LIVE_NEWS_TICKER_MAX, .example = "BTC",
          .doc = "Only articles that speak of it"),
};
const Shape live_news_subscribe_shape = { .name = "LiveNewsSubscribe", .size = sizeof(LiveNewsSubscribe),
                                          .fields = news_subscribe_fields, .n_fields = ARRAY_LEN(news_subscribe_fields) };

static const Field unsubscribe_fields[] = {
    FIELD(LiveUnsubscribe, op, .flags = F_REQUIRED | F_BODY, .tag = 1, .choices = ops_unsubscribe, .doc = "What to do"),
    FIELD(LiveUnsubscribe, id, .flags = F_BODY, .tag = 2, .max = LIVE_ID_MAX, .doc = "Comes back with the answer"),
    FIELD(LiveUnsubscribe, series, .flags = F_REQUIRED | F_BODY, .tag = 3, .max = 128, .example = "binance:BTCUSDT:1m",
          .doc = "As the snapshot names it"),
};
const Shape live_unsubscribe_shape = { .name = "LiveUnsubscribe", .size = sizeof(LiveUnsubscribe),
                                       .fields = unsubscribe_fields, .n_fields = ARRAY_LEN(unsubscribe_fields) };

static const Field plain_fields[] = {
    FIELD(LivePlain, op, .flags = F_REQUIRED | F_BODY, .tag = 1, .choices = ops_plain, .doc = "What to do"),
    FIELD(LivePlain, id, .flags = F_BODY, .tag = 2, .max = LIVE_ID_MAX, .doc = "Comes back with the answer"),
};
const Shape live_plain_shape = { .name = "LivePlain", .size = sizeof(LivePlain),
                                 .fields = plain_fields, .n_fields = ARRAY_LEN(plain_fields) };
/* clang-format on */
