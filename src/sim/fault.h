#pragma once

/* sim/fault.h - what goes wrong, when, and how often: the faults of the simulators as data.
 *
 *     NAME[:key=value[,key=value...]]      e.g.  429:every=3,count=2   empty-page:symbol=BTCUSDT
 *
 *     every=N   each Nth matching request      prob=P    with probability P, seeded
 *     count=K   at most K times                after=N   not before N matching requests went by well
 *     symbol=S  only requests for S            path=P    only paths that contain P
 *     n=N       the fault's own number: rows of a short page, seconds of Retry-After, ms of an offset
 *
 * Without every and prob a fault hits every matching request until its count is used up. The first rule that
 * hits decides; rules are asked in the order they were added. */

#include "base/ctx.h"
#include "base/json.h"
#include "base/rng.h"
#include "core/symbol.h"

typedef enum FaultKind {
    FAULT_NONE,
    /* what a page holds (klines only) */
    FAULT_SHORT_PAGE,    /* n rows (default half) where more were asked for and exist */
    FAULT_EMPTY_PAGE,    /* [] in mid-history: only when the page would not reach the present */
    FAULT_DUPLICATE_ROW, /* the page begins with the candle before startTime */
    FAULT_MICROS,        /* times in µs though nobody asked */
    FAULT_MISALIGNED,    /* open times n ms (default 18,123) off the grid */
    FAULT_UNSORTED,      /* two rows in the middle change places */
    FAULT_TEXT_TIMES,    /* VCI: times in quotes */
    FAULT_WRAPPED,       /* VCI: the answer stands in {"data": …} */
    FAULT_BUSY,          /* Kraken: 200, {"error": ["EService:Busy"]} */
    /* what the venue answers instead */
    FAULT_429, /* Retry-After n (default 1); Kraken: 200, {"error": ["EAPI:Rate limit exceeded"]} */
    FAULT_418, /* Retry-After n (default 120) */
    FAULT_403, /* an HTML page of the web application firewall */
    FAULT_500,
    FAULT_503,
    FAULT_NOT_JSON,  /* 200 with an HTML body */
    FAULT_TRUNCATED, /* 200 with JSON cut in the middle, the length correct for what is there */
    /* how the bytes travel */
    FAULT_CHUNKED, /* gzip in small chunks, whatever was asked */
    FAULT_TRICKLE, /* n bytes (default 64) every 100 ms */
    FAULT_RESET,   /* the connection breaks in mid-body */
    FAULT_STALL,   /* no answer for n ms (default 60,000) */
    /* what happens on a stream of candles (sim/exchange_stream.h) */
    FAULT_WS_CLOSE,    /* the connection is gone without a close frame: 1006 */
    FAULT_WS_DAY,      /* its 24 hours are over: closed by the venue with a frame */
    FAULT_WS_TWICE,    /* the message of a closed candle comes twice */
    FAULT_WS_GAP,      /* n messages (default 5) are left out */
    FAULT_WS_SHUTDOWN, /* serverShutdown, and a minute later the close */
    FAULT_WS_PING,     /* a ping without data */
    /* what happens to an object store (sim/s3_sim.h) */
    FAULT_LOST,       /* it is done, and the connection breaks before the answer */
    FAULT_WRONG_ETAG, /* the answer has the etag of something else */
    FAULT_KINDS
} FaultKind;

typedef struct FaultRule {
    FaultKind kind;
    int64_t every, count, after, n; /* 0 = not set; n < 0 = the fault's own default */
    double prob;                    /* 0 = not set */
    Symbol symbol;                  /* empty = any */
    char path[48];                  /* empty = any */
    int64_t seen, hits;             /* matching requests; of them hit */
} FaultRule;

enum { FAULT_RULES_MAX = 64 };

typedef struct Faults {
    FaultRule v[FAULT_RULES_MAX];
    size_t n;
    Rng rng;
} Faults;

typedef struct FaultHit {
    FaultKind kind;
    int64_t n; /* the rule's, or the default of the kind */
} FaultHit;

const char *fault_name(FaultKind kind); /* "empty-page" */
void faults_init(Faults *f, uint64_t seed);
/* 0, ERR_INVALID (words say what is known), ERR_LIMIT. */
int faults_add(Faults *f, Ctx *cx, Str text);
void faults_clear(Faults *f);
/* The fault that hits this request; kind FAULT_NONE if none. `fits` has a bit (1u << kind) for each kind that would
 * show in the answer: the others are not asked and count nothing. symbol is empty where the request names none. */
FaultHit faults_next(Faults *f, unsigned fits, Str path, Str symbol);
/* All but those of a page and of a stream. */
#define FAULTS_ALWAYS_FIT (((1u << FAULT_WS_CLOSE) - 1) & ~((1u << FAULT_429) - 1))
#define FAULTS_OF_STREAM  (((1u << FAULT_LOST) - 1) & ~((1u << FAULT_WS_CLOSE) - 1))
void faults_write(const Faults *f, JsonWriter *w); /* an array of rules with their counts */
