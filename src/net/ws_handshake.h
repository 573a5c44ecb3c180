#pragma once

/* net/ws_handshake.h - the opening handshake of RFC 6455 §4, both sides. Pure. Private to net/. */

#include "net/ws_server.h"

enum { WS_KEY_TEXT = 24, WS_ACCEPT_TEXT = 28 };

/* Checks one; 0, or the HTTP status to refuse it with (400; 426: another version) and words. */
int ws_request_check(const HttpHead *h, Str *key, const char **why);
void ws_accept_key(Str key, char out[WS_ACCEPT_TEXT]);
void ws_key_text(const uint8_t nonce[16], char out[WS_KEY_TEXT]);
/* Is `token` in the comma-separated list? Letter case does not count. */
bool ws_list_has(Str list, Str token);
