/* adapters/bus/amqp_link.c - see amqp_internal.h: connections, what the broker's refusals mean, heartbeats. */

#include "adapters/bus/amqp_internal.h"

#include <amqp.h>
#include <amqp_framing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>

enum { RPC_MS = 15000, FRAME_MAX = 131072 };

int64_t event_amqp_now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * MS_PER_SECOND + t.tv_nsec / NS_PER_MS;
}

static struct timeval timeval_of(int64_t ms) {
    return (struct timeval){ ms / 1000, ms % 1000 * 1000 };
}

void event_amqp_link_init(AmqpLink *l) {
    *l = (AmqpLink){ 0 };
    pthread_mutex_init(&l->lock, NULL);
}

void event_amqp_drop(AmqpLink *l) {
    if (l->c)
        amqp_destroy_connection(l->c);
    l->c = NULL;
    l->published = 0;
    l->blocked = false;
}

void event_amqp_link_done(AmqpLink *l) {
    if (l->c) {
        amqp_channel_close(l->c, AMQP_CHANNEL, AMQP_REPLY_SUCCESS);
        amqp_connection_close(l->c, AMQP_REPLY_SUCCESS);
    }
    event_amqp_drop(l);
    pthread_mutex_destroy(&l->lock);
}

/* --- what went wrong --- */

static int code_of(int reply_code) {
    switch (reply_code) {
    case AMQP_NOT_FOUND:
        return ERR_NOT_FOUND;
    case AMQP_PRECONDITION_FAILED:
    case AMQP_RESOURCE_LOCKED:
        return ERR_CONFLICT;
    case AMQP_ACCESS_REFUSED:
    case AMQP_NOT_ALLOWED:
        return ERR_DENIED;
    case AMQP_NOT_IMPLEMENTED:
        return ERR_UNSUPPORTED;
    default:
        return ERR_UNAVAILABLE;
    }
}

static int reply_failed(Ctx *cx, const char *doing, amqp_rpc_reply_t r) {
    if (r.reply_type == AMQP_RESPONSE_NORMAL)
        return 0;
    if (r.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && r.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
        const amqp_channel_close_t *m = r.reply.decoded;
        return err_set(cx, code_of(m->reply_code), "amqp: %s: %.*s", doing, (int)MIN(m->reply_text.len, 300u),
                       (const char *)m->reply_text.bytes);
    }
    if (r.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && r.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
        const amqp_connection_close_t *m = r.reply.decoded;
        return err_set(cx, code_of(m->reply_code), "amqp: %s: %.*s", doing, (int)MIN(m->reply_text.len, 300u),
                       (const char *)m->reply_text.bytes);
    }
    const char *words =
        r.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION ? amqp_error_string2(r.library_error) : "an answer out of turn";
    return err_set(cx, ERR_UNAVAILABLE, "amqp: %s: %s", doing, words);
}

int event_amqp_check(Ctx *cx, AmqpLink *l, const char *doing) {
    int r = reply_failed(cx, doing, amqp_get_rpc_reply(l->c));
    if (r) /* the channel is gone, if not the connection: a new one is the surest */
        event_amqp_drop(l);
    l->used_ms = event_amqp_now_ms();
    return r;
}

/* --- connecting --- */

static int login(AmqpBus *b, Ctx *cx, amqp_connection_state_t c) {
    amqp_table_entry_t can[] = { { .key = amqp_cstring_bytes("connection.blocked"),
                                   .value = { .kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1 } },
                                 { .key = amqp_cstring_bytes("consumer_cancel_notify"),
                                   .value = { .kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1 } } };
    amqp_table_entry_t told[] = {
        { .key = amqp_cstring_bytes("product"),
          .value = { .kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes("finsight") } },
        { .key = amqp_cstring_bytes("capabilities"),
          .value = { .kind = AMQP_FIELD_KIND_TABLE, .value.table = { ARRAY_LEN(can), can } } }
    };
    amqp_table_t properties = { ARRAY_LEN(told), told };
    int r = reply_failed(cx, "login",
                         amqp_login_with_properties(c, b->vhost, AMQP_DEFAULT_MAX_CHANNELS, FRAME_MAX,
                                                    b->options.heartbeat_s, &properties, AMQP_SASL_METHOD_PLAIN,
                                                    b->user, b->password));
    if (r)
        return r;
    amqp_channel_open(c, AMQP_CHANNEL);
    r = reply_failed(cx, "channel.open", amqp_get_rpc_reply(c));
    if (r)
        return r;
    amqp_confirm_select(c, AMQP_CHANNEL);
    return reply_failed(cx, "confirm.select", amqp_get_rpc_reply(c));
}

static int try_connect(AmqpBus *b, Ctx *cx, AmqpLink *l) {
    amqp_connection_state_t c = amqp_new_connection();
    struct timeval connect = timeval_of(ctx_left_ms(cx, b->options.connect_ms)), rpc = timeval_of(RPC_MS);
    amqp_set_handshake_timeout(c, &rpc);
    amqp_set_rpc_timeout(c, &rpc);
    amqp_socket_t *socket = event_amqp_socket(b, cx, c);
    if (!socket) {
        amqp_destroy_connection(c);
        return ERR_UNAVAILABLE;
    }
    int status = amqp_socket_open_noblock(socket, b->host, b->port, &connect);
    int r = status == AMQP_STATUS_OK
                ? 0
                : err_set(cx, ERR_UNAVAILABLE, "amqp: %s: %s", b->location, amqp_error_string2(status));
    if (r ==
        0) { /* the library's writes have no deadline of their own: a peer that takes nothing is given up by the kernel */
        unsigned ms = (unsigned)b->options.confirm_ms;
        setsockopt(amqp_get_sockfd(c), IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
        r = login(b, cx, c);
    }
    if (r) {
        amqp_destroy_connection(c);
        return r;
    }
    l->c = c;
    return 0;
}

/* Half of the delay is chance, so that many clients of a broker that came back do not come in one moment. */
static int64_t delay_ms(const AmqpBus *b, int failures, int64_t now_ms) {
    int64_t first = b->options.backoff_ms, most = b->options.most_delay_ms;
    int64_t full = MIN(first << MIN(failures - 1, 16), most);
    return full / 2 + (int64_t)((uint64_t)now_ms * UINT64_C(0x9E3779B97F4A7C15) >> 33) % (full / 2 + 1);
}

int event_amqp_connect(AmqpBus *b, Ctx *cx, AmqpLink *l) {
    if (l->c)
        return 0;
    int64_t now = event_amqp_now_ms();
    if (now < l->next_ms) {
        int r = err_set(cx, ERR_UNAVAILABLE, "amqp: %s: no broker; the next attempt is in %lld ms", b->location,
                        (long long)(l->next_ms - now));
        cx->err.retry_after_ms = l->next_ms - now;
        return r;
    }
    int r = try_connect(b, cx, l);
    now = event_amqp_now_ms();
    if (r) {
        l->failures++;
        l->next_ms = now + delay_ms(b, l->failures, now);
        return r;
    }
    l->failures = 0;
    l->next_ms = 0;
    l->used_ms = now;
    if (l->again)
        r = event_amqp_declare_again(b, cx, l);
    l->again = true;
    return r;
}

/* --- keeping --- */

void event_amqp_beat(AmqpLink *l, int heartbeat_s) {
    int64_t now = event_amqp_now_ms();
    if (!l->c || now - l->used_ms < heartbeat_s * MS_PER_SECOND / 3)
        return;
    amqp_frame_t frame = { .frame_type = AMQP_FRAME_HEARTBEAT, .channel = 0 };
    l->used_ms = now;
    if (amqp_send_frame(l->c, &frame) != AMQP_STATUS_OK)
        event_amqp_drop(l);
}

int event_amqp_sync(Ctx *cx, AmqpLink *l, Str queue, int64_t *ready, int64_t *consumers) {
    amqp_bytes_t name = { queue.n, (void *)(uintptr_t)queue.p };
    const amqp_queue_declare_ok_t *ok = amqp_queue_declare(l->c, AMQP_CHANNEL, name, 1, 0, 0, 0, amqp_empty_table);
    if (ok && ready)
        *ready = ok->message_count;
    if (ok && consumers)
        *consumers = ok->consumer_count;
    return event_amqp_check(cx, l, "queue.declare");
}
