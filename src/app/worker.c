/* app/worker.c - `finsight worker`: takes command lines out of a queue and runs each in a child process (STO-18).
 *
 * Any number of workers beside one server drain one queue: an item is one worker's until its lease ends, and comes back to
 * the others when that worker died. A child that takes longer than the
 * lease is ended, so that nothing is done by two at once. */

#include "app/app.h"
#include "app/job_command.h"

#include "api/jobs/jobs_api.h"
#include "base/json.h"
#include "base/utf8.h"

#include <poll.h>
#include <unistd.h>

typedef struct WorkerIn {
    Str queue, name;
    int64_t lease, memory, limit;
    bool once;
} WorkerIn;

/* clang-format off */
static const Field worker_f[] = {
    FIELD(WorkerIn, queue, .flags = F_REQUIRED, .max = 64, .doc = "Name of the queue.", .example = "nightly"),
    FIELD(WorkerIn, name, .max = 64, .doc = "Of this worker. Left out: worker- and the process's number."),
    FIELD(WorkerIn, lease, .def = "600", .min = 1, .max = 86400, .doc = "Seconds an item may take; then it is ended, and others may have it."),
    FIELD(WorkerIn, memory, .has_min = true, .min = 0, .max = 1e15, .doc = "Bytes of memory of its own that a command may have; 0 = jobs.memory."),
    FIELD(WorkerIn, limit, .has_min = true, .min = 0, .max = 1e9, .doc = "End after so many items; 0 = no limit."),
    FIELD(WorkerIn, once, .doc = "End when nothing is left to do, rather than wait for more."),
};
static SHAPE(worker_shape, WorkerIn, worker_f);
/* clang-format on */

enum { IDLE_MS = 500, ARGS_MAX = 32, RESULT_MAX = 1000, REPORT_EARLY_MS = 500 };

/* A payload is a JSON array of words: ["import", "/data/a.csv", "--symbol", "A"]. */
static int read_payload(Ctx *cx, Str payload, Str *args, size_t *n) {
    JsonReader j;
    json_reader_init(&j, payload, cx->arena, 4);
    *n = 0;
    json_open_array(&j);
    while (json_array_next(&j) > 0 && *n < ARGS_MAX && json_read_str(&j, &args[*n]) == 0)
        (*n)++;
    if (json_finish(&j) != 0 || *n == 0)
        return err_set(cx, ERR_INVALID, "the item is not a JSON array of 1 to %d words", ARGS_MAX);
    return 0;
}

static int run_item(App *app, Ctx *cx, const WorkerIn *in, const QueueRow *item, Str *said) {
    Str args[ARGS_MAX];
    size_t n;
    int r = read_payload(cx, item->payload, args, &n);
    if (r != 0)
        return r;
    JobCommand c = { .data_dir = app->cfg.data_dir,
                     .args = args,
                     .n = n,
                     .memory_max = in->memory,
                     .default_memory = app->cfg.jobs_memory };
    return job_command_run(cx, &c, said);
}

/* The end of what was said, as the API takes text: valid, and without control characters. */
static Str one_line(Arena *a, Str said) {
    Str end = utf8_clean(a, str_from(said, said.n > RESULT_MAX ? said.n - RESULT_MAX : 0));
    char *text = str_cz(a, end);
    for (size_t i = 0; i < end.n; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            text[i] = ' ';
    return str_trim(str_n(text, end.n));
}

/* The result is reported within the lease; a worker that was stopped reports nothing: the item comes back. */
static int work_on(App *app, ApiCaller *api, const WorkerIn *in, const QueueRow *item, bool *well) {
    Ctx inner = app->cx;
    Str said = { 0 };
    inner.deadline = mono_add_ms(clock_mono(inner.clock), MAX(in->lease * 1000 - REPORT_EARLY_MS, 1));
    int r = run_item(app, &inner, in, item, &said);
    if (r == ERR_CANCELLED) {
        app->cx.err = inner.err;
        return r;
    }
    *well = r == 0;
    QueueResult result = { .id = item->id,
                           .failed = r != 0,
                           .result = one_line(inner.arena, r == 0 ? said : str_c(inner.err.text)) };
    QueueDoneResponse taken = { 0 };
    r = api_call(api, &app->cx, &op_queue_done, &(QueueDoneRequest){ in->name, { &result, 1 } }, &taken);
    if (r == 0 && !app->cli.quiet && !app->cli.json)
        fprintf(app->cli.err, "item %lld %s%s\n", (long long)item->id, *well ? "done" : "failed",
                taken.late ? ", too late: another worker has it" : "");
    return r;
}

static int nothing_left(App *app, ApiCaller *api, const WorkerIn *in, bool *ended) {
    QueueStatus s = { 0 };
    int r = api_call(api, &app->cx, &op_queue_status, &(QueueRef){ in->queue }, &s);
    *ended = r == 0 && in->once && s.waiting == 0 && s.claimed == 0;
    if (r == 0 && !*ended)
        poll(NULL, 0, IDLE_MS);
    return r ? r : ctx_check(&app->cx);
}

static int run_worker(Cli *c, const void *in_) {
    App *app = (App *)c;
    WorkerIn in = *(const WorkerIn *)in_;
    ApiCaller *api;
    int64_t done = 0, failed = 0;
    bool ended = false;
    if (!in.name.n)
        in.name = str_fmt(c->cx->arena, "worker-%d", (int)getpid());
    int r = cli_api(c, &api);
    while (r == 0 && !ended && (in.limit == 0 || done + failed < in.limit)) {
        ArenaMark mark = arena_mark(c->cx->arena);
        QueueClaimResponse got = { 0 };
        QueueClaimRequest q = { in.queue, in.name, 1, in.lease * 1000 };
        bool well = false;
        r = api_call(api, c->cx, &op_queue_claim, &q, &got);
        if (r == 0 && got.count > 0)
            r = work_on(app, api, &in, got.items.v, &well);
        else if (r == 0)
            r = nothing_left(app, api, &in, &ended);
        done += r == 0 && got.count > 0 && well;
        failed += r == 0 && got.count > 0 && !well;
        arena_rewind(c->cx->arena, mark);
    }
    if (c->json)
        fprintf(c->out, "{\"done\":%lld,\"failed\":%lld}\n", (long long)done, (long long)failed);
    else if (r == 0)
        fprintf(c->out, "%lld items done, %lld failed\n", (long long)done, (long long)failed);
    return r == 0 ? failed > 0 : cli_fail(c, r);
}

const Command cmd_worker = {
    .name = "worker",
    .group = "Platform",
    .summary = "Take command lines out of a queue and run them",
    .run = run_worker,
    .help = "An item is a JSON array of words, a command line without the program's name; POST /api/v1/queues/put "
            "brings them. "
            "Each runs in a child process of the lowest priority with a memory cap. Start as many workers as you like: "
            "each "
            "item is one worker's, and comes back when that one died. The status is 1 when an item failed.",
    .examples = "finsight worker nightly --once\nfinsight worker imports --lease 60 --memory 500000000",
    .flags = &worker_shape,
    .positional = (const char *const[]){ "queue", NULL },
};
