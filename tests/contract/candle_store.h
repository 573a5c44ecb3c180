#pragma once

/* tests/contract/candle_store.h - what an adapter gives the suite: a way to open it. */

#include "lib/test.h"
#include "ports/candle_store.h"

typedef struct StoreMaker {
    const char *name;
    bool persistent; /* what was saved is there after close and open in the same directory */
    CandleStore *(*open)(TestCtx *t, const char *dir);
} StoreMaker;

extern const StoreMaker store_maker; /* defined by each of candle_store_{memory,csv,sqlite}.c */

/* Random operations against a model of arrays; in candle_store_model.c. */
void store_model_test(void **state);
