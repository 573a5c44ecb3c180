/* app/job_kinds.c - see job_kinds.h.
 *
 * Parameters are records with field tables like an operation's: the same validation, the same words. */

#include "app/job_kinds.h"

#include "app/job_command.h"
#include "services/market/collect.h"
#include "services/market/complete.h"

enum { SERIES_MAX = 10000, RULES_MAX = 32 };

/* --- collect --- */

typedef struct CollectParams {
    Str exchange;
    List symbols, timeframes;
    int64_t days;
} CollectParams;

/* clang-format off */
static const Field collect_f[] = {
    FIELD(CollectParams, exchange, .pattern = "venue", .def = "binance", .doc = "Where to collect."),
    FIELD(CollectParams, symbols, .max = 5000, .doc = "Symbols; empty: every one stored of that venue."),
    FIELD(CollectParams, timeframes, .max = 16, .doc = "Timeframes; empty: 1d."),
    FIELD(CollectParams, days, .def = "1", .min = 1, .max = 36500, .doc = "How far back to look, at the least."),
};
static SHAPE(collect_shape, CollectParams, collect_f);
/* clang-format on */

static int check_collect(void *arg, Ctx *cx, Str params) {
    UNUSED(arg);
    CollectParams p;
    return shape_decode(&collect_shape, cx, params, &p);
}

typedef struct Round {
    JobTask *task;
    size_t first, n; /* of the keys, those before `first` were done by a process before */
} Round;

static int collected(void *arg, Ctx *cx, size_t i, int r, const MarketCollectedPrices *got) {
    Round *round = arg;
    bool well = r == 0 && (got->records > 0 || got->up_to_date);
    size_t done = round->first + i + 1;
    job_count(round->task, well, !well);
    int e = job_progress(round->task, cx, (int64_t)done, (int64_t)round->n);
    return e ? e : job_checkpoint(round->task, cx, str_fmt(cx->arena, "%zu", done));
}

static int add_key(Ctx *cx, const CollectParams *p, Str symbol, Str timeframe, SeriesKey *out) {
    SeriesKey key = { 0 };
    if (!venue_parse(p->exchange, &key.venue) || !symbol_parse(symbol, &key.symbol) ||
        !timeframe_parse(timeframe, &key.timeframe))
        return err_set_at(cx, ERR_INVALID, S("params"), "'" STR_FMT " " STR_FMT "' is no symbol and timeframe",
                          STR_ARG(str_first(symbol, 40)), STR_ARG(str_first(timeframe, 10)));
    *out = key;
    return 0;
}

/* In an order that is the same after a restart: that of the parameters, or of the store's list. */
static int collect_keys(Platform *pl, Ctx *cx, const CollectParams *p, SeriesKey **out, size_t *n) {
    static const Str day = STR_INIT("1d");
    const Str *frames = p->timeframes.n ? p->timeframes.v : &day;
    size_t n_frames = p->timeframes.n ? p->timeframes.n : 1;
    *n = 0;
    if (p->symbols.n) {
        const Str *symbols = p->symbols.v;
        *out = arena_new_n(cx->arena, SeriesKey, p->symbols.n * n_frames);
        for (size_t i = 0; i < p->symbols.n; i++)
            for (size_t k = 0; k < n_frames; k++) {
                int r = add_key(cx, p, symbols[i], frames[k], &(*out)[(*n)++]);
                if (r != 0)
                    return r;
            }
        return 0;
    }
    SeriesInfo *all;
    size_t n_all;
    Venue venue;
    if (!venue_parse(p->exchange, &venue))
        return err_set_at(cx, ERR_INVALID, S("params"), "no such exchange");
    int r = candle_store_list(pl->store, cx, &all, &n_all);
    *out = arena_new_n(cx->arena, SeriesKey, r == 0 ? n_all : 0);
    for (size_t i = 0; r == 0 && i < n_all; i++) {
        bool simulated = str_eq(venue_str(&all[i].key.provider), S("sim"));
        if (!venue_eq(all[i].key.venue, venue) || (all[i].key.provider.s[0] && !simulated))
            continue;
        (*out)[*n] = all[i].key;
        (*out)[(*n)++].provider = (Venue){ 0 }; /* the collector files its candles itself */
    }
    return r;
}

static int run_collect(void *arg, Ctx *cx, JobTask *task) {
    Platform *pl = arg;
    CollectParams p;
    SeriesKey *keys = NULL;
    size_t n = 0;
    int64_t first = 0;
    int r = shape_decode(&collect_shape, cx, job_task_params(task), &p);
    if (r == 0)
        r = collect_keys(pl, cx, &p, &keys, &n);
    if (r != 0)
        return r;
    if (!str_to_i64(job_task_checkpoint(task), &first) || first < 0 || first > (int64_t)n)
        first = 0;
    Round round = { task, (size_t)first, n };
    MarketCollected done;
    MarketCollectAll req = {
        .keys = keys + first, .n = n - (size_t)first, .days = p.days, .done = collected, .arg = &round
    };
    r = market_collect_all_symbols(pl->market, cx, &req, &done);
    if (r != 0)
        return r;
    job_message(task, "Collected %lld price records: %lld series well, %lld failed", (long long)done.records,
                (long long)done.success, (long long)done.failed);
    if (done.success == 0 && done.failed > 0)
        return err_set(cx, ERR_COLLECTION, "none of the %lld series could be collected", (long long)done.failed);
    return 0;
}

/* --- retention --- */

typedef struct RetentionParams {
    Str rules;
} RetentionParams;
/* clang-format off */
static const Field retention_f[] = {
    FIELD(RetentionParams, rules, .flags = F_REQUIRED, .max = 500, .doc = "How long candles are kept.", .example = "1m=90d,1h=5y"),
};
static SHAPE(retention_shape, RetentionParams, retention_f);
/* clang-format on */

static int read_rules(Ctx *cx, Str params, RetentionRule *out, size_t *n) {
    RetentionParams p;
    int r = shape_decode(&retention_shape, cx, params, &p);
    return r == 0 ? retention_parse(cx, p.rules, out, RULES_MAX, n) : r;
}

static int check_retention(void *arg, Ctx *cx, Str params) {
    UNUSED(arg);
    RetentionRule rules[RULES_MAX];
    size_t n;
    return read_rules(cx, params, rules, &n);
}

static int run_retention(void *arg, Ctx *cx, JobTask *task) {
    Platform *pl = arg;
    RetentionRule rules[RULES_MAX];
    RetentionRow *rows;
    size_t n, n_rows;
    int64_t removed = 0, kept = 0;
    int r = read_rules(cx, job_task_params(task), rules, &n);
    if (r == 0)
        r = market_retain(pl->market, cx, rules, n, false, false, &rows, &n_rows);
    for (size_t i = 0; r == 0 && i < n_rows; i++) {
        removed += rows[i].removed;
        kept += rows[i].old - rows[i].removed;
    }
    if (r == 0)
        job_message(task, "Removed %lld old candles; %lld stay, nobody could bring them again", (long long)removed,
                    (long long)kept);
    return r;
}

/* --- operation: any call of the API --- */

typedef struct OperationParams {
    Str operation;
    RawJson in;
} OperationParams;
/* clang-format off */
static const Field operation_f[] = {
    FIELD(OperationParams, operation, .flags = F_REQUIRED, .max = 60, .doc = "Its name.", .example = "market.verify"),
    FIELD(OperationParams, in, .doc = "Its fields."),
};
static SHAPE(operation_shape, OperationParams, operation_f);
/* clang-format on */

static int find_operation(Platform *pl, Ctx *cx, Str params, const Op **op, void **role, void **in) {
    OperationParams p;
    ApiRole roles[PLATFORM_ROLES_MAX];
    size_t n = platform_roles(pl, roles, PLATFORM_ROLES_MAX);
    int r = shape_decode(&operation_shape, cx, params, &p);
    if (r != 0)
        return r;
    *op = NULL;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < roles[i].table->n_ops; k++)
            if (str_eq(p.operation, str_c(roles[i].table->ops[k]->name))) {
                *op = roles[i].table->ops[k];
                *role = roles[i].role;
            }
    if (!*op)
        return err_set_at(cx, ERR_INVALID, S("params"), "there is no operation '" STR_FMT "'", STR_ARG(p.operation));
    *in = NULL;
    if (!(*op)->in)
        return 0;
    *in = arena_zalloc(cx->arena, (*op)->in->size);
    return shape_decode((*op)->in, cx, p.in.json.n ? p.in.json : S("{}"), *in);
}

static int check_operation(void *arg, Ctx *cx, Str params) {
    const Op *op;
    void *role, *in;
    return find_operation(arg, cx, params, &op, &role, &in);
}

static int run_operation(void *arg, Ctx *cx, JobTask *task) {
    const Op *op;
    void *role, *in;
    int r = find_operation(arg, cx, job_task_params(task), &op, &role, &in);
    if (r != 0)
        return r;
    void *out = op->out ? arena_zalloc(cx->arena, op->out->size) : NULL;
    r = op->run(role, cx, in, out);
    if (r == 0)
        job_message(task, "%s answered", op->name);
    return r;
}

/* --- command: this program as a child process --- */

typedef struct CommandParams {
    List args;
} CommandParams;
/* clang-format off */
static const Field command_f[] = {
    FIELD(CommandParams, args, .flags = F_REQUIRED, .min = 1, .max = 32, .doc = "A command line without the program's name.", .example = "[\"verify\"]"),
};
static SHAPE(command_shape, CommandParams, command_f);

/* clang-format on */

static int read_command(Ctx *cx, Str params, CommandParams *out) {
    int r = shape_decode(&command_shape, cx, params, out);
    return r ? r : job_command_check(cx, out->args.v, out->args.n);
}

static int check_command(void *arg, Ctx *cx, Str params) {
    UNUSED(arg);
    CommandParams p;
    return read_command(cx, params, &p);
}

static int tell_task(void *task, Ctx *cx, int64_t done, int64_t total) {
    return job_progress(task, cx, done, total);
}

static int run_command(void *arg, Ctx *cx, JobTask *task) {
    Platform *pl = arg;
    CommandParams p;
    Str said = { 0 };
    int r = read_command(cx, job_task_params(task), &p);
    if (r != 0)
        return r;
    JobCommand c = { .data_dir = pl->cfg->data_dir,
                     .args = p.args.v,
                     .n = p.args.n,
                     .memory_max = job_task_job(task)->memory_max,
                     .default_memory = pl->cfg->jobs_memory,
                     .progress = tell_task,
                     .progress_arg = task };
    r = job_command_run(cx, &c, &said);
    if (r == 0)
        job_message(task, STR_FMT, STR_ARG(said.n > 200 ? str_from(said, said.n - 200) : said));
    return r;
}

/* --- backup: by the owner of the databases, so in this process --- */

typedef struct BackupParams {
    bool whole, skip_verify;
    int64_t keep;
} BackupParams;
/* clang-format off */
static const Field backup_f[] = {
    FIELD(BackupParams, whole, .doc = "Share no blocks with earlier backups."),
    FIELD(BackupParams, skip_verify, .doc = "Do not read it back."),
    FIELD(BackupParams, keep, .max = 10000, .has_min = true, .doc = "Remove all but so many of the newest; 0 keeps all."),
};
static SHAPE(backup_shape, BackupParams, backup_f);
/* clang-format on */

static int check_backup(void *arg, Ctx *cx, Str params) {
    UNUSED(arg);
    BackupParams p;
    return shape_decode(&backup_shape, cx, params, &p);
}

static int run_backup(void *arg, Ctx *cx, JobTask *task) {
    Platform *pl = arg;
    BackupParams p;
    Backup b;
    int r = shape_decode(&backup_shape, cx, job_task_params(task), &p);
    if (r != 0)
        return r;
    BackupOptions o = { .store = pl->store,
                        .beside = pl->beside,
                        .n_beside = pl->storage.n_beside,
                        .datasets = pl->objects,
                        .folders = pl->storage.folders,
                        .n_folders = pl->storage.n_folders,
                        .objects = pl->backups,
                        .whole = p.whole,
                        .skip_verify = p.skip_verify,
                        .keep = (size_t)p.keep,
                        .turn = &pl->storage.backup_turn,
                        .progress = tell_task,
                        .progress_arg = task };
    r = backup_make(cx, &o, &b);
    if (r == 0)
        job_message(task, "Backup " STR_FMT ": %lld candles, %lld bytes added, %zu older ones removed", STR_ARG(b.id),
                    (long long)b.candles, (long long)b.packed, b.removed);
    return r;
}

/* --- the table --- */

size_t job_kinds(Platform *p, JobKind *out, size_t cap) {
    const JobKind v[] = {
        { .name = "collect",
          .doc =
              "Brings series up to now. {\"exchange\":\"binance\",\"symbols\":[…],\"timeframes\":[\"1h\"],\"days\":1}; "
              "without symbols every stored series of the exchange. One that fails stops no other.",
          .run = run_collect,
          .check = check_collect,
          .retries = true },
        { .name = "retention",
          .doc = "Removes old candles that a collector could bring again. {\"rules\":\"1m=90d,1h=5y\"}",
          .run = run_retention,
          .check = check_retention,
          .retries = true },
        { .name = "operation",
          .doc = "Any operation of the API. {\"operation\":\"market.verify\",\"in\":{…}}",
          .run = run_operation,
          .check = check_operation },
        { .name = "command",
          .doc =
              "A command in a child process of the lowest priority, with the job's memory cap or that of jobs.memory. "
              "{\"args\":[\"export\",…]}",
          .run = run_command,
          .check = check_command },
        { .name = "backup",
          .doc = "Backs the data folder up, as  finsight backup. {\"keep\":30}; schedule it daily.",
          .run = run_backup,
          .check = check_backup,
          .retries = true },
    };
    assert(cap >= ARRAY_LEN(v));
    for (size_t i = 0; i < ARRAY_LEN(v); i++) {
        out[i] = v[i];
        out[i].arg = p;
    }
    return ARRAY_LEN(v);
}

/* --- from the configuration --- */

static int configured(Platform *p, Ctx *cx, const char *id, const char *kind, Str schedule, Str params) {
    Job job;
    JobDefinition d = { .id = str_c(id), .kind = str_c(kind), .schedule = schedule, .params = params, .retries = -1 };
    int r = jobs_define(p->jobs, cx, &d, &job);
    if (r == 0 && job.state == JOB_STOPPED)
        r = jobs_start(p->jobs, cx, d.id, &job);
    if (r == ERR_CONFLICT) { /* it goes on with a run of before; the next start changes it */
        err_clear(cx);
        r = 0;
    }
    return r;
}

static void put_list(JsonWriter *w, const char *key, const CfgList *list) {
    json_key(w, str_c(key));
    json_array(w);
    for (size_t i = 0; i < list->n; i++)
        json_str(w, list->v[i]);
    json_array_end(w);
}

int job_kinds_configure(Platform *p, Ctx *cx) {
    const AppCfg *cfg = p->cfg;
    int r = 0;
    if (cfg->jobs_collect.n) {
        Buf b;
        JsonWriter w;
        buf_init(&b, JOB_TEXT_MAX);
        json_writer_init(&w, &b, false);
        json_object(&w);
        json_put_str(&w, "exchange", cfg->jobs_collect_exchange);
        put_list(&w, "symbols", &cfg->jobs_collect);
        put_list(&w, "timeframes", &cfg->jobs_collect_timeframes);
        json_object_end(&w);
        Str every = str_fmt(cx->arena, "@every %llds", (long long)(cfg->jobs_collect_interval_ms / 1000));
        r = configured(p, cx, "collect", "collect", every, buf_str(&b));
        buf_done(&b);
    }
    if (r == 0 && cfg->news_interval_ms && p->news.news) {
        Str every = str_fmt(cx->arena, "@every %llds", (long long)MAX(cfg->news_interval_ms / 1000, INT64_C(1)));
        r = configured(p, cx, "news", "operation", every, S("{\"operation\":\"news.collect\",\"in\":{}}"));
    }
    if (r == 0 && (cfg->news_keep_ms || cfg->news_keep_count) && p->news.news) {
        Str age = cfg->news_keep_ms
                      ? str_fmt(cx->arena, "\"older_than\":\"%llds\",", (long long)(cfg->news_keep_ms / MS_PER_SECOND))
                      : S("");
        Str params =
            str_fmt(cx->arena, "{\"operation\":\"news.retain\",\"in\":{" STR_FMT "\"keep\":%lld,\"archive\":%s}}",
                    STR_ARG(age), (long long)cfg->news_keep_count, cfg->news_archive ? "true" : "false");
        r = configured(p, cx, "news-retention", "operation", S("50 3 * * *"), params);
    }
    if (r == 0 && cfg->jobs_retention.n) {
        Str params = str_fmt(cx->arena, "{\"rules\":\"" STR_FMT "\"}", STR_ARG(cfg->jobs_retention));
        r = configured(p, cx, "retention", "retention", S("30 3 * * *"), params);
    }
    return r;
}
