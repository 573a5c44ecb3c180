/* gateway/client.c - see client.h. */

#include "gateway/client.h"

#include <arpa/inet.h>

static bool parse_ip(Str text, uint8_t out[static 16], bool *v4) {
    char z[INET6_ADDRSTRLEN];
    if (text.n == 0 || text.n >= sizeof z)
        return false;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    memset(out, 0, 10);
    out[10] = out[11] = 0xff;
    *v4 = inet_pton(AF_INET, z, out + 12) == 1;
    return *v4 || inet_pton(AF_INET6, z, out) == 1;
}

bool client_net_parse(Str text, ClientNet *out) {
    ptrdiff_t slash = str_find_char(text, '/');
    bool v4;
    if (!parse_ip(slash < 0 ? text : str_first(text, (size_t)slash), out->bytes, &v4))
        return false;
    int64_t bits = v4 ? 32 : 128;
    if (slash >= 0 && (!str_to_i64(str_from(text, (size_t)slash + 1), &bits) || bits < 0 || bits > (v4 ? 32 : 128)))
        return false;
    out->bits = (int)bits + (v4 ? 96 : 0);
    return true;
}

static ptrdiff_t last_of(Str s, char c) {
    for (size_t i = s.n; i-- > 0;)
        if (s.p[i] == c)
            return (ptrdiff_t)i;
    return -1;
}

Str client_host(Str peer) {
    if (peer.n && peer.p[0] == '[') {
        ptrdiff_t end = str_find_char(peer, ']');
        return end > 0 ? str_n(peer.p + 1, (size_t)end - 1) : peer;
    }
    ptrdiff_t colon = last_of(peer, ':');
    if (colon < 0 || colon != str_find_char(peer, ':'))
        return peer; /* no port, or an IPv6 address without brackets */
    return str_first(peer, (size_t)colon);
}

static bool inside(const uint8_t ip[static 16], const ClientNet *net) {
    int whole = net->bits / 8, rest = net->bits % 8;
    if (memcmp(ip, net->bytes, (size_t)whole) != 0)
        return false;
    return rest == 0 || ((ip[whole] ^ net->bytes[whole]) >> (8 - rest)) == 0;
}

bool client_trusted(Str host, const ClientNet *hops, size_t n) {
    uint8_t ip[16];
    bool v4;
    if (n == 0 || !parse_ip(host, ip, &v4))
        return false;
    for (size_t i = 0; i < n; i++)
        if (inside(ip, &hops[i]))
            return true;
    return false;
}

Str client_address(Str peer, Str forwarded_for, const ClientNet *hops, size_t n) {
    Str at = client_host(peer), left = forwarded_for;
    while (left.n && client_trusted(at, hops, n)) {
        ptrdiff_t comma = last_of(left, ',');
        Str next = client_host(str_trim(comma < 0 ? left : str_from(left, (size_t)comma + 1)));
        uint8_t ip[16];
        bool v4;
        if (!parse_ip(next, ip, &v4))
            break; /* not an address: nobody we can name stands behind this hop */
        at = next;
        left = str_first(left, (size_t)MAX(comma, (ptrdiff_t)0));
    }
    return at;
}
