#pragma once

/* policy/cache_key.h - the documents' cache keys and how long each kind of answer lives.
 *
 *     ohlcv:{exchange}:{symbol}:{timeframe}:{start}:{end}      CAC-04
 *     stats:{exchange}:{symbol}:{timeframe}                    CAC-05
 *     backtest:{backtest_id}                                   CAC-06
 *     strategy:{strategy_type}                                 CAC-07
 *     system:stats                                             CAC-08
 *
 * One question has one key (U32): exchange in lower case, symbol in upper case, times in UTC as
 * 2024-01-01T00:00:00Z and "-" for an open end, and parameters that are not at their default appended as
 * ":p=<16 hex digits>", the head of the SHA-256 of their canonical text, which is the same in every version. In a part,
 * bytes that would change the key's meaning (':', '%', glob characters, blanks, control bytes) are %-escaped.
 *
 * Pure; any thread. */

#include "base/arena.h"
#include "base/str.h"
#include "base/time.h"

/* What an answer is, for its life in caches. CACHE_NONE is never cached. */
typedef enum CacheKind {
    CACHE_NONE,
    CACHE_OHLCV,
    CACHE_STATS,
    CACHE_BACKTEST,
    CACHE_STRATEGY,
    CACHE_SYSTEM,
    CACHE_KINDS
} CacheKind;

/* The documents' CACHE_TTL_CONFIG as configuration (CAC-03). All in ms. */
typedef struct CacheTtl {
    int64_t ttl_ms;       /* of an answer that may change */
    int64_t immutable_ms; /* of one that cannot: a closed range, a finished run; 30 min .. 7 d (CAC-10, U06) */
} CacheTtl;
typedef struct CacheTtls {
    CacheTtl of[CACHE_KINDS];
    int64_t l1_ms; /* no answer is older than this in the memory of a process (60 s) */
} CacheTtls;
void cache_ttls_default(CacheTtls *t);
/* Life in the second level (shared) and in the first: min(l1_ms, the kind's). 0 for CACHE_NONE. */
int64_t cache_ttl_l2(const CacheTtls *t, CacheKind k, bool immutable);
int64_t cache_ttl_l1(const CacheTtls *t, CacheKind k, bool immutable);
/* The documents' names: "ohlcv_data", "statistics", "backtest_results", "strategy_configs", "system_stats". */
const char *cache_kind_name(CacheKind k);

/* Parameters beyond those a key spells out, that are not at their default: names in any order. */
typedef struct CacheParam {
    Str name, value;
} CacheParam;

typedef struct CacheSeries {
    Str exchange, symbol, timeframe;
} CacheSeries;

Str cache_key_ohlcv(Arena *a, const CacheSeries *s, Time start, Time end, const CacheParam *params, size_t n);
Str cache_key_stats(Arena *a, const CacheSeries *s, const CacheParam *params, size_t n);
Str cache_key_backtest(Arena *a, Str backtest_id);
Str cache_key_strategy(Arena *a, Str strategy_type);
Str cache_key_system_stats(void);
/* An open end: start before all, end after all. */
#define CACHE_START_OPEN TIME_MIN
#define CACHE_END_OPEN   TIME_MAX
/* Its parts as they stand in keys. */
CacheSeries cache_series_canonical(Arena *a, const CacheSeries *s);
/* The tag of everything said of a series: "series:{exchange}:{symbol}:{timeframe}". */
Str cache_tag_series(Arena *a, const CacheSeries *s);

/* Glob over whole keys: '*' any bytes, '?' one, "[a-c]" and "[^x]" one of a set, '\' takes the next literally; as Redis
 * matches, so that both levels drop the same. Time is bounded by |pattern| * |key|. */
bool cache_key_match(Str pattern, Str key);
