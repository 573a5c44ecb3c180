/* tests/fuzz/fuzz_http_client.c - what the http_client port reads of others' bytes: URLs ('u' first), and the
 * Retry-After that a server sends (anything else). */

#include "ports/http_client.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(cond)                                                                                                     \
    do {                                                                                                               \
        if (!(cond))                                                                                                   \
            abort();                                                                                                   \
    } while (0)

static void check_url(Ctx *cx, Str text) {
    HttpUrl url;
    if (http_url_parse(cx, text, &url) != 0) {
        MUST(cx->err.code == ERR_INVALID && cx->err.text[0]);
        return;
    }
    MUST(url.port >= 1 && url.port <= 65535 && url.host.n > 0);
    MUST(str_find_char(url.host, '@') < 0 && str_find_char(url.host, '/') < 0);
    MUST(url.path.n == 0 || strchr("/?#", url.path.p[0]));
    MUST(url.host.p >= text.p && url.host.p + url.host.n <= text.p + text.n);
    MUST(url.path.n == 0 || url.path.p + url.path.n == text.p + text.n);
}

static void check_retry_after(Str text) {
    HttpHeader header = { S("retry-after"), text };
    HttpResponse res = { .status = 429, .headers = &header, .n_headers = 1 };
    int64_t ms = http_retry_after_ms(&res, time_ms(INT64_C(1704067200000)));
    MUST(ms >= -1 && ms <= TIME_ISO_MAX.ms);
    Time t;
    MUST(!http_date_parse(text, &t) || (t.ms >= INT64_C(-62167219200000) && t.ms <= TIME_ISO_MAX.ms));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    Arena arena = { 0 };
    Ctx cx;
    ctx_init(&cx, &arena, NULL);
    Str text = str_n((const char *)data + 1, size - 1);
    if (data[0] == 'u')
        check_url(&cx, text);
    else
        check_retry_after(text);
    arena_done(&arena);
    return 0;
}
