/* app/config.c - the option table; see config.h. */

#include "app/config.h"

#include "base/file.h"

#include <arpa/inet.h>

static const char *const stores[] = { "sqlite", "memory", "csv", "parquet", NULL };
static const char *const object_stores[] = { "dir", "s3", NULL };
static const char *const model_registries[] = { "builtin", "mlflow", NULL };
static const char *const s3_styles[] = { "path", "host", NULL };
static const char *const buses[] = { "log", "amqp", "kafka", NULL };
static const char *const news_stores[] = { "sqlite", "mongodb", NULL };
static const char *const cache_policies[] = { "tinylfu", "lru", NULL };
static const char *const levels[] = { "debug", "info", "warning", "error", "critical", "off", NULL };
static const char *const port_profiles[] = { "a", "b", NULL };
static const char *const balances[] = { "round_robin", "weighted", "least_requests", "ewma", NULL };
static const char *const confinements[] = { "off", "report", "on", NULL };
static const char *const refusals[] = { "off", "report", "on", NULL };
static const char *const breakers[] = { "auto", "standard", "resilient", "python", "fast", NULL };
static const char *const formats[] = { "auto", "json", "text", NULL };
static const char *const vnstock_sources[] = { "VCI", NULL };

#define MINUTE_MS 60000
#define DAY_MS    (24 * 60 * MINUTE_MS)

/* clang-format off */
const CfgOption app_options[] = {
    { "config.file", CFG_PATH, CFG_AT(AppCfg, config_file), .flag = "config",
      .help = "YAML file with these options; flags and the environment beat it" },

    { "data.dir", CFG_PATH, CFG_AT(AppCfg, data_dir), .def = "~/.local/share/finsight", .flag = "data-dir",
      .help = "folder of the databases and the server's socket" },
    { "data.store", CFG_CHOICE, CFG_AT(AppCfg, data_store), .def = "sqlite", .choices = stores, .flag = "store",
      .help = "where candles live; memory forgets them, csv and parquet keep one file a series" },
    { "data.cache", CFG_SIZE, CFG_AT(AppCfg, data_cache), .def = "16MiB", .max = INT64_C(1) << 40,
      .help = "memory for decoded candles of hot ranges" },

    { "cache.memory", CFG_SIZE, CFG_AT(AppCfg, cache_memory), .def = "32MiB", .max = INT64_C(1) << 40,
      .help = "memory for whole answers, told again while they are still so; 0 keeps none" },
    { "cache.policy", CFG_CHOICE, CFG_AT(AppCfg, cache_policy), .def = "tinylfu", .choices = cache_policies,
      .help = "what is given up first: what is asked for seldom, or what was asked for longest ago" },
    { "cache.l1", CFG_DURATION, CFG_AT(AppCfg, cache_l1_ms), .def = "60s", .max = DAY_MS,
      .help = "longest life of an answer in memory; those below are for the shared cache, too" },
    { "cache.ohlcv_data", CFG_DURATION, CFG_AT(AppCfg, cache_ohlcv_ms), .def = "5m", .max = 7 * DAY_MS,
      .help = "life of pages of candles" },
    { "cache.statistics", CFG_DURATION, CFG_AT(AppCfg, cache_statistics_ms), .def = "10m", .max = 7 * DAY_MS,
      .help = "life of statistics" },
    { "cache.backtest_results", CFG_DURATION, CFG_AT(AppCfg, cache_backtest_ms), .def = "1h", .max = 7 * DAY_MS,
      .help = "life of results of backtests" },
    { "cache.strategy_configs", CFG_DURATION, CFG_AT(AppCfg, cache_strategy_ms), .def = "24h", .max = 7 * DAY_MS,
      .help = "life of descriptions of strategies" },
    { "cache.system_stats", CFG_DURATION, CFG_AT(AppCfg, cache_system_ms), .def = "5m", .max = 7 * DAY_MS,
      .help = "life of numbers of the whole store" },

    { "redis.url", CFG_SECRET, CFG_AT(AppCfg, redis_url),
      .help = "a Redis to keep answers in beside memory: redis://[user:password@]HOST[:PORT][/DB] or unix:/PATH; one node of a cluster is enough" },
    { "redis.prefix", CFG_STR, CFG_AT(AppCfg, redis_prefix), .def = "finsight:",
      .help = "what all keys there begin with" },
    { "redis.pool", CFG_INT, CFG_AT(AppCfg, redis_pool), .def = "20", .min = 1, .max = 1000, .unit = "connections",
      .help = "connections at most, a node" },
    { "redis.timeout", CFG_DURATION, CFG_AT(AppCfg, redis_timeout_ms), .def = "500ms", .min = 1, .max = MINUTE_MS,
      .help = "how long a call may take; a Redis that is slow or away costs time and is never an error" },

    { "storage.dir", CFG_PATH, CFG_AT(AppCfg, storage_dir),
      .help = "folder of datasets; empty: objects in data.dir" },
    { "objects.store", CFG_CHOICE, CFG_AT(AppCfg, objects_store), .def = "dir", .choices = object_stores,
      .help = "where datasets and models live: a folder, or a bucket of S3, MinIO or whoever speaks their protocol" },
    { "objects.s3_endpoint", CFG_STR, CFG_AT(AppCfg, s3_endpoint), .def = "http://127.0.0.1:9000",
      .help = "the S3 server: SCHEME://HOST[:PORT], e.g. https://s3.eu-central-1.amazonaws.com" },
    { "objects.s3_region", CFG_STR, CFG_AT(AppCfg, s3_region), .def = "us-east-1",
      .help = "region that the bucket is in" },
    { "objects.s3_bucket", CFG_STR, CFG_AT(AppCfg, s3_bucket), .def = "finsight",
      .help = "the bucket; it must be there" },
    { "objects.s3_prefix", CFG_STR, CFG_AT(AppCfg, s3_prefix), .def = "",
      .help = "before every key in the bucket, with a '/' at its end; for buckets that others use as well" },
    { "objects.s3_access_key", CFG_SECRET, CFG_AT(AppCfg, s3_access_key),
      .help = "access key of the bucket" },
    { "objects.s3_secret_key", CFG_SECRET, CFG_AT(AppCfg, s3_secret_key),
      .help = "secret of that key" },
    { "objects.s3_session_token", CFG_SECRET, CFG_AT(AppCfg, s3_session_token),
      .help = "token that belongs to a temporary access key" },
    { "objects.s3_style", CFG_CHOICE, CFG_AT(AppCfg, s3_style), .def = "path", .choices = s3_styles,
      .help = "HOST/BUCKET/KEY, or BUCKET.HOST/KEY as Amazon wants it for new buckets" },
    { "objects.s3_ca", CFG_PATH, CFG_AT(AppCfg, s3_ca),
      .help = "PEM file of the authorities that the server's certificate may be from; empty: the system's" },
    { "objects.s3_timeout", CFG_DURATION, CFG_AT(AppCfg, s3_timeout_ms), .def = "60s", .min = 100, .max = 60 * MINUTE_MS,
      .help = "longest time of one request of at most 8 MiB" },
    { "objects.cache", CFG_SIZE, CFG_AT(AppCfg, objects_cache), .def = "1GiB", .max = INT64_C(1) << 44,
      .help = "disk in data.dir for objects of the bucket that were read; 0 keeps none" },
    { "models.registry", CFG_CHOICE, CFG_AT(AppCfg, models_registry), .def = "builtin", .choices = model_registries,
      .help = "who keeps experiments and models: this platform, or an MLflow server" },
    { "models.mlflow_url", CFG_STR, CFG_AT(AppCfg, mlflow_url), .def = "http://127.0.0.1:5000",
      .help = "the MLflow server, 2.8 or newer" },
    { "models.mlflow_user", CFG_STR, CFG_AT(AppCfg, mlflow_user),
      .help = "user of the MLflow server; empty: it asks nobody" },
    { "models.mlflow_password", CFG_SECRET, CFG_AT(AppCfg, mlflow_password),
      .help = "password of that user" },
    { "models.mlflow_token", CFG_SECRET, CFG_AT(AppCfg, mlflow_token),
      .help = "a bearer token instead of user and password" },
    { "models.mlflow_artifacts", CFG_STR, CFG_AT(AppCfg, mlflow_artifacts),
      .help = "s3://BUCKET/PREFIX where the server sends its clients there for files (objects.s3_* says how); empty: through it" },
    { "backup.dir", CFG_PATH, CFG_AT(AppCfg, backup_dir), .flag = "backup-dir",
      .help = "folder of backups, best on another disk; empty: backups in data.dir" },

    { "sql.library", CFG_PATH, CFG_AT(AppCfg, sql_library),
      .help = "DuckDB's libduckdb.so for `finsight sql`; empty: beside the program, then where the system looks" },
    { "sql.memory", CFG_SIZE, CFG_AT(AppCfg, sql_memory), .def = "1GiB", .min = 64 << 20, .max = INT64_C(1) << 40,
      .help = "memory that one query may take" },
    { "sql.timeout", CFG_DURATION, CFG_AT(AppCfg, sql_timeout_ms), .def = "5m", .min = 100, .max = 24 * 60 * MINUTE_MS,
      .help = "time that one query may take" },

    { "server.host", CFG_STR, CFG_AT(AppCfg, server_host), .def = "127.0.0.1", .flag = "host",
      .help = "address to listen on" },
    { "server.port", CFG_INT, CFG_AT(AppCfg, server_port), .def = "-1", .min = -1, .max = 65535, .flag = "port",
      .help = "TCP port; 0 takes a free one, -1 the role's own: 8080 with the gateway, 8000 market, 8010 backtest, 8761 discovery" },
    { "server.ports", CFG_CHOICE, CFG_AT(AppCfg, server_ports), .def = "a", .choices = port_profiles,
      .help = "which of the documents' two lists of ports the roles have by default" },
    { "server.roles", CFG_LIST, CFG_AT(AppCfg, server_roles), .def = "all", .flag = "roles",
      .help = "roles this process hosts: all, or some of gateway, market, backtest, discovery" },
    { "server.trusted_hops", CFG_LIST, CFG_AT(AppCfg, server_trusted_hops),
      .help = "addresses and networks of proxies before this server, whose X-Forwarded-For is believed: 10.0.0.0/8" },
    { "server.proxy_protocol", CFG_BOOL, CFG_AT(AppCfg, server_proxy_protocol), .def = "false",
      .help = "connections of server.trusted_hops begin with the PROXY protocol, 1 or 2, which tells the client; others' never do" },
    { "server.cpu_threads", CFG_INT, CFG_AT(AppCfg, server_cpu_threads), .def = "0", .max = 256, .unit = "threads",
      .help = "threads of the CPU lane; 0 = one a core" },
    { "server.io_threads", CFG_INT, CFG_AT(AppCfg, server_io_threads), .def = "8", .min = 1, .max = 256, .unit = "threads",
      .help = "threads of the IO lane: saving and checking" },
    { "server.feed_threads", CFG_INT, CFG_AT(AppCfg, server_feed_threads), .def = "8", .min = 1, .max = 256, .unit = "threads",
      .help = "threads of the feed lane: collecting from venues, and waiting for them" },
    { "server.queue", CFG_INT, CFG_AT(AppCfg, server_queue), .def = "64", .min = 1, .max = 65536, .unit = "requests",
      .help = "requests that may wait for one thread of a lane; more are answered 503" },
    { "server.drain", CFG_DURATION, CFG_AT(AppCfg, server_drain_ms), .def = "5s", .max = 10 * MINUTE_MS,
      .help = "how long requests in flight may go on after SIGTERM" },
    { "server.takeover", CFG_BOOL, CFG_AT(AppCfg, server_takeover), .flag = "takeover",
      .help = "take the place of the process that serves this data folder: its port, with no connection refused, when it has ended what it had begun" },
    { "server.wire", CFG_BOOL, CFG_AT(AppCfg, server_wire),
      .help = "call operations of this process through the form they have between processes: shows that a split changes no answer" },
    { "server.header_timeout", CFG_DURATION, CFG_AT(AppCfg, server_header_ms), .def = "10s", .min = 100, .max = 10 * MINUTE_MS,
      .help = "absolute time for a request's header block" },
    { "server.body_timeout", CFG_DURATION, CFG_AT(AppCfg, server_body_ms), .def = "30s", .min = 100, .max = 60 * MINUTE_MS,
      .help = "absolute time for a request's body" },
    { "server.idle_timeout", CFG_DURATION, CFG_AT(AppCfg, server_idle_ms), .def = "60s", .min = 100, .max = 60 * MINUTE_MS,
      .help = "how long a connection may stay without a request" },
    { "server.max_connections", CFG_INT, CFG_AT(AppCfg, server_max_connections), .def = "10000", .min = 1, .max = 1000000,
      .help = "open connections; more are answered 503" },
    { "server.access_log", CFG_BOOL, CFG_AT(AppCfg, server_access_log), .def = "true", .flag = "access-log",
      .help = "one line a request" },

    { "server.user", CFG_STR, CFG_AT(AppCfg, server_user),
      .help = "started by root, become this user when the port is bound: a name, or numbers as 10001:10001; who owns data.dir and may read the configuration" },
    { "server.confine", CFG_CHOICE, CFG_AT(AppCfg, server_confine), .def = "on", .choices = confinements,
      .help = "give away what a server needs not (docs/security.md): on: other system calls, writing elsewhere and starting other programs are refused; report: such system calls are told; off" },
    { "server.confine_write", CFG_LIST, CFG_AT(AppCfg, server_confine_write),
      .help = "folders that may be written beside those of the configuration and those for temporary files: where jobs export to" },
    { "server.core_dumps", CFG_BOOL, CFG_AT(AppCfg, server_core_dumps),
      .help = "let a crash leave the memory of the process on disk, keys among it" },
    { "server.http2", CFG_BOOL, CFG_AT(AppCfg, server_http2), .def = "true",
      .help = "speak HTTP/2 too: over TLS by ALPN, in plain to clients that begin with its preface" },
    { "server.max_streams", CFG_INT, CFG_AT(AppCfg, server_max_streams), .def = "100", .min = 1, .max = 10000, .unit = "requests",
      .help = "requests at once on one connection of HTTP/2" },
    { "server.tls.cert", CFG_PATH, CFG_AT(AppCfg, tls_cert), .flag = "tls-cert",
      .help = "certificate chain in PEM: the TCP port speaks TLS 1.2 and 1.3 alone; HUP, or a change of the file, reloads it" },
    { "server.tls.key", CFG_PATH, CFG_AT(AppCfg, tls_key), .flag = "tls-key",
      .help = "its private key in PEM, without a pass phrase" },
    { "server.tls.client_ca", CFG_PATH, CFG_AT(AppCfg, tls_client_ca),
      .help = "certificates in PEM: who connects over TLS must show a certificate that one of them signed (mTLS)" },
    { "server.tls.check", CFG_DURATION, CFG_AT(AppCfg, tls_check_ms), .def = "10s", .min = 100, .max = 24 * 60 * MINUTE_MS,
      .help = "how often the two files are looked at for a change" },

    { "live.max_connections", CFG_INT, CFG_AT(AppCfg, live_max_connections), .def = "10000", .min = 1, .max = 1000000,
      .help = "open connections of the live API; more are answered 503" },
    { "live.max_subscriptions", CFG_INT, CFG_AT(AppCfg, live_max_subscriptions), .def = "256", .min = 1, .max = 100000,
      .help = "series one connection may subscribe to" },
    { "live.max_messages", CFG_INT, CFG_AT(AppCfg, live_messages_second), .def = "20", .min = 1, .max = 100000, .unit = "a second",
      .help = "messages a client may send, five seconds' worth at once; more close it with 1008" },
    { "live.max_message", CFG_SIZE, CFG_AT(AppCfg, live_max_message), .def = "16KiB", .min = 1024, .max = 1 << 20,
      .help = "longest message a client may send; a longer one closes it with 1009" },
    { "live.max_queue", CFG_SIZE, CFG_AT(AppCfg, live_max_queue), .def = "256KiB", .min = 64 << 10, .max = 64 << 20,
      .help = "memory for one client that reads slowly; past it, it gets a fresh snapshot" },
    { "live.heartbeat", CFG_DURATION, CFG_AT(AppCfg, live_heartbeat_ms), .def = "15s", .min = 100, .max = 10 * MINUTE_MS,
      .help = "how often every client is told the time" },
    { "live.slow", CFG_DURATION, CFG_AT(AppCfg, live_slow_ms), .def = "10s", .min = 100, .max = 10 * MINUTE_MS,
      .help = "how long a client may be behind before it is closed with 1013" },
    { "live.ping", CFG_DURATION, CFG_AT(AppCfg, live_ping_ms), .def = "30s", .min = 100, .max = 10 * MINUTE_MS,
      .help = "silence after which a client is pinged" },
    { "live.idle_timeout", CFG_DURATION, CFG_AT(AppCfg, live_idle_ms), .def = "90s", .min = 100, .max = 60 * MINUTE_MS,
      .help = "silence after which a client counts as gone" },

    { "auth.admin_key", CFG_SECRET, CFG_AT(AppCfg, auth_admin_key),
      .help = "key for writing over TCP; without one the server makes one and keeps it in data.dir/admin.key" },

    { "auth.internal_key", CFG_SECRET, CFG_AT(AppCfg, auth_internal_key),
      .help = "the same in every process of the platform: by it a role believes the gateway who asks; without one the caller's own key is passed on" },

    { "secrets.key", CFG_SECRET, CFG_AT(AppCfg, secrets_key),
      .help = "Fernet key, or several with commas, the first of them in use: opens values written as enc:TOKEN; ENCRYPTION_KEY in the environment is the same" },
    { "storage.encryption", CFG_BOOL, CFG_AT(AppCfg, storage_encryption),
      .help = "seal the databases of data.dir with keys that ENCRYPTION_KEY opens; what is there already: finsight secret encrypt-data" },
    { "storage.keys", CFG_PATH, CFG_AT(AppCfg, storage_keys),
      .help = "file of the databases' keys, themselves sealed with ENCRYPTION_KEY; empty: data.dir/data.keys" },
    { "auth.keys_from", CFG_STR, CFG_AT(AppCfg, auth_keys_from),
      .help = "another gateway that holds the API keys: http://10.0.0.5:8080, or unix:/srv/a/gateway.sock; this one learns them within a second" },
    { "auth.unknown_401", CFG_BOOL, CFG_AT(AppCfg, auth_unknown_401),
      .help = "answer a key that is no good with 401 instead of 403" },
    { "audit.key", CFG_SECRET, CFG_AT(AppCfg, audit_key),
      .help = "key of the chain of security events; without one the server makes one and keeps it in data.dir/audit.key" },
    { "audit.anchor", CFG_PATH, CFG_AT(AppCfg, audit_anchor),
      .help = "file for the number and link of the newest security event, best on another disk; empty: data.dir/security.anchor" },

    { "gateway.services", CFG_LIST, CFG_AT(AppCfg, gateway_services), .flag = "services",
      .help = "instances of roles and services elsewhere, NAME=ADDRESS[*WEIGHT]: market=10.0.0.5:8000,market=10.0.0.6:8000*2; a role without one is looked for on this machine; NAME=grpc://ADDRESS speaks gRPC alone" },
    { "gateway.routes", CFG_LIST, CFG_AT(AppCfg, gateway_routes), .flag = "routes",
      .help = "paths of services that are no role, as PATTERN=SERVICE: /quotes/*=quotes/v1;role=none (docs/gateway.md has the rest)" },
    { "gateway.rules", CFG_LIST, CFG_AT(AppCfg, gateway_rules),
      .help = "what routes change of requests and answers, as PATTERN WHAT NAME [VALUE]: /quotes/* request.set X-Tenant acme (docs/gateway.md has the rest)" },
    { "gateway.tls.ca", CFG_PATH, CFG_AT(AppCfg, gateway_tls_ca),
      .help = "certificates in PEM that sign those of services named https://ADDRESS in gateway.services; also of a role that asks another" },
    { "gateway.tls.cert", CFG_PATH, CFG_AT(AppCfg, gateway_tls_cert),
      .help = "certificate chain in PEM that the gateway, or a role that asks another, shows to services" },
    { "gateway.tls.key", CFG_PATH, CFG_AT(AppCfg, gateway_tls_key),
      .help = "its private key in PEM, without a pass phrase" },
    { "gateway.tls.name", CFG_STR, CFG_AT(AppCfg, gateway_tls_name),
      .help = "name that the services' certificates are for; empty: the address of each" },
    { "gateway.refuse", CFG_CHOICE, CFG_AT(AppCfg, gateway_refuse), .def = "on", .choices = refusals,
      .help = "requests with the form of an attack: off: let through, report: let through, counted and recorded, on: refused" },
    { "gateway.balance", CFG_CHOICE, CFG_AT(AppCfg, gateway_balance), .def = "round_robin", .choices = balances,
      .help = "how a service's instances share its calls" },
    { "gateway.breaker", CFG_CHOICE, CFG_AT(AppCfg, gateway_breaker), .def = "auto", .choices = breakers,
      .help = "profile of the circuit breakers; auto: standard, or fast with gateway.fast" },
    { "gateway.fast", CFG_BOOL, CFG_AT(AppCfg, gateway_fast),
      .help = "check instances every half second instead of every 30 s: for services that are near" },
    { "gateway.health_path", CFG_STR, CFG_AT(AppCfg, gateway_health_path), .def = "/health",
      .help = "what instances are asked to see whether they are well; empty: their calls alone tell" },

    { "gateway.cache", CFG_SIZE, CFG_AT(AppCfg, gateway_cache), .def = "32MiB", .max = INT64_C(1) << 40,
      .help = "memory for answers of services elsewhere, kept as their Cache-Control allows; 0: none are kept" },
    { "gateway.hedge", CFG_BOOL, CFG_AT(AppCfg, gateway_hedge),
      .help = "ask another instance of a role too when no answer has come in the time that 95 of 100 calls take, for calls that may be repeated" },
    { "cache.edge", CFG_DURATION, CFG_AT(AppCfg, cache_edge_ms), .def = "0s", .max = 24 * 60 * MINUTE_MS,
      .help = "how long a CDN may tell what all may read without asking (s-maxage); 0: it asks whether it is still so" },
    { "gateway.role_age", CFG_DURATION, CFG_AT(AppCfg, gateway_role_age_ms), .def = "0s", .max = 10 * MINUTE_MS,
      .help = "how old an answer of a role elsewhere may be that is told without asking it; 0: it is asked whether it is still so" },

    { "discovery.urls", CFG_LIST, CFG_AT(AppCfg, discovery_urls), .flag = "discovery",
      .help = "registries that speak Eureka, ours or Netflix's: http://HOST:8761/eureka; empty with the role discovery: itself" },
    { "discovery.register", CFG_BOOL, CFG_AT(AppCfg, discovery_register), .def = "true",
      .help = "register the roles of this process there; without it they are only looked for" },
    { "discovery.credentials", CFG_SECRET, CFG_AT(AppCfg, discovery_credentials),
      .help = "USER:PASSWORD for registries and peers, sent as Basic; for ours the password is a key that may write" },
    { "discovery.address", CFG_STR, CFG_AT(AppCfg, discovery_address),
      .help = "IP address that others reach this process by; empty: the one it listens on, or the machine's first" },
    { "discovery.peers", CFG_LIST, CFG_AT(AppCfg, discovery_peers),
      .help = "other registries of ours that this one tells what it hears: http://HOST:8761/eureka" },
    { "discovery.fast", CFG_BOOL, CFG_AT(AppCfg, discovery_fast), .def = "false",
      .help = "renew every second, look twice a second, leases of 3 s; the same in every process, as is gateway.fast" },
    { "discovery.preserve", CFG_BOOL, CFG_AT(AppCfg, discovery_preserve), .def = "true",
      .help = "evict nobody while fewer than 85 % renew: the network is broken then, not everybody" },

    { "cors.origins", CFG_LIST, CFG_AT(AppCfg, cors_origins),
      .help = "origins whose pages may ask from a browser: https://app.example; * is every one, and then without credentials" },
    { "cors.credentials", CFG_BOOL, CFG_AT(AppCfg, cors_credentials),
      .help = "their requests may carry cookies and keys of the browser" },
    { "cors.max_age", CFG_DURATION, CFG_AT(AppCfg, cors_max_age_ms), .def = "10m", .max = 24 * 60 * MINUTE_MS,
      .help = "how long a browser may remember a preflight" },
    { "cors.headers", CFG_STR, CFG_AT(AppCfg, cors_headers), .def = "Authorization, Content-Type, X-API-Key, X-Correlation-ID, Idempotency-Key",
      .help = "headers that such a page may send" },

    { "limit.flood", CFG_INT, CFG_AT(AppCfg, limit_flood), .def = "-1", .min = -1, .max = 100000000, .unit = "a minute",
      .help = "requests of one address, with or without a key; 0 = no limit, -1: 6000, none on a loopback address" },
    { "limit.anonymous", CFG_INT, CFG_AT(AppCfg, limit_anonymous), .def = "-1", .min = -1, .max = 100000000, .unit = "a minute",
      .help = "requests of one address without a key; 0 = no limit, -1: 60, none on a loopback address" },
    { "limit.key", CFG_INT, CFG_AT(AppCfg, limit_key), .def = "-1", .min = -1, .max = 100000000, .unit = "a minute",
      .help = "requests of one key; 0 = no limit, -1: 100, none on a loopback address" },

    { "events.bus", CFG_CHOICE, CFG_AT(AppCfg, events_bus), .def = "log", .choices = buses,
      .help = "what carries events: the embedded log in data.dir, a RabbitMQ or a Kafka at events.url" },
    { "events.url", CFG_SECRET, CFG_AT(AppCfg, events_url),
      .help = "the broker: amqp[s]://[user:password@]HOST[:PORT][/VHOST], or kafka://HOST:PORT[,HOST:PORT]; of the log: unix:PATH, where it is shared with other roles, else data.dir/bus.sock" },
    { "events.tls.ca", CFG_PATH, CFG_AT(AppCfg, events_tls_ca),
      .help = "certificates in PEM that sign that of the broker at amqps://; empty: whom the system trusts" },
    { "events.tls.cert", CFG_PATH, CFG_AT(AppCfg, events_tls_cert),
      .help = "certificate chain in PEM that is shown to the broker at amqps://" },
    { "events.tls.key", CFG_PATH, CFG_AT(AppCfg, events_tls_key),
      .help = "its private key in PEM, without a pass phrase" },
    { "events.retention", CFG_DURATION, CFG_AT(AppCfg, events_retention_ms), .def = "7d", .min = 60000, .max = INT64_C(3650) * 24 * 60 * MINUTE_MS,
      .help = "how long the embedded log keeps events that everybody has done, for replay" },
    { "webhooks.secret", CFG_SECRET, CFG_AT(AppCfg, webhooks_secret),
      .help = "signs callbacks (docs/webhooks.md); without one the server makes one and keeps it in data.dir/webhooks.key" },
    { "webhooks.allow_private", CFG_BOOL, CFG_AT(AppCfg, webhooks_allow_private), .def = "false",
      .help = "let callbacks go to loopback and private addresses, too" },
    { "webhooks.timeout", CFG_DURATION, CFG_AT(AppCfg, webhooks_timeout_ms), .def = "10s", .min = 100, .max = 5 * MINUTE_MS,
      .help = "how long one try of a callback may take" },

    { "jobs.threads", CFG_INT, CFG_AT(AppCfg, jobs_threads), .def = "2", .min = 1, .max = 64, .unit = "threads",
      .help = "runs of jobs that may work at once" },
    { "jobs.memory", CFG_SIZE, CFG_AT(AppCfg, jobs_memory), .def = "2GiB", .min = 16 << 20, .max = INT64_C(1) << 40,
      .help = "memory of its own that a child process of a job may have, where the job does not say" },
    { "jobs.keep", CFG_INT, CFG_AT(AppCfg, jobs_keep), .def = "100", .min = 1, .max = 100000, .unit = "runs",
      .help = "finished runs remembered of each job" },
    { "jobs.collect", CFG_LIST, CFG_AT(AppCfg, jobs_collect),
      .help = "symbols to keep up to date: makes and starts the job 'collect'" },
    { "jobs.collect_exchange", CFG_STR, CFG_AT(AppCfg, jobs_collect_exchange), .def = "binance",
      .help = "where jobs.collect collects" },
    { "jobs.collect_timeframes", CFG_LIST, CFG_AT(AppCfg, jobs_collect_timeframes), .def = "1h",
      .help = "timeframes of jobs.collect" },
    { "jobs.collect_interval", CFG_DURATION, CFG_AT(AppCfg, jobs_collect_interval_ms), .def = "300s", .min = 1000, .max = INT64_C(31) * 24 * 60 * MINUTE_MS,
      .help = "time between two rounds of jobs.collect; COLLECTION_INTERVAL, in seconds, in the environment is the same" },
    { "jobs.vnstock_source", CFG_CHOICE, CFG_AT(AppCfg, jobs_vnstock_source), .def = "VCI", .choices = vnstock_sources,
      .help = "where prices of Vietnam's stocks come from, the venue vci; VNSTOCK_SOURCE in the environment is the same" },
    { "jobs.retention", CFG_STR, CFG_AT(AppCfg, jobs_retention),
      .help = "how long candles are kept, e.g. 1m=90d,1h=5y: makes and starts the job 'retention'; what no collector could bring again stays" },

    { "log.level", CFG_CHOICE, CFG_AT(AppCfg, log_level), .def = "info", .choices = levels, .flag = "log-level",
      .help = "least level that is written" },
    { "log.format", CFG_CHOICE, CFG_AT(AppCfg, log_format), .def = "auto", .choices = formats, .flag = "log-format",
      .help = "auto: text on a terminal, JSON elsewhere" },
    { "log.file", CFG_PATH, CFG_AT(AppCfg, log_file), .flag = "log-file",
      .help = "write here instead of stderr" },
    { "log.max_size", CFG_SIZE, CFG_AT(AppCfg, log_max_size), .def = "64MiB", .max = INT64_C(1) << 40,
      .help = "a log file this big is put aside" },
    { "log.keep", CFG_INT, CFG_AT(AppCfg, log_keep), .def = "5", .max = 1000, .unit = "files",
      .help = "log files put aside that are kept" },

    { "log.slow_query", CFG_DURATION, CFG_AT(AppCfg, log_slow_query_ms), .def = "250ms", .max = 10 * MINUTE_MS,
      .help = "calls of the store and statements of SQL that take longer are logged and listed at /api/v1/admin/slow; 0 = none" },

    { "health.every", CFG_DURATION, CFG_AT(AppCfg, health_every_ms), .def = "30s", .min = 50, .max = 60 * MINUTE_MS,
      .help = "how often databases beside the process are asked whether they are well" },

    { "alerts.every", CFG_DURATION, CFG_AT(AppCfg, alerts_every_ms), .def = "15s", .max = 60 * MINUTE_MS,
      .help = "how often the rules of alerts are looked at; 0 = never" },
    { "alerts.receivers", CFG_SECRET, CFG_AT(AppCfg, alerts_receivers),
      .help = "who is told, as NAME=KIND:URL with blanks between: ops=webhook:http://10.0.0.9/hook; kinds are webhook, alertmanager, slack, mail (docs/observability.md)" },
    { "alerts.routes", CFG_LIST, CFG_AT(AppCfg, alerts_routes),
      .help = "who is told of what, as MATCHERS>RECEIVER: severity=critical>ops;escalate=15m:boss; none: everybody of everything" },

    { "metrics.aliases", CFG_BOOL, CFG_AT(AppCfg, metrics_aliases), .def = "true",
      .help = "the documents' names of metrics, python_services_*, beside finsight_*" },

    { "trace.sample", CFG_F64, CFG_AT(AppCfg, trace_sample), .def = "1", .max = 1,
      .help = "share of requests without a traceparent of their own whose spans are kept, 0 to 1" },
    { "trace.keep", CFG_INT, CFG_AT(AppCfg, trace_keep), .def = "1000", .min = 4, .max = 1000000, .unit = "requests",
      .help = "traces kept for /admin/traces, and a quarter as many of requests that failed or were slow" },
    { "trace.slow", CFG_DURATION, CFG_AT(AppCfg, trace_slow_ms), .def = "500ms", .min = 1, .max = 60 * MINUTE_MS,
      .help = "a request that takes longer is kept apart as slow" },
    { "trace.otlp", CFG_STR, CFG_AT(AppCfg, trace_otlp), .flag = "trace-otlp",
      .help = "a collector (Jaeger, OpenTelemetry) that spans are sent to: http://127.0.0.1:4318; empty: none" },
    { "trace.flush", CFG_DURATION, CFG_AT(AppCfg, trace_flush_ms), .def = "1s", .min = 50, .max = 10 * MINUTE_MS,
      .help = "how often they are sent" },

#define VENUE_OPTIONS(name, base, what) \
    { #name ".url", CFG_STR, CFG_AT(AppCfg, venues[VENUE_##name].url), .def = base, .flag = #name "-url", \
      .help = "base address of " what }, \
    { #name ".simulated", CFG_BOOL, CFG_AT(AppCfg, venues[VENUE_##name].simulated), .flag = #name "-simulated", \
      .help = "that address is an exchange simulator: its candles are labelled and kept apart" }, \
    { #name ".private", CFG_BOOL, CFG_AT(AppCfg, venues[VENUE_##name].private_address), .flag = #name "-private", \
      .help = "that address may be a loopback or private one" }, \
    { #name ".timeout", CFG_DURATION, CFG_AT(AppCfg, venues[VENUE_##name].timeout_ms), .def = "15s", .min = 100, \
      .max = 10 * MINUTE_MS, .help = "time for one call" }, \
    { #name ".attempts", CFG_INT, CFG_AT(AppCfg, venues[VENUE_##name].attempts), .def = "5", .min = 1, .max = 100, \
      .help = "calls made for one answer before giving up" },
    { "live.series", CFG_LIST, CFG_AT(AppCfg, live_series), .flag = "live-series",
      .help = "series that serve follows while it runs: binance:BTCUSDT:1m,kraken:XBTUSD:1h" },
    { "binance.stream_url", CFG_STR, CFG_AT(AppCfg, binance_stream_url), .flag = "binance-stream-url",
      .help = "base address of Binance's streams; empty: wss://data-stream.binance.vision, or where binance.url is" },
    VENUE_TABLE(VENUE_OPTIONS)
#undef VENUE_OPTIONS

    { "serving.memory", CFG_SIZE, CFG_AT(AppCfg, serving_memory), .def = "256MiB", .min = 1 << 20, .max = INT64_C(1) << 40,
      .help = "memory of loaded models; the longest unused go first, the one in use stays" },
    { "news.sources", CFG_LIST, CFG_AT(AppCfg, news_sources), .flag = "news-sources",
      .help = "feeds of news, RSS, Atom or JSON Feed: NAME=URL; - before the name: only when it is named. Empty: CoinDesk and Cointelegraph, whose terms are yours to read; none: none" },
    { "news.interval", CFG_DURATION, CFG_AT(AppCfg, news_interval_ms), .def = "0s", .max = 7 * DAY_MS, .flag = "news-interval",
      .help = "how often they are collected while a server runs: makes and starts the job 'news'; 0 = by hand" },
    { "news.store", CFG_CHOICE, CFG_AT(AppCfg, news_store), .def = "sqlite", .choices = news_stores,
      .help = "where articles live: news.db in data.dir, or a MongoDB at news.url (docs/news.md)" },
    { "news.url", CFG_SECRET, CFG_AT(AppCfg, news_url),
      .help = "the MongoDB: mongodb://[user:password@]HOST[:PORT][/DATABASE][?options]" },
    { "news.keep", CFG_DURATION, CFG_AT(AppCfg, news_keep_ms), .def = "0s", .min = 0, .max = INT64_C(36500) * DAY_MS,
      .help = "articles published longer ago are removed, by the job 'news-retention' every night; 0 = never" },
    { "news.keep_count", CFG_INT, CFG_AT(AppCfg, news_keep_count), .def = "0", .max = 1e12,
      .help = "at most so many articles are kept, the newest; 0 = any number" },
    { "news.archive", CFG_BOOL, CFG_AT(AppCfg, news_archive),
      .help = "what is removed for its age or number is appended to data.dir/archive before" },
    { "news.near_same", CFG_BOOL, CFG_AT(AppCfg, news_near_same), .def = "true",
      .help = "a story in nearly the words of a stored one is noted beside it, and not stored again" },
    { "news.gap", CFG_DURATION, CFG_AT(AppCfg, news_gap_ms), .def = "1s", .max = 10 * MINUTE_MS,
      .help = "pause between two requests to one host" },
    { "news.timeout", CFG_DURATION, CFG_AT(AppCfg, news_timeout_ms), .def = "20s", .min = 100, .max = 10 * MINUTE_MS,
      .help = "time for one request" },
    { "news.robots", CFG_BOOL, CFG_AT(AppCfg, news_robots), .def = "true",
      .help = "obey robots.txt; off only for feeds whose owner has said so" },
    { "news.private", CFG_BOOL, CFG_AT(AppCfg, news_private), .flag = "news-private",
      .help = "feeds may be at loopback and private addresses" },
    { "news.simulated", CFG_BOOL, CFG_AT(AppCfg, news_simulated), .flag = "news-simulated",
      .help = "a simulator answers: its articles are labelled" },
    { "news.coindesk_key", CFG_SECRET, CFG_AT(AppCfg, news_coindesk_key),
      .help = "key of CoinDesk's data API, for sources whose address is its list: "
              "https://data-api.coindesk.com/news/v1/article/list" },
    { "news.tavily_key", CFG_SECRET, CFG_AT(AppCfg, news_tavily_key),
      .help = "key of the search engine Tavily, for searches of the web" },
    { "news.tavily_url", CFG_STR, CFG_AT(AppCfg, news_tavily_url), .def = "https://api.tavily.com",
      .help = "its base address" },

    { "backtest.keep", CFG_DURATION, CFG_AT(AppCfg, backtest_keep_ms), .def = "0s", .max = INT64_C(100) * 365 * MS_PER_DAY,
      .help = "age at which a kept backtest is removed; 0 = never" },
    { "backtest.plugins", CFG_LIST, CFG_AT(AppCfg, backtest_plugins),
      .flag = "backtest-plugins",
      .help = "paths of shared libraries with strategies, see docs/plugins.md; they run with all rights of the process" },
};
/* clang-format on */
const size_t n_app_options = ARRAY_LEN(app_options);

static const char *const not_options[] = { "FINSIGHT_SHARED", "FINSIGHT_SOURCE", NULL };

/* Names of the price collector's documents. Ours beat them. */
static const struct {
    const char *name, *key;
    bool seconds; /* a number without a unit */
} document_names[] = {
    { "COLLECTION_INTERVAL", "jobs.collect_interval", true },
    { "VNSTOCK_SOURCE", "jobs.vnstock_source", false },
    { "ENCRYPTION_KEY", "secrets.key", false },
};

static void take_document_names(Cfg *cfg, char *const *environment) {
    for (char *const *e = environment; e && *e; e++) {
        Str value = str_c(*e), name;
        int64_t seconds;
        if (!str_next(&value, '=', &name))
            continue;
        for (size_t i = 0; i < ARRAY_LEN(document_names); i++) {
            if (!str_eq(name, str_c(document_names[i].name)))
                continue;
            if (document_names[i].seconds && str_to_i64(value, &seconds))
                value = str_fmt(cfg->arena, STR_FMT "s", STR_ARG(value));
            cfg_set(cfg, document_names[i].key, value, CFG_ENV, str_fmt(cfg->arena, "env " STR_FMT, STR_ARG(name)));
        }
    }
}

/* --- encrypted values --- */

/* A Cfg.reveal. */
static const char *reveal(void *arg, Arena *a, Str text, Str *out) {
    switch (secure_value(a, arg, text, out)) {
    case SECURE_NO_KEY:
        return "the value is encrypted and there is no key: set ENCRYPTION_KEY, or secrets.key (see 'finsight secret')";
    case SECURE_WRONG:
        return "the value is encrypted with another key than ENCRYPTION_KEY (secrets.key), or damaged";
    default:
        return NULL;
    }
}

int app_secret_keys(Ctx *cx, const Cfg *cfg, FernetKeys *out) {
    enum { FILE_MAX = 4096 };
    Str text = cfg_value(cfg, S("secrets.key"))->text;
    *out = (FernetKeys){ .n = 0 };
    if (str_starts(text, S("file:"))) {
        int r = file_read(cx, str_cz(cx->arena, str_from(text, 5)), FILE_MAX, &text);
        if (r != 0)
            return r;
    }
    text = str_trim(text);
    if (text.n && !fernet_keys_parse(text, out))
        return err_set_at(
            cx, ERR_USAGE, S("secrets.key"),
            "ENCRYPTION_KEY (secrets.key) is no Fernet key: 44 characters, as 'finsight secret generate-key' "
            "makes them");
    return 0;
}

static int with_secrets(Ctx *cx, Cfg *cfg) {
    FernetKeys *keys = arena_new(cx->arena, FernetKeys);
    int r = app_secret_keys(cx, cfg, keys);
    cfg->reveal = reveal;
    cfg->reveal_arg = keys;
    return r;
}

int app_config_load(Ctx *cx, int *argc, char **argv, char *const *environment, Cfg *cfg, AppCfg *out) {
    cfg->env_ignored = not_options;
    take_document_names(cfg, environment);
    cfg_take_env(cfg, environment);
    cfg_take_args(cfg, argc, argv);
    Str file = cfg_value(cfg, S("config.file"))->text;
    if (file.n) {
        int r = cfg_take_file(cfg, cx, str_cz(cx->arena, file));
        if (r != 0)
            return r;
    }
    int r = with_secrets(cx, cfg);
    return r == 0 ? cfg_finish(cfg, cx, out) : r;
}

int app_config_again(Ctx *cx, const Cfg *now, AppCfg *out) {
    Cfg cfg;
    cfg_init(&cfg, app_options, n_app_options, cx->arena);
    cfg.env_ignored = now->env_ignored;
    cfg.home = now->home;
    for (size_t i = 0; i < now->n; i++)
        if (now->values[i].rank >= CFG_ENV)
            cfg_set(&cfg, now->options[i].key, now->values[i].text, now->values[i].rank, now->values[i].origin);
    Str file = cfg_value(&cfg, S("config.file"))->text;
    int r = file.n ? cfg_take_file(&cfg, cx, str_cz(cx->arena, file)) : 0;
    if (r == 0)
        r = with_secrets(cx, &cfg);
    return r == 0 ? cfg_finish(&cfg, cx, out) : r;
}

bool config_simulated(const AppCfg *cfg) {
    bool simulated = false;
    for (size_t i = 0; i < VENUE_COUNT; i++)
        simulated |= cfg->venues[i].simulated;
    return simulated;
}

bool config_is_loopback(const AppCfg *cfg) {
    enum { LOOPBACK = 127 };
    char text[INET_ADDRSTRLEN];
    struct in_addr v4;
    Str host = cfg->server_host;
    if (str_eq(host, S("::1")) || str_eq(host, S("localhost")))
        return true;
    if (host.n >= sizeof text)
        return false;
    memcpy(text, host.n ? host.p : "", host.n);
    text[host.n] = 0;
    /* a name that begins like such an address is none */
    return inet_pton(AF_INET, text, &v4) == 1 && ntohl(v4.s_addr) >> 24 == LOOPBACK;
}
