#pragma once

/* app/topology.h - what the gateway sends elsewhere: options of the configuration -> services, instances, routes.
 *
 *   gateway.services  NAME=ADDRESS[*WEIGHT], one item an instance; a role that is not hosted here and has no item is
 *                     looked for on this machine at its own port
 *   gateway.routes    [METHOD ]PATTERN=SERVICE[PREFIX][;role=ROLE][;timeout_ms=5000][;max_body=1048576]
 *                     [;cache=off|SECONDS][;limit=A_MINUTE][;hedge=p95|MS] */

#include "app/roles.h"
#include "gateway/gateway.h"

/* Everything in cx->arena. 0 or ERR_USAGE with words that name the item. */
int topology_make(Ctx *cx, const AppCfg *cfg, const RoleSet *here, GatewayTopology *out);
/* server.trusted_hops. 0 or ERR_USAGE. */
int topology_hops(Ctx *cx, const AppCfg *cfg, ClientNet **out, size_t *n);
