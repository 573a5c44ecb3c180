#pragma once

/* app/follow.h - the Cli.follow of this program. */

#include "app/app.h"

int app_follow(Cli *c, const SeriesKey *keys, size_t n);

/* The same beside a server that has the store open; returns the exit status. */
int follow_through_server(App *app, ApiCaller *api, const SeriesKey *keys, size_t n);

/* A candle as one line of JSON, or of text. */
void follow_put_json(FILE *out, Str exchange, Str symbol, Str timeframe, const Candle *candle, int64_t revision);
void follow_put_line(FILE *out, Arena *a, Str symbol, Str timeframe, const Candle *candle);
