#pragma once

/* tests/torture/sim_truth.h - what must be in a store, whatever happened to it.
 *
 * Truth: the candles an exchange has of one series, straight from the generator; what the store says is held
 * against it. Ledger: the saves of one client, each with a version that its rows show, so that a stored row tells
 * which save it is of. Both answer 0, or -1 with words. */

#include "base/rng.h"
#include "ports/candle_store.h"
#include "sim/exchange_sim.h"

typedef struct Words {
    char *p;
    size_t size;
} Words;
int words_set(Words w, const char *fmt, ...) PRINTF_LIKE(2, 3); /* -1; the first failure's words stay */

typedef enum TruthKind { TRUTH_NONE, TRUTH_WHOLE, TRUTH_PART } TruthKind; /* part: an outage took some of it */

typedef struct Truth {
    SeriesKey key; /* as the store files it */
    Time from;
    size_t n;
    Candle *rows;  /* one a grid time from `from` on */
    uint8_t *kind; /* TruthKind */
} Truth;

void truth_init(Truth *t, Arena *arena, uint64_t seed, const SeriesKey *key, Time from, Time to,
                const SimWindow *outage);
/* Every stored row is a candle of the exchange, flagged as simulated, closed unless it says otherwise; every window
 * of coverage holds all candles that the exchange has in it, and nothing that has not closed at `now`. */
int truth_check(const Truth *t, CandleStore *store, Ctx *cx, Time now, Words words);
/* Exactly the exchange's candles, closed ones, are stored in [from, to). */
int truth_check_whole(const Truth *t, CandleStore *store, Ctx *cx, Time from, Time to, Words words);

enum { LEDGER_SLOTS = 1500, LEDGER_SAVES = 2000 };

typedef struct LedgerSave {
    int first, n;
} LedgerSave;

typedef struct Ledger {
    SeriesKey key;
    Time from;
    LedgerSave saves[LEDGER_SAVES + 1]; /* version v is saves[v]; 0 = none */
    int n;
    int acked[LEDGER_SLOTS], durable[LEDGER_SLOTS]; /* last version answered; last that promised to stay */
} Ledger;

void ledger_init(Ledger *l, const SeriesKey *key, Time from);
/* Rows of the next save. false when the ledger is full. */
bool ledger_draw(Ledger *l, Rng *rng, Arena *arena, Candles *rows);
/* The save last drawn was answered with success. */
void ledger_acked(Ledger *l, bool durable);
/* The whole series as stored: nothing older than what was answered, or, after a cut, than what promised to stay;
 * nothing nobody saved; a save is there as a whole or not at all. After a cut what is there is the new start. */
int ledger_check(Ledger *l, CandleStore *store, Ctx *cx, bool after_cut, Words words);
