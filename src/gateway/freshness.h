#pragma once

/* gateway/freshness.h - what HTTP says about keeping an answer and telling it again (RFC 9111, RFC 5861). Pure.
 *
 * The gateway is a shared cache: what is private is not kept, what came for a key is kept for that key alone unless it
 * is public. Nothing is kept by guessing: an answer without a lifetime of its own is kept only where the route gives it
 * one, or where it has a validator by which it can be asked whether it is still so. */

#include "base/ctx.h"
#include "net/http_server.h"

typedef struct CacheControl {
    bool no_store, no_cache, is_private, is_public, must_revalidate, only_if_cached;
    int64_t max_age_s, s_maxage_s, while_s, error_s; /* stale-while-revalidate, stale-if-error; -1: not told */
} CacheControl;

#define CACHE_CONTROL_NONE                                                                                             \
    (CacheControl) {                                                                                                   \
        .max_age_s = -1, .s_maxage_s = -1, .while_s = -1, .error_s = -1                                                \
    }
/* Adds one field's directives. A number nobody can read counts as 0, so that it errs towards asking again. */
void cache_control_add(CacheControl *c, Str value);
/* Of all Cache-Control fields; Pragma: no-cache counts where there are none. */
CacheControl cache_control_of(const HttpField *fields, size_t n);

typedef struct KeepPlan {
    bool keep;
    bool for_all;     /* not only for the key it came for */
    int64_t fresh_ms; /* 0: to be asked each time whether it is still so */
    int64_t while_ms; /* stale, and told while it is asked for anew */
    int64_t error_ms; /* stale, and told when it cannot be had */
    int64_t age_ms;   /* when it came */
} KeepPlan;

typedef struct KeepQuestion {
    int status;
    const HttpField *fields; /* of the reply, names in lower case */
    size_t n_fields;
    bool keyed;          /* the request said who asks: a key, a Bearer, a cookie */
    int64_t standard_ms; /* the route's: lifetime of an answer that tells none; -1: none */
    Time now;
} KeepQuestion;
KeepPlan keep_plan(const KeepQuestion *q);

/* If-None-Match against an ETag, compared weakly (RFC 9110 section 13.1.2). */
bool etag_matches(Str if_none_match, Str etag);
/* Whether an answer with these validators is the one that the request has: 304. */
bool not_modified(const HttpHead *head, Str etag, Str last_modified);

/* The names of a Vary field, lower case, in order, once each, joined by commas. false: "*", or too many. */
enum { VARY_NAMES_MAX = 8 };
bool vary_names(Arena *a, const HttpField *fields, size_t n, Str *out);
/* What the request has for these names: one text. */
Str vary_values(Arena *a, Str names, const HttpHead *head);
