#pragma once

/* eureka/address.h - where a registry is: "http://[user:password@]HOST:PORT[/eureka]". Pure. */

#include "base/str.h"

typedef struct EurekaAddress {
    Str base;          /* "http://10.0.0.1:8761/eureka": may be shown */
    Str authorization; /* "Basic …"; empty: none */
} EurekaAddress;

/* Credentials are taken out; /eureka is put behind an address that names no folder ending in it or in /v2. 0 or
 * ERR_USAGE. Texts in the arena. */
int eureka_address_parse(Arena *a, Str url, EurekaAddress *out);
