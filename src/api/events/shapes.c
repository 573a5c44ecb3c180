/* api/events/shapes.c - field tables of the event records; see shapes.h. */

#include "api/events/shapes.h"

/* clang-format off */
#define FILTERS(T) \
    FIELD(T, from, .doc = "Told at or after it.", .example = "2024-01-01T00:00:00Z"), \
    FIELD(T, pattern, .max = 255, .doc = "Routing keys as a topic pattern: * is a word, # any number of them.", .example = "*.market"), \
    FIELD(T, event_type, .max = 128, .doc = "Of that type alone.", .example = "data_update"), \
    FIELD(T, key, .max = 128, .doc = "Of that key alone: the symbol.", .example = "BTCUSDT")
#define DEAD_QUEUE(T) FIELD(T, queue, .def = "finsight.dlq", .max = 128, .doc = "The queue of dead letters.")

static const Field query_f[] = {
    FIELD(EventsQuery, after, .def = "-1", .has_min = true, .min = -1, .max = 9e15, .doc = "Positions behind it; -1 = from the oldest kept, `next` of the answer before to go on."),
    FIELD(EventsQuery, limit, .def = "100", .min = 1, .max = 1000, .doc = "At most so many."),
    FILTERS(EventsQuery),
    FIELD(EventsQuery, newest, .doc = "Of the last `limit` positions, instead of the oldest."),
};
SHAPE(events_query_shape, EventsQuery, query_f, .doc = "Which events of the past.");

static const Field row_f[] = {
    FIELD(BusEvent, position, .doc = "Its place in the log."),
    FIELD(BusEvent, id, .doc = "The same however often it is told."),
    FIELD(BusEvent, event_type, .doc = "What happened."),
    FIELD(BusEvent, routing_key, .doc = "Where it was sent."),
    FIELD(BusEvent, exchange, .doc = "Through which exchange; empty: straight into a queue."),
    FIELD(BusEvent, key, .flags = F_OMIT_EMPTY, .doc = "Whose events keep their order: the symbol."),
    FIELD(BusEvent, source, .doc = "The service that told it."),
    FIELD(BusEvent, correlation_id, .doc = "Of the action that led here."),
    FIELD(BusEvent, version, .doc = "Of its schema."),
    FIELD(BusEvent, priority, .doc = "0 to 9."),
    FIELD(BusEvent, timestamp, .doc = "When it was told."),
    FIELD(BusEvent, payload, .doc = "Its body."),
};
SHAPE(bus_event_shape, BusEvent, row_f, .doc = "An event as it was told.");

static const Field list_f[] = {
    FIELD(BusEventList, count, .doc = "How many are here."),
    FIELD(BusEventList, events, .of = &bus_event_shape, .doc = "In the order they were told."),
    FIELD(BusEventList, next, .doc = "Give it as `after` to go on."),
    FIELD(BusEventList, more, .doc = "There are more behind it."),
};
SHAPE(bus_event_list_shape, BusEventList, list_f, .doc = "A page of the past.");

static const Field publish_f[] = {
    FIELD(EventPublish, event_type, .flags = F_REQUIRED, .max = 128, .pattern = "id", .doc = "What happened; it must have a schema.", .example = "data_collection_request"),
    FIELD(EventPublish, payload, .flags = F_REQUIRED, .doc = "Its body, a JSON object that fits the schema.", .example = "{\"exchange\":\"binance\",\"symbol\":\"BTCUSDT\",\"timeframe\":\"1h\",\"start_date\":\"2024-01-01\",\"end_date\":\"2024-01-02\"}"),
    FIELD(EventPublish, source, .def = "api", .max = 128, .pattern = "id", .doc = "The service that tells it."),
    FIELD(EventPublish, routing_key, .max = 255, .doc = "Left out: {event_type}.{source}."),
    FIELD(EventPublish, key, .max = 128, .doc = "Whose events keep their order; left out: the body's symbol."),
    FIELD(EventPublish, correlation_id, .max = 200, .doc = "Left out: the body's, else a new one."),
    FIELD(EventPublish, id, .max = 200, .doc = "Left out: a new one. The same id has its effect once."),
    FIELD(EventPublish, version, .has_min = true, .min = 0, .max = 1000000, .doc = "Of the schema; 0 = the newest."),
    FIELD(EventPublish, priority, .def = "-1", .has_min = true, .min = -1, .max = 9, .doc = "-1: by the body's priority (high, normal, low)."),
};
SHAPE(event_publish_shape, EventPublish, publish_f, .doc = "An event to tell.");

static const Field receipt_f[] = {
    FIELD(EventReceipt, success, .doc = "It is on disk, or a broker has it."),
    FIELD(EventReceipt, message, .doc = "What became of it."),
    FIELD(EventReceipt, id, .doc = "Its id."),
    FIELD(EventReceipt, event_type, .doc = "What happened."),
    FIELD(EventReceipt, routing_key, .doc = "Where it was sent."),
    FIELD(EventReceipt, correlation_id, .doc = "Follow it by this."),
};
SHAPE(event_receipt_shape, EventReceipt, receipt_f, .doc = "What became of an event.");

static const Field depth_f[] = {
    FIELD(QueueDepthRow, queue, .doc = "Its name."),
    FIELD(QueueDepthRow, group, .flags = F_OMIT_EMPTY, .doc = "The consumer group; left out: the queue itself."),
    FIELD(QueueDepthRow, ready, .doc = "Messages that wait; -1 = not known."),
    FIELD(QueueDepthRow, unacked, .doc = "Messages somebody works on."),
    FIELD(QueueDepthRow, consumers, .doc = "Who listens."),
    FIELD(QueueDepthRow, oldest, .flags = F_NULLABLE, .doc = "When the oldest was told."),
    FIELD(QueueDepthRow, published, .doc = "Came, since the start."),
    FIELD(QueueDepthRow, delivered, .doc = "Given to consumers."),
    FIELD(QueueDepthRow, acked, .doc = "Done."),
    FIELD(QueueDepthRow, requeued, .doc = "Given back."),
    FIELD(QueueDepthRow, dead, .doc = "Rejected into the dead letters."),
    FIELD(QueueDepthRow, expired, .doc = "Expired into the dead letters."),
    FIELD(QueueDepthRow, dropped, .doc = "Dropped: there was nowhere to put them."),
};
SHAPE(queue_depth_shape, QueueDepthRow, depth_f, .doc = "A queue and what it did.");

static const Field depths_f[] = {
    FIELD(QueueDepths, bus, .doc = "The adapter: log, amqp or kafka."),
    FIELD(QueueDepths, count, .doc = "How many."),
    FIELD(QueueDepths, queues, .of = &queue_depth_shape, .doc = "By name."),
};
SHAPE(queue_depths_shape, QueueDepths, depths_f, .doc = "Every queue.");

static const Field replay_f[] = {
    FIELD(EventsReplay, queue, .flags = F_REQUIRED, .max = 128, .doc = "Where the events are put again.", .example = "backtest_queue"),
    FIELD(EventsReplay, after, .def = "-1", .has_min = true, .min = -1, .max = 9e15, .doc = "Positions behind it."),
    FIELD(EventsReplay, until, .has_min = true, .min = 0, .max = 9e15, .doc = "Positions up to it; 0 = to the end."),
    FILTERS(EventsReplay),
    FIELD(EventsReplay, limit, .def = "1000", .min = 1, .max = 1000000, .doc = "At most so many."),
};
SHAPE(events_replay_shape, EventsReplay, replay_f, .doc = "Events of the past for one queue, with their ids: what had its effect does not have it again.");

static const Field replayed_f[] = {
    FIELD(EventsReplayed, replayed, .doc = "How many."),
    FIELD(EventsReplayed, last, .doc = "The position looked at last."),
    FIELD(EventsReplayed, message, .doc = "The same in words."),
};
SHAPE(events_replayed_shape, EventsReplayed, replayed_f, .doc = "What was replayed.");

static const Field dead_query_f[] = {
    DEAD_QUEUE(DeadQuery),
    FIELD(DeadQuery, after, .max = 200, .doc = "Behind that handle."),
    FIELD(DeadQuery, limit, .def = "100", .min = 1, .max = 1000, .doc = "At most so many."),
};
SHAPE(dead_query_shape, DeadQuery, dead_query_f, .doc = "Which dead letters.");

static const Field dead_row_f[] = {
    FIELD(DeadRow, handle, .doc = "Its name here."),
    FIELD(DeadRow, id, .doc = "The event's id."),
    FIELD(DeadRow, event_type, .doc = "What happened."),
    FIELD(DeadRow, reason, .doc = "rejected, expired, maxlen or delivery_limit."),
    FIELD(DeadRow, detail, .flags = F_OMIT_EMPTY, .doc = "The words of who rejected it."),
    FIELD(DeadRow, queue, .doc = "Where it died."),
    FIELD(DeadRow, exchange, .doc = "How it had come there."),
    FIELD(DeadRow, routing_key, .doc = "By which key."),
    FIELD(DeadRow, correlation_id, .flags = F_OMIT_EMPTY, .doc = "Of the action that led here."),
    FIELD(DeadRow, count, .doc = "Times it died so."),
    FIELD(DeadRow, died, .flags = F_NULLABLE, .doc = "When."),
    FIELD(DeadRow, timestamp, .flags = F_NULLABLE, .doc = "When it was told."),
    FIELD(DeadRow, payload, .doc = "Its body; a text where it is no JSON."),
};
SHAPE(dead_row_shape, DeadRow, dead_row_f, .doc = "A dead letter.");

static const Field dead_list_f[] = {
    FIELD(DeadList, count, .doc = "How many are here."),
    FIELD(DeadList, letters, .of = &dead_row_shape, .doc = "Oldest first."),
};
SHAPE(dead_list_shape, DeadList, dead_list_f, .doc = "Dead letters.");

static const Field dead_pick_f[] = {
    DEAD_QUEUE(DeadPick),
    FIELD(DeadPick, handles, .max = 1000, .doc = "Which; the list shows their names.", .example = "[\"17\"]"),
    FIELD(DeadPick, all, .doc = "All of them."),
};
SHAPE(dead_pick_shape, DeadPick, dead_pick_f, .doc = "Dead letters to send back or drop.");

static const Field dead_done_f[] = {
    FIELD(DeadDone, count, .doc = "How many."),
    FIELD(DeadDone, message, .doc = "The same in words."),
};
SHAPE(dead_done_shape, DeadDone, dead_done_f, .doc = "What was done.");
/* clang-format on */
