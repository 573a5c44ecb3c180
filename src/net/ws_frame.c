/* net/ws_frame.c - see ws_frame.h. */

#include "net/ws_frame.h"

#include "base/utf8.h"

bool ws_close_code_valid(int code) {
    return (code >= 1000 && code <= 1014 && code != 1004 && code != WS_CLOSE_NONE && code != WS_CLOSE_LOST) ||
           (code >= 3000 && code <= 4999);
}

/* --- writing --- */

size_t ws_frame_head(char out[WS_HEAD_MAX], WsOpcode op, bool fin, uint64_t n, const uint8_t mask[4]) {
    size_t at = 2;
    int wide = n < 126 ? 0 : n <= UINT16_MAX ? 2 : 8;
    uint8_t first = wide == 0 ? (uint8_t)n : wide == 2 ? 126 : 127;
    out[0] = (char)((fin ? 0x80 : 0) | op);
    out[1] = (char)((mask ? 0x80 : 0) | first);
    for (int i = wide - 1; i >= 0; i--)
        out[at++] = (char)(n >> (8 * i));
    if (mask) {
        memcpy(out + at, mask, 4);
        at += 4;
    }
    return at;
}

void ws_mask(char *p, size_t n, const uint8_t mask[4], uint64_t at) {
    uint8_t turned[4];
    for (int i = 0; i < 4; i++)
        turned[i] = mask[(at + (uint64_t)i) % 4];
    uint64_t wide;
    memcpy(&wide, turned, 4);
    memcpy((char *)&wide + 4, turned, 4);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t v;
        memcpy(&v, p + i, 8);
        v ^= wide;
        memcpy(p + i, &v, 8);
    }
    for (; i < n; i++)
        p[i] = (char)(p[i] ^ turned[i % 4]);
}

OutShared *ws_frame_shared(WsOpcode op, Str payload) {
    char head[WS_HEAD_MAX];
    size_t n = ws_frame_head(head, op, true, payload.n, NULL);
    OutShared *s = out_shared_new(n + payload.n);
    memcpy(s->bytes, head, n);
    if (payload.n)
        memcpy(s->bytes + n, payload.p, payload.n);
    return s;
}

/* --- reading --- */

static int fail(WsReader *r, int code, const char *why) {
    r->why = why;
    r->stop = true;
    return code;
}

static bool is_control(uint8_t op) {
    return op >= WS_OP_CLOSE;
}

/* Bytes of head this frame has, as far as its first two tell. */
static size_t head_size(const WsReader *r) {
    if (r->head_n < 2)
        return 2;
    uint8_t n = r->head[1] & 0x7f;
    return 2u + (n == 126 ? 2u : n == 127 ? 8u : 0u) + ((r->head[1] & 0x80) ? 4u : 0u);
}

/* The first two bytes hold all that can be refused before the length is known. */
static int check_start(WsReader *r) {
    r->fin = r->head[0] & 0x80;
    r->op = r->head[0] & 0x0f;
    if (r->head[0] & 0x70)
        return fail(r, WS_CLOSE_PROTOCOL, "a reserved bit is set: no extension was agreed on");
    if (r->op > WS_OP_PONG || (r->op > WS_OP_BINARY && r->op < WS_OP_CLOSE))
        return fail(r, WS_CLOSE_PROTOCOL, "the opcode is not known");
    if (((r->head[1] & 0x80) != 0) != r->masked)
        return fail(r, WS_CLOSE_PROTOCOL, r->masked ? "the frame is not masked" : "the frame is masked");
    if (is_control(r->op)) {
        if (!r->fin)
            return fail(r, WS_CLOSE_PROTOCOL, "a control frame is in fragments");
        if ((r->head[1] & 0x7f) > WS_CONTROL_MAX)
            return fail(r, WS_CLOSE_PROTOCOL, "a control frame is longer than 125 bytes");
    } else if (r->op == WS_OP_CONTINUE && !r->joined) {
        return fail(r, WS_CLOSE_PROTOCOL, "a continuation continues nothing");
    } else if (r->op != WS_OP_CONTINUE && r->joined) {
        return fail(r, WS_CLOSE_PROTOCOL, "a message begins before the last has ended");
    }
    return 0;
}

static int check_size(WsReader *r) {
    uint8_t first = r->head[1] & 0x7f;
    size_t wide = first == 126 ? 2 : first == 127 ? 8 : 0;
    uint64_t n = wide ? 0 : first;
    for (size_t i = 0; i < wide; i++)
        n = n << 8 | r->head[2 + i];
    if ((wide == 2 && n < 126) || (wide == 8 && n <= UINT16_MAX))
        return fail(r, WS_CLOSE_PROTOCOL, "a length is not in its shortest form");
    if (wide == 8 && n >> 63)
        return fail(r, WS_CLOSE_PROTOCOL, "a length has its highest bit set");
    if (!is_control(r->op) && n > r->max_message - r->message.n)
        return fail(r, WS_CLOSE_TOO_BIG, "the message is too large");
    if (r->masked)
        memcpy(r->mask, r->head + 2 + wide, 4);
    r->size = n;
    r->at = 0;
    r->control_n = 0;
    r->in_payload = true;
    if (!is_control(r->op) && !r->joined) {
        buf_init(&r->message, MAX(r->max_message, (size_t)1));
        r->joined = r->op;
    }
    return 0;
}

static int deliver(WsReader *r, Str message) {
    WsKind kind = (WsKind)r->joined;
    r->joined = 0;
    if (kind == WS_TEXT && !utf8_valid(message))
        return fail(r, WS_CLOSE_NOT_UTF8, "a text is not UTF-8");
    r->on_message(r->arg, kind, message);
    return 0;
}

static int frame_end(WsReader *r) {
    r->in_payload = false;
    r->head_n = 0;
    if (is_control(r->op)) {
        r->on_control(r->arg, (WsOpcode)r->op, str_n(r->control, r->control_n));
        return 0;
    }
    if (!r->fin)
        return 0;
    Buf whole = r->message;
    r->message = (Buf){ 0 };
    int code = deliver(r, buf_str(&whole));
    buf_done(&whole);
    return code;
}

/* A whole message that lies unmasked in the bytes at hand is not copied. */
static bool in_one_piece(const WsReader *r, size_t n) {
    return !r->masked && r->fin && r->at == 0 && r->size <= n && r->message.n == 0 && !is_control(r->op);
}

static size_t take_payload(WsReader *r, const char *p, size_t n) {
    size_t take = (size_t)MIN((uint64_t)n, r->size - r->at);
    if (is_control(r->op)) {
        memcpy(r->control + r->control_n, p, take);
        if (r->masked)
            ws_mask(r->control + r->control_n, take, r->mask, r->at);
        r->control_n = (uint8_t)(r->control_n + take);
    } else {
        char *to = buf_reserve(&r->message, take);
        assert(to || take == 0); /* check_size */
        if (take)
            memcpy(to, p, take);
        if (r->masked)
            ws_mask(to, take, r->mask, r->at);
        r->message.n += take;
    }
    r->at += take;
    return take;
}

int ws_reader_take(WsReader *r, const char *p, size_t n) {
    int code = 0;
    while (code == 0 && !r->stop && (n > 0 || (r->in_payload && r->at == r->size))) {
        if (!r->in_payload) {
            size_t take = MIN(head_size(r) - r->head_n, n);
            memcpy(r->head + r->head_n, p, take);
            r->head_n = (uint8_t)(r->head_n + take);
            p += take;
            n -= take;
            if (r->head_n == 2)
                code = check_start(r);
            if (code == 0 && r->head_n >= 2 && r->head_n == head_size(r))
                code = check_size(r);
        } else if (in_one_piece(r, n)) {
            Str message = { p, (size_t)r->size };
            p += r->size;
            n -= (size_t)r->size;
            r->in_payload = false;
            r->head_n = 0;
            code = deliver(r, message);
        } else {
            size_t take = take_payload(r, p, n);
            p += take;
            n -= take;
            if (r->at == r->size)
                code = frame_end(r);
        }
    }
    return code;
}

void ws_reader_done(WsReader *r) {
    buf_done(&r->message);
}

int ws_close_parse(Str payload, int *code, Str *reason) {
    *code = WS_CLOSE_NONE;
    *reason = (Str){ 0 };
    if (payload.n == 0)
        return 0;
    if (payload.n == 1)
        return WS_CLOSE_PROTOCOL;
    int told = (uint8_t)payload.p[0] << 8 | (uint8_t)payload.p[1];
    Str words = str_from(payload, 2);
    if (!ws_close_code_valid(told))
        return WS_CLOSE_PROTOCOL;
    if (!utf8_valid(words))
        return WS_CLOSE_NOT_UTF8;
    *code = told;
    *reason = words;
    return 0;
}
