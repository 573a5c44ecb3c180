/* eureka/address.c - see address.h. */

#include "eureka/address.h"

#include "base/base64.h"
#include "base/err.h"

enum { CREDENTIALS_MAX = 1024 };

static int basic(Arena *a, Str credentials, Str *out) {
    Buf b;
    buf_init(&b, CREDENTIALS_MAX * 2);
    bool fits = credentials.n <= CREDENTIALS_MAX && base64_put(&b, credentials) == 0;
    if (fits)
        *out = str_fmt(a, "Basic " STR_FMT, STR_ARG(buf_str(&b)));
    buf_done(&b);
    return fits ? 0 : ERR_USAGE;
}

int eureka_address_parse(Arena *a, Str url, EurekaAddress *out) {
    Str scheme = str_starts(url, S("http://")) ? S("http://") : str_starts(url, S("https://")) ? S("https://") : S("");
    Str rest = str_from(url, scheme.n), host = rest;
    ptrdiff_t slash = str_find_char(rest, '/'), at;
    if (slash >= 0)
        host = str_first(rest, (size_t)slash);
    at = str_find_char(host, '@');
    EurekaAddress address = { 0 };
    if (at >= 0 && basic(a, str_first(host, (size_t)at), &address.authorization) != 0)
        return ERR_USAGE;
    if (at >= 0) {
        rest = str_from(rest, (size_t)at + 1);
        host = str_from(host, (size_t)at + 1);
    }
    if (!scheme.n || !host.n || host.p[0] == ':')
        return ERR_USAGE;
    while (str_ends(rest, S("/")))
        rest.n--;
    bool folder = str_ends(rest, S("/eureka")) || str_ends(rest, S("/v2"));
    address.base = str_fmt(a, STR_FMT STR_FMT "%s", STR_ARG(scheme), STR_ARG(rest), folder ? "" : "/eureka");
    *out = address;
    return 0;
}
