/* policy/cache_key.c - see cache_key.h. */

#include "policy/cache_key.h"

#include "base/sha256.h"

/* clang-format off */
static const CacheTtls standard = {
    .of = {
        /*                  may change                    cannot change */
        [CACHE_OHLCV]    = { 300 * MS_PER_SECOND,         7 * INT64_C(24) * MS_PER_HOUR },
        [CACHE_STATS]    = { 600 * MS_PER_SECOND,         24 * MS_PER_HOUR },
        [CACHE_BACKTEST] = { MS_PER_HOUR,                 7 * INT64_C(24) * MS_PER_HOUR },
        [CACHE_STRATEGY] = { MS_PER_DAY,                  7 * INT64_C(24) * MS_PER_HOUR },
        [CACHE_SYSTEM]   = { 300 * MS_PER_SECOND,         30 * MS_PER_MINUTE },
    },
    .l1_ms = 60 * MS_PER_SECOND,
};
/* clang-format on */

static const char *const kind_names[CACHE_KINDS] = {
    "none", "ohlcv_data", "statistics", "backtest_results", "strategy_configs", "system_stats"
};

void cache_ttls_default(CacheTtls *t) {
    *t = standard;
}

int64_t cache_ttl_l2(const CacheTtls *t, CacheKind k, bool immutable) {
    if (k <= CACHE_NONE || k >= CACHE_KINDS)
        return 0;
    /* An answer that cannot change lives at least as long as one that may. */
    return immutable ? MAX(t->of[k].immutable_ms, t->of[k].ttl_ms) : t->of[k].ttl_ms;
}

int64_t cache_ttl_l1(const CacheTtls *t, CacheKind k, bool immutable) {
    return MIN(t->l1_ms, cache_ttl_l2(t, k, immutable));
}

const char *cache_kind_name(CacheKind k) {
    return k > CACHE_NONE && k < CACHE_KINDS ? kind_names[k] : kind_names[CACHE_NONE];
}

/* --- keys --- */

static bool is_plain(char c) {
    return (unsigned char)c > ' ' && (unsigned char)c != 0x7f && !strchr(":%*?[]\\=&", c);
}

static char hex_digit(unsigned v) {
    return "0123456789ABCDEF"[v & 15];
}

typedef enum Case { AS_IS, LOWER, UPPER } Case;

static Str part(Arena *a, Str s, Case c) {
    char *out = arena_alloc(a, s.n * 3 + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char b = s.p[i];
        if (c == LOWER && b >= 'A' && b <= 'Z')
            b = (char)(b + ('a' - 'A'));
        if (c == UPPER && b >= 'a' && b <= 'z')
            b = (char)(b - ('a' - 'A'));
        if (b && is_plain(b)) {
            out[n++] = b;
        } else {
            out[n++] = '%';
            out[n++] = hex_digit((unsigned char)b >> 4);
            out[n++] = hex_digit((unsigned char)b);
        }
    }
    return (Str){ out, n };
}

static int param_cmp(const CacheParam *a, const CacheParam *b) {
    int c = str_cmp(a->name, b->name);
    return c ? c : str_cmp(a->value, b->value);
}

enum { PARAM_HEX = 16 };

/* "" or ":p=<hex>". The text that is hashed is name=value&name=value, sorted and escaped, so it is the same for any
 * order of the parameters and for no two sets of them. */
static Str params_part(Arena *a, const CacheParam *params, size_t n) {
    if (n == 0)
        return (Str){ 0 };
    CacheParam *sorted = arena_alloc(a, mem_mul(n, sizeof *sorted));
    for (size_t i = 0; i < n; i++) {
        size_t at = i;
        for (; at > 0 && param_cmp(&sorted[at - 1], &params[i]) > 0; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = params[i];
    }
    Sha256 sha;
    sha256_init(&sha);
    for (size_t i = 0; i < n; i++) {
        sha256_put(&sha, part(a, sorted[i].name, AS_IS));
        sha256_put(&sha, S("="));
        sha256_put(&sha, part(a, sorted[i].value, AS_IS));
        sha256_put(&sha, S("&"));
    }
    char hex[SHA256_HEX + 1];
    sha256_end_hex(&sha, hex);
    return str_fmt(a, ":p=%.*s", PARAM_HEX, hex);
}

CacheSeries cache_series_canonical(Arena *a, const CacheSeries *s) {
    return (CacheSeries){ part(a, s->exchange, LOWER), part(a, s->symbol, UPPER), part(a, s->timeframe, AS_IS) };
}

static Str series_part(Arena *a, const CacheSeries *s) {
    CacheSeries c = cache_series_canonical(a, s);
    return str_fmt(a, STR_FMT ":" STR_FMT ":" STR_FMT, STR_ARG(c.exchange), STR_ARG(c.symbol), STR_ARG(c.timeframe));
}

static Str time_part(Arena *a, Time t, Time open) {
    return t.ms == open.ms ? S("-") : time_iso(a, t);
}

Str cache_key_ohlcv(Arena *a, const CacheSeries *s, Time start, Time end, const CacheParam *params, size_t n) {
    return str_fmt(a, "ohlcv:" STR_FMT ":" STR_FMT ":" STR_FMT STR_FMT, STR_ARG(series_part(a, s)),
                   STR_ARG(time_part(a, start, CACHE_START_OPEN)), STR_ARG(time_part(a, end, CACHE_END_OPEN)),
                   STR_ARG(params_part(a, params, n)));
}

Str cache_key_stats(Arena *a, const CacheSeries *s, const CacheParam *params, size_t n) {
    return str_fmt(a, "stats:" STR_FMT STR_FMT, STR_ARG(series_part(a, s)), STR_ARG(params_part(a, params, n)));
}

Str cache_key_backtest(Arena *a, Str backtest_id) {
    return str_fmt(a, "backtest:" STR_FMT, STR_ARG(part(a, backtest_id, AS_IS)));
}

Str cache_key_strategy(Arena *a, Str strategy_type) {
    return str_fmt(a, "strategy:" STR_FMT, STR_ARG(part(a, strategy_type, AS_IS)));
}

Str cache_key_system_stats(void) {
    return S("system:stats");
}

Str cache_tag_series(Arena *a, const CacheSeries *s) {
    return str_fmt(a, "series:" STR_FMT, STR_ARG(series_part(a, s)));
}

/* --- patterns --- */

/* Does the set at p.p[*at] (behind its '[') hold c? Moves *at behind the ']'; a set that is never closed ends with the
 * pattern. */
static bool set_holds(Str p, size_t *at, unsigned char c) {
    size_t i = *at;
    bool no = i < p.n && p.p[i] == '^', found = false;
    i += no;
    for (; i < p.n && p.p[i] != ']'; i++) {
        if (p.p[i] == '\\' && i + 1 < p.n) {
            i++;
            found |= (unsigned char)p.p[i] == c;
        } else if (i + 2 < p.n && p.p[i + 1] == '-') {
            unsigned char lo = (unsigned char)p.p[i], hi = (unsigned char)p.p[i + 2];
            found |= c >= MIN(lo, hi) && c <= MAX(lo, hi);
            i += 2;
        } else {
            found |= (unsigned char)p.p[i] == c;
        }
    }
    *at = i < p.n ? i + 1 : i;
    return found != no;
}

/* Does the pattern's element at *at, which is no '*', match c? Moves *at behind it. */
static bool element_matches(Str p, size_t *at, char c) {
    char e = p.p[(*at)++];
    if (e == '?')
        return true;
    if (e == '[')
        return set_holds(p, at, (unsigned char)c);
    if (e == '\\' && *at < p.n)
        e = p.p[(*at)++];
    return e == c;
}

bool cache_key_match(Str p, Str key) {
    size_t i = 0, k = 0;
    /* Where to go on when the present try fails: the last star, having eaten one byte more. Earlier stars need not be
     * tried again: what the last one may eat includes what they could have. */
    size_t star = SIZE_MAX, eaten_to = 0;
    while (k < key.n) {
        if (i < p.n && p.p[i] == '*') {
            star = ++i;
            eaten_to = k;
            continue;
        }
        size_t next = i;
        if (i < p.n && element_matches(p, &next, key.p[k])) {
            i = next;
            k++;
            continue;
        }
        if (star == SIZE_MAX)
            return false;
        i = star;
        k = ++eaten_to;
    }
    while (i < p.n && p.p[i] == '*')
        i++;
    return i == p.n;
}
