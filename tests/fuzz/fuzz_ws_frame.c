/* tests/fuzz/fuzz_ws_frame.c - bytes of a hostile peer into the reader of WebSocket frames, whole and in pieces.
 *
 * The first byte says which side reads and seeds the pieces. Whatever comes: no message passes the limit, every text is
 * UTF-8, controls are short, a failure has a close code that may be sent and words, and the cut makes no difference. What
 * was read is written again as frames and read back the same. */

#include "fuzz.h"

#include "base/rng.h"
#include "base/utf8.h"
#include "net/ws_frame.h"

enum { MESSAGE_MAX = 3000 };

typedef struct Seen {
    WsReader reader;
    Buf log;   /* kinds and payloads */
    Buf again; /* the same as frames of the other side */
    int code;
} Seen;

static void note(Seen *s, WsOpcode op, Str p) {
    static const uint8_t mask[4] = { 1, 2, 3, 4 };
    char head[WS_HEAD_MAX];
    buf_printf(&s->log, "%d %zu ", op, p.n);
    buf_put_str(&s->log, p);
    buf_put(&s->again, head, ws_frame_head(head, op, true, p.n, s->reader.masked ? mask : NULL));
    size_t at = s->again.n;
    buf_put_str(&s->again, p);
    if (s->reader.masked)
        ws_mask(s->again.p + at, p.n, mask, 0);
}

static void on_message(void *arg, WsKind kind, Str p) {
    MUST(p.n <= MESSAGE_MAX);
    MUST(kind == WS_BINARY || (kind == WS_TEXT && utf8_valid(p)));
    note(arg, (WsOpcode)kind, p);
}

static void on_control(void *arg, WsOpcode op, Str p) {
    MUST(p.n <= WS_CONTROL_MAX && (op == WS_OP_PING || op == WS_OP_PONG || op == WS_OP_CLOSE));
    note(arg, op, p);
    int code;
    Str reason;
    if (op == WS_OP_CLOSE && ws_close_parse(p, &code, &reason) == 0)
        MUST(code == WS_CLOSE_NONE || (ws_close_code_valid(code) && utf8_valid(reason)));
}

static void seen_init(Seen *s, bool masked) {
    *s = (Seen){ .reader = { .masked = masked, .max_message = MESSAGE_MAX, .on_message = on_message } };
    s->reader.on_control = on_control;
    s->reader.arg = s;
    buf_init(&s->log, 1 << 22);
    buf_init(&s->again, 1 << 22);
}

static void seen_done(Seen *s) {
    ws_reader_done(&s->reader);
    buf_done(&s->log);
    buf_done(&s->again);
}

static void feed(Seen *s, Str all, Rng *rng) {
    while (all.n && s->code == 0) {
        size_t n = rng ? 1 + (size_t)rng_below(rng, MIN(all.n, (size_t)40)) : all.n;
        s->code = ws_reader_take(&s->reader, all.p, n);
        all = str_from(all, n);
    }
    MUST((s->code == 0) == (s->reader.why == NULL));
    MUST(s->code == 0 || ws_close_code_valid(s->code));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2 || size > 20000)
        return 0;
    Str all = { (const char *)data + 1, size - 1 };
    Rng rng;
    rng_seed(&rng, data[0]);
    Seen whole, cut, back;
    seen_init(&whole, data[0] & 1);
    seen_init(&cut, data[0] & 1);
    seen_init(&back, data[0] & 1);
    feed(&whole, all, NULL);
    feed(&cut, all, &rng);
    MUST(whole.code == cut.code);
    MUST(str_eq(buf_str(&whole.log), buf_str(&cut.log)));
    feed(&back, buf_str(&whole.again), &rng);
    MUST(back.code == 0 && str_eq(buf_str(&whole.log), buf_str(&back.log)));
    seen_done(&whole);
    seen_done(&cut);
    seen_done(&back);
    return 0;
}
