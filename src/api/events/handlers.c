/* api/events/handlers.c - records into calls of the EventService, and back. */

#include "api/events/handlers.h"

#include "services/events/events.h"

/* A body that is no JSON (it came from elsewhere) is shown as a text. */
static RawJson payload_of(Ctx *cx, Str body) {
    JsonReader r;
    json_reader_init(&r, body, cx->arena, JSON_DEPTH_MAX);
    if (json_skip(&r) == 0 && json_finish(&r) == 0)
        return (RawJson){ body };
    Buf b;
    buf_init(&b, body.n * 6 + 16);
    json_quote(&b, body);
    Str text = str_dup(cx->arena, buf_str(&b));
    buf_done(&b);
    return (RawJson){ text };
}

static BusEvent row_of(Ctx *cx, const LoggedEvent *e) {
    return (BusEvent){ .position = e->position,
                       .id = e->event.id,
                       .event_type = e->event.type,
                       .routing_key = e->routing_key,
                       .exchange = e->exchange,
                       .key = e->event.key,
                       .source = e->event.source,
                       .correlation_id = e->event.correlation_id,
                       .version = e->event.version,
                       .priority = e->event.priority,
                       .timestamp = e->event.at,
                       .payload = payload_of(cx, e->event.body) };
}

int events_api_list(void *role, Ctx *cx, const void *in_, void *out_) {
    const EventsQuery *in = in_;
    BusEventList *out = out_;
    BusRead q = { .after = in->after,
                  .from = in->from,
                  .pattern = in->pattern,
                  .type = in->event_type,
                  .key = in->key,
                  .limit = (size_t)in->limit };
    BusPage page;
    BusInfo info;
    int r = in->newest ? event_bus_describe(event_service_bus(role), cx, &info) : 0;
    if (r == 0 && in->newest)
        q.after = MAX(q.after, info.last_position - in->limit);
    if (r == 0)
        r = event_bus_read(event_service_bus(role), cx, &q, &page);
    if (r)
        return r;
    BusEvent *v = arena_new_n(cx->arena, BusEvent, page.n);
    for (size_t i = 0; i < page.n; i++)
        v[i] = row_of(cx, &page.v[i]);
    *out = (BusEventList){ (int64_t)page.n, { v, page.n }, page.next, page.more };
    return 0;
}

int events_api_publish(void *role, Ctx *cx, const void *in_, void *out_) {
    const EventPublish *in = in_;
    EventReceipt *out = out_;
    EventDraft d = { .type = in->event_type,
                     .source = in->source,
                     .body = in->payload.json,
                     .routing_key = in->routing_key,
                     .id = in->id,
                     .key = in->key,
                     .correlation_id = in->correlation_id,
                     .version = in->version,
                     .priority = (int)in->priority };
    Event sent = { 0 };
    int r = event_publish(role, cx, &d, &sent);
    if (r < 0)
        return r;
    *out = (EventReceipt){
        .success = r != EVENT_KEPT, .id = sent.id, .event_type = sent.type, .correlation_id = sent.correlation_id
    };
    out->routing_key = in->routing_key.n ? in->routing_key : event_routing_key(cx->arena, &sent);
    out->message = r == EVENT_KEPT     ? S("the bus is away; the event waits in the outbox and will be told")
                   : r == EVENT_NOBODY ? S("told; no queue wants events with this routing key")
                                       : S("told");
    return 0;
}

int events_api_queues(void *role, Ctx *cx, const void *in, void *out_) {
    UNUSED(in);
    QueueDepths *out = out_;
    QueueDepth *v;
    size_t n;
    int r = event_bus_stats(event_service_bus(role), cx, &v, &n);
    if (r)
        return r;
    QueueDepthRow *rows = arena_new_n(cx->arena, QueueDepthRow, n);
    for (size_t i = 0; i < n; i++)
        rows[i] = (QueueDepthRow){ v[i].queue,  v[i].group,     v[i].ready,     v[i].unacked, v[i].consumers,
                                   v[i].oldest, v[i].published, v[i].delivered, v[i].acked,   v[i].requeued,
                                   v[i].dead,   v[i].expired,   v[i].dropped };
    *out = (QueueDepths){ str_c(event_service_bus(role)->ops->name), (int64_t)n, { rows, n } };
    return 0;
}

static bool is_standard(Str queue) {
    for (size_t i = 0; i < event_topology.n_queues; i++)
        if (str_eq(event_topology.queues[i].name, queue))
            return true;
    return false;
}

/* A bus to which nobody has told anything yet has no queue; then ours are empty, and others do not exist. */
static int none_yet(Ctx *cx, int r, Str queue) {
    if (r != ERR_NOT_FOUND || !is_standard(queue))
        return r;
    err_clear(cx);
    return 0;
}

static int check_queue(EventBus *b, Ctx *cx, Str queue) {
    QueueDepth *v;
    size_t n;
    int r = is_standard(queue) ? 0 : event_bus_stats(b, cx, &v, &n);
    if (r || is_standard(queue))
        return r;
    for (size_t i = 0; i < n; i++)
        if (str_eq(v[i].queue, queue))
            return 0;
    return err_set_at(cx, ERR_NOT_FOUND, S("queue"), "no queue " STR_FMT, STR_ARG(queue));
}

/* A page into the queue, through the default exchange: no other queue gets it. Copies that a replay or a requeue put into
 * the log are no events of their own. */
static int replay_page(EventBus *b, Ctx *cx, const EventsReplay *in, const BusPage *page, EventsReplayed *out) {
    Publication *v = arena_new_n(cx->arena, Publication, page->n);
    size_t n = 0;
    for (size_t i = 0; i < page->n && (in->until == 0 || page->v[i].position <= in->until); i++)
        if (page->v[i].exchange.n && !str_eq(page->v[i].exchange, BUS_DEAD) && out->replayed + (int64_t)n < in->limit)
            v[n++] = (Publication){ { 0 }, in->queue, true, &page->v[i].event };
    int *outcome = arena_new_n(cx->arena, int, n);
    int r = event_bus_publish_many(b, cx, v, n, outcome);
    for (size_t i = 0; r == 0 && i < n; i++)
        if (outcome[i] == BUS_UNROUTED)
            return err_set_at(cx, ERR_NOT_FOUND, S("queue"), "no queue " STR_FMT, STR_ARG(in->queue));
    if (r == 0)
        out->replayed += (int64_t)n;
    return r;
}

int events_api_replay(void *role, Ctx *cx, const void *in_, void *out_) {
    enum { PAGE = 500 };
    const EventsReplay *in = in_;
    EventsReplayed *out = out_;
    EventBus *b = event_service_bus(role);
    BusInfo info;
    BusRead q = { .after = in->after,
                  .from = in->from,
                  .pattern = in->pattern,
                  .type = in->event_type,
                  .key = in->key,
                  .limit = PAGE };
    BusPage page = { .more = true };
    int r = event_bus_describe(b, cx, &info); /* what the replay itself adds is behind that */
    int64_t end = r == 0 && in->until ? MIN(in->until, info.last_position) : info.last_position;
    bool asked = false; /* once at least: a bus that keeps no past says so */
    while (r == 0 && page.more && (q.after < end || !asked) && out->replayed < in->limit) {
        asked = true;
        EventsReplay upto = *in;
        upto.until = MAX(end, INT64_C(1));
        r = event_bus_read(b, cx, &q, &page);
        if (r == 0)
            r = replay_page(b, cx, &upto, &page, out);
        q.after = page.next;
    }
    if (r == 0 && out->replayed == 0)
        r = check_queue(b, cx, in->queue);
    if (r)
        return r;
    out->last = MIN(q.after, end);
    out->message =
        str_fmt(cx->arena, "%lld events are in " STR_FMT " again", (long long)out->replayed, STR_ARG(in->queue));
    return 0;
}

int events_api_dead(void *role, Ctx *cx, const void *in_, void *out_) {
    const DeadQuery *in = in_;
    DeadList *out = out_;
    DeadLetter *v = NULL;
    size_t n = 0;
    int r = event_bus_dead_list(event_service_bus(role), cx, in->queue, in->after, (size_t)in->limit, &v, &n);
    r = none_yet(cx, r, in->queue);
    if (r)
        return r;
    DeadRow *rows = arena_new_n(cx->arena, DeadRow, n);
    for (size_t i = 0; i < n; i++) {
        const Death *d = &v[i].death;
        rows[i] = (DeadRow){ .handle = v[i].handle,
                             .id = v[i].event.id,
                             .event_type = v[i].event.type,
                             .reason = d->reason.n ? d->reason : S("none"),
                             .detail = d->detail,
                             .queue = d->queue,
                             .exchange = d->exchange,
                             .routing_key = d->routing_key,
                             .correlation_id = v[i].event.correlation_id,
                             .count = d->count,
                             .died = d->at,
                             .timestamp = v[i].event.at,
                             .payload = payload_of(cx, v[i].event.body) };
    }
    *out = (DeadList){ (int64_t)n, { rows, n } };
    return 0;
}

static int check_pick(Ctx *cx, const DeadPick *in) {
    if (in->all == (in->handles.n == 0))
        return 0;
    return err_set_at(cx, ERR_INVALID, S("handles"), "name dead letters, or say all: one of the two");
}

int events_api_dead_requeue(void *role, Ctx *cx, const void *in_, void *out_) {
    const DeadPick *in = in_;
    DeadDone *out = out_;
    int r = check_pick(cx, in);
    if (r == 0)
        r = none_yet(
            cx,
            event_bus_dead_requeue(event_service_bus(role), cx, in->queue, in->handles.v, in->handles.n, &out->count),
            in->queue);
    out->message = str_fmt(cx->arena, "%lld dead letters are back in their queues", (long long)out->count);
    return r;
}

int events_api_dead_drop(void *role, Ctx *cx, const void *in_, void *out_) {
    const DeadPick *in = in_;
    DeadDone *out = out_;
    int r = check_pick(cx, in);
    if (r == 0)
        r = none_yet(
            cx, event_bus_dead_drop(event_service_bus(role), cx, in->queue, in->handles.v, in->handles.n, &out->count),
            in->queue);
    out->message = str_fmt(cx->arena, "%lld dead letters are gone", (long long)out->count);
    return r;
}
