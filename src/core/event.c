/* core/event.c - see event.h. */

#include "core/event.h"

#include "base/utf8.h"

Str event_routing_key(Arena *a, const Event *e) {
    return str_fmt(a, STR_FMT "." STR_FMT, STR_ARG(e->type), STR_ARG(e->source));
}

/* --- topics --- */

typedef struct Words { /* the rest of a text, word by word; "" has none, "." has two empty ones, as in RabbitMQ */
    Str rest;
    bool over;
} Words;

static Words words_of(Str s) {
    return (Words){ s, s.n == 0 };
}

static bool words_next(Words *w, Str *out) {
    if (w->over)
        return false;
    ptrdiff_t dot = str_find_char(w->rest, '.');
    w->over = dot < 0;
    *out = dot < 0 ? w->rest : str_first(w->rest, (size_t)dot);
    if (!w->over)
        w->rest = str_from(w->rest, (size_t)dot + 1);
    return true;
}

/* The last # seen takes one word more whenever the rest does not fit: as a glob's star, so the work is at most the
 * product of the lengths, never exponential. */
bool event_topic_match(Str pattern, Str key) {
    Words p = words_of(pattern), k = words_of(key), behind_hash = { 0 }, taken = { 0 };
    bool hash = false;
    for (;;) {
        Words k_at = k;
        Str want, word;
        bool more = words_next(&p, &want);
        if (more && str_eq(want, S("#"))) {
            hash = true;
            behind_hash = p;
            taken = k_at;
            k = k_at;
            continue;
        }
        bool has = words_next(&k, &word);
        if (!more && !has)
            return true;
        if (more && has && (str_eq(want, S("*")) || str_eq(want, word)))
            continue;
        if (!hash || !words_next(&taken, &word))
            return false;
        p = behind_hash;
        k = taken;
    }
}

bool event_topic_valid(Str text) {
    if (text.n > EVENT_KEY_MAX || !utf8_valid(text))
        return false;
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
            return false;
    return true;
}

bool event_name_valid(Str text) {
    if (text.n == 0 || text.n > EVENT_NAME_MAX)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && (c == 0 || !strchr("._-:@", c)))
            return false;
    }
    return true;
}

/* --- topology --- */

/* Five minutes where an old message helps nobody; none where every message must take effect (U10). */
enum { TTL_MS = 300000, PRIORITIES = EVENT_PRIORITY_HIGH };

/* clang-format off */
#define TEXT(literal) STR_INIT(literal)

static const BusExchange exchanges[] = {
    { TEXT("finsight.events"),      EXCHANGE_TOPIC },
    { TEXT("finsight.dlx"),         EXCHANGE_DIRECT },
    { TEXT("market_data_exchange"), EXCHANGE_TOPIC },
    { TEXT("news_exchange"),        EXCHANGE_TOPIC },
    { TEXT("prediction_exchange"),  EXCHANGE_TOPIC },
    { TEXT("backtest_exchange"),    EXCHANGE_TOPIC },
    { TEXT("storage_exchange"),     EXCHANGE_TOPIC },
};

#define WORK_QUEUE(name, ttl, priorities) { TEXT(name), TEXT("finsight.dlx"), TEXT("dead.letter"), ttl, priorities, 0 }
static const BusQueue queues[] = {
    { .name = TEXT("finsight.dlq") },
    WORK_QUEUE("data_collection_queue",    TTL_MS, PRIORITIES),
    WORK_QUEUE("news_processing_queue",    0,      0),
    WORK_QUEUE("sentiment_analysis_queue", 0,      0),
    WORK_QUEUE("prediction_queue",         TTL_MS, 0),
    WORK_QUEUE("backtest_queue",           0,      PRIORITIES),
    WORK_QUEUE("storage_queue",            0,      0),
    WORK_QUEUE("notification_queue",       TTL_MS, 0),
};

#define TO_EXCHANGE(source, key, name) { TEXT(source), TEXT(name), true, TEXT(key) }
#define TO_QUEUE(source, key, name) { TEXT(source), TEXT(name), false, TEXT(key) }
static const BusBinding bindings[] = {
    TO_QUEUE("finsight.dlx", "dead.letter", "finsight.dlq"),
    /* one root, told by who speaks; requests by whom they are for, whoever speaks */
    TO_EXCHANGE("finsight.events", "*.market",     "market_data_exchange"),
    TO_EXCHANGE("finsight.events", "data_collection_request.*", "market_data_exchange"),
    TO_EXCHANGE("finsight.events", "*.news",       "news_exchange"),
    TO_EXCHANGE("finsight.events", "*.prediction", "prediction_exchange"),
    TO_EXCHANGE("finsight.events", "*.backtest",   "backtest_exchange"),
    TO_EXCHANGE("finsight.events", "backtest_request.*", "backtest_exchange"),
    TO_EXCHANGE("finsight.events", "*.storage",    "storage_exchange"),
    /* a score goes back to the news */
    TO_QUEUE("finsight.events", "*.sentiment", "news_processing_queue"),
    /* domains */
    TO_QUEUE("market_data_exchange", "#", "data_collection_queue"),
    TO_QUEUE("market_data_exchange", "#", "notification_queue"),
    TO_QUEUE("news_exchange",        "#", "news_processing_queue"),
    TO_QUEUE("news_exchange",        "#", "sentiment_analysis_queue"),
    TO_QUEUE("prediction_exchange",  "#", "prediction_queue"),
    TO_QUEUE("backtest_exchange",    "#", "backtest_queue"),
    TO_QUEUE("backtest_exchange",    "#", "notification_queue"),
    TO_QUEUE("storage_exchange",     "#", "storage_queue"),
    TO_QUEUE("storage_exchange",     "#", "notification_queue"),
    /* the documents' literal keys */
    TO_QUEUE("finsight.events", "*.data_collection_queue",    "data_collection_queue"),
    TO_QUEUE("finsight.events", "*.news_processing_queue",    "news_processing_queue"),
    TO_QUEUE("finsight.events", "*.sentiment_analysis_queue", "sentiment_analysis_queue"),
    TO_QUEUE("finsight.events", "*.prediction_queue",         "prediction_queue"),
    TO_QUEUE("finsight.events", "*.backtest_queue",           "backtest_queue"),
    TO_QUEUE("finsight.events", "*.storage_queue",            "storage_queue"),
    TO_QUEUE("finsight.events", "*.notification_queue",       "notification_queue"),
};

static const struct { Str service, topic; } log_topics[] = {
    { TEXT("market"), TEXT("market_data_topic") },
    { TEXT("data_collection_queue"), TEXT("market_data_topic") },
    { TEXT("news"), TEXT("news_topic") },
    { TEXT("news_processing_queue"), TEXT("news_topic") },
    { TEXT("sentiment"), TEXT("sentiment_topic") },
    { TEXT("sentiment_analysis_queue"), TEXT("sentiment_topic") },
    { TEXT("prediction"), TEXT("prediction_topic") },
    { TEXT("backtest"), TEXT("backtest_topic") },
    { TEXT("storage"), TEXT("storage_topic") },
};
/* clang-format on */

#define TOPIC_OTHERS S("events_topic")

const BusTopology event_topology = {
    exchanges, ARRAY_LEN(exchanges), queues, ARRAY_LEN(queues), bindings, ARRAY_LEN(bindings),
};

const BusQueue *bus_queue_find(const BusTopology *t, Str name) {
    for (size_t i = 0; i < t->n_queues; i++)
        if (str_eq(t->queues[i].name, name))
            return &t->queues[i];
    return NULL;
}

const BusExchange *bus_exchange_find(const BusTopology *t, Str name) {
    for (size_t i = 0; i < t->n_exchanges; i++)
        if (str_eq(t->exchanges[i].name, name))
            return &t->exchanges[i];
    return NULL;
}

Str event_log_topic(Str routing_key) {
    Str rest = routing_key, last = { 0 };
    while (str_next(&rest, '.', &last))
        ;
    for (size_t i = 0; i < ARRAY_LEN(log_topics); i++)
        if (str_eq(log_topics[i].service, last))
            return log_topics[i].topic;
    return TOPIC_OTHERS;
}

bool event_log_topic_at(size_t i, Str *topic) {
    *topic = i < ARRAY_LEN(log_topics) ? log_topics[i].topic : TOPIC_OTHERS;
    return i <= ARRAY_LEN(log_topics);
}
