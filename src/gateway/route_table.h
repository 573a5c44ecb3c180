#pragma once

/* gateway/route_table.h - from method and path to whatever answers. Pure.
 *
 * A pattern is literal segments, {parameters} of one segment, and at its end "*", which takes the rest of the path (also
 * none of it): "/jobs/{id}", "/quotes/", "/legacy" then "/" and "*". Of the patterns that fit a path the one with the
 * longest literal beginning wins, segment by segment: a literal beats a parameter, a parameter beats the rest. The
 * method is looked at after that: a path that another method has is ERR_METHOD, not a less exact pattern.
 *
 * The cost of a look-up is one hash a segment, whatever the number of routes. Segments are compared percent-decoded:
 * %2F inside a segment belongs to the value. Dot segments and empty ones fit nothing, so that what is routed here and
 * what an upstream makes of the path cannot differ.
 *
 * Memory: patterns are copied; a table only grows, a reload makes a new one. Threads: built by one, then read by any. */

#include "base/ctx.h"

typedef struct RouteTable RouteTable;

enum { ROUTE_SEGMENTS_MAX = 16, ROUTE_METHODS_MAX = 8, ROUTES_MAX = 100000 };

RouteTable *route_table_new(void);
RouteTable *route_table_free(RouteTable *t); /* NULL is fine */
/* method empty: any. 0; ERR_CONFLICT (the route is there already); ERR_USAGE (no pattern); ERR_LIMIT. */
int route_table_add(RouteTable *t, Ctx *cx, Str method, Str pattern, void *target);
size_t route_table_count(const RouteTable *t);

typedef struct RouteHit {
    void *target;
    Str names[ROUTE_SEGMENTS_MAX], values[ROUTE_SEGMENTS_MAX]; /* of parameters; values decoded, in cx->arena */
    size_t n_values;
    Str rest;  /* what "*" took, as it was sent: "a/b"; p NULL where the pattern has none */
    Str allow; /* of ERR_METHOD: "GET, HEAD, OPTIONS" */
} RouteHit;

/* 0; ERR_NOT_FOUND; ERR_METHOD, with out->allow; ERR_BAD_REQUEST (a bad escape). HEAD finds the GET; a trailing slash
 * is forgiven. */
int route_table_find(const RouteTable *t, Ctx *cx, Str method, Str path, RouteHit *out);
