/* gateway/door.c - paths of this process that are no operations: a protocol of others, answered on the CPU lane.
 *
 * They pass the limits by address, authentication and role like everything else. A client of such a protocol may know
 * Basic alone: then the password is the key (auth.c). */

#include "gateway/internal.h"

enum { DOOR_MS = 10 * 1000 };

bool door_is(const Gateway *g, Str path) {
    Str prefix = g->o.door.prefix;
    return prefix.n && str_starts(path, prefix) && (path.n == prefix.n || path.p[prefix.n] == '/');
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
    int r = rq->g->o.door.answer(rq->g->o.door.arg, &rq->cx, rq->ex, &reply);
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
    if (!door_is(g, head->path) || str_eq(head->method, S("OPTIONS")))
        return false;
    rq->stage = "authentication";
    int r = gateway_principal(rq);
    if (r == 0) {
        rq->stage = "role";
        r = gateway_allow(rq, g->o.door.needs(g->o.door.arg, head));
    }
    rq->cx.deadline = mono_add_ms(rq->ex->started, DOOR_MS);
    if (r == 0) {
        rq->stage = "lane";
        r = lane_post(g->o.cpu, &(LaneJob){ .run = door_run, .arg = rq, .deadline = rq->cx.deadline });
        if (r == 0)
            return true;
        err_set(&rq->cx, ERR_BUSY, "too much work is waiting; try again in a second");
        rq->cx.err.retry_after_ms = 1000;
    }
    request_fail(rq);
    return true;
}
