/* gateway/cors.c - see cors.h. */

#include "gateway/cors.h"

static bool any(const CorsRules *c) {
    for (size_t i = 0; i < c->n; i++)
        if (str_eq(c->origins[i], S("*")))
            return true;
    return false;
}

bool cors_allows(const CorsRules *c, Str origin) {
    if (!origin.n)
        return false;
    for (size_t i = 0; i < c->n; i++)
        if (str_eq(c->origins[i], origin))
            return true;
    return any(c);
}

size_t cors_fields(const CorsRules *c, Str origin, HttpField out[static CORS_FIELDS_MAX]) {
    size_t n = 0;
    if (!cors_allows(c, origin))
        return 0;
    bool star = any(c);
    out[n++] = (HttpField){ S("Access-Control-Allow-Origin"), star ? S("*") : origin };
    if (!star)
        out[n++] = (HttpField){ S("Vary"), S("Origin") };
    if (c->credentials && !star)
        out[n++] = (HttpField){ S("Access-Control-Allow-Credentials"), S("true") };
    out[n++] = (HttpField){ S("Access-Control-Expose-Headers"),
                            S("X-Request-ID, X-Correlation-ID, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, "
                              "Retry-After, ETag") };
    return n;
}

bool cors_is_preflight(const HttpHead *h) {
    return str_eq(h->method, S("OPTIONS")) && http_field(h, S("origin")).n &&
           http_field(h, S("access-control-request-method")).n;
}

size_t cors_preflight(const CorsRules *c, Arena *a, Str origin, Str methods, HttpField out[static CORS_FIELDS_MAX]) {
    size_t n = cors_fields(c, origin, out);
    if (n == 0)
        return 0;
    n--; /* what may be read is of no matter to a preflight */
    out[n++] = (HttpField){ S("Access-Control-Allow-Methods"), methods };
    out[n++] = (HttpField){ S("Access-Control-Allow-Headers"), c->headers };
    out[n++] = (HttpField){ S("Access-Control-Max-Age"), str_fmt(a, "%lld", (long long)c->max_age_s) };
    return n;
}
