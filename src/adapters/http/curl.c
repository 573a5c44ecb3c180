/* adapters/http/curl.c - one exchange through libcurl; see curl.h.
 *
 * Each Line is a multi handle with one easy handle: the multi owns the connections, and driving it ourselves lets a
 * cancel or the deadline be seen while nothing arrives. The body is gathered in the Line's own buffer, whose limit is
 * the request's, and copied once to the arena when its size is known: libcurl decodes in pieces of 16 KiB, so a
 * compression bomb stops at the limit. */

#include "adapters/http/curl.h"

#include "base/buf.h"

#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <unistd.h>

enum {
    IDLE_MAX = 16,
    POLL_MS = 100,
    HEADER_BYTES_MAX = 64 * 1024,
    HEADERS_MAX = 256,
    KEEP_BYTES = 1024 * 1024, /* a larger buffer is given back after the call */
};

typedef struct Line Line;
struct Line {
    Line *next; /* in the pool */
    CURLM *multi;
    CURL *easy;
    Buf head, body;
    char words[CURL_ERROR_SIZE];
    bool allow_private;          /* whose pool it belongs to */
    bool guarded;                /* of the request under way: only public addresses */
    bool denied, head_too_large; /* what stopped it, where libcurl cannot know */
};

typedef struct HttpCurl {
    HttpClient client; /* first */
    pthread_mutex_t lock;
    Line *idle[2]; /* under the lock; [1] are those whose connections may lead to private addresses */
    int n_idle, idle_max;
    char *user_agent, *proxy, *ca_file;
} HttpCurl;

/* --- callbacks of libcurl --- */

static size_t on_body(char *p, size_t size, size_t n, void *arg) {
    Line *line = arg;
    return buf_put(&line->body, p, size * n) == 0 ? size * n : 0;
}

/* One header line a call; a status line begins a new block (after a redirect or a 1xx). */
static size_t on_header(char *p, size_t size, size_t n, void *arg) {
    Line *line = arg;
    Str text = str_n(p, size * n);
    if (str_starts(text, S("HTTP/")))
        buf_clear(&line->head);
    if (buf_put_str(&line->head, text) == 0)
        return text.n;
    line->head_too_large = true;
    return 0;
}

/* The SSRF guard's second look: at the address that a name turned out to be. */
static curl_socket_t on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a) {
    Line *line = arg;
    UNUSED(purpose);
    bool is_private = a->family != AF_INET && a->family != AF_INET6;
    if (a->family == AF_INET)
        is_private = http_address_private((const uint8_t *)&((struct sockaddr_in *)(void *)&a->addr)->sin_addr, 4);
    if (a->family == AF_INET6)
        is_private = http_address_private((const uint8_t *)&((struct sockaddr_in6 *)(void *)&a->addr)->sin6_addr, 16);
    if (is_private && line->guarded) {
        line->denied = true;
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* --- lines and their pool --- */

static Line *line_free(Line *line) {
    if (!line)
        return NULL;
    if (line->easy)
        curl_easy_cleanup(line->easy);
    if (line->multi)
        curl_multi_cleanup(line->multi);
    buf_done(&line->head);
    buf_done(&line->body);
    return mem_free(line);
}

static Line *line_new(void) {
    Line *line = mem_new(Line);
    line->multi = curl_multi_init();
    line->easy = curl_easy_init();
    if (!line->multi || !line->easy)
        return line_free(line);
    curl_multi_setopt(line->multi, CURLMOPT_MAXCONNECTS, 4L);
    buf_init(&line->head, HEADER_BYTES_MAX);
    return line;
}

static Line *line_borrow(HttpCurl *h, bool allow_private) {
    pthread_mutex_lock(&h->lock);
    Line *line = h->idle[allow_private];
    if (line) {
        h->idle[allow_private] = line->next;
        h->n_idle--;
    }
    pthread_mutex_unlock(&h->lock);
    return line ? line : line_new();
}

static void line_give_back(HttpCurl *h, Line *line) {
    if (line->body.cap > KEEP_BYTES)
        buf_done(&line->body);
    pthread_mutex_lock(&h->lock);
    bool keep = h->n_idle < h->idle_max;
    if (keep) {
        line->next = h->idle[line->allow_private];
        h->idle[line->allow_private] = line;
        h->n_idle++;
    }
    pthread_mutex_unlock(&h->lock);
    if (!keep)
        line_free(line);
}

/* --- the request --- */

static void set_method(CURL *e, const HttpRequest *req) {
    if (strcmp(req->method, "HEAD") == 0) {
        curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
        return;
    }
    if (req->body.n || strcmp(req->method, "POST") == 0 || strcmp(req->method, "PUT") == 0) {
        curl_easy_setopt(e, CURLOPT_POST, 1L);
        curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body.n);
        curl_easy_setopt(e, CURLOPT_POSTFIELDS, req->body.n ? req->body.p : "");
    } else {
        curl_easy_setopt(e, CURLOPT_HTTPGET, 1L);
    }
    curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, req->method);
}

static struct curl_slist *make_headers(Arena *a, const HttpRequest *req) {
    struct curl_slist *list = curl_slist_append(NULL, "Expect:"); /* no pause before a body */
    for (size_t i = 0; list && i < req->n_headers; i++) {
        Str name = req->headers[i].name, value = req->headers[i].value;
        /* "name;" is libcurl's spelling of a header without a value */
        Str text = value.n ? str_fmt(a, STR_FMT ": " STR_FMT, STR_ARG(name), STR_ARG(value))
                           : str_fmt(a, STR_FMT ";", STR_ARG(name));
        struct curl_slist *more = curl_slist_append(list, text.p);
        if (!more)
            curl_slist_free_all(list);
        list = more;
    }
    return list;
}

static void set_options(const HttpCurl *h, Line *line, const HttpRequest *req, Ctx *cx, struct curl_slist *headers) {
    CURL *e = line->easy;
    curl_easy_reset(e); /* options only: connections stay */
    curl_easy_setopt(e, CURLOPT_URL, str_cz(cx->arena, req->url));
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers);
    set_method(e, req);
    /* On a kept connection that turns out dead libcurl sends again by itself: not what may not be sent twice. */
    bool once = strcmp(req->method, "POST") == 0 || strcmp(req->method, "PATCH") == 0;
    curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, once ? 1L : 0L);

    curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, req->redirects > 0 ? 1L : 0L);
    curl_easy_setopt(e, CURLOPT_MAXREDIRS, (long)req->redirects);
    curl_easy_setopt(e, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(e, CURLOPT_PROXY, h->proxy ? h->proxy : ""); /* "" also shuts out the environment */
    curl_easy_setopt(e, CURLOPT_NOPROXY, "");
    curl_easy_setopt(e, CURLOPT_USERAGENT, h->user_agent);
    if (h->ca_file)
        curl_easy_setopt(e, CURLOPT_CAINFO, h->ca_file);
    curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");

    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)MAX(ctx_left_ms(cx, req->connect_ms), 1));
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)MAX(ctx_left_ms(cx, req->total_ms), 1));
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, line->words);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, line);
    curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, line);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, line);
}

/* --- the answer --- */

static int read_headers(Ctx *cx, Str head, HttpResponse *out) {
    size_t lines = 0, n = 0;
    for (size_t i = 0; i < head.n; i++)
        lines += head.p[i] == '\n';
    if (lines > HEADERS_MAX)
        return err_set(cx, ERR_TOO_LARGE, "the answer has more than %d headers", HEADERS_MAX);
    HttpHeader *hs = arena_new_n(cx->arena, HttpHeader, lines);
    Str rest = str_dup(cx->arena, head), text;
    while (str_next(&rest, '\n', &text)) {
        ptrdiff_t colon = str_find_char(text, ':');
        if (colon <= 0 || n == lines) /* the status line, the empty line, a last line that is cut */
            continue;
        hs[n].name = str_lower(cx->arena, str_trim(str_first(text, (size_t)colon)));
        hs[n++].value = str_trim(str_from(text, (size_t)colon + 1));
    }
    out->headers = hs;
    out->n_headers = n;
    return 0;
}

static int read_answer(Ctx *cx, Line *line, HttpResponse *out) {
    long status = 0;
    curl_easy_getinfo(line->easy, CURLINFO_RESPONSE_CODE, &status);
    HttpResponse res = { .status = (int)status };
    int r = read_headers(cx, buf_str(&line->head), &res);
    if (r)
        return r;
    char *p = arena_try(cx->arena, line->body.n + 1);
    if (!p)
        return err_set(cx, ERR_TOO_LARGE, "the answer of %zu bytes does not fit the request's memory", line->body.n);
    if (line->body.n)
        memcpy(p, line->body.p, line->body.n);
    p[line->body.n] = '\0';
    res.body = str_n(p, line->body.n);
    *out = res;
    return 0;
}

/* --- failures in words --- */

static Str peer_name(Ctx *cx, const HttpRequest *req) {
    HttpUrl url;
    Err keep = cx->err;
    int r = http_url_parse(cx, req->url, &url);
    cx->err = keep;
    return r ? S("the server") : str_fmt(cx->arena, STR_FMT ":%d", STR_ARG(url.host), url.port);
}

static const char *socket_reason(CURL *e, const char *otherwise) {
    long code = 0;
    curl_easy_getinfo(e, CURLINFO_OS_ERRNO, &code);
    switch (code) { /* lower case, unlike strerror; and the few that happen */
    case ECONNREFUSED:
        return "connection refused";
    case ECONNRESET:
        return "connection reset";
    case EHOSTUNREACH:
        return "no route to the host";
    case ENETUNREACH:
        return "the network is unreachable";
    case EPIPE:
        return "connection closed";
    default:
        return otherwise;
    }
}

static int failure(Ctx *cx, const Line *line, const HttpRequest *req, CURLcode code) {
    Str peer = peer_name(cx, req);
    long sent = 0;
    const char *words = line->words[0] ? line->words : curl_easy_strerror(code);
    if (line->denied)
        return err_set(cx, ERR_DENIED, STR_FMT " resolves to an address that is not public", STR_ARG(peer));
    if (line->head_too_large)
        return err_set(cx, ERR_TOO_LARGE, STR_FMT ": the header block is larger than %d bytes", STR_ARG(peer),
                       HEADER_BYTES_MAX);
    if (line->body.full)
        return err_set(cx, ERR_TOO_LARGE, "the answer of " STR_FMT " is larger than %zu bytes", STR_ARG(peer),
                       req->max_body);
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        curl_easy_getinfo(line->easy, CURLINFO_REQUEST_SIZE, &sent);
        if (sent == 0) /* then any request may be repeated */
            return err_set(cx, ERR_UNAVAILABLE, "cannot connect to " STR_FMT " in time (%s)", STR_ARG(peer), words);
        return err_set(cx, ERR_TIMEOUT, "no whole answer from " STR_FMT " in time (%s)", STR_ARG(peer), words);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return err_set(cx, ERR_UNAVAILABLE, "cannot find the address of " STR_FMT ": %s", STR_ARG(peer), words);
    case CURLE_COULDNT_CONNECT:
        return err_set(cx, ERR_UNAVAILABLE, "cannot connect to " STR_FMT ": %s", STR_ARG(peer),
                       socket_reason(line->easy, words));
    case CURLE_SSL_CONNECT_ERROR:
        return err_set(cx, ERR_UNAVAILABLE, "no TLS connection to " STR_FMT ": %s", STR_ARG(peer), words);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return err_set(cx, ERR_DENIED, "the certificate of " STR_FMT " does not prove who it is: %s", STR_ARG(peer),
                       words);
    case CURLE_TOO_MANY_REDIRECTS:
        return err_set(cx, ERR_DENIED, STR_FMT " redirects more than %d times", STR_ARG(peer), req->redirects);
    default: /* not HTTP, cut short, a broken content encoding */
        return err_set(cx, ERR_COLLECTION, "the answer of " STR_FMT " broke off or is not HTTP: %s", STR_ARG(peer),
                       socket_reason(line->easy, words));
    }
}

/* --- the exchange --- */

/* Drives the transfer until it ends: 0 with *code, or ctx_check's failure. */
static int drive(Line *line, Ctx *cx, CURLcode *code) {
    for (;;) {
        int running = 0, left;
        CURLMcode m = curl_multi_perform(line->multi, &running);
        for (CURLMsg *msg; m == CURLM_OK && (msg = curl_multi_info_read(line->multi, &left));)
            if (msg->msg == CURLMSG_DONE) {
                *code = msg->data.result;
                return 0;
            }
        if (m != CURLM_OK || running == 0) {
            *code = CURLE_FAILED_INIT;
            return 0;
        }
        int r = ctx_check(cx);
        if (r)
            return r;
        curl_multi_poll(line->multi, NULL, 0, POLL_MS, NULL);
    }
}

static int curl_fetch(HttpClient *c, Ctx *cx, const HttpRequest *req, HttpResponse *out) {
    HttpCurl *h = (HttpCurl *)c;
    Line *line = line_borrow(h, req->allow_private);
    if (!line)
        return err_set(cx, ERR_UNAVAILABLE, "libcurl gives no handle");
    line->allow_private = req->allow_private;
    line->guarded = !req->allow_private && !h->proxy;
    line->denied = line->head_too_large = false;
    line->words[0] = '\0';
    buf_clear(&line->head);
    buf_clear(&line->body);
    line->body.limit = req->max_body;
    struct curl_slist *headers = make_headers(cx->arena, req);
    set_options(h, line, req, cx, headers);

    CURLcode code = CURLE_OK;
    curl_multi_add_handle(line->multi, line->easy);
    int r = drive(line, cx, &code);
    if (r == 0)
        r = code == CURLE_OK ? read_answer(cx, line, out) : failure(cx, line, req, code);
    curl_multi_remove_handle(line->multi, line->easy); /* an unfinished transfer's connection is closed */
    curl_easy_setopt(line->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    line_give_back(h, line);
    return r;
}

static void curl_close(HttpClient *c) {
    HttpCurl *h = (HttpCurl *)c;
    for (size_t i = 0; i < ARRAY_LEN(h->idle); i++)
        for (Line *line = h->idle[i], *next; line; line = next) {
            next = line->next;
            line_free(line);
        }
    pthread_mutex_destroy(&h->lock);
    mem_free(h->user_agent);
    mem_free(h->proxy);
    mem_free(h->ca_file);
    mem_free(h);
    curl_global_cleanup(); /* counted: the last one cleans up */
}

static char *copy_z(const char *z) {
    if (!z)
        return NULL;
    size_t n = strlen(z) + 1;
    return memcpy(mem_alloc(n), z, n);
}

static const HttpClientOps ops = { .name = "curl", .fetch = curl_fetch, .close = curl_close };

int http_curl_open(Ctx *cx, const HttpCurlOptions *options, HttpClient **out) {
    const HttpCurlOptions none = { 0 };
    const HttpCurlOptions *o = options ? options : &none;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) /* thread-safe and counted since 7.84 */
        return err_set(cx, ERR_UNAVAILABLE, "libcurl does not start");
    HttpCurl *h = mem_new(HttpCurl);
    h->client.ops = &ops;
    pthread_mutex_init(&h->lock, NULL);
    h->idle_max = o->idle_max ? o->idle_max : IDLE_MAX;
    h->user_agent = copy_z(o->user_agent ? o->user_agent : "finsight/" FINSIGHT_VERSION);
    h->proxy = copy_z(o->proxy);
    h->ca_file = copy_z(o->ca_file);
    *out = &h->client;
    return 0;
}
