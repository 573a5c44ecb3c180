#pragma once

/* adapters/feed/hosts.h - what is known of each host that feeds are read from: when it may be asked next, and what its
 * robots.txt says.
 *
 * Bounded: HOSTS_MAX hosts, the one asked longest ago is forgotten first. Threads: any. */

#include "adapters/feed/robots.h"
#include "ports/http_client.h"

enum { HOSTS_MAX = 512 };

typedef struct HostsOptions {
    HttpClient *http;
    Str user_agent; /* whole, for the request */
    Str agent;      /* product token, for robots.txt */
    bool ignore_robots;
    int64_t gap_ms;     /* between two requests to a host, at the least */
    int64_t timeout_ms; /* of a robots.txt */
} HostsOptions;

typedef struct Hosts Hosts;
Hosts *hosts_new(const HostsOptions *o); /* strings are copied */
Hosts *hosts_free(Hosts *h);

/* Takes the next turn at the URL's host: *wait_ms is how long to wait for it; nothing is taken if that is longer than
 * `patience_ms`. Then false. */
bool hosts_take_turn(Hosts *h, Ctx *cx, const HttpUrl *url, int64_t patience_ms, int64_t *wait_ms);
/* The host wants to be left alone for so long (Retry-After). */
void hosts_back_off(Hosts *h, Ctx *cx, const HttpUrl *url, int64_t ms);
/* 0, ERR_DENIED where robots.txt forbids the path, ERR_UNAVAILABLE (or the like) where it exists but cannot be read.
 * Asks for it if it is not known, or known for more than a day. */
int hosts_check_robots(Hosts *h, Ctx *cx, const HttpUrl *url, bool allow_private);
