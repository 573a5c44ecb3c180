/* app/platform.c - opens and closes what one process needs; see platform.h. */

#include "app/platform.h"

#include "adapters/http/curl.h"
#include "adapters/lake/duck.h"
#include "adapters/object/dir.h"
#include "api/admin/admin_api.h"
#include "api/backtest/backtest_api.h"
#include "api/batch/batch_api.h"
#include "api/events/events_api.h"
#include "api/inference/inference_api.h"
#include "api/jobs/jobs_api.h"
#include "api/market/market_api.h"
#include "api/models/models_api.h"
#include "api/news/news_api.h"
#include "api/sentiment/sentiment_api.h"
#include "app/job_kinds.h"
#include "app/lake.h"
#include "app/objects.h"
#include "app/security.h"
#include "base/file.h"
#include "services/monitor/http_log.h"

#include <unistd.h>

static void wake(void *arg) {
    Platform *p = arg;
    if (p->wake)
        p->wake(p->wake_arg);
    if (p->webhooks.webhooks)
        webhooks_wake(p->webhooks.webhooks);
}

static void open_jobs(Platform *p) {
    enum { KINDS_MAX = 16, WAITING_MAX = 1024 };
    static const int least = 1;
    int threads = (int)MAX(p->cfg->jobs_threads, least);
    JobKind *kinds = mem_new_n(JobKind, KINDS_MAX);
    p->kinds = kinds;
    p->job_lane = lane_threads_new("jobs", threads, WAITING_MAX, p->clock);
    p->jobs = jobs_service_new(&(JobsOptions){ .store = p->control,
                                               .lane = p->job_lane,
                                               .clock = p->clock,
                                               .ids = p->ids,
                                               .log = p->log,
                                               .kinds = kinds,
                                               .n_kinds = job_kinds(p, kinds, KINDS_MAX),
                                               .runs_kept = p->cfg->jobs_keep,
                                               .wake = wake,
                                               .wake_arg = p,
                                               .slow = slow_log_watch(p->slow) });
}

static int control_snapshot(void *store, Ctx *cx, SnapshotPiece *piece, void *arg) {
    return job_store_snapshot(store, cx, piece, arg);
}

static int bus_snapshot(void *bus, Ctx *cx, SnapshotPiece *piece, void *arg) {
    return event_bus_snapshot(bus, cx, piece, arg);
}

static int backtests_snapshot(void *store, Ctx *cx, SnapshotPiece *piece, void *arg) {
    return backtest_store_snapshot(store, cx, piece, arg);
}

/* A StorageRole.lake: the folder, brought up to date unless that is not wanted. NULL: there is none. */
static int prepare_lake(void *arg, Ctx *cx, bool stale, const char **out) {
    Platform *p = arg;
    const char *lake = path_join(cx->arena, p->cfg->data_dir, "lake");
    if (p->cfg->data_store == STORE_MEMORY)
        return err_set(cx, ERR_UNSUPPORTED, "a store in memory has no lake to ask");
    int r = dir_make(cx, lake);
    if (r == 0 && !stale && p->cfg->data_store != STORE_PARQUET) {
        ApiRole roles[PLATFORM_ROLES_MAX];
        ApiCaller *api = api_caller_local(roles, platform_roles(p, roles, PLATFORM_ROLES_MAX));
        Ctx own = *cx; /* who may ask may have the lake written, and nobody changed anything */
        own.principal = (Principal){ ROLE_ADMIN, S("sql") };
        pthread_mutex_lock(&p->lake_lock);
        r = lake_refresh(&own, api, lake);
        pthread_mutex_unlock(&p->lake_lock);
        api_caller_close(api);
        cx->err = own.err;
    }
    *out = lake;
    return r;
}

int platform_http_open(Ctx *cx, Logger *log, HttpClient **out) {
    HttpClient *curl;
    int r = http_curl_open(cx, NULL, &curl);
    if (r == 0)
        *out = http_client_logged(curl, log);
    return r;
}

static int open_market_stores(Platform *p, Ctx *cx) {
    const AppCfg *cfg = p->cfg;
    Str audit_key = { 0 };
    int r = registry_open_store(cx, cfg, &p->store);
    if (r == 0)
        r = platform_audit_key(cx, cfg, p->ids, &audit_key);
    if (r == 0)
        r = registry_open_control(cx, cfg, audit_key, &p->control);
    if (r == 0)
        r = registry_open_bus(cx, cfg, &p->bus, &p->outbox);
    if (r == 0)
        r = platform_http_open(cx, p->log, &p->http);
    if (r == 0)
        r = registry_open_feeds(cx, cfg, p->http, p->feeds, PLATFORM_FEEDS_MAX, &p->n_feeds);
    if (r == 0)
        r = app_objects_open(cx, cfg, p->ids, S("datasets"), platform_objects_dir(cx->arena, cfg), &p->objects);
    if (r == 0)
        r = object_dir_open(cx, platform_backup_dir(cx->arena, cfg), &p->backups);
    return r;
}

static int open_backtest_stores(Platform *p, Ctx *cx) {
    int r = registry_open_backtests(cx, p->cfg, &p->backtests);
    return r == 0 ? registry_open_strategies(cx, p->cfg, &p->strategies_arena, &p->strategies) : r;
}

static void make_market(Platform *p) {
    p->market = market_service_new(&(MarketOptions){
        .store = p->store, .feeds = p->feeds, .n_feeds = p->n_feeds, .log = p->log, .record = p->control });
    market_live_init(&p->market_live, p->market, &p->live);
    market_source_init(&p->candles, p->market);
}

RemoteTrust platform_trust(const AppCfg *cfg) {
    return (RemoteTrust){ .key = cfg->auth_admin_key,
                          .internal_key = cfg->auth_internal_key,
                          .tls = { .ca = str_c(cfg->gateway_tls_ca),
                                   .cert = str_c(cfg->gateway_tls_cert),
                                   .key = str_c(cfg->gateway_tls_key),
                                   .name = cfg->gateway_tls_name } };
}

static void make_backtest(Platform *p, Ctx *cx) {
    Arena *keep = &p->strategies_arena;
    RemoteTrust trust = platform_trust(p->cfg);
    remote_candles_init(&p->remote_candles, str_dup(keep, role_elsewhere(cx, p->cfg, ROLE_MARKET)), &trust);
    p->backtest =
        backtest_service_new(&(BacktestOptions){ .candles = p->market ? &p->candles.source : &p->remote_candles.source,
                                                 .store = p->backtests,
                                                 .catalog = &p->strategies,
                                                 .ids = p->ids,
                                                 .log = p->log,
                                                 .keep_ms = p->cfg->backtest_keep_ms,
                                                 .threads = (int)MIN(sysconf(_SC_NPROCESSORS_ONLN), 64) });
}

/* Files, jobs and administration of the role market, when its neighbours are made. */
static void make_market_tools(Platform *p) {
    enum { QUERIES_AT_ONCE = 2 };
    p->sql = platform_sql(p->cfg, QUERIES_AT_ONCE);
    pthread_mutex_init(&p->lake_lock, NULL);
    size_t n = 0;
    p->beside[n++] = (BackupDatabase){ "control.db", control_snapshot, p->control };
    if (p->backtests)
        p->beside[n++] = (BackupDatabase){ "backtest.db", backtests_snapshot, p->backtests };
    if (p->news.store && p->news.store->ops->snapshot) /* a database server has backups of its own */
        p->beside[n++] = (BackupDatabase){ "news.db", news_snapshot, p->news.store };
    if (p->prediction.training_store) /* before the models: what it says was registered is in the copy */
        p->beside[n++] = (BackupDatabase){ "training.db", control_snapshot, p->prediction.training_store };
    if (p->prediction.registry && p->prediction.registry->ops->snapshot) { /* an MLflow server's are its own */
        p->beside[n++] = (BackupDatabase){ "models.db", models_snapshot, p->prediction.registry };
        p->model_files = (BackupFolder){ "models", p->prediction.files };
    }
    /* The last: what the outboxes of the others have let go of is in it. */
    if (p->bus->ops->snapshot) /* a broker keeps its own */
        p->beside[n++] = (BackupDatabase){ "bus.db", bus_snapshot, p->bus, .last = true };
    p->storage = (StorageRole){
        .storage = storage_service_new(&(StorageOptions){ .store = p->store, .objects = p->objects, .log = p->log }),
        .store = p->store,
        .beside = p->beside,
        .n_beside = n, /* a database of another process is backed up by it */
        .datasets = p->objects,
        .folders = &p->model_files,
        .n_folders = p->model_files.objects != NULL,
        .backups = p->backups,
        .record = p->control,
        .sql = p->sql,
        .lake = prepare_lake,
        .lake_arg = p,
        .backup_turn = PTHREAD_MUTEX_INITIALIZER,
    };
    open_jobs(p);
    p->webhooks.jobs = p->jobs;
    p->admin = (AdminService){ .store = p->store,
                               .control = p->control,
                               .requests = p->requests,
                               .log = p->log,
                               .started = clock_mono(p->clock) };
}

static void make_events(Platform *p) {
    p->events = event_service_new(&(EventServiceOptions){
        .bus = p->bus, .kept = p->outbox, .ids = p->ids, .log = p->log, .metrics = p->metrics });
}

static const RoleSet every_role = { { [ROLE_MARKET] = true,
                                      [ROLE_BACKTEST] = true,
                                      [ROLE_NEWS] = true,
                                      [ROLE_SENTIMENT] = true,
                                      [ROLE_PREDICTION] = true } };

int platform_open(Platform *p, Ctx *cx, const AppCfg *cfg, const RoleSet *hosts, Clock *clock, Ids *ids, Logger *log) {
    enum { SLOW_KEPT = 256 };
    *p = (Platform){ .cfg = cfg, .clock = clock, .ids = ids, .log = log, .hosts = hosts ? *hosts : every_role };
    p->metrics = metrics_new(METRICS_SERIES_STANDARD);
    p->requests = request_stats_new();
    p->traces = trace_ring_new(&(TraceRingOptions){ .recent = (size_t)cfg->trace_keep,
                                                    .notable = (size_t)cfg->trace_keep / 4,
                                                    .slow_ns = cfg->trace_slow_ms * NS_PER_MS });
    p->slow = slow_log_new(SLOW_KEPT, cfg->log_slow_query_ms * NS_PER_MS, log);
    p->abuse = abuse_watch_new(ids_u64(ids));
    p->monitor = (MonitorRole){ .traces = p->traces, .slow = p->slow };
    bool market = p->hosts.has[ROLE_MARKET], backtest = p->hosts.has[ROLE_BACKTEST];
    int r = cfg->data_store == STORE_MEMORY ? 0 : dir_make(cx, cfg->data_dir);
    if (r == 0 && dir_exists(path_join(cx->arena, cfg->data_dir, RESTORE_STAGE)))
        r = err_set(cx, ERR_CONFLICT, "%s: a restore into this folder did not come to its end; run it again",
                    cfg->data_dir);
    if (r == 0 && market)
        r = open_market_stores(p, cx);
    else if (r == 0 && (backtest || p->hosts.has[ROLE_NEWS] || p->hosts.has[ROLE_SENTIMENT]))
        r = registry_join_bus(cx, cfg, &p->bus);
    if (r == 0 && backtest)
        r = open_backtest_stores(p, cx);
    if (r == 0)
        r = platform_open_news(p, cx);
    if (r == 0)
        r = platform_open_prediction(p, cx);
    if (r == 0 && p->hosts.has[ROLE_GATEWAY])
        r = platform_open_security(p, cx);
    if (r != 0) {
        platform_close(p);
        return r;
    }
    if (market)
        make_market(p);
    if (backtest)
        make_backtest(p, cx);
    platform_make_prediction(p, cx);
    if (market)
        make_market_tools(p);
    if (p->bus)
        make_events(p);
    return 0;
}

void platform_close(Platform *p) {
    if (p->jobs)
        jobs_shutdown(p->jobs);
    if (p->job_lane)
        lane_close(p->job_lane);
    jobs_service_free(p->jobs);
    mem_free(p->kinds);
    backtest_service_free(p->backtest);
    backtest_store_close(p->backtests);
    arena_done(&p->strategies_arena);
    storage_service_free(p->storage.storage);
    sql_engine_close(p->sql);
    object_store_close(p->objects);
    object_store_close(p->backups);
    market_service_free(p->market);
    for (size_t i = 0; i < p->n_feeds; i++)
        market_feed_close(p->feeds[i]);
    http_client_close(p->http);
    platform_close_prediction(p);
    platform_close_news(p);
    event_service_free(p->events);
    event_bus_close(p->bus);
    outbox_close(p->outbox);
    job_store_close(p->control);
    platform_close_security(p);
    candle_store_close(p->store);
    request_stats_free(p->requests);
    trace_ring_free(p->traces);
    slow_log_free(p->slow);
    abuse_watch_free(p->abuse);
    metrics_free(p->metrics);
    *p = (Platform){ 0 };
}

size_t platform_roles(Platform *p, ApiRole *out, size_t cap) {
    void *const roles[N_PLATFORM_TABLES] = { p->market,
                                             &p->storage,
                                             p->backtest,
                                             p->jobs,
                                             &p->admin,
                                             &p->security_role,
                                             &p->monitor,
                                             p->events,
                                             NULL,
                                             p->news.news,
                                             p->news.sentiment,
                                             &p->webhooks,
                                             p->prediction.models,
                                             &p->prediction.role,
                                             &p->prediction.role,
                                             &p->prediction.role }; /* in the order above */
    size_t n = 0;
    assert(cap >= PLATFORM_ROLES_MAX);
    for (size_t i = 0; i < N_PLATFORM_TABLES; i++)
        if (p->hosts.has[roles_owner(platform_tables[i])])
            out[n++] = (ApiRole){ platform_tables[i], roles[i] };
    if (!p->hosts.has[ROLE_GATEWAY])
        out[n++] = (ApiRole){ &trace_part_api, &p->monitor };
    return n;
}

SqlEngine *platform_sql(const AppCfg *cfg, int at_once) {
    enum { THREADS = 2 };
    return duck_engine_new(&(DuckOptions){ .library = cfg->sql_library,
                                           .memory = cfg->sql_memory,
                                           .threads = THREADS,
                                           .timeout_ms = cfg->sql_timeout_ms,
                                           .at_once = at_once });
}

char *platform_objects_dir(Arena *a, const AppCfg *cfg) {
    bool given = cfg->storage_dir && cfg->storage_dir[0];
    return given ? str_cz(a, str_c(cfg->storage_dir)) : path_join(a, cfg->data_dir, "objects");
}

char *platform_backup_dir(Arena *a, const AppCfg *cfg) {
    bool given = cfg->backup_dir && cfg->backup_dir[0];
    return given ? str_cz(a, str_c(cfg->backup_dir)) : path_join(a, cfg->data_dir, "backups");
}

char *platform_socket(Arena *a, const AppCfg *cfg) {
    return path_join(a, cfg->data_dir, "finsight.sock");
}

char *platform_bus_socket(Arena *a, const AppCfg *cfg) {
    Str url = cfg->events_url;
    return cfg->events_bus == BUS_LOG && str_starts(url, S("unix:")) ? str_cz(a, str_from(url, 5))
                                                                     : path_join(a, cfg->data_dir, "bus.sock");
}

char *platform_gateway_socket(Arena *a, const AppCfg *cfg) {
    return path_join(a, cfg->data_dir, "gateway.sock");
}

int platform_admin_key(Ctx *cx, const AppCfg *cfg, Ids *ids, Str *out, const char **path) {
    enum { KEY_FILE_MAX = 4096 };
    *path = NULL;
    if (cfg->auth_admin_key.n) {
        *out = cfg->auth_admin_key;
        return 0;
    }
    *path = path_join(cx->arena, cfg->data_dir, "admin.key");
    Str text;
    if (file_exists(*path)) {
        int r = file_read(cx, *path, KEY_FILE_MAX, &text);
        *out = r == 0 ? str_trim(text) : (Str){ 0 };
        if (r == 0 && !out->n)
            return err_set(cx, ERR_INVALID, "%s is empty; remove it and a new key is made", *path);
        return r;
    }
    *out = str_fmt(cx->arena, "fsk_" STR_FMT, STR_ARG(ids_uuid4(ids, cx->arena)));
    Str line = str_fmt(cx->arena, STR_FMT "\n", STR_ARG(*out));
    return file_write(cx, *path, line, 0600);
}
