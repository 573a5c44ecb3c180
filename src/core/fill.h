#pragma once

/* core/fill.h - candles for places that have none (MDS-14). Pure.
 *
 * What is made here is flagged CANDLE_SYNTHETIC and has no volume: nothing was traded here. A store never puts it over
 * a real candle (ports/candle_store.h), and a real one that comes later replaces it. */

#include "core/candle.h"

typedef enum FillMethod {
    FILL_FORWARD, /* the last close stands still */
    FILL_LINEAR,  /* a straight line from the last close to the next open */
    FILL_VENUE,   /* the prices of the same instrument at another venue */
} FillMethod;
const char *fill_method_name(FillMethod method);   /* "forward", "linear", "venue" */
bool fill_method_parse(Str text, FillMethod *out); /* also "ffill" and "interpolate" */

typedef struct FillGap {
    Timeframe timeframe;
    Time from, to;        /* grid times: the first missing one, the one behind the last */
    Candle before, after; /* real neighbours; after is used by FILL_LINEAR and the check of FILL_VENUE */
    Time known_at;        /* of what is made */
} FillGap;

/* Appends a candle for each grid time of [from, to). The simulated flag of a neighbour goes over to them. */
void fill_forward(const FillGap *gap, Arena *arena, Candles *out);
void fill_linear(const FillGap *gap, Arena *arena, Candles *out);

/* Appends the donor's real candles of [from, to). Where the two venues disagree by more than max_bps at a neighbour of
 * the gap, the donor tells another market's price: nothing is appended and FILL_DISAGREES returned, with the larger of
 * the two differences in *bps. A donor that knows neither neighbour, or nothing inside, is FILL_NO_DONOR. */
enum { FILL_NO_DONOR = 1, FILL_DISAGREES = 2 };
int fill_from_venue(const FillGap *gap, const Candles *donor, double max_bps, Arena *arena, Candles *out, double *bps);
