/* Frames of RFC 6455 (GWY-35): its own examples, every rule of section 5 on both sides of the line, any cut. */

#include "test.h"

#include "base/rng.h"
#include "net/ws_frame.h"
#include "net/ws_handshake.h"

enum { SEEN_MAX = 70000 };

typedef struct Seen {
    WsReader reader;
    Buf log; /* "text Hello|ping x|" */
} Seen;

static void on_message(void *arg, WsKind kind, Str p) {
    Seen *s = arg;
    if (p.n > 40)
        buf_printf(&s->log, "%s %zu bytes|", kind == WS_TEXT ? "text" : "binary", p.n);
    else
        buf_printf(&s->log, "%s " STR_FMT "|", kind == WS_TEXT ? "text" : "binary", STR_ARG(p));
}

static void on_control(void *arg, WsOpcode op, Str p) {
    Seen *s = arg;
    buf_printf(&s->log, "%s " STR_FMT "|", op == WS_OP_PING ? "ping" : op == WS_OP_PONG ? "pong" : "close", STR_ARG(p));
}

static void seen_init(Seen *s, bool masked, size_t max) {
    *s = (Seen){ .reader = {
                     .masked = masked, .max_message = max, .on_message = on_message, .on_control = on_control } };
    s->reader.arg = s;
    buf_init(&s->log, 1 << 20);
}

static void seen_done(Seen *s) {
    ws_reader_done(&s->reader);
    buf_done(&s->log);
}

#define BYTES(literal) STR_INIT(literal)

TEST(the_examples_of_the_rfc_read_as_it_says) {
    static const struct {
        const char *name;
        bool masked;
        Str bytes, want;
    } rows[] = {
        { "5.7 unmasked text", false, BYTES("\x81\x05\x48\x65\x6c\x6c\x6f"), BYTES("text Hello|") },
        { "5.7 masked text", true, BYTES("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), BYTES("text Hello|") },
        { "5.7 fragments", false, BYTES("\x01\x03\x48\x65\x6c\x80\x02\x6c\x6f"), BYTES("text Hello|") },
        { "5.7 ping", false, BYTES("\x89\x05\x48\x65\x6c\x6c\x6f"), BYTES("ping Hello|") },
        { "5.7 masked pong", true, BYTES("\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), BYTES("pong Hello|") },
        { "5.5 ping between fragments", false, BYTES("\x02\x01\x61\x89\x01\x62\x80\x01\x63"),
          BYTES("ping b|binary ac|") },
        { "5.4 fragments of nothing", false, BYTES("\x01\x00\x00\x00\x80\x00"), BYTES("text |") },
        { "empty message", false, BYTES("\x81\x00"), BYTES("text |") },
        { "two in one piece", false, BYTES("\x81\x01\x61\x82\x01\x62"), BYTES("text a|binary b|") },
        { "close with code", false, BYTES("\x88\x02\x03\xe8"), BYTES("close \x03\xe8|") },
        { "text cut inside a letter", false, BYTES("\x01\x01\xc3\x80\x01\xa9"), BYTES("text \xc3\xa9|") },
    };
    EACH_ROW (r, rows)
        for (size_t cut = 1; cut <= r->bytes.n; cut++) { /* in pieces of every size */
            Seen s;
            seen_init(&s, r->masked, 1000);
            for (Str rest = r->bytes; rest.n; rest = str_from(rest, cut))
                CHECK_EQ(ws_reader_take(&s.reader, rest.p, MIN(rest.n, cut)), 0);
            CHECK_STR(buf_str(&s.log), r->want);
            seen_done(&s);
        }
}

TEST(what_breaks_a_rule_earns_its_close_code) {
    static const struct {
        const char *name;
        bool masked;
        Str bytes;
        int want;
    } rows[] = {
        { "5.2 RSV1", false, BYTES("\xc1\x00"), 1002 },
        { "5.2 RSV2", false, BYTES("\xa1\x00"), 1002 },
        { "5.2 RSV3", false, BYTES("\x91\x00"), 1002 },
        { "5.2 opcode 3", false, BYTES("\x83\x00"), 1002 },
        { "5.2 opcode 7", false, BYTES("\x87\x00"), 1002 },
        { "5.2 opcode 11", false, BYTES("\x8b\x00"), 1002 },
        { "5.2 opcode 15", false, BYTES("\x8f\x00"), 1002 },
        { "5.1 client not masked", true, BYTES("\x81\x00"), 1002 },
        { "5.1 server masked", false, BYTES("\x81\x80\x00\x00\x00\x00"), 1002 },
        { "5.2 125 in two bytes", false, BYTES("\x81\x7e\x00\x7d"), 1002 },
        { "5.2 126 in two bytes", false, BYTES("\x81\x7e\x00\x7e"), 0 },
        { "5.2 65535 in eight bytes", false, BYTES("\x81\x7f\x00\x00\x00\x00\x00\x00\xff\xff"), 1002 },
        { "5.2 65536 in eight bytes", false, BYTES("\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"), 0 },
        { "5.2 highest bit", false, BYTES("\x82\x7f\x80\x00\x00\x00\x00\x01\x00\x00"), 1002 },
        { "5.4 continuation of nothing", false, BYTES("\x80\x00"), 1002 },
        { "5.4 new message in a message", false, BYTES("\x01\x00\x81\x00"), 1002 },
        { "5.5 ping in fragments", false, BYTES("\x09\x00"), 1002 },
        { "5.5 close in fragments", false, BYTES("\x08\x00"), 1002 },
        { "5.5 ping of 125", false, BYTES("\x89\x7d"), 0 },
        { "5.5 ping of 126", false, BYTES("\x89\x7e\x00\x7e"), 1002 },
        { "8.1 not UTF-8", false, BYTES("\x81\x02\xc3\x28"), 1007 },
        { "8.1 surrogate", false, BYTES("\x81\x03\xed\xa0\x80"), 1007 },
        { "8.1 cut short", false, BYTES("\x81\x01\xc3"), 1007 },
        { "8.1 binary may hold anything", false, BYTES("\x82\x02\xc3\x28"), 0 },
        { "too large at the head", false, BYTES("\x82\x7f\x00\x00\x00\x00\x00\x01\x11\x71"), 1009 },
        { "the largest", false, BYTES("\x82\x7f\x00\x00\x00\x00\x00\x01\x11\x70"), 0 },
    };
    EACH_ROW (r, rows) {
        Seen s;
        seen_init(&s, r->masked, SEEN_MAX);
        CHECK_EQ(ws_reader_take(&s.reader, r->bytes.p, r->bytes.n), r->want);
        CHECK_EQ(s.reader.stop, r->want != 0);
        CHECK((s.reader.why != NULL) == (r->want != 0));
        seen_done(&s);
    }
}

TEST(fragments_count_together_against_the_limit) {
    Seen s;
    seen_init(&s, false, 10);
    CHECK_EQ(ws_reader_take(&s.reader,
                            "\x02\x06"
                            "abcdef\x00\x04"
                            "ghij",
                            14),
             0);
    CHECK_EQ(ws_reader_take(&s.reader, "\x80\x01", 2), WS_CLOSE_TOO_BIG);
    seen_done(&s);
}

TEST(close_payloads) {
    static const struct {
        const char *name;
        Str payload;
        int want, code;
        Str reason;
    } rows[] = {
        { "none", BYTES(""), 0, WS_CLOSE_NONE, BYTES("") },
        { "half a code", BYTES("\x03"), 1002, 0, BYTES("") },
        { "normal", BYTES("\x03\xe8"), 0, 1000, BYTES("") },
        { "with words",
          BYTES("\x03\xe9"
                "bye"),
          0, 1001, BYTES("bye") },
        { "999", BYTES("\x03\xe7"), 1002, 0, BYTES("") },
        { "1004 reserved", BYTES("\x03\xec"), 1002, 0, BYTES("") },
        { "1005 never sent", BYTES("\x03\xed"), 1002, 0, BYTES("") },
        { "1006 never sent", BYTES("\x03\xee"), 1002, 0, BYTES("") },
        { "1013 try later", BYTES("\x03\xf5"), 0, 1013, BYTES("") },
        { "1015 never sent", BYTES("\x03\xf7"), 1002, 0, BYTES("") },
        { "2999", BYTES("\x0b\xb7"), 1002, 0, BYTES("") },
        { "3000", BYTES("\x0b\xb8"), 0, 3000, BYTES("") },
        { "4999", BYTES("\x13\x87"), 0, 4999, BYTES("") },
        { "5000", BYTES("\x13\x88"), 1002, 0, BYTES("") },
        { "words not UTF-8", BYTES("\x03\xe8\xff"), 1007, 0, BYTES("") },
    };
    EACH_ROW (r, rows) {
        int code = 0;
        Str reason = { 0 };
        CHECK_EQ(ws_close_parse(r->payload, &code, &reason), r->want);
        if (r->want == 0) {
            CHECK_EQ(code, r->code);
            CHECK_STR(reason, r->reason);
        }
    }
}

/* What one side writes the other reads: every boundary of the length, masked and not. */
TEST(written_frames_are_read_back) {
    static const size_t sizes[] = { 0, 1, 7, 8, 9, 125, 126, 127, 65535, 65536, 69999 };
    Rng rng;
    rng_seed(&rng, prop_seed(7));
    for (size_t i = 0; i < ARRAY_LEN(sizes) * 2; i++) {
        size_t n = sizes[i / 2];
        bool masked = i % 2;
        Buf bytes;
        buf_init(&bytes, SEEN_MAX + WS_HEAD_MAX);
        uint8_t mask[4] = { 0xff, 0x01, 0x80, 0x37 };
        char head[WS_HEAD_MAX];
        buf_put(&bytes, head, ws_frame_head(head, WS_OP_BINARY, true, n, masked ? mask : NULL));
        char *payload = buf_reserve(&bytes, n);
        memset(payload, 'x', n);
        if (masked)
            ws_mask(payload, n, mask, 0);
        bytes.n += n;
        Seen s;
        seen_init(&s, masked, SEEN_MAX);
        for (Str rest = buf_str(&bytes); rest.n;) {
            size_t piece = 1 + (size_t)rng_below(&rng, rest.n);
            CHECK_EQ(ws_reader_take(&s.reader, rest.p, piece), 0);
            rest = str_from(rest, piece);
        }
        char want[100];
        if (n > 40)
            snprintf(want, sizeof want, "binary %zu bytes|", n);
        else
            snprintf(want, sizeof want, "binary %.*s|", (int)n, "xxxxxxxxx");
        CHECK_STR(buf_str(&s.log), str_c(want));
        seen_done(&s);
        buf_done(&bytes);
    }
}

TEST(the_answer_to_a_key_is_the_one_of_the_rfc) {
    char out[WS_ACCEPT_TEXT];
    ws_accept_key(S("dGhlIHNhbXBsZSBub25jZQ=="), out);
    CHECK_STR(str_n(out, sizeof out), S("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
}

TEST(handshakes_that_break_a_rule_are_refused) {
    static const struct {
        const char *name;
        Str method, upgrade, connection, version, key;
        int minor, want;
    } rows[] = {
#define KEY BYTES("dGhlIHNhbXBsZSBub25jZQ==")
        { "good", BYTES("GET"), BYTES("websocket"), BYTES("Upgrade"), BYTES("13"), KEY, 1, 0 },
        { "as Firefox has it", BYTES("GET"), BYTES("WebSocket"), BYTES("keep-alive, Upgrade"), BYTES("13"), KEY, 1, 0 },
        { "POST", BYTES("POST"), BYTES("websocket"), BYTES("Upgrade"), BYTES("13"), KEY, 1, 400 },
        { "HTTP/1.0", BYTES("GET"), BYTES("websocket"), BYTES("Upgrade"), BYTES("13"), KEY, 0, 400 },
        { "no connection", BYTES("GET"), BYTES("websocket"), BYTES("keep-alive"), BYTES("13"), KEY, 1, 400 },
        { "version 8", BYTES("GET"), BYTES("websocket"), BYTES("Upgrade"), BYTES("8"), KEY, 1, 426 },
        { "short key", BYTES("GET"), BYTES("websocket"), BYTES("Upgrade"), BYTES("13"), BYTES("abc="), 1, 400 },
        { "key not base64", BYTES("GET"), BYTES("websocket"), BYTES("Upgrade"), BYTES("13"),
          BYTES("dGhlIHNhbXBsZSBub25j!!=="), 1, 400 },
    };
    EACH_ROW (r, rows) {
        HttpField fields[] = { { S("upgrade"), r->upgrade },
                               { S("connection"), r->connection },
                               { S("sec-websocket-version"), r->version },
                               { S("sec-websocket-key"), r->key } };
        HttpHead h = { .method = r->method, .minor = r->minor, .fields = fields, .n_fields = ARRAY_LEN(fields) };
        Str key;
        const char *why;
        CHECK_EQ(ws_request_check(&h, &key, &why), r->want);
    }
}

TESTS(T(the_examples_of_the_rfc_read_as_it_says), T(what_breaks_a_rule_earns_its_close_code),
      T(fragments_count_together_against_the_limit), T(close_payloads), T(written_frames_are_read_back),
      T(the_answer_to_a_key_is_the_one_of_the_rfc), T(handshakes_that_break_a_rule_are_refused))
