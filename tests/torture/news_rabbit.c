/* tests/torture/news_rabbit.c - see news_rabbit.h. */

#include "torture/news_rabbit.h"

#include "adapters/bus/amqp.h"

static int open_amqp(void *arg, Ctx *cx, const char *dir, const char *vfs, EventBus **out) {
    UNUSED(dir);
    UNUSED(vfs);
    EventAmqpOptions o = { .url = str_fmt(cx->arena, "amqp://127.0.0.1:%d", rabbit_server_port(arg)),
                           .connect_ms = 60000, /* on a busy machine, too */
                           .confirm_ms = 60000,
                           .backoff_ms = 20,
                           .most_delay_ms = 200 };
    return event_amqp_open(cx, &o, out);
}

static void kill_broker(void *arg) {
    rabbit_server_kill(arg);
}

static bool start_broker(void *arg) {
    return rabbit_server_again(arg);
}

void news_rabbit(RabbitServer *s, NewsChainBus *out) {
    *out = (NewsChainBus){
        .name = "rabbitmq", .open = open_amqp, .kill = kill_broker, .again = start_broker, .arg = s, .wait_ms = 200
    };
}
