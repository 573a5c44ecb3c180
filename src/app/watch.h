#pragma once

/* app/watch.h - series as a server tells them: a client of its live API (docs/live-api.md) that comes back by itself. */

#include "app/app.h"

typedef struct WatchTarget {
    Str exchange, symbol, timeframe, provider; /* empty where the symbol alone is enough */
} WatchTarget;

typedef struct WatchOptions {
    const WatchTarget *v;
    size_t n;
    int64_t limit; /* candles a snapshot begins with */
    Str url;       /* "http://host:8080", "wss://host/ws"; empty: the server of the data folder, over its socket */
    Str key;
    /* For `collect --follow`: what changes alone, in that command's form; a series that is not stored yet is waited for. */
    bool follows;
} WatchOptions;

/* Until Ctrl-C, which is success; returns the exit status. */
int watch_run(App *app, const WatchOptions *o);
