/* app/demo_data.c - the demo's housekeeping: a job, filled holes, a Parquet file, a backup. */

#include "app/demo.h"

#include "api/jobs/jobs_api.h"
#include "api/market/market_api.h"
#include "api/storage/storage_api.h"

/* --- a job: collected on a schedule, run by hand for once --- */

static int wait_for_run(Demo *d, Str run, RunRow *out) {
    enum { LOOK_MS = 50, MOST_MS = 15000 };
    for (int64_t waited = 0; waited < MOST_MS; waited += LOOK_MS) {
        RunRow row = { 0 };
        int r = demo_call(d, &op_jobs_run_get, &(RunRef){ run }, &row);
        if (r != 0)
            return r;
        *out = row;
        if (row.ended.ms)
            return 0;
        clock_sleep_ms(d->app->clock, LOOK_MS);
    }
    return err_set(d->c->cx, ERR_TIMEOUT, "the demo's job takes too long");
}

int demo_job(Demo *d, const DemoSeries *s) {
    Cli *c = d->c;
    Arena *a = c->cx->arena;
    JobDefineRequest define;
    JobOperationResponse defined = { 0 };
    ManualJobResponse started = { 0 };
    RunRow run = { 0 };
    demo_heading(d, "Job", "collection on a schedule; here run once by hand");
    shape_init(op_jobs_define.in, c->cx, &define);
    define.job = S("demo-collect");
    define.kind = S("collect");
    define.schedule = S("*/5 * * * *");
    define.params.json = str_fmt(a,
                                 "{\"exchange\":\"" STR_FMT "\",\"symbols\":[\"BTCUSDT\",\"ETHUSDT\",\"NOSUCHCOIN\"],"
                                 "\"timeframes\":[\"5m\"],\"days\":1}",
                                 STR_ARG(s->exchange));
    int r = demo_call(d, &op_jobs_define, &define, &defined);
    if (r == 0)
        r = demo_call(d, &op_jobs_run, &(ManualJobRequest){ .job = define.job }, &started);
    if (r == 0)
        r = wait_for_run(d, started.run.run, &run);
    if (r != 0)
        return r;
    bool good = str_eq(run.state, S("succeeded"));
    fprintf(c->out,
            "  demo-collect \"*/5 * * * *\": %s" STR_FMT
            "%s, %lld series collected, %lld failed (NOSUCHCOIN is no coin: one does not stop the others)\n",
            term_tone(c, good ? TONE_GOOD : TONE_WARN), STR_ARG(run.state), term_end(c), (long long)run.success,
            (long long)run.failed);
    return 0;
}

/* --- holes filled, and said so --- */

int demo_fill(Demo *d, const DemoSeries *s) {
    Cli *c = d->c;
    FillRequest in;
    FillResponse out = { 0 };
    demo_heading(d, "Fill", "short holes get flagged candles; real ones are never touched");
    shape_init(op_market_fill.in, c->cx, &in);
    in.exchange = s->exchange;
    in.symbol = s->symbol;
    in.timeframe = s->timeframe;
    in.method = S("linear");
    int r = demo_call(d, &op_market_fill, &in, &out);
    if (r != 0)
        return r;
    fprintf(c->out,
            "  " STR_FMT " " STR_FMT ": " STR_FMT " of " STR_FMT " missing candles filled in " STR_FMT " gaps, "
            "each flagged synthetic; unfill takes them out again\n",
            STR_ARG(s->symbol), STR_ARG(s->timeframe), STR_ARG(term_count(c->cx->arena, out.filled)),
            STR_ARG(term_count(c->cx->arena, out.missing)), STR_ARG(term_count(c->cx->arena, out.filled_gaps)));
    return 0;
}

/* --- a file other tools read, and a backup --- */

int demo_keep(Demo *d, const DemoSeries *s) {
    Cli *c = d->c;
    Arena *a = c->cx->arena;
    DatasetUploadRequest in;
    UploadResponse file = { 0 };
    BackupRequest backup;
    BackupRow kept = { 0 };
    demo_heading(d, "Files", "Parquet for other tools; a backup while everything runs");
    shape_init(op_storage_upload.in, c->cx, &in);
    in.exchange = s->exchange;
    in.symbol = s->symbol;
    in.timeframe = s->timeframe;
    in.format = S("parquet");
    in.replace = true;
    int r = demo_call(d, &op_storage_upload, &in, &file);
    if (r != 0)
        return r;
    fprintf(c->out, "  " STR_FMT "  " STR_FMT " candles, " STR_FMT ", sha256 " STR_FMT "...%s%s%s\n",
            STR_ARG(file.object), STR_ARG(term_count(a, file.candles)), STR_ARG(term_bytes(a, file.size)),
            STR_ARG(str_first(file.sha256, 12)), term_tone(c, TONE_WARN), file.simulated ? "  SIMULATED" : "",
            term_end(c));
    shape_init(op_storage_backup.in, c->cx, &backup);
    r = demo_call(d, &op_storage_backup, &backup, &kept);
    if (r == ERR_CONFLICT) { /* of a demo that ended within this second */
        fprintf(c->out, "  no backup: %s\n", c->cx->err.text);
        err_clear(c->cx);
        return 0;
    }
    if (r == 0)
        fprintf(c->out, "  backup " STR_FMT ": " STR_FMT " candles, " STR_FMT " new of " STR_FMT "\n", STR_ARG(kept.id),
                STR_ARG(term_count(a, kept.candles)), STR_ARG(term_bytes(a, kept.packed)),
                STR_ARG(term_bytes(a, kept.bytes)));
    return r;
}
