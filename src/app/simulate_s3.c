/* app/simulate_s3.c - `finsight s3-sim`: an S3 server on loopback that verifies signatures and fails on demand. */

#include "app/app.h"

#include "sim/s3_server.h"

typedef struct S3SimIn {
    Str access, secret, region, bucket;
    List faults;
} S3SimIn;

/* clang-format off */
static const Field s3_sim_f[] = {
    FIELD(S3SimIn, bucket, .def = "finsight", .max = 63, .doc = "A bucket that is there from the start."),
    FIELD(S3SimIn, region, .def = "us-east-1", .max = 40, .doc = "The region that signatures must name."),
    { .name = "access-key", .offset = offsetof(S3SimIn, access), .type = FT_STR, .def = "SIMULATED", .max = 128, .doc = "The access key that it knows." },
    { .name = "secret-key", .offset = offsetof(S3SimIn, secret), .type = FT_STR, .def = "simulated-secret", .max = 128, .doc = "The secret of that key." },
    { .name = "fault", .offset = offsetof(S3SimIn, faults), .type = FT_LIST, .flags = F_REPEAT, .max = 64, .doc = "A fault to show: 500, 503, truncated, trickle, reset, stall, lost, wrong-etag.", .example = "503:every=10" },
};
static SHAPE(s3_sim_shape, S3SimIn, s3_sim_f);
/* clang-format on */

enum { S3_SIM_PORT = 9092 };

/* --port is the program's own option: here it counts when it was given as a flag, not when it configures a server. */
static int s3_sim_port(const App *app) {
    bool given = cfg_value(&app->cfg_table, S("server.port"))->rank == CFG_FLAG;
    return given && app->cfg.server_port >= 0 ? (int)app->cfg.server_port : S3_SIM_PORT;
}

static int start_server(Cli *c, const S3SimIn *in, S3Server **out) {
    Str *faults;
    size_t n_faults = sim_join_faults(c->cx, &in->faults, &faults);
    S3ServerOptions o = {
        .sim = { .access = in->access, .secret = in->secret, .region = in->region, .bucket = in->bucket },
        .port = s3_sim_port((App *)c),
        .clock = ((App *)c)->clock,
        .faults = faults,
        .n_faults = n_faults,
    };
    return s3_server_start(c->cx, &o, out);
}

static int run_s3_sim(Cli *c, const void *in) {
    const S3SimIn *o = in;
    S3Server *server;
    int r = start_server(c, o, &server);
    if (r != 0)
        return cli_fail(c, r);
    int port = s3_server_port(server);
    if (c->json)
        fprintf(c->out, "{\"url\":\"http://127.0.0.1:%d\",\"bucket\":\"" STR_FMT "\",\"simulated\":true}\n", port,
                STR_ARG(o->bucket));
    else
        fprintf(c->out,
                "S3 simulator on http://127.0.0.1:%d   in memory, bucket " STR_FMT ", region " STR_FMT
                ", access key " STR_FMT "\n",
                port, STR_ARG(o->bucket), STR_ARG(o->region), STR_ARG(o->access));
    fflush(c->out);
    while (ctx_check(c->cx) == 0)
        clock_sleep_ms(c->cx->clock, 100);
    int64_t requests = s3_server_requests(server), refused = s3_server_refused(server);
    size_t uploads = s3_server_uploads(server);
    s3_server_stop(server);
    if (!c->quiet && !c->json)
        fprintf(c->err, "%lld requests, %lld of them refused, %zu uploads in parts left open\n", (long long)requests,
                (long long)refused, uploads);
    return 0;
}

const Command cmd_s3_sim = {
    .name = "s3-sim",
    .group = "Platform",
    .summary = "An S3 server in memory to test against: verifies signatures",
    .run = run_s3_sim,
    .help = "Listens on 127.0.0.1:9092; --port N takes another, 0 a free one. Buckets, objects with ranges and "
            "conditions, lists, uploads in parts. Each request's signature (version 4, in the Authorization header) is "
            "worked out again and refused with S3's own error where it is wrong. Nothing is kept when it ends.",
    .examples = "finsight s3-sim --bucket models\n"
                "finsight s3-sim --port 0 --json --fault 503:every=20,lost:path=PUT,count=1",
    .flags = &s3_sim_shape,
};
