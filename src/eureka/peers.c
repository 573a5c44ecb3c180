/* eureka/peers.c - see peers.h. */

#include "eureka/peers.h"

#include "base/list.h"
#include "base/map.h"

enum { OTHERS_MS = 30 * 1000, BODY_MAX = 8 << 20, DEPTH_MAX = 16 };

static const char *const names[] = { "Register", "Heartbeat", "Cancel", "StatusUpdate", "DeleteStatusOverride" };

typedef struct Task {
    EurekaEventKind kind;
    EurekaInstance x; /* whole for a registration and a heartbeat, whose answer may ask for it */
    EurekaStatus status;
    MonoNs until;
    Str key;
    Arena arena;
    ListNode node;
} Task;

struct EurekaPeer {
    ListNode waiting, sent; /* sent: the batch under way, in its order */
    Map by_key;             /* of those that wait */
    size_t n;
};

EurekaPeer *eureka_peer_new(void) {
    EurekaPeer *p = mem_new(EurekaPeer);
    list_init(&p->waiting);
    list_init(&p->sent);
    return p;
}

static void task_free(Task *t) {
    arena_done(&t->arena);
    mem_free(t);
}

static void drop(EurekaPeer *p, Task *t) {
    map_del(&p->by_key, t->key);
    list_remove(&t->node);
    p->n--;
    task_free(t);
}

EurekaPeer *eureka_peer_free(EurekaPeer *p) {
    if (!p)
        return NULL;
    LIST_FOR (it, &p->waiting)
        task_free(LIST_ENTRY(it, Task, node));
    LIST_FOR (it, &p->sent)
        task_free(LIST_ENTRY(it, Task, node));
    map_done(&p->by_key);
    return mem_free(p);
}

static void push(EurekaPeer *p, Task *t, bool front) {
    if (front)
        list_push_front(&p->waiting, &t->node);
    else
        list_push_back(&p->waiting, &t->node);
    map_put(&p->by_key, t->key, t);
    p->n++;
}

void eureka_peer_tell(EurekaPeer *p, EurekaNow now, const EurekaEvent *e) {
    Task *t = mem_new(Task);
    t->kind = e->kind;
    t->status = e->status;
    eureka_instance_copy(&t->arena, e->instance, &t->x);
    t->x.action = EUREKA_SAME;
    t->until = mono_add_ms(now.mono,
                           e->kind == EUREKA_EV_HEARTBEAT ? t->x.lease.renewal_s * MS_PER_SECOND : (int64_t)OTHERS_MS);
    t->key = str_fmt(&t->arena, "%d\n" STR_FMT "\n" STR_FMT, (int)e->kind, STR_ARG(t->x.app), STR_ARG(t->x.id));
    Task *older = map_get(&p->by_key, t->key);
    if (older)
        drop(p, older);
    if (p->n == EUREKA_TASKS_MAX)
        drop(p, LIST_ENTRY(p->waiting.next, Task, node));
    push(p, t, false);
}

size_t eureka_peer_waiting(const EurekaPeer *p) {
    return p->n;
}

static void write_task(JsonWriter *w, const Task *t) {
    json_object(w);
    json_put_str(w, "action", str_c(names[t->kind]));
    json_put_str(w, "appName", t->x.app);
    json_put_str(w, "id", t->x.id);
    json_put_i64(w, "lastDirtyTimestamp", t->x.dirty_ms);
    json_put_str(w, "status", eureka_status_name(t->status));
    json_key(w, S("overriddenStatus"));
    if (t->x.overridden == EUREKA_UNKNOWN)
        json_null(w);
    else
        json_str(w, eureka_status_name(t->x.overridden));
    json_key(w, S("instanceInfo"));
    if (t->kind == EUREKA_EV_REGISTER)
        eureka_write_json(w, &t->x);
    else
        json_null(w);
    json_object_end(w);
}

Str eureka_peer_batch(EurekaPeer *p, Arena *a, EurekaNow now) {
    if (!list_empty(&p->sent))
        return (Str){ 0 };
    Buf b;
    JsonWriter w;
    buf_init(&b, BODY_MAX);
    json_writer_init(&w, &b, false);
    json_object(&w);
    json_key(&w, S("replicationList"));
    json_array(&w);
    size_t n = 0;
    while (n < EUREKA_BATCH_MAX && !list_empty(&p->waiting) && b.n + 2 * EUREKA_BODY_MAX < BODY_MAX) {
        Task *t = LIST_ENTRY(p->waiting.next, Task, node);
        if (t->until.ns <= now.mono.ns) {
            drop(p, t);
            continue;
        }
        map_del(&p->by_key, t->key);
        list_remove(&t->node);
        p->n--;
        list_push_back(&p->sent, &t->node);
        write_task(&w, t);
        n++;
    }
    json_array_end(&w);
    json_object_end(&w);
    Str body = n && buf_ok(&b) ? str_dup(a, buf_str(&b)) : (Str){ 0 };
    buf_done(&b);
    return body;
}

void eureka_peer_failed(EurekaPeer *p) {
    while (!list_empty(&p->sent)) {
        Task *t = LIST_ENTRY(p->sent.prev, Task, node);
        list_remove(&t->node);
        if (map_get(&p->by_key, t->key)) /* a newer one of the same waits already */
            task_free(t);
        else
            push(p, t, true);
    }
}

/* --- the answer to a batch --- */

typedef struct Answer {
    int64_t status;
    bool brings;
    EurekaInstance instance;
} Answer;

static int take_answer(JsonReader *r, Arena *a, Answer *out) {
    Str key;
    int e = json_open_object(r), more = 0;
    while (e == 0 && (more = json_object_next(r, &key)) > 0) {
        if (str_eq(key, S("statusCode"))) {
            e = json_read_i64(r, &out->status);
        } else if (str_eq(key, S("responseEntity")) && json_peek(r) == JSON_OBJECT) {
            out->brings = true;
            e = eureka_instance_take_json(r, a, &out->instance);
        } else {
            e = json_skip(r);
        }
    }
    return e ? e : more;
}

/* What one task came to. */
static void settle(EurekaPeer *p, EurekaRegistry *r, EurekaNow now, const Task *t, const Answer *answer) {
    if (t->kind != EUREKA_EV_HEARTBEAT)
        return;
    const EurekaInstance *mine = eureka_find(r, t->x.app, t->x.id);
    if (answer->status == 404 && mine)
        eureka_peer_tell(p, now, &(EurekaEvent){ EUREKA_EV_REGISTER, mine, mine->status });
    else if (answer->status == 409 && answer->brings && str_eq(answer->instance.id, t->x.id) &&
             str_eq_nocase(answer->instance.app, t->x.app))
        eureka_register(r, now, &answer->instance, true);
}

int eureka_peer_heard(EurekaPeer *p, EurekaRegistry *r, EurekaNow now, Str body) {
    Arena scratch = { 0 };
    JsonReader reader;
    Str key;
    json_reader_init(&reader, body, &scratch, DEPTH_MAX);
    int e = json_open_object(&reader), more = 0, items = 0;
    while (e == 0 && (more = json_object_next(&reader, &key)) > 0) {
        if (!str_eq(key, S("responseList"))) {
            e = json_skip(&reader);
            continue;
        }
        e = json_open_array(&reader);
        while (e == 0 && (items = json_array_next(&reader)) > 0) {
            Answer answer = { 0 };
            e = take_answer(&reader, &scratch, &answer);
            if (e != 0 || list_empty(&p->sent)) /* more answers than there were tasks */
                continue;
            Task *t = LIST_ENTRY(list_pop_front(&p->sent), Task, node);
            settle(p, r, now, t, &answer);
            task_free(t);
        }
        if (items < 0)
            e = items;
    }
    arena_done(&scratch);
    if (e == 0 && more < 0)
        e = more;
    if (e != 0) {
        eureka_peer_failed(p);
        return e;
    }
    while (!list_empty(&p->sent)) /* an answer for each, or it is as if there was one */
        task_free(LIST_ENTRY(list_pop_front(&p->sent), Task, node));
    return 0;
}

/* --- a batch from a peer --- */

typedef struct Item {
    Str action, app, id;
    int64_t dirty_ms;
    EurekaStatus status, overridden;
    bool brings;
    EurekaInstance instance;
} Item;

static int take_text(JsonReader *r, Str *out) {
    return json_read_null(r) ? 0 : json_read_str(r, out);
}

static int take_item(JsonReader *r, Arena *a, Item *out) {
    Str key, text = { 0 };
    int e = json_open_object(r), more = 0;
    while (e == 0 && (more = json_object_next(r, &key)) > 0) {
        if (str_eq(key, S("action"))) {
            e = take_text(r, &out->action);
        } else if (str_eq(key, S("appName"))) {
            e = take_text(r, &out->app);
        } else if (str_eq(key, S("id"))) {
            e = take_text(r, &out->id);
        } else if (str_eq(key, S("lastDirtyTimestamp"))) {
            e = json_read_null(r) ? 0 : json_read_i64(r, &out->dirty_ms);
        } else if (str_eq(key, S("status"))) {
            e = take_text(r, &text);
            out->status = eureka_status_of(text);
        } else if (str_eq(key, S("overriddenStatus"))) {
            text = (Str){ 0 };
            e = take_text(r, &text);
            out->overridden = eureka_status_of(text);
        } else if (str_eq(key, S("instanceInfo")) && json_peek(r) == JSON_OBJECT) {
            out->brings = true;
            e = eureka_instance_take_json(r, a, &out->instance);
        } else {
            e = json_skip(r);
        }
    }
    return e ? e : more;
}

/* The status of one item, and for a conflict the instance. */
static int item_apply(EurekaRegistry *r, Arena *a, EurekaNow now, const Item *i, const EurekaInstance **conflict) {
    EurekaRenewal which = { i->app, i->id, MAX(i->dirty_ms, 0), i->overridden, true };
    int e = EUREKA_ABSENT;
    if (str_eq(i->action, S("Register"))) { /* always 200, also when it cannot be taken */
        if (i->brings && !eureka_registration_fault(a, &i->instance, i->app))
            eureka_register(r, now, &i->instance, true);
        return 200;
    }
    if (str_eq(i->action, S("Heartbeat")))
        e = eureka_renew(r, now, &which);
    else if (str_eq(i->action, S("Cancel")))
        e = eureka_cancel(r, now, i->app, i->id, true);
    else if (str_eq(i->action, S("StatusUpdate")))
        e = eureka_override(r, now, &which, i->status);
    else if (str_eq(i->action, S("DeleteStatusOverride")))
        e = eureka_override_off(r, now, &which, i->status);
    else
        return 500;
    if (e == EUREKA_STALE)
        *conflict = eureka_find(r, i->app, i->id);
    return e == 0 ? 200 : e == EUREKA_STALE ? 409 : 404;
}

static int apply_items(EurekaRegistry *r, Arena *a, EurekaNow now, JsonReader *reader, JsonWriter *w) {
    int e = json_open_array(reader), more = 0, n = 0;
    while (e == 0 && (more = json_array_next(reader)) > 0) {
        Item item = { 0 };
        const EurekaInstance *conflict = NULL;
        if (n++ == 4 * EUREKA_BATCH_MAX)
            return ERR_LIMIT;
        e = take_item(reader, a, &item);
        if (e != 0)
            break;
        json_object(w);
        json_put_i64(w, "statusCode", item_apply(r, a, now, &item, &conflict));
        if (conflict) {
            json_key(w, S("responseEntity"));
            eureka_write_json(w, conflict);
        }
        json_object_end(w);
    }
    return e ? e : more;
}

int eureka_peer_take_batch(EurekaRegistry *r, Arena *a, EurekaNow now, Str body, Str *out) {
    JsonReader reader;
    JsonWriter w;
    Buf b;
    Str key;
    json_reader_init(&reader, body, a, DEPTH_MAX);
    buf_init(&b, BODY_MAX);
    json_writer_init(&w, &b, false);
    json_object(&w);
    json_key(&w, S("responseList"));
    json_array(&w);
    int e = json_open_object(&reader), more = 0;
    while (e == 0 && (more = json_object_next(&reader, &key)) > 0)
        e = str_eq(key, S("replicationList")) ? apply_items(r, a, now, &reader, &w) : json_skip(&reader);
    json_array_end(&w);
    json_object_end(&w);
    if (e == 0)
        e = more < 0 ? more : buf_ok(&b) ? 0 : ERR_LIMIT;
    if (e == 0)
        *out = str_dup(a, buf_str(&b));
    buf_done(&b);
    return e;
}
