#pragma once

/* net/tls.h - certificates and trust: what a TLS stream needs besides its bytes. OpenSSL 3, TLS 1.2 and 1.3 only.
 *
 * TlsServer holds a certificate with its key and may be told to look at the files again while it serves: connections
 * that exist keep what they began with, new ones get the new pair, and a pair that cannot be used is refused with words
 * while the old one stays. TlsClient holds whom to trust, and what to show to who asks for it (mTLS between roles).
 *
 * Threads: made anywhere; a server is reloaded on the thread of the loop that accepts with it. Both outlive every
 * stream made with them. Errors have words in cx. */

#include "base/ctx.h"

typedef struct TlsServer TlsServer;
typedef struct TlsClient TlsClient;

typedef struct TlsServerOptions {
    Str cert;      /* file: PEM, the server's certificate first, then those between it and the root */
    Str key;       /* file: PEM, no pass phrase */
    bool h2;       /* offer HTTP/2 by ALPN, before HTTP/1.1 */
    Str client_ca; /* file of certificates in PEM: who connects shows one that they signed. Empty: nobody is asked */
} TlsServerOptions;

/* 0; ERR_NOT_FOUND, ERR_DENIED (file), ERR_INVALID (not PEM, key of another certificate, too weak, expired). */
int tls_server_new(Ctx *cx, const TlsServerOptions *o, TlsServer **out);
/* Reads the files again. On failure the pair in use stays in use. */
int tls_server_reload(TlsServer *s, Ctx *cx);
/* Whether a file has another time, size or inode than when it was last read, successfully or not. Two stat calls. */
bool tls_server_stale(const TlsServer *s);
Time tls_server_expires(const TlsServer *s); /* end of the certificate in use */
TlsServer *tls_server_free(TlsServer *s);    /* NULL is fine */

typedef struct TlsClientOptions {
    Str ca;          /* file of further roots, PEM; empty: those of the system alone */
    bool no_system;  /* trust `ca` alone */
    bool h2;         /* HTTP/2 is what will be spoken: by ALPN */
    bool unverified; /* trust anyone: for tests against oneself, never for a venue */
    Str cert, key;   /* files as those of a server: what is shown to a server that asks. Empty: nothing */
} TlsClientOptions;

int tls_client_new(Ctx *cx, const TlsClientOptions *o, TlsClient **out);
/* As tls_server_reload and tls_server_stale, for ca, cert and key. On the thread of the loop that connects with it. */
int tls_client_reload(TlsClient *c, Ctx *cx);
bool tls_client_stale(const TlsClient *c);
TlsClient *tls_client_free(TlsClient *c); /* NULL is fine */
