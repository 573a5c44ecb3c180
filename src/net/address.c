/* net/address.c - see address.h. */

#include "net/address.h"

#include <arpa/inet.h>

static bool parse_local(Str path, Address *out) {
    if (path.n == 0 || path.n >= sizeof out->local.sun_path || memchr(path.p, '\0', path.n))
        return false;
    out->local.sun_family = AF_UNIX;
    memcpy(out->local.sun_path, path.p, path.n);
    memcpy(out->text, "localhost", sizeof "localhost");
    out->n = sizeof out->local;
    return true;
}

bool address_parse(Str s, Address *out) {
    *out = (Address){ .room = { 0 } };
    if (str_starts(s, S("unix:")))
        return parse_local(str_from(s, 5), out);
    if (s.n >= sizeof out->text)
        return false;
    char ip[sizeof out->text] = "";
    memcpy(ip, s.n ? s.p : "", s.n);
    memcpy(out->text, ip, sizeof ip);
    char *colon = strrchr(ip, ':');
    int64_t port;
    if (!colon || !str_to_i64(str_c(colon + 1), &port) || port < 1 || port > 65535)
        return false;
    *colon = '\0';
    if (ip[0] == '[' && colon[-1] == ']') {
        colon[-1] = '\0';
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons((uint16_t)port);
        out->n = sizeof out->v6;
        return inet_pton(AF_INET6, ip + 1, &out->v6.sin6_addr) == 1;
    }
    out->v4.sin_family = AF_INET;
    out->v4.sin_port = htons((uint16_t)port);
    out->n = sizeof out->v4;
    return inet_pton(AF_INET, ip, &out->v4.sin_addr) == 1;
}

Str address_host(const Address *a) {
    Str s = str_c(a->text);
    const char *colon = strrchr(a->text, ':');
    if (colon)
        s.n = (size_t)(colon - a->text);
    return s.n > 2 && s.p[0] == '[' ? str_n(s.p + 1, s.n - 2) : s;
}
