/* adapters/bus/amqp.c - see amqp.h: life of the bus. */

#include "adapters/bus/amqp_internal.h"

#include <amqp.h>
#include <stdio.h>

enum {
    CONNECT_MS = 5000,
    CONFIRM_MS = 30000,
    HEARTBEAT_S = 20,
    BACKOFF_MS = 500,
    BACKOFF_MOST_MS = 30000,
    URL_MAX = 2048
};

static int event_amqp_describe(EventBus *bus, Ctx *cx, BusInfo *out) {
    AmqpBus *b = (AmqpBus *)bus;
    *out = (BusInfo){
        .adapter = "amqp", .location = str_dup(cx->arena, str_c(b->location)), .first_position = -1, .last_position = -1
    };
    pthread_mutex_lock(&b->out.lock);
    out->connected = event_amqp_connect(b, cx, &b->out) == 0;
    pthread_mutex_unlock(&b->out.lock);
    err_clear(cx);
    return 0;
}

static int event_amqp_tick(EventBus *bus, Ctx *cx) {
    UNUSED(cx);
    AmqpBus *b = (AmqpBus *)bus;
    event_amqp_beat_all(b);
    if (pthread_mutex_trylock(&b->out.lock) == 0) {
        event_amqp_beat(&b->out, b->options.heartbeat_s);
        pthread_mutex_unlock(&b->out.lock);
    }
    return 0;
}

static void event_amqp_close(EventBus *bus) {
    AmqpBus *b = (AmqpBus *)bus;
    assert(!b->subs);
    event_amqp_link_done(&b->out);
    pthread_mutex_destroy(&b->state);
    vec_done(&b->own_exchanges);
    vec_done(&b->own_queues);
    vec_done(&b->own_bindings);
    arena_done(&b->texts);
    mem_free(b->bindings);
    mem_free(b->url);
    mem_free(b);
}

static const EventBusOps event_amqp_ops = {
    .name = "amqp",
    .can = BUS_CAN_ROUTE | BUS_CAN_MANDATORY | BUS_CAN_TTL | BUS_CAN_PRIORITY | BUS_CAN_GROUPS | BUS_CAN_SELECT |
           BUS_CAN_BOUND | BUS_CAN_DELAY,
    .declare = event_amqp_declare,
    .publish = event_amqp_publish,
    .subscribe = event_amqp_subscribe,
    .receive = event_amqp_receive,
    .ack = event_amqp_ack,
    .reject = event_amqp_reject,
    .unsubscribe = event_amqp_unsubscribe,
    .dead_list = event_amqp_dead_list,
    .dead_requeue = event_amqp_dead_requeue,
    .dead_drop = event_amqp_dead_drop,
    .stats = event_amqp_stats,
    .describe = event_amqp_describe,
    .tick = event_amqp_tick,
    .close = event_amqp_close,
};

/* The library cuts its argument up; an empty virtual host is nobody's wish. */
static int url_read(AmqpBus *b, Ctx *cx, Str url) {
    struct amqp_connection_info info;
    b->url = mem_alloc(url.n + 1);
    memcpy(b->url, url.n ? url.p : "", url.n);
    b->url[url.n] = '\0';
    if (url.n > URL_MAX || amqp_parse_url(b->url, &info) != AMQP_STATUS_OK || !info.host[0])
        return err_set_at(cx, ERR_INVALID, S("events.url"),
                          "amqp://user:password@host:port/vhost is a broker's URL, or amqps://");
    b->host = info.host;
    b->user = info.user;
    b->password = info.password;
    b->vhost = info.vhost[0] ? info.vhost : "/";
    b->port = info.port;
    b->tls = info.ssl;
    snprintf(b->location, sizeof b->location, "%s://%s:%d%s%s", b->tls ? "amqps" : "amqp", b->host, b->port,
             b->vhost[0] == '/' ? "" : "/", b->vhost);
    return 0;
}

static int tls_read(AmqpBus *b, Ctx *cx, const EventAmqpOptions *o) {
    if ((o->cert.n == 0) != (o->key.n == 0))
        return err_set_at(cx, ERR_INVALID, o->cert.n ? S("events.tls.key") : S("events.tls.cert"),
                          "a certificate and its key go together");
    b->ca = o->ca.n ? str_cz(&b->texts, o->ca) : NULL;
    b->cert = o->cert.n ? str_cz(&b->texts, o->cert) : NULL;
    b->key = o->key.n ? str_cz(&b->texts, o->key) : NULL;
    return 0;
}

int event_amqp_open(Ctx *cx, const EventAmqpOptions *o, EventBus **out) {
    AmqpBus *b = mem_new(AmqpBus);
    *b = (AmqpBus){ .bus.ops = &event_amqp_ops, .options = *o };
    b->options.url = b->options.ca = b->options.cert = b->options.key = S(""); /* kept in the bus */
    b->options.connect_ms = o->connect_ms ? o->connect_ms : CONNECT_MS;
    b->options.confirm_ms = o->confirm_ms ? o->confirm_ms : CONFIRM_MS;
    b->options.heartbeat_s = o->heartbeat_s ? o->heartbeat_s : HEARTBEAT_S;
    b->options.backoff_ms = o->backoff_ms ? o->backoff_ms : BACKOFF_MS;
    b->options.most_delay_ms = o->most_delay_ms ? o->most_delay_ms : BACKOFF_MOST_MS;
    b->bindings = mem_new_n(BusBinding, AMQP_BINDINGS_MAX);
    event_amqp_link_init(&b->out);
    pthread_mutex_init(&b->state, NULL);
    event_amqp_remember(b, &event_topology); /* whoever declared it: a command that only looks knows it, too */
    int r = url_read(b, cx, o->url);
    r = r ? r : tls_read(b, cx, o);
    if (r) {
        event_amqp_close(&b->bus);
        return r;
    }
    *out = &b->bus;
    return 0;
}
