/* api/events/ops.c - the table of event operations. */

#include "api/events/handlers.h"

#define TAG "Events"

/* clang-format off */

const Op op_bus_list = {
    .name = "events.list", .method = "GET", .path = "/api/v1/events",
    .summary = "Events of the past, in their order", .tag = TAG,
    .doc = "Reads the log; nothing is consumed. Ask again with `next` as `after` to follow it. Where the bus keeps no past that can be read (RabbitMQ, Kafka) it answers 501.",
    .in = &events_query_shape, .out = &bus_event_list_shape, .role = ROLE_ADMIN, .lane = LANE_IO, .deadline_ms = 10000,
    .idempotent = true, .run = events_api_list };

const Op op_bus_publish = {
    .name = "events.publish", .method = "POST", .path = "/api/v1/events",
    .summary = "Tell an event", .tag = TAG,
    .doc = "The body is checked against its schema, and the answer comes after the bus has it on disk. A bus that is away leaves the event in an outbox, and the answer says so.",
    .in = &event_publish_shape, .out = &event_receipt_shape, .role = ROLE_ADMIN, .lane = LANE_IO, .deadline_ms = 10000,
    .max_body = 2u << 20, .prose = true, .run = events_api_publish };

const Op op_bus_queues = {
    .name = "events.queues", .method = "GET", .path = "/api/v1/events/queues",
    .summary = "Queues and groups: depth, age, counts", .tag = TAG, .out = &queue_depths_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 10000, .idempotent = true, .run = events_api_queues };

const Op op_bus_replay = {
    .name = "events.replay", .method = "POST", .path = "/api/v1/events/replay",
    .summary = "Put events of the past into a queue again", .tag = TAG,
    .in = &events_replay_shape, .out = &events_replayed_shape, .role = ROLE_ADMIN, .lane = LANE_IO, .deadline_ms = 120000,
    .max_body = 8192, .run = events_api_replay };

const Op op_bus_dead = {
    .name = "events.dead", .method = "GET", .path = "/api/v1/events/dead",
    .summary = "Dead letters and why they died", .tag = TAG,
    .in = &dead_query_shape, .out = &dead_list_shape, .role = ROLE_ADMIN, .lane = LANE_IO, .deadline_ms = 10000,
    .idempotent = true, .run = events_api_dead };

const Op op_bus_dead_requeue = {
    .name = "events.dead.requeue", .method = "POST", .path = "/api/v1/events/dead/requeue",
    .summary = "Send dead letters back to the queue they died in", .tag = TAG,
    .in = &dead_pick_shape, .out = &dead_done_shape, .role = ROLE_ADMIN, .lane = LANE_IO, .deadline_ms = 60000,
    .max_body = 256u << 10, .run = events_api_dead_requeue };

const Op op_bus_dead_drop = {
    .name = "events.dead.drop", .method = "POST", .path = "/api/v1/events/dead/drop",
    .summary = "Throw dead letters away", .tag = TAG,
    .in = &dead_pick_shape, .out = &dead_done_shape, .role = ROLE_ADMIN, .lane = LANE_IO, .deadline_ms = 60000,
    .max_body = 256u << 10, .run = events_api_dead_drop };

/* clang-format on */

static const Op *const ops[] = { &op_bus_list, &op_bus_publish,      &op_bus_queues,   &op_bus_replay,
                                 &op_bus_dead, &op_bus_dead_requeue, &op_bus_dead_drop };

const OpTable events_api = { .role = "events", .ops = ops, .n_ops = ARRAY_LEN(ops) };
