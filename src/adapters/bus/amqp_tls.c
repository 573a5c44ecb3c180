/* adapters/bus/amqp_tls.c - see amqp_internal.h: the socket below a connection, plain or TLS.
 *
 * The files are read for every connection, so that certificates which were renewed count from the next one on. */

#include "adapters/bus/amqp_internal.h"

#include <amqp.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <openssl/ssl.h>

static int no_good(const AmqpBus *b, Ctx *cx, const char *what, const char *path) {
    return err_set(cx, ERR_UNAVAILABLE, "amqp: %s: %s %s cannot be used: is it there, readable, and PEM?", b->location,
                   what, path);
}

static int prepare(const AmqpBus *b, Ctx *cx, amqp_socket_t *s) {
    amqp_ssl_socket_set_verify_peer(s, 1);
    amqp_ssl_socket_set_verify_hostname(s, 1);
    if (amqp_ssl_socket_set_ssl_versions(s, AMQP_TLSv1_2, AMQP_TLSvLATEST) != AMQP_STATUS_OK)
        return err_set(cx, ERR_UNAVAILABLE, "amqp: %s: no TLS 1.2 in this build of the library", b->location);
    if (b->ca && amqp_ssl_socket_set_cacert(s, b->ca) != AMQP_STATUS_OK)
        return no_good(b, cx, "events.tls.ca", b->ca);
    if (!b->ca && SSL_CTX_set_default_verify_paths(amqp_ssl_socket_get_context(s)) != 1)
        return err_set(cx, ERR_UNAVAILABLE, "amqp: %s: the system trusts nobody: set events.tls.ca", b->location);
    if (b->cert && amqp_ssl_socket_set_key(s, b->cert, b->key) != AMQP_STATUS_OK)
        return no_good(b, cx, "events.tls.cert or .key", b->cert);
    return 0;
}

void *event_amqp_socket(const AmqpBus *b, Ctx *cx, void *connection) {
    if (!b->tls)
        return amqp_tcp_socket_new(connection);
    amqp_socket_t *s = amqp_ssl_socket_new(connection); /* the connection's: gone with it */
    if (!s)
        err_set(cx, ERR_UNAVAILABLE, "amqp: %s: this build of the library has no TLS", b->location);
    return s && prepare(b, cx, s) == 0 ? s : NULL;
}
