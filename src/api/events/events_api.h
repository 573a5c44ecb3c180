#pragma once

/* api/events/events_api.h - the operations of the event bus. The role object is an EventService. */

#include "api/events/shapes.h"

extern const OpTable events_api;

extern const Op op_events_list, op_events_publish, op_events_queues, op_events_replay, op_events_dead,
    op_events_dead_requeue, op_events_dead_drop;
