/* net/proxy_protocol.c - see proxy_protocol.h. */

#include "net/proxy_protocol.h"

#include <arpa/inet.h>
#include <stdio.h>

static const char signature[12] = { '\r', '\n', '\r', '\n', '\0', '\r', '\n', 'Q', 'U', 'I', 'T', '\n' };

void proxy_reader_init(ProxyReader *r) {
    memset(r, 0, sizeof *r);
}

/* --- version 1 --- */

static bool port_of(Str text, int *out) {
    int64_t n;
    if (text.n == 0 || text.n > 5 || (text.n > 1 && text.p[0] == '0') || !str_to_i64(text, &n) || n < 0 || n > 65535)
        return false;
    *out = (int)n;
    return true;
}

/* An address in its one form; inet_pton refuses the others. */
static bool put_peer(ProxyReader *r, int family, Str ip, int port) {
    char text[INET6_ADDRSTRLEN];
    struct in6_addr binary;
    if (ip.n == 0 || ip.n >= sizeof text)
        return false;
    memcpy(text, ip.p, ip.n);
    text[ip.n] = '\0';
    if (inet_pton(family, text, &binary) != 1 || !inet_ntop(family, &binary, text, sizeof text))
        return false;
    snprintf(r->peer, sizeof r->peer, family == AF_INET ? "%s:%d" : "[%s]:%d", text, port);
    return true;
}

/* "TCP4 SOURCE DESTINATION PORT PORT", one blank between; or "UNKNOWN" and whatever. */
static bool read_line(ProxyReader *r, Str line) {
    Str rest = str_from(line, S("PROXY ").n), family, source, destination, port, to_port;
    if (!str_starts(line, S("PROXY ")) || !str_next(&rest, ' ', &family))
        return false;
    if (str_eq(family, S("UNKNOWN")))
        return true;
    int af = str_eq(family, S("TCP4")) ? AF_INET : str_eq(family, S("TCP6")) ? AF_INET6 : 0, from, to;
    ProxyReader scratch;
    return af && str_next(&rest, ' ', &source) && str_next(&rest, ' ', &destination) && str_next(&rest, ' ', &port) &&
           str_next(&rest, ' ', &to_port) && rest.n == 0 && port_of(port, &from) && port_of(to_port, &to) &&
           put_peer(&scratch, af, destination, to) && put_peer(r, af, source, from);
}

static ProxyVerdict read_v1(ProxyReader *r, const char *p, size_t n, size_t *used) {
    for (size_t i = 0; i < n; i++) {
        if (r->n == PROXY_V1_MAX)
            return PROXY_WRONG;
        r->head[r->n++] = p[i];
        if (p[i] != '\n')
            continue;
        *used = i + 1;
        bool whole = r->n >= 2 && r->head[r->n - 2] == '\r';
        return whole && read_line(r, str_n(r->head, r->n - 2)) ? PROXY_DONE : PROXY_WRONG;
    }
    *used = n;
    return r->n == PROXY_V1_MAX ? PROXY_WRONG : PROXY_MORE;
}

/* --- version 2 --- */

static uint16_t be16(const char *p) {
    return (uint16_t)((uint8_t)p[0] << 8 | (uint8_t)p[1]);
}

static bool read_addresses(ProxyReader *r) {
    char text[INET6_ADDRSTRLEN];
    const char *a = r->head + PROXY_V2_HEAD;
    size_t have = r->n - PROXY_V2_HEAD;
    int command = r->head[12] & 15, family = (uint8_t)r->head[13] >> 4;
    if (command == 0) /* LOCAL: the hop itself asks */
        return true;
    if (family == 1 && have >= 12) {
        inet_ntop(AF_INET, a, text, sizeof text);
        snprintf(r->peer, sizeof r->peer, "%s:%d", text, be16(a + 8));
    } else if (family == 2 && have >= 36) {
        inet_ntop(AF_INET6, a, text, sizeof text);
        snprintf(r->peer, sizeof r->peer, "[%s]:%d", text, be16(a + 32));
    }
    return !((family == 1 && have < 12) || (family == 2 && have < 36)); /* others tell no address we could use */
}

static ProxyVerdict read_v2(ProxyReader *r, const char *p, size_t n, size_t *used) {
    size_t i = 0;
    while (i < n && r->n < PROXY_V2_HEAD)
        r->head[r->n++] = p[i++];
    *used = i;
    if (r->n < PROXY_V2_HEAD)
        return PROXY_MORE;
    if (r->need == 0) {
        size_t length = be16(r->head + 14);
        int version = (uint8_t)r->head[12] >> 4, command = r->head[12] & 15;
        if (version != 2 || command > 1 || length > PROXY_V2_MAX)
            return PROXY_WRONG;
        size_t kept = MIN(length, sizeof r->head - PROXY_V2_HEAD);
        r->need = PROXY_V2_HEAD + kept;
        r->skip = length - kept;
    }
    while (i < n && r->n < r->need)
        r->head[r->n++] = p[i++];
    if (r->n == r->need && r->skip) {
        size_t some = MIN(n - i, r->skip);
        i += some;
        r->skip -= some;
    }
    *used = i;
    if (r->n < r->need || r->skip)
        return PROXY_MORE;
    return read_addresses(r) ? PROXY_DONE : PROXY_WRONG;
}

/* --- either --- */

/* Does it begin like one? Fewer bytes than a beginning has are no verdict yet. */
static ProxyVerdict begins(const char *p, size_t n, bool *v2) {
    static const char text[6] = { 'P', 'R', 'O', 'X', 'Y', ' ' };
    *v2 = p[0] == '\r';
    const char *want = *v2 ? signature : text;
    size_t size = *v2 ? sizeof signature : sizeof text;
    if (memcmp(p, want, MIN(n, size)) != 0)
        return PROXY_NONE;
    return n < size ? PROXY_MORE : PROXY_DONE;
}

ProxyVerdict proxy_read(ProxyReader *r, const char *p, size_t n, size_t *used) {
    *used = 0;
    if (n == 0)
        return PROXY_MORE;
    if (r->n == 0) {
        ProxyVerdict v = begins(p, n, &r->v2);
        if (v != PROXY_DONE)
            return v; /* also for a part of a beginning nothing is taken: it may yet be the client's */
    }
    return r->v2 ? read_v2(r, p, n, used) : read_v1(r, p, n, used);
}
