/* cli/events.c - the event bus: what was told, telling, queues, dead letters. */

#include "api/events/events_api.h"
#include "cli/internal.h"

typedef struct EventsIn {
    Str action, subject, handles;
    Str payload, source, routing_key, key, pattern, event_type, queue;
    Time from;
    int64_t limit, after, until, priority;
    bool follow, all;
} EventsIn;

/* clang-format off */
static const char *const actions[] = { "tail", "publish", "replay", "queues", "dlq", NULL };
static const Field events_f[] = {
    FIELD(EventsIn, action, .def = "tail", .choices = actions, .doc = "tail, publish, replay, queues or dlq."),
    FIELD(EventsIn, subject, .doc = "publish: type; replay: queue; dlq: list, requeue or drop.", .example = "data_update"),
    FIELD(EventsIn, handles, .doc = "dlq requeue, dlq drop: which, as list shows them.", .example = "17,18"),
    FIELD(EventsIn, payload, .doc = "publish: the body, a JSON object that fits its schema."),
    FIELD(EventsIn, source, .def = "cli", .doc = "publish: the service that tells it."),
    FIELD(EventsIn, routing_key, .doc = "publish: instead of TYPE.SOURCE."),
    FIELD(EventsIn, key, .doc = "tail, replay, publish: the symbol."),
    FIELD(EventsIn, priority, .def = "-1", .has_min = true, .min = -1, .max = 9, .doc = "publish: 0 to 9; -1 = by the body's own."),
    FIELD(EventsIn, pattern, .doc = "tail, replay: routing keys, * a word, # any.", .example = "*.market"),
    FIELD(EventsIn, event_type, .doc = "tail, replay: of that type alone."),
    FIELD(EventsIn, from, .doc = "tail, replay: told at or after it.", .example = "2024-01-01"),
    FIELD(EventsIn, after, .def = "-1", .has_min = true, .min = -1, .max = 9e15, .doc = "tail, replay: positions behind it."),
    FIELD(EventsIn, until, .has_min = true, .min = 0, .max = 9e15, .doc = "replay: positions up to it; 0 = to the end."),
    FIELD(EventsIn, limit, .def = "20", .min = 1, .max = 1000000, .doc = "tail, replay, dlq list: how many."),
    FIELD(EventsIn, follow, .doc = "tail: go on with what comes."),
    FIELD(EventsIn, queue, .def = "finsight.dlq", .doc = "dlq: the queue of dead letters."),
    FIELD(EventsIn, all, .doc = "dlq requeue, dlq drop: all of them."),
};
static SHAPE(events_shape, EventsIn, events_f);
/* clang-format on */

enum { PAGE_MAX = 1000, SHOWN = 100 };

static int usage(Cli *c, const char *field, const char *words) {
    return cli_fail(c, err_set_at(c->cx, ERR_USAGE, str_c(field), "%s", words));
}

/* --- tail --- */

static void show_event(Cli *c, const BusEvent *e) {
    Arena *a = c->cx->arena;
    if (c->json) { /* a line each: a stream has no end to close a list at */
        cli_print_json(c, &bus_event_shape, e);
        return;
    }
    fprintf(c->out, "%lld  " STR_FMT "  " STR_FMT "  " STR_FMT "%s\n", (long long)e->position,
            STR_ARG(time_iso(a, e->timestamp)), STR_ARG(e->routing_key), STR_ARG(str_first(e->payload.json, SHOWN)),
            e->payload.json.n > SHOWN ? "..." : "");
}

static int tail(Cli *c, ApiCaller *api, const EventsIn *in) {
    enum { LOOK_MS = 500 };
    EventsQuery q = { .after = in->after,
                      .limit = MIN(in->limit, (int64_t)PAGE_MAX),
                      .from = in->from,
                      .pattern = in->pattern,
                      .event_type = in->event_type,
                      .key = in->key,
                      .newest = in->after < 0 && in->from.ms == 0 };
    for (;;) {
        BusEventList out = { 0 };
        int r = api_call(api, c->cx, &op_bus_list, &q, &out);
        if (r != 0)
            return cli_fail(c, r);
        const BusEvent *v = out.events.v;
        for (size_t i = 0; i < out.events.n; i++)
            show_event(c, &v[i]);
        if (!in->follow)
            return 0;
        fflush(c->out);
        q.after = out.next;
        q.newest = false;
        if (!out.more)
            clock_sleep_ms(c->cx->clock, LOOK_MS);
        r = ctx_check(c->cx);
        if (r != 0)
            return r == ERR_CANCELLED ? 0 : cli_fail(c, r);
    }
}

/* --- publish, replay --- */

static int publish(Cli *c, ApiCaller *api, const EventsIn *in) {
    if (!in->subject.n || !in->payload.n)
        return usage(c, "payload", "events publish needs a type and --payload with a JSON object");
    EventPublish p;
    EventReceipt out = { 0 };
    shape_init(&event_publish_shape, c->cx, &p);
    p.event_type = in->subject;
    p.payload.json = in->payload;
    p.source = in->source;
    p.routing_key = in->routing_key;
    p.key = in->key;
    p.priority = in->priority;
    int r = api_call(api, c->cx, &op_bus_publish, &p, &out);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &event_receipt_shape, &out);
    fprintf(c->out, STR_FMT ": " STR_FMT "\n", STR_ARG(out.id), STR_ARG(out.message));
    return 0;
}

static int replay(Cli *c, ApiCaller *api, const EventsIn *in) {
    if (!in->subject.n)
        return usage(c, "subject", "events replay needs the name of a queue");
    EventsReplay q = { .queue = in->subject,
                       .after = in->after,
                       .until = in->until,
                       .from = in->from,
                       .pattern = in->pattern,
                       .event_type = in->event_type,
                       .key = in->key,
                       .limit = in->limit };
    EventsReplayed out = { 0 };
    int r = api_call(api, c->cx, &op_bus_replay, &q, &out);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &events_replayed_shape, &out);
    fprintf(c->out, STR_FMT "\n", STR_ARG(out.message));
    return 0;
}

/* --- queues --- */

static Str known(Cli *c, int64_t n) {
    return n < 0 ? S("?") : term_count(c->cx->arena, n);
}

static int queues(Cli *c, ApiCaller *api) {
    static const char *const heads[] = { "queue", ">ready", ">unacked", ">consumers", "oldest",
                                         ">done", ">again", ">dead",    ">expired",   NULL };
    QueueDepths out = { 0 };
    int r = api_call(api, c->cx, &op_bus_queues, NULL, &out);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &queue_depths_shape, &out);
    Arena *a = c->cx->arena;
    const QueueDepthRow *v = out.queues.v;
    Table t;
    table_init(&t, a, heads);
    for (size_t i = 0; i < out.queues.n; i++) {
        const QueueDepthRow *q = &v[i];
        table_cell(&t, q->group.n ? str_fmt(a, STR_FMT "@" STR_FMT, STR_ARG(q->queue), STR_ARG(q->group)) : q->queue,
                   TONE_BOLD);
        table_cell(&t, known(c, q->ready), TONE_PLAIN);
        table_cell(&t, known(c, q->unacked), TONE_PLAIN);
        table_cell(&t, known(c, q->consumers), TONE_PLAIN);
        table_cell(&t, q->oldest.ms ? term_minute(a, q->oldest) : S("-"), TONE_PLAIN);
        table_cell(&t, known(c, q->acked), TONE_PLAIN);
        table_cell(&t, known(c, q->requeued), TONE_PLAIN);
        table_cell(&t, known(c, q->dead), q->dead > 0 ? TONE_WARN : TONE_PLAIN);
        table_cell(&t, known(c, q->expired), q->expired > 0 ? TONE_WARN : TONE_PLAIN);
    }
    table_print(&t, c);
    return 0;
}

/* --- dead letters --- */

static int dead_list(Cli *c, ApiCaller *api, const EventsIn *in) {
    static const char *const heads[] = { "handle", "died", "type", "queue", "reason", ">times", "", NULL };
    DeadQuery q = { .queue = in->queue, .limit = MIN(in->limit, (int64_t)PAGE_MAX) };
    DeadList out = { 0 };
    int r = api_call(api, c->cx, &op_bus_dead, &q, &out);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &dead_list_shape, &out);
    Arena *a = c->cx->arena;
    const DeadRow *v = out.letters.v;
    Table t;
    table_init(&t, a, heads);
    for (size_t i = 0; i < out.letters.n; i++) {
        table_cell(&t, v[i].handle, TONE_BOLD);
        table_cell(&t, v[i].died.ms ? term_minute(a, v[i].died) : S("-"), TONE_PLAIN);
        table_cell(&t, v[i].event_type, TONE_PLAIN);
        table_cell(&t, v[i].queue, TONE_PLAIN);
        table_cell(&t, v[i].reason, TONE_WARN);
        table_cell(&t, term_count(a, v[i].count), TONE_PLAIN);
        table_cell(&t, v[i].detail, TONE_DIM);
    }
    table_print(&t, c);
    if (out.count == 0 && !c->quiet)
        fprintf(c->err, "no dead letters\n");
    return 0;
}

static int dead_change(Cli *c, ApiCaller *api, const EventsIn *in, const Op *op) {
    enum { HANDLES_MAX = 64 };
    Str handles[HANDLES_MAX];
    DeadPick pick = { .queue = in->queue, .all = in->all };
    DeadDone out = { 0 };
    int r = in->handles.n ? cli_words(c, in->handles, handles, HANDLES_MAX, &pick.handles.n) : 0;
    if (r != 0)
        return r;
    pick.handles.v = handles;
    if (in->all == (pick.handles.n > 0))
        return usage(c, "handles", "name dead letters (finsight events dlq list shows them), or say --all");
    r = api_call(api, c->cx, op, &pick, &out);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &dead_done_shape, &out);
    fprintf(c->out, STR_FMT "\n", STR_ARG(out.message));
    return 0;
}

static int dlq(Cli *c, ApiCaller *api, const EventsIn *in) {
    if (!in->subject.n || str_eq(in->subject, S("list")))
        return dead_list(c, api, in);
    if (str_eq(in->subject, S("requeue")))
        return dead_change(c, api, in, &op_bus_dead_requeue);
    if (str_eq(in->subject, S("drop")))
        return dead_change(c, api, in, &op_bus_dead_drop);
    return usage(c, "subject", "events dlq can list, requeue and drop");
}

static int run_events(Cli *c, const void *in_) {
    const EventsIn *in = in_;
    ApiCaller *api;
    int r = cli_api(c, &api);
    if (r != 0)
        return cli_fail(c, r);
    if (str_eq(in->action, S("publish")))
        return publish(c, api, in);
    if (str_eq(in->action, S("replay")))
        return replay(c, api, in);
    if (str_eq(in->action, S("queues")))
        return queues(c, api);
    if (str_eq(in->action, S("dlq")))
        return dlq(c, api, in);
    return tail(c, api, in);
}

const Command cmd_events = {
    .name = "events",
    .group = "Platform",
    .summary = "The event bus: tail, publish, replay, queues, dlq",
    .run = run_events,
    .help =
        "Events are told to exchanges and kept in a log; queues give each to its consumers until one has done it. What "
        "cannot be done is a dead letter with its reason: dlq list shows them, dlq requeue sends them back to work.",
    .examples = "finsight events tail --follow --pattern '*.market'\n"
                "finsight events queues\n"
                "finsight events dlq list --json\n"
                "finsight events dlq requeue 17,18\n"
                "finsight events replay backtest_queue --from 2024-01-01",
    .flags = &events_shape,
    .positional = (const char *const[]){ "action", "subject", "handles", NULL },
};
