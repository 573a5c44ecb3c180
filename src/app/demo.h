#pragma once

/* app/demo.h - what the parts of `finsight demo` share: the platform being shown, and how things are shown. */

#include "app/app.h"
#include "app/serve.h"
#include "cli/term.h"
#include "sim/exchange_server.h"
#include "sim/feed_server.h"

#include <pthread.h>

typedef struct DemoIn {
    Str data, symbol, timeframe;
    bool simulated;
} DemoIn;

typedef struct Demo {
    App *app;
    Cli *c;
    const DemoIn *in;
    ExchangeServer *sim;
    FeedServer *feeds; /* of the news */
    Service *service;
    pthread_t thread;
    bool running;
    Logger *log;
    ApiCaller *api;
    bool simulated;
    MonoNs started;
    int64_t requests; /* made to the platform */
} Demo;

typedef struct DemoSeries { /* what the later parts are about */
    Str exchange, symbol, timeframe;
} DemoSeries;

double demo_ms_since(Demo *d, MonoNs t);
/* As the platform's client: over HTTP. */
int demo_call(Demo *d, const Op *op, const void *in, void *out);
void demo_heading(Demo *d, const char *text, const char *why);
Str demo_sparkline(Demo *d, const DemoSeries *s);

/* The parts, in the order they are shown. 0, or ErrCode with words. */
int demo_collect(Demo *d);                       /* candles of an exchange */
int demo_import(Demo *d, DemoSeries *out);       /* the user's file */
int demo_ask(Demo *d, const DemoSeries *s);      /* statistics, gaps, candles */
int demo_backtest(Demo *d, const DemoSeries *s); /* a strategy, its neighbours, the tear sheet */
int demo_forecast(Demo *d, const DemoSeries *s); /* a small ensemble, its interval, the last value */
int demo_job(Demo *d, const DemoSeries *s);      /* a scheduled collection, run by hand */
int demo_fill(Demo *d, const DemoSeries *s);     /* holes filled and flagged */
int demo_keep(Demo *d, const DemoSeries *s);     /* a Parquet file, a backup */
int demo_news_prepare(Demo *d);                  /* before the platform starts: feeds to read */
int demo_news(Demo *d);                          /* articles collected, scored, found */
int demo_split(Demo *d, const DemoSeries *s);    /* in processes, one of which is killed */
int demo_live(Demo *d);                          /* live candles over /ws */
int demo_finish(Demo *d, const DemoSeries *s);   /* what is kept, what to try next */
