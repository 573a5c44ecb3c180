#pragma once

/* app/mlflow.h - MLflow's REST API in front of the registry of the role prediction. */

#include "gateway/gateway.h"
#include "ports/model_registry.h"

enum { MLFLOW_DOORS = 2 };

/* Under both of its prefixes. The registry outlives the gateway. */
void mlflow_doors(ModelRegistry *r, GatewayDoor out[static MLFLOW_DOORS]);
