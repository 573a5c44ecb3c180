#pragma once

/* app/platform.h - the composition root: configuration -> adapters -> services. The only place with names.
 *
 * A Platform owns everything it opened and closes it in reverse order. One process has one. */

#include "api/call.h"
#include "api/market/live.h"
#include "api/monitor/monitor_api.h"
#include "api/security/security_api.h"
#include "api/storage/storage_api.h"
#include "api/webhooks/webhooks_api.h"
#include "app/candle_remote.h"
#include "app/candle_source.h"
#include "app/news.h"
#include "app/prediction.h"
#include "app/roles.h"
#include "app/tables.h"
#include "base/lane.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "gateway/gateway.h"
#include "ports/candle_store.h"
#include "ports/event_bus.h"
#include "ports/http_client.h"
#include "ports/job_store.h"
#include "ports/live_feed.h"
#include "ports/market_feed.h"
#include "ports/sql_engine.h"
#include "ports/ws_dialer.h"
#include "services/admin/admin.h"
#include "services/alerts/abuse.h"
#include "services/backtest/backtest.h"
#include "services/events/events.h"
#include "services/jobs/jobs.h"
#include "services/market/market.h"

/* Folder inside of a data folder while a backup is restored into it: what is there is not whole yet. */
#define RESTORE_STAGE ".restoring"
enum { PLATFORM_FEEDS_MAX = VENUE_COUNT };

typedef struct Platform {
    const AppCfg *cfg;
    Clock *clock;
    Ids *ids;
    Logger *log;
    Metrics *metrics;
    RequestStats *requests;
    TraceRing *traces;
    SlowLog *slow;
    MonitorRole monitor;
    AbuseWatch *abuse; /* of the loop */
    Counter *denied;   /* failed logins */
    CandleStore *store;
    HttpClient *http;
    MarketFeed *feeds[PLATFORM_FEEDS_MAX];
    size_t n_feeds;
    MarketService *market;
    MarketLive market_live;
    LiveSource live; /* what the gateway's live API asks */
    RoleSet hosts;
    MarketSource candles;         /* of a role market in this process, */
    RemoteCandles remote_candles; /* and of one elsewhere */
    BacktestStore *backtests;
    BacktestService *backtest;
    StrategyCatalog strategies; /* the built-in ones and those of backtest.plugins */
    Arena strategies_arena;
    ObjectStore *objects, *backups;
    BackupDatabase beside[6]; /* control.db, backtest.db, news.db, training.db, models.db, bus.db */
    BackupFolder model_files;
    SqlEngine *sql;
    pthread_mutex_t lake_lock; /* one refresh at a time */
    StorageRole storage;
    JobStore *control; /* control.db */
    EventBus *bus;     /* bus.db */
    Outbox *outbox;    /* outbox.db: what a bus that was away could not take */
    EventService *events;
    AdminService admin;
    SecurityStore *security; /* security.db; NULL where the gateway is not hosted, as the next three */
    KeyService *keys;
    Trail *trail;
    struct SecurityDesk *desk; /* while it serves */
    SecurityRole security_role;
    NewsRoles news; /* and sentiment */
    PredictionRoles prediction;
    Lane *job_lane;
    JobKind *kinds;
    JobService *jobs;
    WebhooksRole webhooks;   /* its webhooks: NULL in a process that does not serve */
    void (*wake)(void *arg); /* the jobs want a tick; NULL in a process that makes none */
    void *wake_arg;
} Platform;

/* Opens what the configuration names, of the roles it hosts; NULL: all but the gateway. 0, or ErrCode with words; then everything is
 * closed again. */
int platform_open(Platform *p, Ctx *cx, const AppCfg *cfg, const RoleSet *hosts, Clock *clock, Ids *ids, Logger *log);
void platform_close(Platform *p);

/* The store's owner answers on this socket. */
char *platform_socket(Arena *a, const AppCfg *cfg);
char *platform_bus_socket(Arena *a, const AppCfg *cfg); /* where the embedded log is shared, adapters/bus/share.h */
/* And the gateway, whoever owns the store, on this one. */
char *platform_gateway_socket(Arena *a, const AppCfg *cfg);
/* The admin key: configured, else kept in data.dir/admin.key, made there first if need be. */
int platform_admin_key(Ctx *cx, const AppCfg *cfg, Ids *ids, Str *out, const char **path);

enum { PLATFORM_ROLES_MAX = N_PLATFORM_TABLES + 1 };
/* Those of the roles that are hosted, with who serves them, for gateway and callers. */
size_t platform_roles(Platform *p, ApiRole *out, size_t cap);

/* DuckDB as configured; at_once: queries at a time, 0 = no bound. Started only by a query. */
SqlEngine *platform_sql(const AppCfg *cfg, int at_once);

/* Folders of datasets and backups: configured, else in data.dir. */
char *platform_objects_dir(Arena *a, const AppCfg *cfg);
char *platform_backup_dir(Arena *a, const AppCfg *cfg);

/* registry.c: adapters by name. A new adapter is one row there. */
int registry_open_store(Ctx *cx, const AppCfg *cfg, CandleStore **out);
int registry_open_backtests(Ctx *cx, const AppCfg *cfg, BacktestStore **out);
/* Loads the plug-ins; the catalogue lives in the arena, the libraries as long as the process. */
int registry_open_strategies(Ctx *cx, const AppCfg *cfg, Arena *arena, StrategyCatalog *out);
/* A client for third parties; what fails is a line of the log. */
int platform_http_open(Ctx *cx, Logger *log, HttpClient **out);
/* What this process shows to others of the platform, and whom it believes. Borrows from the configuration. */
RemoteTrust platform_trust(const AppCfg *cfg);
int registry_open_control(Ctx *cx, const AppCfg *cfg, Str audit_key, JobStore **out);
int registry_open_security(Ctx *cx, const AppCfg *cfg, Str audit_key, SecurityStore **out);
int registry_open_bus(Ctx *cx, const AppCfg *cfg, EventBus **out, Outbox **outbox);
/* The bus for a process that does not have the role market: the broker, or the embedded log of the process that has it, by
 * its socket. NULL where there is neither: nothing is kept on disk. */
int registry_join_bus(Ctx *cx, const AppCfg *cfg, EventBus **out);
/* The stream of a venue, or for one whose stream is not spoken here a feed that is silent (the clock and REST do). */
int registry_open_live(Ctx *cx, const AppCfg *cfg, Venue venue, WsDialer *dialer, const LiveSeries *series, size_t n,
                       LiveFeed **out);
int registry_open_feeds(Ctx *cx, const AppCfg *cfg, HttpClient *http, MarketFeed **out, size_t cap, size_t *n);
