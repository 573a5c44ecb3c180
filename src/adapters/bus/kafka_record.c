/* adapters/bus/kafka_record.c - an event as a record's headers, and back.
 *
 * Ours come first and every one of them is there, so that an event's own header of the same name is the second and
 * stays what it is: header names may repeat in Kafka. */

#include "adapters/bus/kafka_internal.h"

typedef enum Field {
    H_ID,
    H_TYPE,
    H_VERSION,
    H_CORRELATION,
    H_SOURCE,
    H_AT,
    H_PRIORITY,
    H_TTL,
    H_EXCHANGE,
    H_KEY,
    H_CONTENT,
    H_DEATH_REASON,
    H_DEATH_DETAIL,
    H_DEATH_QUEUE,
    H_DEATH_EXCHANGE,
    H_DEATH_KEY,
    H_DEATH_AT,
    H_DEATH_COUNT,
    N_FIELDS
} Field;

static const char *const names[N_FIELDS] = {
    [H_ID] = "message-id",
    [H_TYPE] = "event_type",
    [H_VERSION] = "schema-version",
    [H_CORRELATION] = "correlation_id",
    [H_SOURCE] = "source",
    [H_AT] = "timestamp",
    [H_PRIORITY] = "priority",
    [H_TTL] = "ttl_ms",
    [H_EXCHANGE] = "exchange",
    [H_KEY] = "routing_key",
    [H_CONTENT] = "content-type",
    [H_DEATH_REASON] = "death-reason",
    [H_DEATH_DETAIL] = "death-detail",
    [H_DEATH_QUEUE] = "death-queue",
    [H_DEATH_EXCHANGE] = "death-exchange",
    [H_DEATH_KEY] = "death-routing_key",
    [H_DEATH_AT] = "death-timestamp",
    [H_DEATH_COUNT] = "death-count",
};

/* --- writing --- */

static void add(rd_kafka_headers_t *h, Str name, Str value) {
    rd_kafka_header_add(h, name.p, (ssize_t)name.n, value.n ? value.p : "", (ssize_t)value.n);
}

static Str number(Ctx *cx, int64_t v) {
    return str_fmt(cx->arena, "%lld", (long long)v);
}

rd_kafka_headers_t *event_kafka_headers(Ctx *cx, const KafkaOut *o) {
    const Event *e = o->event;
    const Death none = { 0 }, *d = o->death ? o->death : &none;
    const Str values[N_FIELDS] = {
        [H_ID] = e->id,
        [H_TYPE] = e->type,
        [H_VERSION] = number(cx, e->version),
        [H_CORRELATION] = e->correlation_id,
        [H_SOURCE] = e->source,
        [H_AT] = number(cx, e->at.ms),
        [H_PRIORITY] = number(cx, e->priority),
        [H_TTL] = number(cx, e->ttl_ms),
        [H_EXCHANGE] = o->exchange,
        [H_KEY] = o->routing_key,
        [H_CONTENT] = S("application/json"),
        [H_DEATH_REASON] = d->reason,
        [H_DEATH_DETAIL] = d->detail,
        [H_DEATH_QUEUE] = d->queue,
        [H_DEATH_EXCHANGE] = d->exchange,
        [H_DEATH_KEY] = d->routing_key,
        [H_DEATH_AT] = number(cx, d->at.ms),
        [H_DEATH_COUNT] = number(cx, d->count),
    };
    rd_kafka_headers_t *h = rd_kafka_headers_new(N_FIELDS + e->n_headers);
    for (size_t i = 0; i < N_FIELDS; i++)
        add(h, str_c(names[i]), values[i]);
    for (size_t i = 0; i < e->n_headers; i++)
        add(h, e->headers[i].name, e->headers[i].value);
    return h;
}

/* --- reading: what comes may be anybody's --- */

static bool header_at(const rd_kafka_headers_t *h, size_t i, Str *name, Str *value) {
    const char *n = NULL;
    const void *v = NULL;
    size_t size = 0;
    if (rd_kafka_header_get_all(h, i, &n, &v, &size))
        return false;
    *name = str_c(n);
    *value = str_n(v, v ? size : 0);
    return true;
}

/* Fills the fields that are there and *own, as far as it has room. False: it is not one of our records. */
static bool read_fields(const rd_kafka_message_t *m, Str values[N_FIELDS], EventHeader *own, size_t *n_own) {
    rd_kafka_headers_t *h = NULL;
    bool seen[N_FIELDS] = { false };
    Str name, value;
    if (rd_kafka_message_headers(m, &h))
        return false;
    for (size_t i = 0; header_at(h, i, &name, &value); i++) {
        size_t f = 0;
        while (f < N_FIELDS && (seen[f] || !str_eq(str_c(names[f]), name)))
            f++;
        if (f < N_FIELDS) {
            seen[f] = true;
            values[f] = value;
        } else if (own && *n_own < EVENT_HEADERS_MAX) {
            own[(*n_own)++] = (EventHeader){ name, value };
        }
    }
    return seen[H_ID] && seen[H_TYPE] && seen[H_EXCHANGE] && seen[H_KEY] && values[H_EXCHANGE].n <= EVENT_NAME_MAX &&
           values[H_KEY].n <= EVENT_KEY_MAX;
}

bool event_kafka_address(const rd_kafka_message_t *m, Str *exchange, Str *routing_key) {
    Str values[N_FIELDS] = { 0 };
    bool ours = read_fields(m, values, NULL, NULL);
    *exchange = values[H_EXCHANGE];
    *routing_key = values[H_KEY];
    return ours;
}

/* An empty one is 0; another that is no number makes the record unreadable. */
static bool take_number(Str text, int64_t *out) {
    *out = 0;
    return text.n == 0 || str_to_i64(text, out);
}

static bool read_event(const Str v[N_FIELDS], Event *e) {
    int64_t priority = 0;
    bool right = take_number(v[H_VERSION], &e->version) && take_number(v[H_AT], &e->at.ms) &&
                 take_number(v[H_PRIORITY], &priority) && take_number(v[H_TTL], &e->ttl_ms);
    e->priority = (int)CLAMP(priority, (int64_t)0, (int64_t)EVENT_PRIORITY_HIGH);
    return right;
}

static bool read_death(Ctx *cx, const Str v[N_FIELDS], Delivery *out) {
    if (v[H_DEATH_REASON].n == 0)
        return true;
    Death *d = arena_new(cx->arena, Death);
    *d = (Death){ .reason = str_dup(cx->arena, v[H_DEATH_REASON]),
                  .detail = str_dup(cx->arena, v[H_DEATH_DETAIL]),
                  .queue = str_dup(cx->arena, v[H_DEATH_QUEUE]),
                  .exchange = str_dup(cx->arena, v[H_DEATH_EXCHANGE]),
                  .routing_key = str_dup(cx->arena, v[H_DEATH_KEY]) };
    out->death = d;
    return take_number(v[H_DEATH_AT], &d->at.ms) && take_number(v[H_DEATH_COUNT], &d->count);
}

int event_kafka_read_record(Ctx *cx, const rd_kafka_message_t *m, Delivery *out) {
    Arena *a = cx->arena;
    Str v[N_FIELDS] = { 0 };
    size_t n = 0;
    EventHeader *own = arena_new_n(a, EventHeader, EVENT_HEADERS_MAX);
    bool right = read_fields(m, v, own, &n);
    for (size_t i = 0; i < n; i++)
        own[i] = (EventHeader){ str_dup(a, own[i].name), str_dup(a, own[i].value) };
    *out = (Delivery){ .position = -1, .exchange = str_dup(a, v[H_EXCHANGE]), .routing_key = str_dup(a, v[H_KEY]) };
    out->event = (Event){ .id = str_dup(a, v[H_ID]),
                          .type = str_dup(a, v[H_TYPE]),
                          .key = str_dup(a, str_n(m->key, m->key_len)),
                          .correlation_id = str_dup(a, v[H_CORRELATION]),
                          .source = str_dup(a, v[H_SOURCE]),
                          .headers = own,
                          .n_headers = n,
                          .body = str_dup(a, str_n(m->payload, m->len)) };
    right = right && read_event(v, &out->event) && read_death(cx, v, out);
    return right ? 0
                 : err_set(cx, ERR_CORRUPT, "kafka: record %s/%d/%lld has headers that cannot be read",
                           rd_kafka_topic_name(m->rkt), (int)m->partition, (long long)m->offset);
}
