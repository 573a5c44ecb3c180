#pragma once

/* tests/lib/rabbit_server.h - a real RabbitMQ of Debian's package on free loopback ports, for as long as a test wants it.
 *
 * FINSIGHT_RABBIT_ROOT names the root of another system whose RabbitMQ is taken instead (tests/peers/rabbitmq/run.sh makes
 * one): TMPDIR is to be inside it, and we are to be root.
 *
 * It has its own node name, cookie, folder and port mapper, and dies with the test; the package's service is not touched.
 * Starting takes 3 s of processor: one for a whole program. */

#include "base/str.h"

typedef struct RabbitServer RabbitServer;

bool rabbit_server_there(void); /* is the program installed? */
/* NULL when it does not come up in two minutes. */
RabbitServer *rabbit_server_start(void);
/* With TLS beside, which wants a certificate of its clients that ca.pem signs: ca.pem, server.pem, server.key of a folder. */
RabbitServer *rabbit_server_start_tls(const char *certificates);
int rabbit_server_tls_port(const RabbitServer *s);
RabbitServer *rabbit_server_stop(RabbitServer *s); /* NULL is fine; returns NULL */
const char *rabbit_server_version(void);           /* "3.10.8" */
int rabbit_server_port(const RabbitServer *s);
/* SIGKILL; and again in the same folder, on the same ports, which nobody else takes meanwhile. */
void rabbit_server_kill(RabbitServer *s);
bool rabbit_server_again(RabbitServer *s);
