/* net/tls.c - see tls.h.
 *
 * A server's certificate lives in an SSL_CTX that every connection holds a reference to: a reload builds a second one
 * from the files and swaps the pointer, so a half-written file can do no harm and a connection never changes under its
 * peer. Ticket keys belong to the context: a reload also ends resumption, which is when it should end. */

#include "net/tls_internal.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/stat.h>

enum { PATH_SIZE = 4096, SESSION_S = 2 * 3600, HOST_SIZE = 256 };

/* What was on disk when the files were last looked at. */
typedef struct FileMark {
    struct timespec changed;
    off_t size;
    ino_t inode;
} FileMark;

/* Files that may change while they are in use: certificate, its key, whom to trust. An empty path is none. */
enum { FILE_CERT, FILE_KEY, FILE_CA, FILES };

typedef struct Files {
    char path[FILES][PATH_SIZE];
    FileMark seen[FILES];
} Files;

struct TlsServer {
    SSL_CTX *ctx;
    Files files;
    bool h2;
    Time expires;
};

struct TlsClient {
    SSL_CTX *ctx;
    Files files;
    bool h2, no_system, unverified;
};

void tls_why(const struct ssl_st *ssl, char *why, size_t why_size) {
    unsigned long first = ERR_get_error();
    ERR_clear_error();
    long verdict = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;
    const char *words = first ? ERR_reason_error_string(first) : NULL;
    if (verdict != X509_V_OK)
        snprintf(why, why_size, "certificate: %s", X509_verify_cert_error_string(verdict));
    else
        snprintf(why, why_size, "%s", words ? words : "the connection was cut");
}

static int file_mark(const char *path, FileMark *out) {
    struct stat st;
    *out = (FileMark){ .size = -1 };
    if (stat(path, &st) != 0)
        return errno;
    *out = (FileMark){ st.st_mtim, st.st_size, st.st_ino };
    return 0;
}

static bool mark_eq(const FileMark *a, const FileMark *b) {
    return a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec && a->size == b->size &&
           a->inode == b->inode;
}

static int files_look(Files *f, Ctx *cx) {
    for (int i = 0; i < FILES; i++) {
        int e = f->path[i][0] ? file_mark(f->path[i], &f->seen[i]) : 0;
        if (e != 0)
            return err_set(cx, err_from_errno(e), "%s: %s", f->path[i], strerrordesc_np(e));
    }
    return 0;
}

static bool files_stale(const Files *f) {
    for (int i = 0; i < FILES; i++) {
        FileMark now;
        if (f->path[i][0] && (file_mark(f->path[i], &now), !mark_eq(&now, &f->seen[i])))
            return true;
    }
    return false;
}

/* --- contexts --- */

/* A key with a pass phrase would make OpenSSL ask on the terminal. */
static int no_pass_phrase(char *buf, int size, int writing, void *arg) {
    UNUSED(buf);
    UNUSED(size);
    UNUSED(writing);
    UNUSED(arg);
    return -1;
}

static SSL_CTX *context_new(const SSL_METHOD *method) {
    SSL_CTX *ctx = SSL_CTX_new(method);
    if (!ctx)
        return NULL;
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    /* Of TLS 1.2 only what has forward secrecy and an AEAD; the suites of 1.3 are all of that kind. */
    SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20");
    /* A peer that drops the line without close_notify looks like one that closed: what is cut short is found by the
     * protocols above, which all tell their lengths. */
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(ctx,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_default_passwd_cb(ctx, no_pass_phrase);
    return ctx;
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *in,
                       unsigned in_n, void *arg) {
    static const unsigned char both[] = "\x02h2\x08http/1.1", old[] = "\x08http/1.1";
    const TlsServer *s = arg;
    UNUSED(ssl);
    unsigned char *chosen;
    int r = SSL_select_next_proto(&chosen, out_n, s->h2 ? both : old, (s->h2 ? sizeof both : sizeof old) - 1, in, in_n);
    if (r != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL; /* RFC 7301 §3.2: no common protocol is an error, not a guess */
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* --- server --- */

static int fail(Ctx *cx, int code, const char *what, const char *path) {
    char why[160];
    tls_why(NULL, why, sizeof why);
    return err_set(cx, code, "%s: %s: %s", path, what, why);
}

static int check_dates(Ctx *cx, const char *path, const X509 *cert, Time *expires) {
    struct tm tm;
    if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
        return fail(cx, ERR_INVALID, "the certificate has no end date", path);
    const Civil civil = { .year = tm.tm_year + 1900,
                          .month = tm.tm_mon + 1,
                          .day = tm.tm_mday,
                          .hour = tm.tm_hour,
                          .minute = tm.tm_min,
                          .second = tm.tm_sec };
    *expires = time_from_civil(&civil);
    if (clock_wall(cx->clock).ms < expires->ms)
        return 0;
    return err_set(cx, ERR_INVALID, "%s: the certificate ended on %04d-%02d-%02d; put a new one in its place", path,
                   civil.year, civil.month, civil.day);
}

/* Certificate and key, as server and client show them. */
static int load_pair(SSL_CTX *ctx, Ctx *cx, const Files *f, Time *expires) {
    const char *cert = f->path[FILE_CERT], *key = f->path[FILE_KEY];
    if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
        return fail(cx, ERR_INVALID, "not a certificate chain in PEM that can be used", cert);
    if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
        return fail(cx, ERR_INVALID, "not the certificate's private key, in PEM and without a pass phrase", key);
    if (SSL_CTX_check_private_key(ctx) != 1)
        return fail(cx, ERR_INVALID, "the key is not that of the certificate", key);
    return check_dates(cx, cert, SSL_CTX_get0_certificate(ctx), expires);
}

/* Nobody comes in without a certificate of these; their names are told to who connects, so that it can choose. */
static int ask_clients(SSL_CTX *ctx, Ctx *cx, const char *ca) {
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(ca);
    if (!names || SSL_CTX_load_verify_locations(ctx, ca, NULL) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return fail(cx, ERR_INVALID, "not a file of certificates in PEM", ca);
    }
    SSL_CTX_set_client_CA_list(ctx, names);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT);
    return 0;
}

/* A context from the files as they are now. */
static int load(TlsServer *s, Ctx *cx, SSL_CTX **out, Time *expires) {
    int r = files_look(&s->files, cx);
    if (r != 0)
        return r;
    ERR_clear_error();
    SSL_CTX *ctx = context_new(TLS_server_method());
    if (!ctx)
        return fail(cx, ERR_INTERNAL, "no TLS context", s->files.path[FILE_CERT]);
    r = load_pair(ctx, cx, &s->files, expires);
    if (r == 0 && s->files.path[FILE_CA][0])
        r = ask_clients(ctx, cx, s->files.path[FILE_CA]);
    if (r != 0) {
        SSL_CTX_free(ctx);
        return r;
    }
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* tickets carry the state, not our memory */
    SSL_CTX_set_timeout(ctx, SESSION_S);
    SSL_CTX_set_session_id_context(ctx, (const unsigned char *)"finsight", 8);
    SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, s);
    *out = ctx;
    return 0;
}

static int keep_path(Ctx *cx, char to[PATH_SIZE], Str path) {
    if (path.n == 0 || path.n >= PATH_SIZE || memchr(path.p, '\0', path.n))
        return err_set(cx, ERR_USAGE, "'" STR_FMT "' is not the path of a file", STR_ARG(path));
    memcpy(to, path.p, path.n);
    return 0;
}

int tls_server_new(Ctx *cx, const TlsServerOptions *o, TlsServer **out) {
    TlsServer *s = mem_new(TlsServer);
    s->h2 = o->h2;
    int r = keep_path(cx, s->files.path[FILE_CERT], o->cert);
    if (r == 0)
        r = keep_path(cx, s->files.path[FILE_KEY], o->key);
    if (r == 0 && o->client_ca.n)
        r = keep_path(cx, s->files.path[FILE_CA], o->client_ca);
    if (r == 0)
        r = load(s, cx, &s->ctx, &s->expires);
    if (r != 0) {
        mem_free(s);
        return r;
    }
    *out = s;
    return 0;
}

int tls_server_reload(TlsServer *s, Ctx *cx) {
    SSL_CTX *ctx = NULL;
    int r = load(s, cx, &ctx, &s->expires);
    if (r != 0)
        return r;
    SSL_CTX_free(s->ctx); /* lives on in the connections that began with it */
    s->ctx = ctx;
    return 0;
}

bool tls_server_stale(const TlsServer *s) {
    return files_stale(&s->files);
}

Time tls_server_expires(const TlsServer *s) {
    return s->expires;
}

TlsServer *tls_server_free(TlsServer *s) {
    if (!s)
        return NULL;
    SSL_CTX_free(s->ctx);
    return mem_free(s);
}

static SSL *begin(SSL_CTX *ctx, int fd) {
    ERR_clear_error();
    SSL *ssl = SSL_new(ctx);
    if (ssl && SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        return NULL;
    }
    return ssl;
}

SSL *tls_server_begin(TlsServer *s, int fd) {
    SSL *ssl = begin(s->ctx, fd);
    if (ssl)
        SSL_set_accept_state(ssl);
    return ssl;
}

/* --- client --- */

static int client_load(TlsClient *c, Ctx *cx, SSL_CTX **out) {
    const char *ca = c->files.path[FILE_CA];
    Time expires;
    int r = files_look(&c->files, cx);
    if (r != 0)
        return r;
    ERR_clear_error();
    SSL_CTX *ctx = context_new(TLS_client_method());
    if (!ctx)
        return fail(cx, ERR_INTERNAL, "no TLS context", "TLS");
    if (ca[0] && SSL_CTX_load_verify_locations(ctx, ca, NULL) != 1)
        r = fail(cx, ERR_INVALID, "not a file of certificates in PEM", ca);
    if (r == 0 && !c->no_system && SSL_CTX_set_default_verify_paths(ctx) != 1)
        r = fail(cx, ERR_UNAVAILABLE, "the roots of the system cannot be read", "TLS");
    if (r == 0 && c->files.path[FILE_CERT][0])
        r = load_pair(ctx, cx, &c->files, &expires);
    if (r != 0) {
        SSL_CTX_free(ctx);
        return r;
    }
    SSL_CTX_set_verify(ctx, c->unverified ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    *out = ctx;
    return 0;
}

int tls_client_new(Ctx *cx, const TlsClientOptions *o, TlsClient **out) {
    TlsClient *c = mem_new(TlsClient);
    c->no_system = o->no_system;
    c->unverified = o->unverified;
    c->h2 = o->h2;
    int r = o->ca.n ? keep_path(cx, c->files.path[FILE_CA], o->ca) : 0;
    if (r == 0 && o->cert.n)
        r = keep_path(cx, c->files.path[FILE_CERT], o->cert);
    if (r == 0 && o->cert.n)
        r = keep_path(cx, c->files.path[FILE_KEY], o->key);
    if (r == 0)
        r = client_load(c, cx, &c->ctx);
    if (r != 0) {
        mem_free(c);
        return r;
    }
    *out = c;
    return 0;
}

int tls_client_reload(TlsClient *c, Ctx *cx) {
    SSL_CTX *ctx = NULL;
    int r = client_load(c, cx, &ctx);
    if (r != 0)
        return r;
    SSL_CTX_free(c->ctx); /* lives on in the connections that began with it */
    c->ctx = ctx;
    return 0;
}

bool tls_client_stale(const TlsClient *c) {
    return files_stale(&c->files);
}

TlsClient *tls_client_free(TlsClient *c) {
    if (!c)
        return NULL;
    SSL_CTX_free(c->ctx);
    return mem_free(c);
}

/* The certificate must be for this name or number; a name also tells a server of many which one is meant (SNI). */
static bool expect_host(SSL *ssl, Str host) {
    char name[HOST_SIZE];
    unsigned char number[16];
    if (host.n == 0 || host.n >= sizeof name)
        return false;
    memcpy(name, host.p, host.n);
    name[host.n] = '\0';
    if (inet_pton(AF_INET, name, number) == 1 || inet_pton(AF_INET6, name, number) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

SSL *tls_client_begin(TlsClient *c, int fd, Str host) {
    static const unsigned char http1[] = "\x08http/1.1"; /* what our clients speak: WebSocket begins as HTTP/1.1 */
    static const unsigned char http2[] = "\x02h2";
    SSL *ssl = begin(c->ctx, fd);
    if (!ssl)
        return NULL;
    SSL_set_connect_state(ssl);
    if (!expect_host(ssl, host) || (c->h2 ? SSL_set_alpn_protos(ssl, http2, sizeof http2 - 1)
                                          : SSL_set_alpn_protos(ssl, http1, sizeof http1 - 1)) != 0) {
        SSL_free(ssl);
        return NULL;
    }
    return ssl;
}
