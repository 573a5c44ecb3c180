#pragma once

/* api/market/market_api.h - the operations of the market role.
 *
 * The role object of every operation is a MarketService. Paths of the design documents (/market-data/...,
 * /admin/data/ensure) are aliases of the canonical /api/v1/market/... ones. */

#include "api/market/shapes.h"
#include "api/op.h"

extern const OpTable market_api;

extern const Op op_market_candles, op_market_save, op_market_statistics, op_market_gaps, op_market_quality,
    op_market_ensure, op_market_symbols, op_market_timeframes, op_market_exchanges, op_market_series, op_market_remove,
    op_market_changes, op_market_storage, op_market_verify, op_market_completeness, op_market_fill, op_market_unfill,
    op_market_resample, op_market_resample_save, op_market_compare, op_market_retention, op_market_actions,
    op_market_put_actions;
