#pragma once

/* api/events/shapes.h - the records of the event operations and their field tables. */

#include "api/op.h"

typedef struct EventsQuery {
    int64_t after, limit;
    Time from;
    Str pattern, event_type, key;
    bool newest;
} EventsQuery;

typedef struct BusEvent {
    int64_t position;
    Str id, event_type, routing_key, exchange, key, source, correlation_id;
    int64_t version, priority;
    Time timestamp;
    RawJson payload;
} BusEvent;

typedef struct BusEventList {
    int64_t count;
    List events; /* BusEvent */
    int64_t next;
    bool more;
} BusEventList;

typedef struct EventPublish {
    Str event_type;
    RawJson payload;
    Str source, routing_key, key, correlation_id, id;
    int64_t version, priority;
} EventPublish;

typedef struct EventReceipt {
    bool success;
    Str message, id, event_type, routing_key, correlation_id;
} EventReceipt;

typedef struct QueueDepthRow {
    Str queue, group;
    int64_t ready, unacked, consumers;
    Time oldest;
    int64_t published, delivered, acked, requeued, dead, expired, dropped;
} QueueDepthRow;

typedef struct QueueDepths {
    Str bus;
    int64_t count;
    List queues; /* QueueDepthRow */
} QueueDepths;

typedef struct EventsReplay {
    Str queue;
    int64_t after, until;
    Time from;
    Str pattern, event_type, key;
    int64_t limit;
} EventsReplay;

typedef struct EventsReplayed {
    int64_t replayed, last;
    Str message;
} EventsReplayed;

typedef struct DeadQuery {
    Str queue, after;
    int64_t limit;
} DeadQuery;

typedef struct DeadRow {
    Str handle, id, event_type, reason, detail, queue, exchange, routing_key, correlation_id;
    int64_t count;
    Time died, timestamp;
    RawJson payload;
} DeadRow;

typedef struct DeadList {
    int64_t count;
    List letters; /* DeadRow */
} DeadList;

typedef struct DeadPick {
    Str queue;
    List handles; /* Str */
    bool all;
} DeadPick;

typedef struct DeadDone {
    int64_t count;
    Str message;
} DeadDone;

extern const Shape events_query_shape, bus_event_shape, bus_event_list_shape, event_publish_shape, event_receipt_shape,
    queue_depth_shape, queue_depths_shape, events_replay_shape, events_replayed_shape, dead_query_shape, dead_row_shape,
    dead_list_shape, dead_pick_shape, dead_done_shape;
