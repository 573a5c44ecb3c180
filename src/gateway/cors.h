#pragma once

/* gateway/cors.h - which pages of other origins may ask (Fetch standard, section 3.2; GWY-15). Pure.
 *
 * An origin is compared whole and as sent: "https://app.example". "*" allows every one, and then never with credentials:
 * such a page would act with its visitor's cookies. An origin that is not listed gets no fields, so its page cannot read
 * the answer; its preflight is refused. */

#include "base/ctx.h"
#include "net/http_server.h"

typedef struct CorsRules {
    const Str *origins; /* empty: none may */
    size_t n;
    bool credentials;
    int64_t max_age_s;
    Str headers; /* that a page may send: "Content-Type, X-API-Key" */
} CorsRules;

enum { CORS_FIELDS_MAX = 6 };

bool cors_allows(const CorsRules *c, Str origin);
/* Fields of an ordinary answer; returns how many. */
size_t cors_fields(const CorsRules *c, Str origin, HttpField out[static CORS_FIELDS_MAX]);
/* Whether the request is a preflight: OPTIONS with an origin and a method. */
bool cors_is_preflight(const HttpHead *h);
/* Fields of its answer; methods: what the path has. */
size_t cors_preflight(const CorsRules *c, Arena *a, Str origin, Str methods, HttpField out[static CORS_FIELDS_MAX]);
