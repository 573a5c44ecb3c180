#pragma once

/* app/config.h - every option of the platform, once. docs/configuration.md is made from this table. */

#include "app/venues.h"
#include "base/cfg.h"
#include "crypto/secure_value.h"

typedef enum StoreChoice { STORE_SQLITE, STORE_MEMORY, STORE_CSV, STORE_PARQUET } StoreChoice;
typedef enum NewsStoreChoice { NEWS_STORE_SQLITE, NEWS_STORE_MONGODB } NewsStoreChoice;
typedef enum ObjectsChoice { OBJECTS_DIR, OBJECTS_S3 } ObjectsChoice;
typedef enum ModelsChoice { MODELS_BUILTIN, MODELS_MLFLOW } ModelsChoice;
typedef enum S3Style { S3_BY_PATH, S3_BY_HOST } S3Style;
typedef enum BusChoice { BUS_LOG, BUS_AMQP, BUS_KAFKA } BusChoice;
typedef enum PortsChoice { PORTS_A, PORTS_B } PortsChoice;
typedef enum ConfineChoice { CONFINE_OFF, CONFINE_REPORT, CONFINE_ON } ConfineChoice;
typedef enum LogChoice { LOG_CHOICE_AUTO, LOG_CHOICE_JSON, LOG_CHOICE_TEXT } LogChoice;

typedef struct VenueCfg {
    Str url;
    bool simulated, private_address;
    int64_t timeout_ms, attempts;
} VenueCfg;

typedef struct AppCfg {
    const char *config_file;

    const char *data_dir;
    int data_store; /* StoreChoice */
    int64_t data_cache;
    int64_t cache_memory;
    int cache_policy; /* CachePolicy */
    int64_t cache_l1_ms, cache_ohlcv_ms, cache_statistics_ms, cache_backtest_ms, cache_strategy_ms, cache_system_ms;
    Str redis_url, redis_prefix;
    int64_t redis_pool, redis_timeout_ms;
    const char *storage_dir, *backup_dir;
    int objects_store; /* ObjectsChoice */
    int s3_style;      /* S3Style */
    Str s3_endpoint, s3_region, s3_bucket, s3_prefix;
    Str s3_access_key, s3_secret_key, s3_session_token;
    const char *s3_ca;
    int64_t s3_timeout_ms, objects_cache;
    int models_registry; /* ModelsChoice */
    Str mlflow_url, mlflow_user, mlflow_password, mlflow_token, mlflow_artifacts;
    const char *sql_library;
    int64_t sql_memory, sql_timeout_ms;

    Str server_host;
    int64_t server_port;
    int server_ports; /* PortsChoice */
    CfgList server_roles, server_trusted_hops;
    int64_t server_cpu_threads, server_io_threads, server_feed_threads, server_queue;
    bool server_takeover, server_wire;
    int64_t server_drain_ms, server_header_ms, server_body_ms, server_idle_ms;
    int64_t server_max_connections;
    int server_confine; /* ConfineChoice */
    Str server_user;
    CfgList server_confine_write;
    bool server_access_log, server_core_dumps;
    bool server_http2, server_proxy_protocol;
    int64_t server_max_streams;
    const char *tls_cert, *tls_key, *tls_client_ca;
    const char *gateway_tls_ca, *gateway_tls_cert, *gateway_tls_key;
    Str gateway_tls_name;
    int64_t tls_check_ms;
    Str secrets_key;
    bool storage_encryption;
    const char *storage_keys;
    Str auth_admin_key, auth_internal_key, auth_keys_from;
    bool auth_unknown_401;
    Str audit_key;
    const char *audit_anchor;
    CfgList gateway_services, gateway_routes, gateway_rules;
    int gateway_refuse;  /* GatewayRefusals */
    int gateway_balance; /* BalanceKind */
    int gateway_breaker; /* 0: the mode's own; then breaker_profiles in order */
    bool gateway_fast;
    Str gateway_health_path;
    CfgList discovery_urls, discovery_peers;
    Str discovery_address, discovery_credentials;
    bool discovery_register, discovery_fast, discovery_preserve;
    bool gateway_hedge;
    int64_t gateway_cache, gateway_role_age_ms, cache_edge_ms;
    CfgList cors_origins;
    bool cors_credentials;
    int64_t cors_max_age_ms;
    Str cors_headers;
    int64_t limit_flood, limit_anonymous, limit_key;

    int64_t live_max_connections, live_max_subscriptions, live_messages_second;
    int64_t live_max_message, live_max_queue;
    int64_t live_heartbeat_ms, live_slow_ms, live_ping_ms, live_idle_ms;
    Str webhooks_secret;
    bool webhooks_allow_private;
    int64_t webhooks_timeout_ms;
    int64_t jobs_threads, jobs_memory, jobs_keep;
    int events_bus; /* BusChoice */
    Str events_url;
    const char *events_tls_ca, *events_tls_cert, *events_tls_key;
    int64_t events_retention_ms;
    CfgList jobs_collect, jobs_collect_timeframes;
    Str jobs_collect_exchange, jobs_retention;
    int64_t jobs_collect_interval_ms;
    int jobs_vnstock_source; /* index into its choices: VCI alone */

    int64_t health_every_ms;
    Str alerts_receivers;
    CfgList alerts_routes;
    int64_t alerts_every_ms;
    bool metrics_aliases;
    double trace_sample;
    int64_t trace_keep, trace_slow_ms, trace_flush_ms;
    Str trace_otlp;
    int64_t log_slow_query_ms;

    int log_level;  /* index into log_levels */
    int log_format; /* LogChoice */
    const char *log_file;
    int64_t log_max_size, log_keep;

    VenueCfg venues[VENUE_COUNT];
    Str binance_stream_url;
    CfgList live_series;

    int64_t serving_memory;
    CfgList news_sources;
    bool news_private, news_simulated, news_robots, news_near_same;
    int64_t news_gap_ms, news_timeout_ms, news_interval_ms;
    int64_t news_store; /* NewsStoreChoice */
    int64_t news_keep_ms, news_keep_count;
    bool news_archive;
    Str news_tavily_key, news_tavily_url, news_coindesk_key, news_url;

    int64_t backtest_keep_ms;
    CfgList backtest_plugins; /* paths */
} AppCfg;

/* Any venue is. */
bool config_simulated(const AppCfg *cfg);
/* Only this machine can reach what it serves: its user is alone with his scripts. */
bool config_is_loopback(const AppCfg *cfg);

extern const CfgOption app_options[];
extern const size_t n_app_options;

/* The keys of encrypted values as configured; none is fine. */
int app_secret_keys(Ctx *cx, const Cfg *cfg, FernetKeys *out);

/* Flags, environment and file -> cfg and out. Takes the flags it knows out of argv. On problems all of them are
 * written to `err` and ERR_USAGE comes back. */
/* cfg is initialised (cfg_init) with app_options. */
int app_config_load(Ctx *cx, int *argc, char **argv, char *const *environment, Cfg *cfg, AppCfg *out);

/* The same again, later: flags and environment as `now` has them, the file as it is by then. Everything in cx->arena.
 * ERR_USAGE with the words of the first problem. */
int app_config_again(Ctx *cx, const Cfg *now, AppCfg *out);
