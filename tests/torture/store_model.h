#pragma once

/* tests/torture/store_model.h - random calls on a candle store and what they mean, for tests that end a process
 * or a power supply in the middle of them. */

#include "base/rng.h"
#include "ports/candle_store.h"

enum { MODEL_SERIES = 2, MODEL_SLOTS = 3200 };

typedef struct Model {                         /* the content of a store: a price in hundredths for each minute */
    uint16_t price[MODEL_SERIES][MODEL_SLOTS]; /* 0 = no candle */
} Model;

uint64_t model_hash(const Model *m);
/* One random save or remove. *after is what the store holds if it goes through, *durable whether that is
 * promised to last. The same Rng and model give the same call. */
int model_call(const Model *before, CandleStore *store, Ctx *cx, Rng *rng, Model *after, bool *durable);
/* The random numbers of the call and *after, without a store. */
void model_skip(const Model *before, Rng *rng, Model *after);
/* What the store holds; ERR_CORRUPT for a candle that no call ever saved. */
int model_read(CandleStore *store, Ctx *cx, Model *out);
