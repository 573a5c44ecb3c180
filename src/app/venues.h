#pragma once

/* app/venues.h - the venues by name: one line each. Options (acme.url …), feeds, help and configuration follow.
 *
 * Columns: name (also of its VenueDriver, venue_NAME), the standard base address, how people call it. */

#define VENUE_TABLE(X)                                                                                                 \
    X(binance, "https://data-api.binance.vision", "Binance's REST API")                                                \
    X(coinbase, "https://api.exchange.coinbase.com", "Coinbase Exchange's REST API")                                   \
    X(kraken, "https://api.kraken.com", "Kraken's REST API")                                                           \
    X(bybit, "https://api.bybit.com", "Bybit's REST API")                                                              \
    X(vci, "https://trading.vietcap.com.vn", "Vietcap's chart data (shares of Vietnam)")

enum {
#define VENUE_ENUM(name, url, what) VENUE_##name,
    VENUE_TABLE(VENUE_ENUM)
#undef VENUE_ENUM
        VENUE_COUNT
};
