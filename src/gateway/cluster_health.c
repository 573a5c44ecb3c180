/* gateway/cluster_health.c - asks each instance whether it is well (RES-11, GWY-29). */

#include "gateway/cluster_internal.h"

static void check_end(Instance *i, bool well) {
    Cluster *c = i->cluster;
    bool was = i->healthy;
    i->failures_in_row = well ? 0 : i->failures_in_row + 1;
    if (well)
        i->healthy = true;
    else if (i->failures_in_row >= c->o.health_failures)
        i->healthy = false;
    if (i->healthy != was) {
        balancer_set_health(c->balancer, str_c(i->address), i->healthy);
        LOG_WARNING(c->env.log, NULL, i->healthy ? S("an instance is back") : S("an instance is out"),
                    F_STR("service", str_c(c->name)), F_STR("address", str_c(i->address)));
    }
    /* From beginning to beginning: a check that hangs for its whole time does not put off the next (RES-11). */
    int64_t took = mono_ms_between(i->check_began, clock_mono(c->env.clock));
    loop_timer_start(&i->timer, MAX(c->o.health_every_ms - took, INT64_C(1)), 0);
    instance_unref(i);
}

/* 200 is the verdict; of an instance that speaks gRPC alone any answer but one that says it is not well: many have no
 * service of health, and are asked for the whole server, whose answer is a message of two bytes. */
static void on_head(void *arg, const UpHead *head) {
    Instance *i = arg;
    bool well = head->status == 200;
    if (i->cluster->o.grpc && head->whole)
        well &= rpc_http_status(head->fields, head->n_fields) != 503;
    upstream_close(TAKE(i->check)); /* what it says in words is for people; the status is the verdict */
    check_end(i, well);
}

static void on_fail(void *arg, int err, bool sent) {
    Instance *i = arg;
    UNUSED(err);
    UNUSED(sent);
    i->check = NULL;
    check_end(i, false);
}

static const UpEvents events = { .head = on_head, .fail = on_fail };

static void check_begin(void *arg) {
    Instance *i = arg;
    const Cluster *c = i->cluster;
    static const HttpField rpc_fields[] = { { STR_INIT("content-type"), STR_INIT("application/grpc") },
                                            { STR_INIT("te"), STR_INIT("trailers") } };
    UpRequest rq = { .method = S("GET"),
                     .target = str_c(c->health_path),
                     .deadline = mono_add_ms(clock_mono(c->env.clock), c->o.health_timeout_ms) };
    if (c->o.grpc) {
        rq.method = S("POST");
        rq.target = S("/grpc.health.v1.Health/Check");
        rq.fields = rpc_fields;
        rq.n_fields = ARRAY_LEN(rpc_fields);
        rq.body = str_n("\0\0\0\0\0", 5);
    }
    i->check_began = clock_mono(c->env.clock);
    i->calls++;
    if (upstream_send(c->o.grpc ? instance_rpc(i) : i->upstream, &rq, &events, i, &i->check) !=
        0) /* its pool is full: its calls will judge it */
        check_end(i, i->healthy);
}

void instance_health_start(Instance *i) {
    const Cluster *c = i->cluster;
    loop_timer_init(&i->timer, c->env.loop, check_begin, i);
    if (c->health_path[0])
        loop_timer_start(&i->timer, 0, 0);
}

void instance_health_stop(Instance *i) {
    loop_timer_stop(&i->timer);
    if (!i->check)
        return;
    upstream_close(TAKE(i->check));
    i->calls--;
}
