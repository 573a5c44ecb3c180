#pragma once

/* api/events/events_api.h - the operations of the event bus. The role object is an EventService. */

#include "api/events/shapes.h"

extern const OpTable events_api;

extern const Op op_bus_list, op_bus_publish, op_bus_queues, op_bus_replay, op_bus_dead, op_bus_dead_requeue,
    op_bus_dead_drop;
