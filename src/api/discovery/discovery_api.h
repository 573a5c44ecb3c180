#pragma once

/* api/discovery/discovery_api.h - Eureka's protocol as a table, for the contract and its page alone.
 *
 * The paths are another's protocol, answered below their prefix as that says (eureka/, gateway's doors): no operation here
 * is run, validated or called by this table. */

#include "api/op.h"

extern const OpTable discovery_api;
