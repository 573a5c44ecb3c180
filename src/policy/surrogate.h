#pragma once

/* policy/surrogate.h - names under which answers are taken out of caches together: the field Surrogate-Key, as CDNs read it.
 *
 *     role:market route:/api/v1/market/candles exchange:binance symbol:BTCUSDT series:binance:BTCUSDT:1h
 *
 * Parts are written as in cache keys (cache_key.h): exchange in lower case, symbol in upper case, the rest escaped. What is
 * not known is left out. A name is taken exactly as it was told. Pure; any thread. */

#include "policy/cache_key.h"

enum { SURROGATE_KEY_MAX = 256, SURROGATE_PATTERNS_MAX = 4 };

typedef struct SurrogateOf {
    Str role, route;
    CacheSeries series; /* parts may be empty */
} SurrogateOf;

/* The field's value; empty when nothing is known. */
Str surrogate_field(Arena *a, const SurrogateOf *of);
/* 1 .. SURROGATE_KEY_MAX visible bytes of ASCII, and nothing that a cache would read as a pattern: keys of ours have none. */
bool surrogate_valid(Str key);
/* Patterns (cache_key_match) of all cache keys whose answers may bear an exchange, a symbol or a series; none for other
 * names. More goes than must: an answer to a question that names no exchange may be of any, and one of coarser candles
 * may be made of finer ones. */
size_t surrogate_patterns(Arena *a, Str key, Str out[SURROGATE_PATTERNS_MAX]);
