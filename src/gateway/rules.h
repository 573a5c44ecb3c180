#pragma once

/* gateway/rules.h - what a route changes of requests on their way to a service, and of its answers (GWY-17). Pure.
 *
 * One rule is one line: the route's pattern, what is done, and to what.
 *
 *     /quotes/{id} request.set X-Tenant acme          a field: set replaces, add adds, remove takes out
 *     /quotes/{id} request.remove X-Debug
 *     /quotes/{id} path /v2/{id}/quote             the path that is asked for: {names} of the pattern, * at the end
 *     /quotes/{id} query.default limit 100            a member of the query that the asker left out
 *     /quotes/{id} request.body.rename px price       members of a JSON body, by their path: a.b; lists are looked through
 *     /quotes/{id} reply.set Cache-Control max-age=5
 *     /quotes/{id} reply.body.remove debug.trace
 *     /quotes/{id} reply.body.wrap data               {"data": the body}
 *
 * Rules are checked when they are read. A value is the rest of the line. Fields that belong to one hop, to the framing of
 * messages or to the gateway itself cannot be named. Renaming gives its member the new name; a member that had it goes.
 * Bodies: JSON of 2xx answers, and of requests that say they are JSON, up to RULES_BODY_MAX; rules run in their order,
 * wrap last. */

#include "base/ctx.h"
#include "gateway/route_table.h"
#include "net/http_server.h"

enum { RULES_A_ROUTE_MAX = 32, RULES_BODY_MAX = 1 << 20 };

typedef enum RuleSide { RULE_REQUEST, RULE_REPLY } RuleSide;

typedef struct Rule {
    enum {
        RULE_SET,
        RULE_ADD,
        RULE_REMOVE,
        RULE_PATH,
        RULE_QUERY,
        RULE_BODY_RENAME,
        RULE_BODY_REMOVE,
        RULE_BODY_WRAP
    } what;
    RuleSide side;
    Str name;  /* of the field (lower case) or member; a path of members: "a.b" */
    Str value; /* or the new name */
} Rule;

typedef struct Rules { /* of one route */
    Rule v[RULES_A_ROUTE_MAX];
    size_t n;
    bool fields[2], body[2]; /* by side: is there any? */
    bool query;
    Str path; /* p NULL: as it is */
} Rules;

/* The pattern of a line, and its rule, whose texts are in cx->arena. 0 or ERR_USAGE with words. */
int rule_read(Ctx *cx, Str line, Str *pattern, Rule *out);
/* 0 or ERR_LIMIT; ERR_USAGE: a path that has a parameter the pattern does not. */
int rules_add(Ctx *cx, Rules *r, Str pattern, const Rule *rule);

/* A new list in the arena, with `room` places behind it. */
void rules_fields(const Rules *r, RuleSide side, Arena *a, HttpField **v, size_t *n, size_t room);
/* The path to ask for. */
Str rules_path(const Rules *r, Arena *a, const RouteHit *hit);
/* The query with what was left out; p NULL: none. */
Str rules_query(const Rules *r, Arena *a, Str query);
/* The body changed; 0, ERR_BAD_REQUEST (not JSON, with words) or ERR_TOO_LARGE. */
int rules_body(const Rules *r, RuleSide side, Ctx *cx, Str body, Buf *out);
