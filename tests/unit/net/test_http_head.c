/* Requests as bytes: what is taken, what is refused, and with which status. */

#include "conn_check.h"

/* One connection, one input: the statuses that come back, and whether the connection goes on. */
typedef struct Row {
    const char *name, *bytes, *want;
    bool stays;
} Row;

#define H "Host: x\r\n"

static void check_rows(void **state_, const Row *rows, size_t n_rows) {
    for (const Row *r = rows; r < rows + n_rows; r++) {
        test_row_name = r->name;
        Driver d;
        HttpServerOptions o = driver_options();
        driver_open(&d, &o);
        driver_input(&d, str_c(r->bytes));
        CHECK_STR(statuses(&d), str_c(r->want));
        CHECK_EQ(http_conn_state(&d.conn), r->stays ? HTTP_CONN_OPEN : HTTP_CONN_LINGER);
        if (!r->stays) { /* a refusal is said in JSON and ends the connection */
            CHECK(sent(&d, S("{\"error\":{\"code\":\"")));
            CHECK(sent(&d, S("Connection: close\r\n")));
        }
        driver_end(&d);
    }
}

TEST(request_lines) {
    static const Row rows[] = {
        { "plain", "GET /a HTTP/1.1\r\n" H "\r\n", "200", true },
        { "query", "GET /a?b=c&d HTTP/1.1\r\n" H "\r\n", "200", true },
        { "1.0 keeps alive when asked", "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "200", true },
        { "two empty lines before", "\r\n\r\nGET /a HTTP/1.1\r\n" H "\r\n", "200", true },
        { "three empty lines before", "\r\n\r\n\r\nGET /a HTTP/1.1\r\n" H "\r\n", "400", false },
        { "absolute target", "GET http://h/a HTTP/1.1\r\n" H "\r\n", "200", true },
        { "absolute target without a path", "GET http://h HTTP/1.1\r\n" H "\r\n", "200", true },
        { "absolute target with user", "GET http://u@h/a HTTP/1.1\r\n" H "\r\n", "400", false },
        { "absolute target of ftp", "GET ftp://h/a HTTP/1.1\r\n" H "\r\n", "400", false },
        { "options of all", "OPTIONS * HTTP/1.1\r\n" H "\r\n", "200", true },
        { "get of all", "GET * HTTP/1.1\r\n" H "\r\n", "400", false },
        { "no slash", "GET a HTTP/1.1\r\n" H "\r\n", "400", false },
        { "fragment", "GET /a#b HTTP/1.1\r\n" H "\r\n", "400", false },
        { "two spaces", "GET  /a HTTP/1.1\r\n" H "\r\n", "400", false },
        { "tab for space", "GET\t/a HTTP/1.1\r\n" H "\r\n", "400", false },
        { "trailing space", "GET /a HTTP/1.1 \r\n" H "\r\n", "400", false },
        { "no version", "GET /a\r\n" H "\r\n", "400", false },
        { "no target", "GET HTTP/1.1\r\n" H "\r\n", "400", false },
        { "version in small letters", "GET /a http/1.1\r\n" H "\r\n", "400", false },
        { "version 1.2", "GET /a HTTP/1.2\r\n" H "\r\n", "505", false },
        { "version 0.9", "GET /a HTTP/0.9\r\n" H "\r\n", "505", false },
        { "nearly the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\rX", "505", false },
        { "version of two digits", "GET /a HTTP/1.10\r\n" H "\r\n", "400", false },
        { "unknown method", "BREW /pot HTTP/1.1\r\n" H "\r\n", "501", false },
        { "method in small letters", "get /a HTTP/1.1\r\n" H "\r\n", "501", false },
        { "connect", "CONNECT h:80 HTTP/1.1\r\n" H "\r\n", "501", false },
        { "trace", "TRACE / HTTP/1.1\r\n" H "\r\n", "501", false },
        { "TLS hello", "\x16\x03\x01\x02", "400", false },
        { "method too long, no end of line", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "400", false },
        { "control byte in target", "GET /a\x01 HTTP/1.1\r\n" H "\r\n", "400", false },
        { "high byte in target", "GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n", "400", false },
    };
    check_rows(state_, rows, ARRAY_LEN(rows));
}

TEST(header_lines) {
    static const Row rows[] = {
        { "bare LF everywhere", "GET /a HTTP/1.1\nHost: x\n\n", "400", false },
        { "bare LF after a field", "GET /a HTTP/1.1\r\nHost: x\n\r\n", "400", false },
        { "bare LF at the end", "GET /a HTTP/1.1\r\nHost: x\r\n\n", "400", false },
        { "bare CR in a value", "GET /a HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n", "400", false },
        { "space before colon", "GET /a HTTP/1.1\r\n" H "A : b\r\n\r\n", "400", false },
        { "space before the name", "GET /a HTTP/1.1\r\n A: b\r\n" H "\r\n", "400", false },
        { "folded", "GET /a HTTP/1.1\r\n" H "A: b\r\n c\r\n\r\n", "400", false },
        { "no colon", "GET /a HTTP/1.1\r\n" H "Abc\r\n\r\n", "400", false },
        { "empty name", "GET /a HTTP/1.1\r\n" H ": b\r\n\r\n", "400", false },
        { "empty value", "GET /a HTTP/1.1\r\n" H "A:\r\n\r\n", "200", true },
        { "bytes over 127 in a value", "GET /a HTTP/1.1\r\n" H "A: \xc3\xa4\r\n\r\n", "200", true },
        { "no Host", "GET /a HTTP/1.1\r\nA: b\r\n\r\n", "400", false },
        { "no Host and no field", "GET /a HTTP/1.1\r\n\r\n", "400", false },
        { "two Hosts alike", "GET /a HTTP/1.1\r\n" H H "\r\n", "400", false },
        { "Host with a path", "GET /a HTTP/1.1\r\nHost: x/y\r\n\r\n", "400", false },
        { "Host with a space", "GET /a HTTP/1.1\r\nHost: x y\r\n\r\n", "400", false },
        { "Host of IPv6", "GET /a HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "200", true },
        { "absolute target still needs Host", "GET http://h/a HTTP/1.1\r\n\r\n", "400", false },
        { "expectation unknown", "POST /echo HTTP/1.1\r\n" H "Expect: more\r\nContent-Length: 1\r\n\r\n", "417",
          false },
        { "upgrade is not taken up", "GET /a HTTP/1.1\r\n" H "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n", "200",
          true },
    };
    check_rows(state_, rows, ARRAY_LEN(rows));
}

TEST(bodies_and_their_framing) {
    static const Row rows[] = {
        { "length", "POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc", "200", true },
        { "length 0", "POST /echo HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", "200", true },
        { "no length is no body", "POST /echo HTTP/1.1\r\n" H "\r\n", "200", true },
        { "chunked", "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "200",
          true },
        { "Chunked", "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "200",
          true },
        { "chunk extension", "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\n\r\n",
          "200", true },
        { "trailer", "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\n", "200", true },
        { "length and chunked",
          "POST /echo HTTP/1.1\r\n" H "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
          "400", false },
        { "chunked and length",
          "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
          "400", false },
        { "lengths that differ", "POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
          "400", false },
        { "lengths that agree", "POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "400",
          false },
        { "list of lengths", "POST /echo HTTP/1.1\r\n" H "Content-Length: 3, 3\r\n\r\nabc", "400", false },
        { "negative length", "POST /echo HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n", "400", false },
        { "length with a plus", "POST /echo HTTP/1.1\r\n" H "Content-Length: +3\r\n\r\nabc", "400", false },
        { "length in hex", "POST /echo HTTP/1.1\r\n" H "Content-Length: 0x3\r\n\r\nabc", "400", false },
        { "length past 64 bits", "POST /echo HTTP/1.1\r\n" H "Content-Length: 18446744073709551617\r\n\r\na", "400",
          false },
        { "empty length", "POST /echo HTTP/1.1\r\n" H "Content-Length:\r\n\r\n", "400", false },
        { "unknown coding", "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\n\r\n", "501", false },
        { "gzip, chunked", "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501",
          false },
        { "chunked, gzip", "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", "501",
          false },
        { "chunked twice",
          "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
          "501", false },
        { "xchunked", "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "501", false },
        { "chunked in 1.0", "POST /echo HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400", false },
        { "chunk size not hex", "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", "400", false },
        { "chunk size negative", "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n-1\r\n", "400", false },
        { "chunk size past 64 bits",
          "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n", "400", false },
        { "chunk size with bare LF",
          "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", "400", false },
        { "chunk without CRLF after",
          "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd0\r\n\r\n", "400", false },
        { "chunk with bare LF after",
          "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n", "400", false },
    };
    check_rows(state_, rows, ARRAY_LEN(rows));
}

/* --- limits, each on both sides of the line --- */

static Str request_of(Arena *a, size_t target_n, size_t value_n, size_t fields) {
    Buf b;
    buf_init(&b, 1 << 20);
    buf_put_str(&b, S("GET /"));
    for (size_t i = 1; i < target_n; i++)
        buf_put_c(&b, 'a');
    buf_put_str(&b, S(" HTTP/1.1\r\nHost: x\r\nV: "));
    for (size_t i = 0; i < value_n; i++)
        buf_put_c(&b, 'v');
    buf_put_str(&b, S("\r\n"));
    for (size_t i = 2; i < fields; i++)
        buf_put_str(&b, S("F: f\r\n"));
    buf_put_str(&b, S("\r\n"));
    Str s = str_dup(a, buf_str(&b));
    buf_done(&b);
    return s;
}

TEST(header_block_limits) {
    TestCtx t;
    test_ctx_init(&t);
    HttpServerOptions o = driver_options();
    size_t rest = request_of(t.cx.arena, 1, 0, 2).n;
    const struct {
        const char *name;
        size_t target_n, value_n, fields;
        Str want;
    } rows[] = {
        { "block of exactly 16 KB", 1, 16384 - rest, 2, S("200") },
        { "block one byte over", 1, 16385 - rest, 2, S("431") },
        { "block far over", 1, 1000000 - rest, 2, S("431") },
        { "target that fills the block", 16384 - rest + 1, 0, 2, S("200") },
        { "target that passes it alone", 20000, 0, 2, S("414") },
        { "100 fields", 1, 1, 100, S("200") },
        { "101 fields", 1, 1, 101, S("431") },
    };
    EACH_ROW (r, rows) {
        Driver d;
        driver_open(&d, &o);
        driver_input(&d, request_of(t.cx.arena, r->target_n, r->value_n, r->fields));
        CHECK_STR(statuses(&d), r->want);
        driver_end(&d);
    }
    test_ctx_done(&t);
}

TEST(body_limits) {
    static const struct {
        const char *name, *bytes, *want;
        bool by_route;
        int64_t head_says;
    } rows[] = {
        { "length at the limit", "POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nabcde", "200", false, 0 },
        { "length over it, no byte of body sent", "POST /echo HTTP/1.1\r\n" H "Content-Length: 6\r\n\r\n", "413", false,
          0 },
        { "chunks up to the limit",
          "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "200",
          false, 0 },
        { "chunks over it", "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n",
          "413", false, 0 },
        { "one chunk over it", "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n", "413",
          false, 0 },
        { "route takes more", "POST /echo HTTP/1.1\r\n" H "Content-Length: 6\r\n\r\nabcdef", "200", true, 6 },
        { "route takes less", "POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc", "413", true, 2 },
        { "route takes none, none comes", "GET /echo HTTP/1.1\r\n" H "\r\n", "200", true, 0 },
        { "route takes none, one comes", "POST /echo HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\na", "413", true, 0 },
        { "route takes none, chunks come", "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n", "413",
          true, 0 },
        { "route refuses", "POST /echo HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\n", "401", true, -401 },
    };
    EACH_ROW (r, rows) {
        Driver d;
        HttpServerOptions o = driver_options();
        o.max_body = 5;
        o.on_head = r->by_route ? driver_head_hook : NULL;
        driver_open(&d, &o);
        d.head_says = r->head_says;
        driver_input(&d, str_c(r->bytes));
        CHECK_STR(statuses(&d), str_c(r->want));
        driver_end(&d);
    }
}

TEST(trailers_and_extensions_are_bounded) {
    static const char start[] = "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n";
    for (int over = 0; over < 2; over++) {
        for (int trailer = 0; trailer < 2; trailer++) {
            Driver d;
            HttpServerOptions o = driver_options();
            driver_open(&d, &o);
            driver_input(&d, str_c(start));
            driver_input(&d, trailer ? S("0\r\nT: ") : S("1;e="));
            char piece[1000];
            memset(piece, 't', sizeof piece);
            for (int i = 0; i < (over ? 17 : 16); i++)
                driver_input(&d, str_n(piece, sizeof piece));
            driver_input(&d, trailer ? S("\r\n\r\n") : S("\r\nx\r\n0\r\n\r\n"));
            CHECK_STR(statuses(&d), over ? S("431") : S("200"));
            driver_end(&d);
        }
    }
}

/* --- what the handler is given --- */

typedef struct Seen {
    Str path, query, host, key, body;
    size_t fields;
    int minor;
    bool local;
} Seen;

/* Stands in for the handler: copies what it is given where the arena lets it. */
typedef struct Looker {
    TestCtx t;
    Seen seen;
} Looker;

static void look(void *arg, HttpExchange *ex) {
    Looker *l = arg;
    Arena *a = l->t.cx.arena;
    l->seen = (Seen){
        .path = str_dup(a, ex->head.path),
        .query = str_dup(a, ex->head.query),
        .host = str_dup(a, ex->head.host),
        .key = str_dup(a, http_field(&ex->head, S("x-key"))),
        .body = str_dup(a, ex->body),
        .fields = ex->head.n_fields,
        .minor = ex->head.minor,
        .local = ex->head.local,
    };
    driver_reply(ex, 200, S(""));
}

TEST(handler_sees_the_parts_of_the_head) {
    static const struct {
        const char *name, *line;
        Str path, query, host;
    } rows[] = {
        { "origin form", "POST /a/b?x=1&y HTTP/1.1", STR_INIT("/a/b"), STR_INIT("x=1&y"), STR_INIT("x") },
        { "empty query", "POST /a? HTTP/1.1", STR_INIT("/a"), STR_INIT(""), STR_INIT("x") },
        { "percent stays", "POST /a%20b HTTP/1.1", STR_INIT("/a%20b"), STR_INIT(""), STR_INIT("x") },
        { "absolute", "POST http://h:8/a?q HTTP/1.1", STR_INIT("/a"), STR_INIT("q"), STR_INIT("h:8") },
        { "absolute, no path", "POST http://h?q HTTP/1.1", STR_INIT("/"), STR_INIT("q"), STR_INIT("h") },
        { "question marks", "POST /?a?b HTTP/1.1", STR_INIT("/"), STR_INIT("a?b"), STR_INIT("x") },
        { "1.0", "POST / HTTP/1.0", STR_INIT("/"), STR_INIT(""), STR_INIT("x") },
    };
    EACH_ROW (r, rows) {
        for (size_t piece = 1; piece < 100; piece += 13) { /* the same whatever the bytes come in */
            Looker l = { 0 };
            test_ctx_init(&l.t);
            Driver d;
            HttpServerOptions o = driver_options();
            o.on_done = NULL;
            driver_open(&d, &o);
            d.core.fn = look;
            d.core.arg = &l;
            char bytes[256];
            int n = snprintf(bytes, sizeof bytes,
                             "%s\r\nHOST:  x \r\nX-Key:\tv w\t\r\nEmpty:\r\nx-key: second\r\nContent-Length: 4"
                             "\r\n\r\nbody",
                             r->line);
            for (size_t at = 0; at < (size_t)n; at += piece)
                driver_input(&d, str_n(bytes + at, MIN(piece, (size_t)n - at)));
            CHECK_STR(statuses(&d), S("200"));
            CHECK_STR(l.seen.path, r->path);
            CHECK_STR(l.seen.query, r->query);
            CHECK_STR(l.seen.host, r->host);
            CHECK_STR(l.seen.key, S("v w"));
            CHECK_STR(l.seen.body, S("body"));
            CHECK_EQ(l.seen.fields, 5);
            CHECK_EQ(l.seen.minor, str_ends(str_c(r->line), S("1.1")));
            driver_end(&d);
            test_ctx_done(&l.t);
        }
    }
}

TESTS(T(request_lines), T(header_lines), T(bodies_and_their_framing), T(header_block_limits), T(body_limits),
      T(trailers_and_extensions_are_bounded), T(handler_sees_the_parts_of_the_head))
