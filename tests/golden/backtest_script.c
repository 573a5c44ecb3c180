/* golden/backtest_script.c - a case's orders one by one, instead of rules: what a peer test recorded of a run.
 *
 *     "script": [{ "bar": 12, "size": 10, "type": "StopTrailLimit", "price": 100.5, "plimit": 99, "trailamount": 2 },
 *                { "bar": 15, "cancel": 0 }, { "bar": 20, "close": true }]
 *
 * An order is named by its place in the script: parent, oco, cancel. `valid_ms` counts from the candle's time;
 * transmit false holds a bracket back until one that is transmitted. */

#include "backtest/strategies/plan.h"
#include "golden/backtest_case.h"
#include "golden/dump_read.h"

enum { NO_ITEM = -1, SCRIPT_MAX = 100000 };

typedef struct Item {
    size_t bar;
    OrderRequest request;
    int64_t valid_ms;
    int64_t parent, oco, cancel; /* places in the script */
    bool close;
    OrderId id; /* once it was sent */
} Item;

typedef struct ScriptType {
    StrategyType type; /* first */
    Item *items;
    size_t n;
} ScriptType;

typedef struct ScriptState {
    Item *items; /* a run's own: ids are written to it */
    size_t next;
} ScriptState;

static int init(Strategy *s, StrategySetup *setup, Ctx *cx) {
    const ScriptType *t = CONTAINER_OF(s->type, ScriptType, type);
    ScriptState *state = s->state;
    UNUSED(setup);
    state->items = arena_new_n(cx->arena, Item, t->n);
    if (t->n)
        memcpy(state->items, t->items, t->n * sizeof(Item));
    return 0;
}

static OrderId id_of(const ScriptState *state, int64_t place) {
    return place < 0 ? ORDER_NONE : state->items[place].id;
}

static void next(Strategy *s, const View *v, Broker *b) {
    const ScriptType *t = CONTAINER_OF(s->type, ScriptType, type);
    ScriptState *state = s->state;
    for (; state->next < t->n && state->items[state->next].bar <= v->step; state->next++) {
        Item *item = &state->items[state->next];
        if (item->cancel >= 0) {
            broker_cancel(b, id_of(state, item->cancel));
        } else if (item->close) {
            item->id = broker_close(b, 0);
        } else {
            item->request.parent = id_of(state, item->parent);
            item->request.oco = id_of(state, item->oco);
            if (item->valid_ms)
                item->request.valid_until = time_add_ms(v->now, item->valid_ms);
            item->id = broker_submit(b, &item->request);
        }
    }
}

/* --- reading --- */

static int number(Ctx *cx, const Members *m, const char *key, double *out) {
    Str json = dump_member(m, key);
    return json.n == 0 || str_eq(json, S("null")) ? 0 : dump_number(cx, json, out);
}

/* A place before this one, or NO_ITEM. */
static int place(Ctx *cx, const Members *m, const char *key, size_t here, int64_t *out) {
    double v = NO_ITEM;
    int err = number(cx, m, key, &v);
    if (err == 0 && v != NO_ITEM && !(v >= 0 && v < (double)here))
        err = err_set(cx, ERR_INVALID, "script: item %zu has no earlier one as its %s", here, key);
    *out = (int64_t)v;
    return err;
}

static int read_type(Ctx *cx, const Members *m, OrderType *out) {
    Str name;
    int err = dump_str(cx, m, "type", &name);
    if (err)
        return err;
    for (OrderType type = 0; type < ORDER_TYPES; type++)
        if (str_eq(name, str_c(order_type_name(type)))) {
            *out = type;
            return 0;
        }
    return err_set(cx, ERR_UNSUPPORTED, "script: no type of order \"" STR_FMT "\"", STR_ARG(name));
}

static int read_item(Ctx *cx, Str json, size_t here, Item *item) {
    Members m;
    double bar = -1, valid_ms = 0;
    OrderRequest *r = &item->request;
    int err = dump_members(cx, json, &m);
    if (err || (err = number(cx, &m, "bar", &bar)) || (err = place(cx, &m, "cancel", here, &item->cancel)) ||
        (err = place(cx, &m, "parent", here, &item->parent)) || (err = place(cx, &m, "oco", here, &item->oco)))
        return err;
    if (!(bar >= 0))
        return err_set(cx, ERR_INVALID, "script: item %zu has no bar", here);
    item->bar = (size_t)bar;
    item->close = str_eq(dump_member(&m, "close"), S("true"));
    if (item->close || item->cancel >= 0)
        return 0;
    if ((err = read_type(cx, &m, &r->type)) || (err = number(cx, &m, "size", &r->size)) ||
        (err = number(cx, &m, "price", &r->price)) || (err = number(cx, &m, "plimit", &r->limit_price)) ||
        (err = number(cx, &m, "trailamount", &r->trail_amount)) ||
        (err = number(cx, &m, "trailpercent", &r->trail_percent)) || (err = number(cx, &m, "valid_ms", &valid_ms)))
        return err;
    item->valid_ms = (int64_t)valid_ms;
    r->hold = str_eq(dump_member(&m, "transmit"), S("false"));
    return 0;
}

int case_script(Ctx *cx, Str json, const StrategyType **out) {
    ScriptType *t = arena_new(cx->arena, ScriptType);
    JsonReader r;
    Str item;
    size_t cap = 0;
    *t = (ScriptType){ .type = { .name = "golden_script",
                                 .words = "The orders of a golden case",
                                 .state_size = sizeof(ScriptState),
                                 .init = init,
                                 .next = next } };
    json_reader_init(&r, json, cx->arena, 8);
    if (json_open_array(&r) != 0)
        return err_set(cx, ERR_INVALID, "script: it is not a list");
    while (json_array_next(&r) > 0 && json_skip_raw(&r, &item) == 0) {
        if (t->n == SCRIPT_MAX)
            return err_set(cx, ERR_LIMIT, "script: more than %d items", SCRIPT_MAX);
        if (t->n == cap) {
            size_t more = MAX(64, 2 * cap);
            t->items = arena_grow(cx->arena, t->items, cap * sizeof(Item), more * sizeof(Item));
            cap = more;
        }
        t->items[t->n] = (Item){ 0 };
        int err = read_item(cx, item, t->n, &t->items[t->n]);
        if (err)
            return err;
        t->n++;
    }
    *out = &t->type;
    return 0;
}
