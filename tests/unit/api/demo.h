#pragma once

/* tests/unit/api/demo.h - a small API that uses everything the tables can say: nested shapes, lists, candles,
 * path parameters, aliases, CSV, a deprecated operation, an operation without an answer.
 *
 * Its handlers echo what they got, so that a test can see the decoded struct from outside. */

#include "api/call.h"

typedef struct DemoQuery {
    Str symbol, exchange, timeframe;
    Time start, end;
    int64_t limit;
    Str order;
    List columns; /* Str */
    double min_volume;
    bool adjusted;
    Str api_token;
} DemoQuery;

typedef struct DemoPage {
    Str symbol, exchange, timeframe;
    Candles candles;
    Time next;
    int64_t revision;
    double mean; /* NaN: none */
    bool complete;
    Str note;
} DemoPage;

typedef struct DemoSave {
    Str symbol, exchange, timeframe;
    Candles candles;
    bool dry_run;
} DemoSave;

typedef struct DemoSaved {
    int64_t saved;
    Time first;
} DemoSaved;

typedef struct DemoRisk {
    double max_loss, leverage;
    Str mode;
} DemoRisk;

typedef struct DemoLeg {
    Str symbol;
    double weight;
    int64_t delay_ms;
    List tags; /* Str */
} DemoLeg;

typedef struct DemoPlan {
    Str id, name;
    DemoRisk risk;
    DemoRisk hedge; /* nullable */
    List legs;      /* DemoLeg */
    List notes;     /* Str */
    RawJson settings;
    Time at;
    int64_t priority;
    bool enabled;
} DemoPlan;

typedef struct DemoJob {
    Str id;
    bool force;
} DemoJob;

extern const Shape demo_query, demo_page, demo_save, demo_saved, demo_plan, demo_leg, demo_risk, demo_job;
extern const Op op_demo_candles, op_demo_save, op_demo_plan, op_demo_active, op_demo_job, op_demo_delete, op_demo_chart;
extern const OpTable demo_table;

/* The role's object. Handlers fail with `fail` when it is not 0, and count their calls. */
typedef struct Demo {
    int fail;
    int calls;
    DemoQuery query; /* what the last op_demo_candles saw */
} Demo;
