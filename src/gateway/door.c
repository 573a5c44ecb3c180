/* gateway/door.c - paths of this process that are no operations: a protocol of others, answered on a lane.
 *
 * They pass the limits by address, authentication and role like everything else. A client of such a protocol may know
 * Basic alone: then the password is the key (auth.c). */

#include "gateway/internal.h"

enum { DOOR_MS = 10 * 1000 };

const GatewayDoor *door_of(const Gateway *g, Str path) {
    for (size_t i = 0; i < g->o.n_doors; i++) {
        Str prefix = g->o.doors[i].prefix;
        if (str_starts(path, prefix) && (path.n == prefix.n || path.p[prefix.n] == '/'))
            return &g->o.doors[i];
    }
    return NULL;
}

static void door_run(void *arg, int err) {
    Request *rq = arg;
    DoorReply reply = { .status = 404 };
    if (err != 0) {
        rq->stage = "lane";
        err_set(&rq->cx, err, "the request was not reached in time");
        request_fail(rq);
        return;
    }
    const GatewayDoor *door = door_of(rq->g, rq->ex->head.path);
    int r = door->answer(door->arg, &rq->cx, rq->ex, &reply);
    if (r != 0) {
        request_fail(rq);
        return;
    }
    Buf body = { 0 };
    if (reply.body.n) {
        buf_init(&body, reply.body.n);
        buf_put_str(&body, reply.body);
    }
    request_reply(rq, reply.status, reply.media, &body, NULL, 0);
}

bool door_serve(Request *rq) {
    const Gateway *g = rq->g;
    const HttpHead *head = &rq->ex->head;
    const GatewayDoor *door = door_of(g, head->path);
    if (!door || str_eq(head->method, S("OPTIONS")))
        return false;
    rq->stage = "authentication";
    int r = gateway_principal(rq);
    if (r == 0) {
        rq->stage = "role";
        r = gateway_allow(rq, door->needs(door->arg, head));
    }
    rq->cx.deadline = mono_add_ms(rq->ex->started, DOOR_MS);
    if (r == 0) {
        rq->stage = "lane";
        r = lane_post(door->io ? g->o.io : g->o.cpu,
                      &(LaneJob){ .run = door_run, .arg = rq, .deadline = rq->cx.deadline });
        if (r == 0)
            return true;
        err_set(&rq->cx, ERR_BUSY, "too much work is waiting; try again in a second");
        rq->cx.err.retry_after_ms = 1000;
    }
    request_fail(rq);
    return true;
}
