#pragma once

/* net/address.h - "127.0.0.1:8000", "[::1]:8000", "unix:/path" as the kernel wants them. Numbers, no names. */

#include "base/str.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

typedef struct Address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_un local;
        struct sockaddr_storage room;
    };
    socklen_t n;
    char text[112]; /* HOST:PORT as given, for a Host field; "localhost" of a Unix socket */
} Address;

bool address_parse(Str text, Address *out);
/* "127.0.0.1", "::1": what a certificate would be for. */
Str address_host(const Address *a);
