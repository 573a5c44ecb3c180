/* The event bus contract on adapters/bus/amqp, with a RabbitMQ of its own: Debian 12's 3.10, and in `make peers` Debian
 * 13's 4.0 (MSG-40; tests/peers/rabbitmq/run.sh). */

#include "adapters/bus/amqp.h"
#include "contract/event_bus.h"
#include "lib/rabbit_server.h"

#include <stdlib.h>

static RabbitServer *server;

static void stop(void) {
    server = rabbit_server_stop(server);
}

static EventBus *open_amqp(TestCtx *t, const char *dir) {
    UNUSED(dir);
    if (!rabbit_server_there())
        SKIP("rabbitmq-server is not installed");
    if (!server) {
        server = rabbit_server_start();
        assert_non_null(server);
        atexit(stop);
        print_message("# RabbitMQ %s\n", rabbit_server_version());
    }
    EventAmqpOptions o = { .url = str_fmt(&t->arena, "amqp://127.0.0.1:%d", rabbit_server_port(server)),
                           .connect_ms = 60000, /* on a busy machine, too */
                           .confirm_ms = 60000 };
    EventBus *b = NULL;
    CHECK_OK_PLAIN(&t->cx, event_amqp_open(&t->cx, &o, &b));
    return b;
}

const BusMaker bus_maker = { .name = "amqp", .persistent = true, .wait_ms = 400, .open = open_amqp };
