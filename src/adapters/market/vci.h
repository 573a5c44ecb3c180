#pragma once

/* adapters/market/vci.h - daily, hourly and minute candles of Vietnamese shares and indices, from the data behind
 * Vietcap's own chart.
 *
 * The endpoint is not published: what is written here is what its users observed. A request names an end and how many
 * candles back from it; an answer is parallel columns, once bare and once in {"data": …}, times as numbers or text.
 * Symbols are those of the exchanges ("VNM", "FPT"); VNINDEX, VN30, HNX and UPCOM are indices. Prices are in VND.
 * Past prices change when a share pays a dividend or is split (`readjusts`).
 * At most one request a second. Time zone Asia/Ho_Chi_Minh, UTC+7 the year round. */

#include "adapters/market/venue.h"

extern const VenueDriver venue_vci;

enum { VCI_ROWS = 5000, VCI_ROWS_MAX = 6000, VCI_SYMBOLS_MAX = 20000 };

/* Columns t, o, h, l, c, v of equal length, in any order of time. *known: the answer speaks of a symbol at all. */
int vci_parse_chart(Ctx *cx, Str text, bool *known, Candles *out);
/* [{"symbol": …, "board": …, "type": …}], bare or in {"data": …}. */
int vci_parse_symbols(Ctx *cx, Str text, Listing **out, size_t *n);

/* Most candles that can lie in [from, to): by business days, 5 hours or 255 minutes each. */
int64_t vci_count_back(Timeframe tf, Time from, Time to);
