/* ports/http_guard.c - which URLs and addresses a call to a third party may name; see http_client.h.
 *
 * The guard looks twice. http_fetch refuses what the URL itself gives away (scheme, credentials, "localhost", an
 * address written out). That alone would be a sieve: a public name may resolve to 169.254.169.254, and resolve
 * differently the next time. So the adapter asks http_address_private again about the very address it is about
 * to connect to. */

#include "ports/http_client.h"

/* Special-purpose blocks of IANA's registries (RFC 6890 and its updates) that are no public unicast. */
static const struct {
    uint32_t net;
    int bits;
} blocks_v4[] = {
    { 0x00000000, 8 },  /* this network */
    { 0x0a000000, 8 },  /* private */
    { 0x64400000, 10 }, /* shared, carrier NAT */
    { 0x7f000000, 8 },  /* loopback */
    { 0xa9fe0000, 16 }, /* link-local; 169.254.169.254 is cloud metadata */
    { 0xac100000, 12 }, /* private */
    { 0xc0000000, 24 }, /* protocol assignments; 192.0.0.192 is Oracle's metadata */
    { 0xc0000200, 24 }, /* documentation */
    { 0xc0586300, 24 }, /* 6to4 relays, deprecated */
    { 0xc0a80000, 16 }, /* private */
    { 0xc6120000, 15 }, /* benchmarks */
    { 0xc6336400, 24 }, /* documentation */
    { 0xcb007100, 24 }, /* documentation */
    { 0xe0000000, 4 },  /* multicast */
    { 0xf0000000, 4 },  /* reserved, broadcast */
};

static bool private_v4(const uint8_t *ip) {
    uint32_t a = (uint32_t)ip[0] << 24 | (uint32_t)ip[1] << 16 | (uint32_t)ip[2] << 8 | ip[3];
    for (size_t i = 0; i < ARRAY_LEN(blocks_v4); i++)
        if ((a ^ blocks_v4[i].net) >> (32 - blocks_v4[i].bits) == 0)
            return true;
    return false;
}

static bool private_v6(const uint8_t *ip) {
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
    if (memcmp(ip, mapped, sizeof mapped) == 0 || memcmp(ip, nat64, sizeof nat64) == 0)
        return private_v4(ip + 12);
    if (ip[0] == 0x20 && ip[1] == 0x02) /* 6to4 carries the IPv4 address behind its prefix */
        return private_v4(ip + 2);
    if ((ip[0] & 0xe0) != 0x20) /* global unicast is 2000::/3; the rest is loopback, local, multicast, unassigned */
        return true;
    bool protocol = ip[0] == 0x20 && ip[1] == 0x01 && (ip[2] & 0xfe) == 0; /* 2001::/23: Teredo and others */
    bool documentation = ip[0] == 0x20 && ip[1] == 0x01 && ip[2] == 0x0d && ip[3] == 0xb8; /* 2001:db8::/32 */
    bool documentation2 = ip[0] == 0x3f && ip[1] == 0xff && (ip[2] & 0xf0) == 0;           /* 3fff::/20 */
    return protocol || documentation || documentation2;
}

bool http_address_private(const uint8_t *ip, size_t n) {
    assert(n == 4 || n == 16);
    return n == 4 ? private_v4(ip) : private_v6(ip);
}

static int parse_port(Ctx *cx, Str text, int standard, int *out) {
    uint64_t port;
    *out = standard;
    if (text.n == 0) /* "host:" means the standard port, RFC 3986 §3.2.3 */
        return 0;
    if (!str_to_u64(text, &port) || port == 0 || port > 65535)
        return err_set(cx, ERR_INVALID, "the URL's port '" STR_FMT "' is not a port", STR_ARG(str_first(text, 16)));
    *out = (int)port;
    return 0;
}

/* "host", "host:port", "[v6]", "[v6]:port" */
static int parse_authority(Ctx *cx, Str authority, HttpUrl *out) {
    Str port = { 0 };
    if (authority.n && authority.p[0] == '[') {
        ptrdiff_t close = str_find_char(authority, ']');
        if (close < 0)
            return err_set(cx, ERR_INVALID, "the URL's address has no closing ']'");
        out->host = str_n(authority.p + 1, (size_t)close - 1);
        Str rest = str_from(authority, (size_t)close + 1);
        if (rest.n && rest.p[0] != ':')
            return err_set(cx, ERR_INVALID, "the URL has bytes between ']' and its port");
        port = str_from(rest, 1);
    } else {
        ptrdiff_t colon = str_find_char(authority, ':');
        out->host = colon < 0 ? authority : str_first(authority, (size_t)colon);
        port = colon < 0 ? port : str_from(authority, (size_t)colon + 1);
    }
    if (out->host.n == 0)
        return err_set(cx, ERR_INVALID, "the URL names no host");
    return parse_port(cx, port, out->tls ? 443 : 80, &out->port);
}

int http_url_parse(Ctx *cx, Str url, HttpUrl *out) {
    HttpUrl u = { 0 };
    for (size_t i = 0; i < url.n; i++) /* a parser that trims or folds such bytes sees another URL than we do */
        if ((unsigned char)url.p[i] <= ' ' || url.p[i] == 0x7f || url.p[i] == '\\')
            return err_set(cx, ERR_INVALID, "the URL has a control character, blank or backslash at byte %zu", i);

    u.tls = url.n >= 8 && str_eq_nocase(str_first(url, 8), S("https://"));
    if (!u.tls && !(url.n >= 7 && str_eq_nocase(str_first(url, 7), S("http://"))))
        return err_set(cx, ERR_INVALID, "'" STR_FMT "' is not an http or https URL", STR_ARG(str_first(url, 80)));
    Str rest = str_from(url, u.tls ? 8 : 7);

    size_t n = 0;
    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?' && rest.p[n] != '#')
        n++;
    Str authority = str_first(rest, n);
    u.path = str_from(rest, n);
    if (str_find_char(authority, '@') >= 0) /* the words must not repeat them */
        return err_set(cx, ERR_INVALID, "the URL carries credentials; give them in a header");
    int r = parse_authority(cx, authority, &u);
    if (r == 0)
        *out = u;
    return r;
}
