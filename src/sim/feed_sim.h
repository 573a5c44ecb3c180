#pragma once

/* sim/feed_sim.h - the world's news sites, made up: feeds in the shape of real ones, an API, a search engine, and
 * servers that wish their readers ill.
 *
 * Pure: the same seed, request and time give the same answer. A new article appears every ten minutes; feeds show the
 * newest 25. Every answer has the header "X-FinSight-Simulated: 1", and every feed says it in its title.
 *
 *     /coindesk/rss            RSS 2.0 as CoinDesk writes it: CDATA titles, UUIDs, media:content, empty content
 *     /cointelegraph/rss       RSS 2.0 as Cointelegraph writes it: CDATA links that track, HTML descriptions
 *     /atom, /rdf, /feed.json  the same articles as Atom 1.0, RSS 1.0, JSON Feed 1.1
 *     /koi8/rss                in KOI8-R, with Cyrillic titles and nothing but the server to say so
 *     /news/v1/article/list    CoinDesk's data API; needs a key
 *     POST /search             Tavily; the key "tvly-spent" has used up its plan, "tvly-fast" asks too often
 *     /robots.txt              forbids /private/
 *     /hostile/NAME            see feed_sim_hostile_names
 *
 * Threads: any. */

#include "base/ctx.h"
#include "ports/http_client.h"

typedef enum FeedWire { /* how the bytes travel */
                        FEED_WIRE_WHOLE,
                        FEED_WIRE_DRIP,    /* a byte every 100 ms, the head at once */
                        FEED_WIRE_ENDLESS, /* the body again and again, up to `wire_bytes` */
                        FEED_WIRE_CUT,     /* half of the body, then the connection breaks */
                        FEED_WIRE_STALL,   /* nothing, for a minute */
} FeedWire;

enum { FEED_SIM_HEADERS_MAX = 8, FEED_SIM_ARTICLES = 25, FEED_SIM_EVERY_S = 600 };

typedef struct FeedSimRequest {
    Str method, target; /* with its query */
    const HttpHeader *headers;
    size_t n_headers;
    Str body;
} FeedSimRequest;

typedef struct FeedSimReply {
    int status;
    HttpHeader headers[FEED_SIM_HEADERS_MAX];
    size_t n_headers;
    Str body;
    FeedWire wire;
    int64_t wire_bytes;
} FeedSimReply;

void feed_sim_handle(uint64_t seed, Arena *arena, const FeedSimRequest *req, Time now, FeedSimReply *out);

/* "redirect-loop", "zip-bomb"…: each with a line of what it does. */
typedef struct FeedHostile {
    const char *name, *what;
} FeedHostile;
const FeedHostile *feed_sim_hostile_names(size_t *n);
