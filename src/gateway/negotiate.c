/* gateway/negotiate.c - see negotiate.h. */

#include "gateway/negotiate.h"

/* q=0.5 -> 500. A weight nobody can read counts as 1, as servers in the field do. */
static int weight(Str params) {
    Str part;
    while (str_next(&params, ';', &part)) {
        part = str_trim(part);
        if (part.n < 3 || (part.p[0] | 0x20) != 'q' || part.p[1] != '=')
            continue;
        Str v = str_from(part, 2);
        if (v.p[0] == '1')
            return 1000;
        if (v.p[0] != '0')
            return 1000;
        int q = 0, scale = 100;
        for (size_t i = 2; i < v.n && i < 5 && v.p[i] >= '0' && v.p[i] <= '9'; i++, scale /= 10)
            q += (v.p[i] - '0') * scale;
        return q;
    }
    return 1000;
}

/* Splits "text/csv;q=0.5" and gives the name and the weight. */
static Str element(Str item, int *q) {
    Str name = { 0 }, rest = item; /* an absent header has no first part */
    str_next(&rest, ';', &name);
    *q = rest.p ? weight(rest) : 1000;
    return str_trim(name);
}

/* The weight of the most exact range that matches "type/subtype" (exact, then type slash star, then star). */
static int media_weight(Str accept, Str type, Str whole) {
    int best = -1, best_rank = 0;
    Str item;
    while (str_next(&accept, ',', &item)) {
        int q, rank;
        Str range = element(item, &q);
        if (str_eq_nocase(range, whole))
            rank = 3;
        else if (range.n == type.n + 2 && str_eq_nocase(str_first(range, type.n), type) &&
                 str_eq(str_from(range, type.n), S("/*")))
            rank = 2;
        else if (str_eq(range, S("*/*")))
            rank = 1;
        else
            continue;
        if (rank > best_rank) {
            best_rank = rank;
            best = q;
        }
    }
    return best;
}

MediaType negotiate_media(Str accept, bool csv) {
    if (!str_trim(accept).n)
        return MEDIA_JSON;
    int json_q = media_weight(accept, S("application"), S("application/json"));
    int csv_q = csv ? media_weight(accept, S("text"), S("text/csv")) : -1;
    if (json_q <= 0 && csv_q <= 0)
        return MEDIA_NONE;
    return csv_q > json_q ? MEDIA_CSV : MEDIA_JSON;
}

Coding negotiate_coding(Str accept_encoding) {
    int zstd = -1, gzip = -1, star = -1;
    Str item;
    while (str_next(&accept_encoding, ',', &item)) {
        int q;
        Str name = element(item, &q);
        if (str_eq_nocase(name, S("zstd")))
            zstd = q;
        else if (str_eq_nocase(name, S("gzip")) || str_eq_nocase(name, S("x-gzip")))
            gzip = q;
        else if (str_eq(name, S("*")))
            star = q;
    }
    /* A star alone asks for nothing in particular; what it names is what the client surely reads: gzip. */
    if (gzip < 0)
        gzip = star;
    if (zstd > 0 && zstd >= gzip)
        return CODING_ZSTD;
    return gzip > 0 ? CODING_GZIP : CODING_IDENTITY;
}

MediaType media_of(Str content_type) {
    int q;
    Str name = element(content_type, &q);
    if (!name.n)
        return MEDIA_JSON;
    if (str_eq_nocase(name, S("text/csv")))
        return MEDIA_CSV;
    if (str_eq_nocase(name, S("application/json")) || str_ends(name, S("+json")) ||
        str_eq_nocase(name, S("application/x-www-form-urlencoded"))) /* what curl -d says when nobody tells it */
        return MEDIA_JSON;
    return MEDIA_NONE;
}
