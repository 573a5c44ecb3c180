#pragma once

/* adapters/market/venue_parse.h - what the parsers of venues' answers share. Pure. */

#include "base/ctx.h"
#include "base/json.h"
#include "core/candle.h"
#include "core/instrument.h"

enum { VENUE_DEPTH_MAX = 16 };

/* ERR_COLLECTION with what the reader stumbled over and where. */
int venue_bad_json(Ctx *cx, const JsonReader *r, const char *what);
/* A time that a candle may have: the years 1 to 9999. */
bool venue_time_ok(int64_t ms);
/* Epoch seconds -> ms; what is far outside of any calendar becomes INT64_MAX, which venue_time_ok refuses. */
int64_t venue_seconds_ms(int64_t seconds);
/* A row, or a failure of the reader where its time makes no sense or there are more than there is room for. */
void venue_push_row(JsonReader *r, Candles *rows, const Candle *c);
/* A price or size step as the venue writes it; what is no decimal of ours is "not told". */
Decimal venue_size(Str text);
/* "BTC/USD" and the two names in it; false when our symbols cannot spell one of them. */
bool venue_name_pair(Arena *arena, Str symbol, Str base, Str quote, Listing *out);
