#pragma once

/* adapters/discovery/fixed.h - instances that the configuration names: who is there never changes by itself.
 *
 * For a platform without a registry, and for tests: it proves the port. */

#include "ports/discovery.h"

/* Copies the list. ERR_INVALID: an instance without a service or an address. */
int discovery_fixed_open(Ctx *cx, const DiscoveryInstance *v, size_t n, Discovery **out);
