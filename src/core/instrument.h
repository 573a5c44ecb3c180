#pragma once

/* core/instrument.h - the instrument master: one canonical instrument, many venue listings. */

#include "base/time.h"
#include "core/symbol.h"

typedef enum AssetClass { ASSET_UNKNOWN, ASSET_CRYPTO, ASSET_STOCK, ASSET_FOREX, ASSET_FUTURE, ASSET_INDEX } AssetClass;
typedef enum ListingStatus { LISTING_TRADING, LISTING_HALTED, LISTING_BREAK, LISTING_DELISTED } ListingStatus;

/* Exact: mantissa / 10^scale. Booked money and exchange rules, never analysis. */
typedef struct Decimal {
    int64_t mantissa;
    int scale; /* 0..18 */
} Decimal;

typedef struct Listing { /* one instrument as one venue lists it */
    Venue venue;
    Symbol symbol;
    Symbol instrument;  /* canonical: "BTC/USDT", "VNM.VN" */
    Symbol base, quote; /* "BTC", "USDT"; a share has its currency as quote */
    AssetClass asset;
    ListingStatus status;
    Decimal tick, lot, min_notional; /* mantissa 0 = not told */
    char calendar[16];               /* "24x7", "hose", …; empty = 24x7 */
    char time_zone[32];              /* IANA name; empty = UTC */
    Time valid_from, valid_to;       /* [from, to) of this row; a rename ends one row and begins another */
} Listing;

/* [+-]digits[.digits][e[+-]digits], the scale as written ("0.0100" is 100 / 10^4). false on anything else, past 18
 * digits of mantissa, past scale 18: never rounded. Zeros at the end of a fraction go where they do not fit. */
bool decimal_parse(Str s, Decimal *out);
size_t decimal_format(Decimal d, char *out); /* all `scale` decimals; at most NUM_TEXT_MAX bytes, no terminator */
double decimal_to_f64(Decimal d);            /* correctly rounded */
int decimal_cmp(Decimal a, Decimal b);       /* by value: 1.0 equals 1.000 */

const char *asset_class_name(AssetClass asset);        /* "crypto" */
const char *listing_status_name(ListingStatus status); /* "trading" */
