/* Responses as bytes, in one piece and byte by byte. */

#include "lib/test.h"

#include "net/http_response.h"

typedef struct Got {
    Buf body;
    HttpResponse r;
    int err;
} Got;

static int keep(void *arg, const char *p, size_t n) {
    return buf_put(&((Got *)arg)->body, p, n);
}

static void feed(Got *g, Arena *a, Str bytes, size_t piece, bool head_only, bool eof) {
    *g = (Got){ 0 };
    buf_init(&g->body, 1000);
    http_response_init(&g->r, a, head_only, keep, g);
    for (size_t at = 0; at < bytes.n && g->err == 0 && !g->r.complete; at += piece)
        g->err = http_response_feed(&g->r, bytes.p + at, MIN(piece, bytes.n - at));
    if (g->err == 0 && eof)
        g->err = http_response_eof(&g->r);
}

static void done(Got *g) {
    buf_done(&g->body);
    http_response_done(&g->r);
}

TEST(responses) {
    static const struct {
        const char *name, *bytes;
        int want; /* err */
        int status;
        const char *body;
        bool complete, keep_alive, head_only, eof;
    } rows[] = {
        { "length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 0, 200, "abc", true, true, false, false },
        { "chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nT: t\r\n\r\n", 0,
          200, "abc", true, true, false, false },
        { "no reason", "HTTP/1.1 404 \r\nContent-Length: 0\r\n\r\n", 0, 404, "", true, true, false, false },
        { "204", "HTTP/1.1 204 No Content\r\n\r\n", 0, 204, "", true, true, false, false },
        { "continue first", "HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\na",
          0, 201, "a", true, true, false, false },
        { "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n", 0, 200, "", true, true, true, false },
        { "close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na", 0, 200, "a", true, false,
          false, false },
        { "until the end", "HTTP/1.1 200 OK\r\n\r\nabc", 0, 200, "abc", true, false, false, true },
        { "1.0", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", 0, 200, "a", true, false, false, false },
        { "cut in the body", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", ERR_UNAVAILABLE, 200, "ab", false, true,
          false, true },
        { "cut in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", ERR_UNAVAILABLE, 200, "ab",
          false, true, false, true },
        { "cut in the head", "HTTP/1.1 200 OK\r\nConte", ERR_UNAVAILABLE, 0, "", false, false, false, true },
        { "nothing", "", ERR_UNAVAILABLE, 0, "", false, false, false, true },
        { "not HTTP", "SSH-2.0-OpenSSH_9.2\r\n", ERR_CORRUPT, 0, "", false, false, false, false },
        { "101 nobody asked for", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", ERR_CORRUPT, 0,
          "", false, false, false, false },
        { "bare LF", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", ERR_CORRUPT, 0, "", false, false, false, false },
    };
    EACH_ROW (r, rows) {
        for (size_t piece = 1; piece <= 1000; piece += 999) {
            Arena a = { 0 };
            Got g;
            feed(&g, &a, str_c(r->bytes), piece, r->head_only, r->eof);
            CHECK_EQ(g.err, r->want);
            CHECK_EQ(g.r.status, r->status);
            CHECK_EQ(g.r.complete, r->complete);
            CHECK_STR(buf_str(&g.body), str_c(r->body));
            if (r->complete)
                CHECK_EQ(g.r.keep_alive, r->keep_alive);
            done(&g);
            arena_done(&a);
        }
    }
}

TEST(fields_are_given_in_lower_case_and_trimmed) {
    for (size_t piece = 1; piece < 20; piece++) {
        Arena a = { 0 };
        Got g;
        feed(&g, &a, S("HTTP/1.1 200 OK\r\nX-One: 1 \r\nEMPTY:\r\nx-two:\ttwo words\r\nContent-Length: 0\r\n\r\n"),
             piece, false, false);
        CHECK_EQ(g.err, 0);
        CHECK_EQ(g.r.n_fields, 4);
        CHECK_STR(g.r.fields[0].name, S("x-one"));
        CHECK_STR(g.r.fields[0].value, S("1"));
        CHECK_STR(g.r.fields[1].name, S("empty"));
        CHECK_STR(g.r.fields[1].value, S(""));
        CHECK_STR(g.r.fields[2].value, S("two words"));
        done(&g);
        arena_done(&a);
    }
}

TEST(bytes_after_the_reply_end_the_keeping) {
    Arena a = { 0 };
    Got g;
    feed(&g, &a, S("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc"), 1000, false, false);
    CHECK_EQ(g.err, 0);
    CHECK(g.r.complete && !g.r.keep_alive);
    done(&g);
    arena_done(&a);
}

TEST(limits) {
    for (int over = 0; over < 2; over++) {
        Arena a = { 0 };
        Buf b;
        Got g;
        buf_init(&b, 1 << 20);
        buf_put_str(&b, S("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"));
        for (int i = 1; i < 200 + over; i++)
            buf_put_str(&b, S("A: b\r\n"));
        buf_put_str(&b, S("\r\n"));
        feed(&g, &a, buf_str(&b), 1000, false, false);
        CHECK_EQ(g.err, over ? ERR_LIMIT : 0);
        done(&g);
        buf_clear(&b);
        buf_put_str(&b, S("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: "));
        for (int i = 0; i < 65536 - 16 + over; i++) /* "content-length", "0" and "a" count as well */
            buf_put_c(&b, 'x');
        buf_put_str(&b, S("\r\n\r\n"));
        feed(&g, &a, buf_str(&b), 1000, false, false);
        CHECK_EQ(g.err, over ? ERR_LIMIT : 0);
        done(&g);
        buf_clear(&b); /* what the taker of the body says is handed on */
        buf_printf(&b, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 1000 + over);
        for (int i = 0; i < 1000 + over; i++)
            buf_put_c(&b, 'x');
        feed(&g, &a, buf_str(&b), 100, false, false);
        CHECK_EQ(g.err, over ? ERR_LIMIT : 0);
        done(&g);
        buf_done(&b);
        arena_done(&a);
    }
}

TESTS(T(responses), T(fields_are_given_in_lower_case_and_trimmed), T(bytes_after_the_reply_end_the_keeping), T(limits))
