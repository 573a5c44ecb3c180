/* net/ws_handshake.c - see ws_handshake.h. */

#include "net/ws_handshake.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

bool ws_list_has(Str list, Str token) {
    for (Str part; str_next(&list, ',', &part);)
        if (str_eq_nocase(str_trim(part), token))
            return true;
    return false;
}

bool ws_asked_for(const HttpHead *h) {
    return ws_list_has(http_field(h, S("upgrade")), S("websocket"));
}

static size_t count(const HttpHead *h, Str name) {
    size_t n = 0;
    for (size_t i = 0; i < h->n_fields; i++)
        n += str_eq(h->fields[i].name, name);
    return n;
}

/* 16 bytes in base64: 22 letters and "==". */
static bool key_ok(Str key) {
    if (key.n != WS_KEY_TEXT || memcmp(key.p + 22, "==", 2) != 0)
        return false;
    for (size_t i = 0; i < 22; i++) {
        char c = key.p[i];
        if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '+' || c == '/'))
            return false;
    }
    return true;
}

int ws_request_check(const HttpHead *h, Str *key, const char **why) {
    *why = "";
    if (!str_eq(h->method, S("GET")) || h->minor != 1 || !ws_asked_for(h) ||
        !ws_list_has(http_field(h, S("connection")), S("upgrade"))) {
        *why = "a WebSocket begins with GET, HTTP/1.1, Upgrade: websocket and Connection: Upgrade";
        return 400;
    }
    if (!str_eq(http_field(h, S("sec-websocket-version")), S("13"))) {
        *why = "the version of WebSocket spoken here is 13";
        return 426;
    }
    *key = http_field(h, S("sec-websocket-key"));
    if (count(h, S("sec-websocket-key")) != 1 || !key_ok(*key)) {
        *why = "Sec-WebSocket-Key is not 16 bytes in base64";
        return 400;
    }
    return 0;
}

void ws_accept_key(Str key, char out[WS_ACCEPT_TEXT]) {
    static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455 §1.3 */
    unsigned char text[WS_KEY_TEXT + sizeof magic - 1], sum[SHA_DIGEST_LENGTH];
    unsigned char base64[WS_ACCEPT_TEXT + 1];
    assert(key.n == WS_KEY_TEXT);
    memcpy(text, key.p, WS_KEY_TEXT);
    memcpy(text + WS_KEY_TEXT, magic, sizeof magic - 1);
    SHA1(text, sizeof text, sum);
    int n = EVP_EncodeBlock(base64, sum, sizeof sum);
    assert(n == WS_ACCEPT_TEXT);
    UNUSED(n);
    memcpy(out, base64, WS_ACCEPT_TEXT);
}

void ws_key_text(const uint8_t nonce[16], char out[WS_KEY_TEXT]) {
    unsigned char base64[WS_KEY_TEXT + 1];
    EVP_EncodeBlock(base64, nonce, 16);
    memcpy(out, base64, WS_KEY_TEXT);
}
