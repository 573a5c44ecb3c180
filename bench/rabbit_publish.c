/* bench/rabbit_publish.c - the rival of bench_events: persistent, confirmed, mandatory messages of 512 bytes to a classic
 * durable queue, one channel, a window of outstanding confirms.
 *
 *     rabbit_publish PORT EVENTS WINDOW
 * Confirms come single or `multiple`, out of order where several queues are behind the channel: here is one queue. */

#include "base/mem.h"
#include "bench.h"

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>

enum { BODY = 512, FRAME = 131072 };

static void check(amqp_connection_state_t c, const char *what) {
    if (amqp_get_rpc_reply(c).reply_type == AMQP_RESPONSE_NORMAL)
        return;
    fprintf(stderr, "rabbit_publish: %s failed\n", what);
    exit(1);
}

static amqp_connection_state_t connect_to(int port) {
    amqp_connection_state_t c = amqp_new_connection();
    amqp_socket_t *socket = amqp_tcp_socket_new(c);
    if (!socket || amqp_socket_open(socket, "127.0.0.1", port)) {
        fprintf(stderr, "rabbit_publish: no broker at port %d\n", port);
        exit(1);
    }
    amqp_rpc_reply_t r = amqp_login(c, "/", 2047, FRAME, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest");
    if (r.reply_type != AMQP_RESPONSE_NORMAL)
        exit(1);
    amqp_channel_open(c, 1);
    check(c, "channel");
    amqp_queue_declare(c, 1, amqp_cstring_bytes("bench"), 0, 1, 0, 0, amqp_empty_table);
    check(c, "queue");
    amqp_confirm_select(c, 1);
    check(c, "confirm");
    return c;
}

/* Waits for the next confirm and notes the time of all it covers. */
static void confirm(amqp_connection_state_t c, double *sent, double *took, long *done) {
    amqp_frame_t frame;
    amqp_maybe_release_buffers(c);
    if (amqp_simple_wait_frame(c, &frame) != AMQP_STATUS_OK || frame.frame_type != AMQP_FRAME_METHOD ||
        frame.payload.method.id != AMQP_BASIC_ACK_METHOD) {
        fprintf(stderr, "rabbit_publish: no confirm\n");
        exit(1);
    }
    const amqp_basic_ack_t *ack = frame.payload.method.decoded;
    double now = bench_now_s();
    long upto = (long)ack->delivery_tag;
    for (long i = ack->multiple ? *done + 1 : upto; i <= upto; i++)
        took[i - 1] = now - sent[i - 1];
    *done = upto > *done ? upto : *done;
}

int main(int argc, char **argv) {
    if (argc != 4)
        return 2;
    int port = (int)strtol(argv[1], NULL, 10);
    long n = strtol(argv[2], NULL, 10), window = strtol(argv[3], NULL, 10), done = 0;
    double *sent = mem_new_n(double, (size_t)n), *took = mem_new_n(double, (size_t)n);
    char body[BODY];
    memset(body, 'x', sizeof body);
    amqp_connection_state_t c = connect_to(port);
    amqp_basic_properties_t p = { ._flags = AMQP_BASIC_DELIVERY_MODE_FLAG, .delivery_mode = 2 };
    amqp_bytes_t bytes = { sizeof body, body };
    double from = bench_now_s();
    for (long i = 0; i < n; i++) {
        while (i - done >= window)
            confirm(c, sent, took, &done);
        sent[i] = bench_now_s();
        if (amqp_basic_publish(c, 1, amqp_empty_bytes, amqp_cstring_bytes("bench"), 1, 0, &p, bytes) != AMQP_STATUS_OK)
            return 1;
    }
    while (done < n)
        confirm(c, sent, took, &done);
    double wall = bench_now_s() - from;
    qsort(took, (size_t)n, sizeof took[0], bench_cmp);
    printf("{\"bench\":\"events_publish\",\"server\":\"rabbitmq\",\"which\":\"window "
           "%ld\",\"events_per_s\":%.0f,\"p50_ms\":%.3f,"
           "\"p99_ms\":%.3f}\n",
           window, (double)n / wall, took[n / 2] * 1e3, took[n * 99 / 100] * 1e3);
    amqp_connection_close(c, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(c);
    mem_free(sent);
    mem_free(took);
    return 0;
}
