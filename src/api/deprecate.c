/* api/deprecate.c - what a client is told about an operation or a path that will go away.
 *
 * Deprecation: RFC 9745 (a structured date, "@" and epoch seconds); Sunset: RFC 8594 (an HTTP date); the
 * successor of an alias: RFC 8288 Link with rel="successor-version" (RFC 5829). */

#include "api/op.h"

bool op_deprecation(const Op *op, Time *since, Time *sunset) {
    Str text = str_c(op->deprecated), first;
    if (text.n == 0 || !str_next(&text, '/', &first))
        return false;
    return time_parse_iso(first, since, NULL) && time_parse_iso(text, sunset, NULL) && time_before(*since, *sunset);
}

size_t op_deprecation_headers(const OpMatch *match, Arena *a, QueryPair out[static OP_DEPRECATION_HEADERS]) {
    size_t n = 0;
    Time since, sunset;
    if (op_deprecation(match->op, &since, &sunset)) {
        char date[TIME_TEXT_MAX];
        size_t length = time_format_http(sunset, date);
        out[n++] = (QueryPair){ S("deprecation"), str_fmt(a, "@%lld", (long long)floor_div(since.ms, 1000)) };
        out[n++] = (QueryPair){ S("sunset"), str_dup(a, str_n(date, length)) };
    }
    if (match->alias) /* the documents' older paths stay; they only say what is newer */
        out[n++] = (QueryPair){ S("link"), str_fmt(a, "<%s>; rel=\"successor-version\"", match->op->path) };
    return n;
}
