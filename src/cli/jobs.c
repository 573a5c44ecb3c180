/* cli/jobs.c - jobs: what is scheduled, what ran, and running it. */

#include "api/jobs/jobs_api.h"
#include "cli/internal.h"

typedef struct JobsIn {
    Str action, job, kind, schedule, zone, params, missed;
    int64_t limit, retries, memory_max;
} JobsIn;

/* clang-format off */
static const char *const actions[] = { "list", "show", "define", "start", "stop", "run", "runs", "remove", "kinds", NULL };
static const Field jobs_f[] = {
    FIELD(JobsIn, action, .def = "list", .choices = actions, .doc = "list, show, define, start, stop, run, runs, remove or kinds."),
    FIELD(JobsIn, job, .doc = "The job's name.", .example = "hourly"),
    FIELD(JobsIn, kind, .def = "collect", .doc = "define: what it does; `jobs kinds` lists them."),
    FIELD(JobsIn, schedule, .doc = "define: five cron fields, @daily, or @every 5m.", .example = "0 * * * *"),
    FIELD(JobsIn, zone, .doc = "define: time zone of the schedule.", .example = "Europe/Berlin"),
    FIELD(JobsIn, params, .doc = "define, run: parameters as a JSON object."),
    FIELD(JobsIn, missed, .def = "once", .doc = "define: missed fires run once, skip, or all."),
    FIELD(JobsIn, retries, .def = "-1", .has_min = true, .min = -1, .max = 100, .doc = "define: tries after a failed one; -1 = the kind's own."),
    FIELD(JobsIn, memory_max, .has_min = true, .min = 0, .max = 1e15, .doc = "define: bytes a child process may use."),
    FIELD(JobsIn, limit, .def = "20", .min = 1, .max = 1000, .doc = "runs: how many."),
};
static SHAPE(jobs_shape, JobsIn, jobs_f);
/* clang-format on */

static Tone state_tone(Str state) {
    return str_eq(state, S("failed"))                                    ? TONE_BAD
           : str_eq(state, S("running")) || str_eq(state, S("queued"))   ? TONE_GOOD
           : str_eq(state, S("retrying")) || str_eq(state, S("waiting")) ? TONE_WARN
                                                                         : TONE_PLAIN;
}

static Str when(Cli *c, Time t) {
    return t.ms ? term_minute(c->cx->arena, t) : S("-");
}

static void show_jobs(Cli *c, const JobRow *v, size_t n) {
    static const char *const heads[] = { "job",  "kind",  "state",   "schedule", "next",
                                         "last", ">done", ">failed", "",         NULL };
    Arena *a = c->cx->arena;
    Table t;
    table_init(&t, a, heads);
    for (size_t i = 0; i < n; i++) {
        table_cell(&t, v[i].job, TONE_BOLD);
        table_cell(&t, v[i].kind, TONE_PLAIN);
        table_cell(&t, v[i].state, state_tone(v[i].state));
        table_cell(&t, v[i].schedule.n ? v[i].schedule : S("by hand"), TONE_PLAIN);
        table_cell(&t, when(c, v[i].next_fire), TONE_PLAIN);
        table_cell(&t, v[i].last_state.n ? v[i].last_state : S("never ran"), state_tone(v[i].last_state));
        table_cell(&t, term_count(a, v[i].success), TONE_PLAIN);
        table_cell(&t, term_count(a, v[i].failed), v[i].failed ? TONE_WARN : TONE_PLAIN);
        table_cell(&t, v[i].last_error.n ? v[i].last_error : v[i].last_message, TONE_DIM);
    }
    table_print(&t, c);
}

static void show_runs(Cli *c, const RunRow *v, size_t n) {
    static const char *const heads[] = { "job",       "trigger", "for",     "state", ">try",
                                         ">progress", ">ok",     ">failed", "",      NULL };
    Arena *a = c->cx->arena;
    Table t;
    table_init(&t, a, heads);
    for (size_t i = 0; i < n; i++) {
        table_cell(&t, v[i].job, TONE_BOLD);
        table_cell(&t, v[i].trigger, TONE_PLAIN);
        table_cell(&t, when(c, v[i].scheduled_for), TONE_PLAIN);
        table_cell(&t, v[i].state, state_tone(v[i].state));
        table_cell(&t, term_count(a, v[i].attempt), TONE_PLAIN);
        table_cell(&t, v[i].total ? term_percent(a, (double)v[i].done / (double)v[i].total) : S("-"), TONE_PLAIN);
        table_cell(&t, term_count(a, v[i].success), TONE_PLAIN);
        table_cell(&t, term_count(a, v[i].failed), v[i].failed ? TONE_WARN : TONE_PLAIN);
        table_cell(&t, v[i].error.n ? v[i].error : v[i].message, TONE_DIM);
    }
    table_print(&t, c);
}

static int list(Cli *c, ApiCaller *api) {
    JobList out = { 0 };
    int r = api_call(api, c->cx, &op_jobs_list, NULL, &out);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &job_list_shape, &out);
    if (out.count == 0 && !c->quiet)
        fprintf(c->err, "no jobs; define one: finsight jobs define NAME --schedule '0 * * * *'\n");
    show_jobs(c, out.jobs.v, out.jobs.n);
    return 0;
}

static int runs(Cli *c, ApiCaller *api, const JobsIn *in) {
    RunsQuery q = { in->job, in->limit };
    RunList out = { 0 };
    int r = api_call(api, c->cx, &op_jobs_runs, &q, &out);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &run_list_shape, &out);
    show_runs(c, out.runs.v, out.runs.n);
    return 0;
}

static int kinds(Cli *c, ApiCaller *api) {
    KindList out = { 0 };
    int r = api_call(api, c->cx, &op_jobs_kinds, NULL, &out);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &kind_list_shape, &out);
    const KindRow *v = out.kinds.v;
    for (size_t i = 0; i < out.kinds.n; i++)
        cli_line(c, str_cz(c->cx->arena, v[i].kind), STR_FMT, STR_ARG(v[i].doc));
    return 0;
}

static int show(Cli *c, ApiCaller *api, const JobsIn *in) {
    JobRef ref = { in->job };
    JobRow row = { 0 };
    int r = api_call(api, c->cx, &op_jobs_get, &ref, &row);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &job_row_shape, &row);
    show_jobs(c, &row, 1);
    return 0;
}

/* start, stop, define, remove: each answers with the job. */
static int change(Cli *c, ApiCaller *api, const JobsIn *in) {
    JobOperationResponse out = { 0 };
    JobRef ref = { in->job };
    int r;
    if (str_eq(in->action, S("define"))) {
        JobDefineRequest def;
        shape_init(&job_define_shape, c->cx, &def);
        def.job = in->job;
        def.kind = in->kind;
        def.schedule = in->schedule;
        def.zone = in->zone;
        def.params.json = in->params;
        def.missed = in->missed;
        def.retries = in->retries;
        def.memory_max = in->memory_max;
        r = api_call(api, c->cx, &op_jobs_define, &def, &out);
    } else {
        const Op *op = str_eq(in->action, S("start"))  ? &op_jobs_start
                       : str_eq(in->action, S("stop")) ? &op_jobs_stop
                                                       : &op_jobs_remove;
        r = api_call(api, c->cx, op, &ref, &out);
    }
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &job_operation_shape, &out);
    fprintf(c->out, STR_FMT "\n", STR_ARG(out.message));
    return 0;
}

static int run_one(Cli *c, ApiCaller *api, const JobsIn *in) {
    ManualJobRequest req = { in->job, { in->params } };
    ManualJobResponse out = { 0 };
    int r = api_call(api, c->cx, &op_jobs_run, &req, &out);
    if (r != 0)
        return cli_fail(c, r);
    if (c->json)
        return cli_print_json(c, &manual_job_response_shape, &out);
    fprintf(c->out, STR_FMT "\n", STR_ARG(out.message));
    return 0;
}

static int run_jobs(Cli *c, const void *in_) {
    const JobsIn *in = in_;
    ApiCaller *api;
    bool names_none = str_eq(in->action, S("list")) || str_eq(in->action, S("runs")) || str_eq(in->action, S("kinds"));
    if (!names_none && !in->job.n)
        return cli_fail(
            c, err_set_at(c->cx, ERR_USAGE, S("job"), "jobs " STR_FMT " needs the name of a job", STR_ARG(in->action)));
    int r = cli_api(c, &api);
    if (r != 0)
        return cli_fail(c, r);
    if (str_eq(in->action, S("list")))
        return list(c, api);
    if (str_eq(in->action, S("runs")))
        return runs(c, api, in);
    if (str_eq(in->action, S("kinds")))
        return kinds(c, api);
    if (str_eq(in->action, S("show")))
        return show(c, api, in);
    if (str_eq(in->action, S("run")))
        return run_one(c, api, in);
    return change(c, api, in);
}

const Command cmd_jobs = {
    .name = "jobs",
    .group = "Platform",
    .summary = "Scheduled work: list, define, start, stop, run",
    .run = run_jobs,
    .help = "Jobs run in the server (finsight serve); without one they can be defined and looked at, and run when it "
            "starts. "
            "Named times of day fire once a day over clock changes; expressions that begin with * follow the clock.",
    .examples = "finsight jobs  # what there is\n"
                "finsight jobs define hourly --schedule '5 * * * *' --params '{\"days\":1}'\n"
                "finsight jobs start hourly\n"
                "finsight jobs runs hourly --json",
    .flags = &jobs_shape,
    .positional = (const char *const[]){ "action", "job", NULL },
};
