#pragma once

/* adapters/store/memory.h - a candle store that lives as long as the process.
 *
 * The reference of the port: the simplest thing that keeps the whole contract, for tests, demonstrations and
 * as the model that the other stores are compared with. One lock; reads copy under it. */

#include "ports/candle_store.h"

CandleStore *store_memory_new(void);
