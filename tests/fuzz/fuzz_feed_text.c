/* tests/fuzz/fuzz_feed_text.c - the parts of the reader of feeds: the first byte chooses one. */

#include "feed/charset.h"
#include "feed/feed.h"
#include "feed/html.h"
#include "feed/uri.h"
#include "fuzz.h"

/* What is behind the comment at p, by a browser's rules. */
static const char *behind_comment(const char *p, const char *end) {
    for (p += 2; p < end; p++)
        if (str_starts(str_n(p, (size_t)(end - p)), S("-->")))
            return p + 3;
        else if (str_starts(str_n(p, (size_t)(end - p)), S("--!>")))
            return p + 4;
    return end;
}

static void must_be_safe(Str html) {
    for (const char *p = html.p, *end = p + html.n; p < end; p++) {
        Str rest = str_n(p, (size_t)(end - p));
        if (str_starts(rest, S("<!--"))) {
            p = behind_comment(p, end) - 1;
            continue;
        }
        MUST(rest.n < 7 ||
             (!str_eq_nocase(str_first(rest, 7), S("<script")) && !str_eq_nocase(str_first(rest, 7), S("<iframe"))));
    }
}

static void try_html(Arena *a, Str text, bool xhtml) {
    Buf once, twice;
    buf_init(&once, text.n * 20 + 4096);
    buf_init(&twice, text.n * 200 + 65536);
    html_clean(text, xhtml, S("http://example.com/"), a, &once);
    MUST(buf_ok(&once));
    html_clean(buf_str(&once), xhtml, S("http://example.com/"), a, &twice);
    must_be_safe(buf_str(&once));
    buf_done(&once);
    buf_done(&twice);
}

static void try_charset(Str text) {
    Str name = text;
    str_next(&text, '\n', &name);
    Buf out;
    buf_init(&out, text.n * 4 + 64);
    if (charset_decode(name, text, &out))
        MUST(utf8_valid(buf_str(&out)));
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    Arena arena = { 0 };
    Str text = str_n((const char *)data + 1, size - 1), base = { NULL, 0 };
    Time t = time_ms(1);
    if (data[0] == 'd' && feed_date_parse(text, time_ms(INT64_C(1700000000000)), &t))
        MUST(time_cmp(t, TIME_ISO_MIN) >= 0 && time_cmp(t, TIME_ISO_MAX) <= 0);
    if (data[0] == 'h' || data[0] == 'x')
        try_html(&arena, text, data[0] == 'x');
    if (data[0] == 'c')
        try_charset(text);
    if (data[0] == 'u' && str_next(&text, '\n', &base)) {
        Str joined = uri_join_safe(&arena, base, text);
        MUST(base.n == 0 || joined.n == 0 || uri_is_safe(joined));
    }
    arena_done(&arena);
    return 0;
}
