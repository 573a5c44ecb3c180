/* core/article_url.c - see article_url.h. The syntax is RFC 3986's; what is undone is its section 6.2 and what feeds add. */

#include "core/article_url.h"

#include "base/buf.h"
#include "core/article.h"

#include <stdlib.h>

enum { PARAMS_MAX = 64 };

/* Parameters that say where a reader came from. Those that end in '*' are beginnings. */
static bool tracks(Str name) {
    static const char *const known[] = {
        "utm_*",  "fbclid", "gclid",  "dclid",     "gbraid",     "wbraid",  "msclkid", "yclid", "twclid",
        "igshid", "mc_cid", "mc_eid", "_hs*",      "mkt_tok",    "ref_src", "ref_url", "cmpid", "ncid",
        "ocid",   "ito",    "smid",   "s_cid",     "oly_enc_id", "vero_id", "spm",     "_ga",   "_gl",
        "at_*",   "pk_*",   "mtm_*",  "sharetype", "feature",    "rss",     "partner", "xtor",  "guccounter",
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        Str k = str_c(known[i]);
        bool begin = k.p[k.n - 1] == '*';
        if (begin ? name.n >= k.n - 1 && str_eq_nocase(str_first(name, k.n - 1), str_first(k, k.n - 1))
                  : str_eq_nocase(name, k))
            return true;
    }
    return false;
}

static bool unreserved(int c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

/* One form for each way to write the same: escapes of plain signs undone, others in capitals, strange bytes escaped. */
static void put_escaped(Buf *b, Str s) {
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool escape = c == '%' && i + 2 < s.n && hex_value(s.p[i + 1]) >= 0 && hex_value(s.p[i + 2]) >= 0;
        if (escape) {
            c = (unsigned char)(hex_value(s.p[i + 1]) * 16 + hex_value(s.p[i + 2]));
            i += 2;
        }
        if (escape ? unreserved(c) : c > ' ' && c < 0x7f && !strchr("\"<>\\^`{|}", c)) {
            buf_put_c(b, (char)c);
        } else {
            char e[3] = { '%', digits[c >> 4], digits[c & 15] };
            buf_put(b, e, sizeof e);
        }
    }
}

/* Host and port; user and password are nobody's business. */
static bool put_host(Buf *b, Arena *a, Str authority, bool secure) {
    ptrdiff_t at = -1;
    for (size_t i = 0; i < authority.n; i++)
        if (authority.p[i] == '@')
            at = (ptrdiff_t)i;
    Str host = str_lower(a, str_from(authority, (size_t)(at + 1))), port = { 0 };
    ptrdiff_t colon = -1;
    for (size_t i = 0; i < host.n; i++)
        if (host.p[i] == ':' && (host.p[0] != '[' || memchr(host.p, ']', i)))
            colon = (ptrdiff_t)i;
    if (colon >= 0) {
        port = str_from(host, (size_t)colon + 1);
        host.n = (size_t)colon;
    }
    while (host.n && host.p[host.n - 1] == '.')
        host.n--;
    if (host.n > 4 && str_starts(host, S("www.")))
        host = str_from(host, 4);
    for (size_t i = 0; i < host.n; i++)
        if ((unsigned char)host.p[i] <= ' ' || strchr("/?#\\<>\"", host.p[i]))
            return false;
    if (host.n == 0)
        return false;
    buf_put_str(b, host);
    bool usual = port.n == 0 || str_eq(port, secure ? S("443") : S("80"));
    if (!usual) {
        buf_put_c(b, ':');
        buf_put_str(b, port);
    }
    return true;
}

/* Without "." and ".." segments (RFC 3986 5.2.4), without empty ones at the end. */
static void put_path(Buf *b, Str path) {
    size_t from = b->n;
    Str rest = path, segment;
    while (str_next(&rest, '/', &segment)) {
        if (segment.n == 0 || str_eq(segment, S(".")))
            continue;
        if (!str_eq(segment, S(".."))) {
            buf_put_c(b, '/');
            put_escaped(b, segment);
            continue;
        }
        while (b->n > from && b->p[--b->n] != '/')
            ;
    }
}

static int by_text(const void *a, const void *b) {
    return str_cmp(*(const Str *)a, *(const Str *)b);
}

static void put_query(Buf *b, Str query) {
    Str params[PARAMS_MAX], one, name;
    size_t n = 0;
    while (n < PARAMS_MAX && str_next(&query, '&', &one)) {
        Str rest = one;
        if (one.n && str_next(&rest, '=', &name) && !tracks(name))
            params[n++] = one;
    }
    qsort(params, n, sizeof *params, by_text);
    for (size_t i = 0; i < n; i++) {
        buf_put_c(b, i ? '&' : '?');
        put_escaped(b, params[i]);
    }
}

bool article_url_canonical(Arena *a, Str url, Str *out) {
    url = str_trim(url);
    bool secure = url.n > 8 && str_eq_nocase(str_first(url, 8), S("https://"));
    if (url.n > ARTICLE_URL_MAX || (!secure && !(url.n > 7 && str_eq_nocase(str_first(url, 7), S("http://")))))
        return false;
    Str rest = str_from(url, secure ? 8 : 7), query = { 0 };
    ptrdiff_t cut = str_find_char(rest, '#');
    if (cut >= 0)
        rest.n = (size_t)cut;
    cut = str_find_char(rest, '?');
    if (cut >= 0) {
        query = str_from(rest, (size_t)cut + 1);
        rest.n = (size_t)cut;
    }
    cut = str_find_char(rest, '/');
    Str authority = cut < 0 ? rest : str_first(rest, (size_t)cut);
    Buf b;
    buf_init(&b, ARTICLE_URL_MAX);
    BUF_LIT(&b, "https://");
    bool good = put_host(&b, a, authority, secure);
    if (good) {
        put_path(&b, cut < 0 ? (Str){ 0 } : str_from(rest, (size_t)cut));
        put_query(&b, query);
    }
    good = good && buf_ok(&b);
    if (good)
        *out = str_dup(a, buf_str(&b));
    buf_done(&b);
    return good;
}
