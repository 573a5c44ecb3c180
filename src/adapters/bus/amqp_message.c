/* adapters/bus/amqp_message.c - events as AMQP's properties and headers, and back.
 *
 * The documents' headers are event_type, timestamp (ISO) and correlation_id (MSG-11); message_id, schema_version,
 * event_key and source stand beside them. What other programs publish has perhaps none of these: the properties of the
 * same meaning are read then. */

#include "adapters/bus/amqp_internal.h"
#include "base/sha256.h"

#include <amqp.h>
#include <amqp_framing.h>

/* clang-format off */
#define HEADER_TABLE(X)                                                                                                \
    X(H_TYPE, "event_type") X(H_TIMESTAMP, "timestamp") X(H_CORRELATION, "correlation_id") X(H_ID, "message_id")       \
    X(H_VERSION, "schema_version") X(H_KEY, "event_key") X(H_SOURCE, "source")                                         \
    X(H_DEATH_REASON, "death_reason") X(H_DEATH_DETAIL, "death_detail") X(H_DEATH_QUEUE, "death_queue")                \
    X(H_DEATH_EXCHANGE, "death_exchange") X(H_DEATH_KEY, "death_routing_key") X(H_DEATH_AT, "death_at")                \
    X(H_DEATH_COUNT, "death_count")
/* clang-format on */

typedef enum Header {
#define HEADER_ENUM(name, text) name,
    HEADER_TABLE(HEADER_ENUM)
#undef HEADER_ENUM
        N_HEADERS
} Header;

static const Str header_names[N_HEADERS] = {
#define HEADER_NAME(name, text) [name] = STR_INIT(text),
    HEADER_TABLE(HEADER_NAME)
#undef HEADER_NAME
};

static int header_of(Str name) { /* -1: not one of ours */
    for (int i = 0; i < N_HEADERS; i++)
        if (str_eq(header_names[i], name))
            return i;
    return -1;
}

static amqp_bytes_t bytes_of(Str s) {
    return (amqp_bytes_t){ s.n, (void *)(uintptr_t)(s.n ? s.p : "") };
}

static Str str_of(amqp_bytes_t b) {
    return str_n(b.bytes, b.len);
}

/* --- writing --- */

static void put(amqp_table_t *t, Str name, Str value) {
    t->entries[t->num_entries++] =
        (amqp_table_entry_t){ .key = bytes_of(name),
                              .value = { .kind = AMQP_FIELD_KIND_UTF8, .value.bytes = bytes_of(value) } };
}

static void put_i64(amqp_table_t *t, Header h, int64_t value) {
    t->entries[t->num_entries++] = (amqp_table_entry_t){ .key = bytes_of(header_names[h]),
                                                         .value = { .kind = AMQP_FIELD_KIND_I64, .value.i64 = value } };
}

static void put_some(amqp_table_t *t, Header h, Str value) {
    if (value.n)
        put(t, header_names[h], value);
}

static void put_death(amqp_table_t *t, Arena *a, const Death *d) {
    put(t, header_names[H_DEATH_REASON], d->reason);
    put_some(t, H_DEATH_DETAIL, d->detail);
    put_some(t, H_DEATH_QUEUE, d->queue);
    put_some(t, H_DEATH_EXCHANGE, d->exchange);
    put_some(t, H_DEATH_KEY, d->routing_key);
    put(t, header_names[H_DEATH_AT], time_iso(a, d->at));
    put_i64(t, H_DEATH_COUNT, d->count);
}

static amqp_table_t headers_write(Arena *a, const Event *e, const Death *death) {
    amqp_table_t t = { 0, arena_new_n(a, amqp_table_entry_t, N_HEADERS + e->n_headers) };
    put(&t, header_names[H_TYPE], e->type);
    put(&t, header_names[H_TIMESTAMP], time_iso(a, e->at));
    put(&t, header_names[H_ID], e->id);
    put_i64(&t, H_VERSION, e->version);
    put_some(&t, H_CORRELATION, e->correlation_id);
    put_some(&t, H_KEY, e->key);
    put_some(&t, H_SOURCE, e->source);
    if (death)
        put_death(&t, a, death);
    for (size_t i = 0; i < e->n_headers; i++)
        if (header_of(e->headers[i].name) < 0)
            put(&t, e->headers[i].name, e->headers[i].value);
    return t;
}

void event_amqp_props_write(Arena *a, const Event *e, const Death *death, void *props) {
    amqp_basic_properties_t *p = props;
    *p = (amqp_basic_properties_t){
        ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG |
                  AMQP_BASIC_PRIORITY_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_TYPE_FLAG,
        .content_type = bytes_of(S("application/json")),
        .headers = headers_write(a, e, death),
        .delivery_mode = AMQP_DELIVERY_PERSISTENT,
        .priority = (uint8_t)e->priority,
        .message_id = bytes_of(e->id),
        .type = bytes_of(e->type),
    };
    if (e->at.ms >= 0) {
        p->_flags |= AMQP_BASIC_TIMESTAMP_FLAG;
        p->timestamp = (uint64_t)(e->at.ms / MS_PER_SECOND);
    }
    if (e->correlation_id.n) {
        p->_flags |= AMQP_BASIC_CORRELATION_ID_FLAG;
        p->correlation_id = bytes_of(e->correlation_id);
    }
    if (e->source.n) {
        p->_flags |= AMQP_BASIC_APP_ID_FLAG;
        p->app_id = bytes_of(e->source);
    }
    if (e->ttl_ms) {
        p->_flags |= AMQP_BASIC_EXPIRATION_FLAG;
        p->expiration = bytes_of(str_fmt(a, "%lld", (long long)MIN(e->ttl_ms, (int64_t)AMQP_EXPIRATION_MAX_MS)));
    }
}

/* --- reading --- */

/* Whole numbers in any of the widths clients use. */
static bool integer_of(const amqp_field_value_t *v, int64_t *out) {
    switch (v->kind) {
    case AMQP_FIELD_KIND_I8:
        *out = (int64_t)v->value.i8;
        return true;
    case AMQP_FIELD_KIND_U8:
        *out = v->value.u8;
        return true;
    case AMQP_FIELD_KIND_I16:
        *out = v->value.i16;
        return true;
    case AMQP_FIELD_KIND_U16:
        *out = v->value.u16;
        return true;
    case AMQP_FIELD_KIND_I32:
        *out = v->value.i32;
        return true;
    case AMQP_FIELD_KIND_U32:
        *out = v->value.u32;
        return true;
    case AMQP_FIELD_KIND_I64:
        *out = v->value.i64;
        return true;
    case AMQP_FIELD_KIND_U64:
    case AMQP_FIELD_KIND_TIMESTAMP:
        *out = (int64_t)MIN(v->value.u64, (uint64_t)INT64_MAX);
        return true;
    default:
        return false;
    }
}

/* A copy, cut where it is longer than ours may be; the empty one of tables, arrays and the like. */
static Str text_of(Arena *a, const amqp_field_value_t *v) {
    int64_t n;
    if (v->kind == AMQP_FIELD_KIND_UTF8 || v->kind == AMQP_FIELD_KIND_BYTES)
        return str_dup(a, str_first(str_of(v->value.bytes), EVENT_HEADER_MAX));
    if (v->kind == AMQP_FIELD_KIND_BOOLEAN)
        return v->value.boolean ? S("true") : S("false");
    return integer_of(v, &n) ? str_fmt(a, "%lld", (long long)n) : S("");
}

static const amqp_field_value_t *field(const amqp_table_t *t, const char *name) {
    for (int i = 0; i < t->num_entries; i++)
        if (str_eq(str_of(t->entries[i].key), str_c(name)))
            return &t->entries[i].value;
    return NULL;
}

static Str field_text(Arena *a, const amqp_table_t *t, const char *name) {
    const amqp_field_value_t *v = field(t, name);
    return v ? text_of(a, v) : S("");
}

/* The newest entry of the broker's x-death; RabbitMQ puts it first. */
static bool x_death_read(Arena *a, const amqp_table_t *headers, Death *d) {
    const amqp_field_value_t *v = field(headers, "x-death"), *at, *count, *keys;
    if (!v || v->kind != AMQP_FIELD_KIND_ARRAY || v->value.array.num_entries == 0 ||
        v->value.array.entries[0].kind != AMQP_FIELD_KIND_TABLE)
        return false;
    const amqp_table_t *t = &v->value.array.entries[0].value.table;
    int64_t seconds = 0;
    *d = (Death){ .reason = field_text(a, t, "reason"),
                  .queue = field_text(a, t, "queue"),
                  .exchange = field_text(a, t, "exchange"),
                  .count = 1 };
    if ((at = field(t, "time")) && integer_of(at, &seconds) && seconds < TIME_ISO_MAX.ms / MS_PER_SECOND)
        d->at = time_ms(seconds * MS_PER_SECOND);
    if ((count = field(t, "count")))
        integer_of(count, &d->count);
    if ((keys = field(t, "routing-keys")) && keys->kind == AMQP_FIELD_KIND_ARRAY && keys->value.array.num_entries)
        d->routing_key = text_of(a, &keys->value.array.entries[0]);
    return true;
}

static bool our_death_read(const Str *ours, Death *d) {
    if (ours[H_DEATH_REASON].n == 0)
        return false;
    *d = (Death){ .reason = ours[H_DEATH_REASON],
                  .detail = ours[H_DEATH_DETAIL],
                  .queue = ours[H_DEATH_QUEUE],
                  .exchange = ours[H_DEATH_EXCHANGE],
                  .routing_key = ours[H_DEATH_KEY],
                  .count = 1 };
    time_parse_iso(ours[H_DEATH_AT], &d->at, NULL);
    str_to_i64(ours[H_DEATH_COUNT], &d->count);
    return true;
}

/* Of the two stories the newer one; the broker counts its deaths only since the message was last put back. */
static const Death *death_read(Arena *a, const amqp_table_t *headers, const Str *ours) {
    Death mine, broker;
    bool has_mine = our_death_read(ours, &mine), has_broker = x_death_read(a, headers, &broker);
    if (!has_mine && !has_broker)
        return NULL;
    Death *d = arena_new(a, Death);
    *d = has_mine ? mine : broker;
    if (has_mine && has_broker && broker.at.ms / MS_PER_SECOND > mine.at.ms / MS_PER_SECOND) {
        *d = broker;
        if (str_eq(mine.queue, broker.queue) && str_eq(mine.reason, broker.reason))
            d->count += mine.count;
    }
    return d;
}

static bool of_the_broker(Str name) {
    return str_eq(name, S("x-death")) || str_starts(name, S("x-first-death-")) || str_starts(name, S("x-last-death-"));
}

static void headers_read(Arena *a, const amqp_table_t *t, Str *ours, Event *e) {
    EventHeader *v = arena_new_n(a, EventHeader, EVENT_HEADERS_MAX);
    for (int i = 0; i < t->num_entries; i++) {
        Str name = str_of(t->entries[i].key);
        int h = header_of(name);
        if (h >= 0)
            ours[h] = text_of(a, &t->entries[i].value);
        else if (event_name_valid(name) && !of_the_broker(name) && e->n_headers < EVENT_HEADERS_MAX)
            v[e->n_headers++] = (EventHeader){ str_dup(a, name), text_of(a, &t->entries[i].value) };
    }
    e->headers = v;
}

static Str first_of(Arena *a, Str header, bool has, amqp_bytes_t property) {
    return header.n ? header : has ? str_dup(a, str_of(property)) : S("");
}

/* A message without an id gets one of what it says, so that a repetition has the same. */
static Str made_id(Arena *a, Str exchange, Str routing_key, const Event *e) {
    char hex[SHA256_HEX + 1];
    Str all = str_fmt(a, STR_FMT "\n" STR_FMT "\n" STR_FMT "\n%lld\n" STR_FMT, STR_ARG(exchange), STR_ARG(routing_key),
                      STR_ARG(e->correlation_id), (long long)e->at.ms, STR_ARG(e->body));
    sha256_hex(all, hex);
    return str_fmt(a, "sha256-%s", hex);
}

void event_amqp_message_read(Arena *a, const void *message, Str *exchange, Str *routing_key, Event *e,
                             const Death **death) {
    const amqp_message_t *m = message;
    const amqp_basic_properties_t *p = &m->properties;
    Str ours[N_HEADERS] = { { 0 } };
    int64_t number;
    *e = (Event){ .version = 1, .body = str_dup(a, str_of(m->body)) };
    *death = NULL;
    if (p->_flags & AMQP_BASIC_HEADERS_FLAG) {
        headers_read(a, &p->headers, ours, e);
        *death = death_read(a, &p->headers, ours);
    }
    e->type = first_of(a, ours[H_TYPE], p->_flags & AMQP_BASIC_TYPE_FLAG, p->type);
    e->id = first_of(a, ours[H_ID], p->_flags & AMQP_BASIC_MESSAGE_ID_FLAG, p->message_id);
    e->correlation_id = first_of(a, ours[H_CORRELATION], p->_flags & AMQP_BASIC_CORRELATION_ID_FLAG, p->correlation_id);
    e->source = first_of(a, ours[H_SOURCE], p->_flags & AMQP_BASIC_APP_ID_FLAG, p->app_id);
    e->key = ours[H_KEY];
    if (str_to_i64(ours[H_VERSION], &number) && number >= 1 && number <= INT32_MAX)
        e->version = number;
    if (!time_parse_iso(ours[H_TIMESTAMP], &e->at, NULL) && p->_flags & AMQP_BASIC_TIMESTAMP_FLAG &&
        p->timestamp < (uint64_t)(TIME_ISO_MAX.ms / MS_PER_SECOND))
        e->at = time_ms((int64_t)p->timestamp * MS_PER_SECOND);
    if (p->_flags & AMQP_BASIC_PRIORITY_FLAG)
        e->priority = MIN(p->priority, EVENT_PRIORITY_HIGH);
    if (p->_flags & AMQP_BASIC_EXPIRATION_FLAG && str_to_i64(str_of(p->expiration), &number) && number > 0)
        e->ttl_ms = number;
    if (*death && exchange->n == 0) { /* put back to work on the default exchange */
        *exchange = (*death)->exchange;
        *routing_key = (*death)->routing_key;
    }
    *exchange = str_dup(a, *exchange);
    *routing_key = str_dup(a, *routing_key);
    if (e->id.n == 0)
        e->id = made_id(a, *exchange, *routing_key, e);
}
