#pragma once

/* adapters/bus/log_internal.h - what the files of the embedded log share. Not for others: see log.h. */

#include "adapters/bus/log.h"
#include "adapters/sqlite/group.h"
#include "base/map.h"

enum { QUEUES_MAX = 512, EXCHANGES_MAX = 256, BINDINGS_MAX = 8192, ROUTES_KEPT = 4096 };

typedef struct LogQueue {
    int64_t id;
    BusQueue def; /* name "q", of a group "q@g"; texts in LogBus.texts */
    Str base, group;
    /* Under LogBus.state. */
    int64_t cursor[EVENT_PRIORITIES]; /* a rank: entries up to it were given, or are held, or are gone */
    int64_t back[EVENT_PRIORITIES];   /* what was given back since begins behind it; INT64_MAX = nothing was */
    int64_t n;                        /* entries */
    Map held;                         /* position -> Held */
    int64_t consumers;
    int64_t published, delivered, acked, requeued, dead, expired, dropped;
} LogQueue;

typedef struct LogExchange {
    Str name;
    ExchangeKind kind;
} LogExchange;

typedef struct Route { /* queues of one routing key */
    Str key;           /* exchange, NUL, routing key */
    size_t n;
    LogQueue *v[];
} Route;

typedef struct LogBus {
    EventBus bus; /* first */
    DbOwner owner;
    DbGroup group;
    EventLogOptions options;
    atomic_bool loaded; /* topology and counts in memory are the file's; looked at inside transactions */
    Arena texts;
    /* Changed inside write transactions, with `state` held; read there, or with `state` held. */
    LogQueue *queues[QUEUES_MAX];
    size_t n_queues;
    LogExchange exchanges[EXCHANGES_MAX];
    size_t n_exchanges;
    BusBinding *bindings;
    size_t n_bindings;
    Map routes;            /* kept answers of event_log_route */
    int64_t n_log, pruned; /* rows of the log; positions up to it were looked at by retention */
    pthread_mutex_t state;
    pthread_cond_t came; /* something was published or given back */
    int64_t n_came;
} LogBus;

typedef struct LogSubscription {
    Subscription sub; /* first */
    LogQueue *queue;
    int prefetch;
    int64_t n_held;
} LogSubscription;

typedef struct Held { /* a delivery without an answer yet */
    LogSubscription *by;
    int64_t position, count;
    int rank;
    bool settled; /* its answer is in a commit under way */
} Held;

/* clang-format off */
#define EVENT_COLUMNS "l.position, l.at_ms, l.exchange, l.routing_key, l.id, l.type, l.key, l.correlation_id, l.source, " \
                      "l.version, l.told_ms, l.priority, l.ttl_ms, l.headers, l.death, l.body"
#define SQL_TABLE(X)                                                                                                   \
    X(SQL_META_GET, "SELECT value FROM meta WHERE name=?1")                                                            \
    X(SQL_META_PUT, "INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)")                                         \
    X(SQL_EXCHANGES, "SELECT name, kind FROM exchange ORDER BY name")                                                  \
    X(SQL_EXCHANGE_ADD, "INSERT INTO exchange(name, kind) VALUES(?1, ?2)")                                             \
    X(SQL_QUEUES, "SELECT id, name, base, grp, dead_exchange, dead_key, ttl_ms, max_priority, max_length "             \
                  "FROM queue ORDER BY name")                                                                          \
    X(SQL_QUEUE_ADD, "INSERT INTO queue(name, base, grp, dead_exchange, dead_key, ttl_ms, max_priority, max_length) "  \
                     "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")                                                         \
    X(SQL_QUEUE_COUNT, "SELECT count(*) FROM entry WHERE queue=?1")                                                    \
    X(SQL_BINDINGS, "SELECT source, destination, to_exchange, key FROM binding")                                       \
    X(SQL_BINDING_ADD, "INSERT OR IGNORE INTO binding(source, destination, to_exchange, key) VALUES(?1, ?2, ?3, ?4)")  \
    X(SQL_LOG_ADD, "INSERT INTO log(at_ms, exchange, routing_key, id, type, key, correlation_id, source, version, "    \
                   "told_ms, priority, ttl_ms, headers, death, body) "                                                 \
                   "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)")                         \
    X(SQL_LOG_GET, "SELECT " EVENT_COLUMNS " FROM log l WHERE l.position=?1")                                          \
    X(SQL_LOG_AFTER, "SELECT " EVENT_COLUMNS " FROM log l WHERE l.position>?1 ORDER BY l.position LIMIT ?2")           \
    X(SQL_LOG_ENDS, "SELECT coalesce(min(position), -1), coalesce(max(position), -1) FROM log")                        \
    X(SQL_LOG_COUNT, "SELECT count(*) FROM log")                                                                       \
    X(SQL_LOG_OLD, "SELECT position, at_ms FROM log WHERE position>?1 ORDER BY position LIMIT ?2")                     \
    X(SQL_LOG_DROP, "DELETE FROM log WHERE position=?1")                                                               \
    X(SQL_LOG_PRIORITY, "SELECT priority FROM log WHERE position=?1")                                                  \
    X(SQL_LOG_AT, "SELECT told_ms FROM log WHERE position=?1")                                                         \
    X(SQL_ENTRY_ADD, "INSERT INTO entry(queue, rank, position, expires_ms, count) VALUES(?1, ?2, ?3, ?4, 0)")          \
    X(SQL_ENTRY_NEXT, "SELECT e.position, e.expires_ms, e.count, " EVENT_COLUMNS " FROM entry e "                      \
                      "JOIN log l ON l.position=e.position WHERE e.queue=?1 AND e.rank=?2 AND e.position>?3 "          \
                      "ORDER BY e.position LIMIT ?4")                                                                  \
    X(SQL_ENTRY_HEAD, "SELECT position, expires_ms FROM entry WHERE queue=?1 AND rank=?2 AND position>?3 "             \
                      "ORDER BY position LIMIT ?4")                                                                    \
    X(SQL_ENTRY_AT, "SELECT 1 FROM entry WHERE queue=?1 AND rank=?2 AND position=?3")                                  \
    X(SQL_ENTRY_AGAIN, "UPDATE entry SET count=count+1 WHERE queue=?1 AND rank=?2 AND position=?3")                    \
    X(SQL_ENTRY_DROP, "DELETE FROM entry WHERE queue=?1 AND rank=?2 AND position=?3")                                  \
    X(SQL_PAGES, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
/* clang-format on */

typedef enum LogSql {
    SQL_BEFORE_OURS = N_SQL_COMMON - 1,
#define SQL_ENUM(name, text) name,
    SQL_TABLE(SQL_ENUM)
#undef SQL_ENUM
        N_SQL
} LogSql;

extern const SqlTable event_log_sql;
extern const Schema event_log_schema;

/* --- topology (log_topology.c) --- */

int event_log_load(LogBus *b, Db *db, Ctx *cx); /* once, in a transaction */
int event_log_declare(EventBus *bus, Ctx *cx, const BusTopology *t);
LogQueue *event_log_queue_find(LogBus *b, Str name);
/* Makes the queue of a group of `of`, filled with the past where the options say so. */
int event_log_make_group(LogBus *b, Db *db, Ctx *cx, const SubscribeOptions *o, LogQueue *of, LogQueue **out);
/* The queues a routing key reaches; borrowed until the topology changes. ERR_NOT_FOUND: no such exchange. */
int event_log_route(LogBus *b, Ctx *cx, Str exchange, Str key, const Route **out);
static inline int event_log_rank(const LogQueue *q, int priority) { /* 0 comes first */
    return EVENT_PRIORITIES - 1 - MIN(priority, q->def.max_priority);
}

/* --- rows (log_rows.c) --- */

typedef struct LogRow { /* a row of the log; texts borrow from the statement until its next step */
    int64_t position;
    Time at;
    Str exchange, routing_key, headers, death;
    Event event; /* without headers */
} LogRow;

enum { ENTRY_COLUMNS = 3 }; /* in front of the event's in SQL_ENTRY_NEXT */
void event_log_row_read(sqlite3_stmt *st, int first_column, LogRow *out);
/* Into the arena, headers parsed. */
int event_log_row_copy(Ctx *cx, const LogRow *row, Event *out);
int event_log_headers_write(Ctx *cx, const EventHeader *v, size_t n, Str *out); /* "" without any */
int event_log_headers_read(Ctx *cx, Str json, const EventHeader **out, size_t *n);
Str event_log_death_write(Ctx *cx, const Death *d);
int event_log_death_read(Ctx *cx, Str json, Death *out);

/* --- writing (event_log_publish.c): inside a transaction --- */

typedef struct LogAppend {
    Str exchange, routing_key, headers, death;
    const Event *event; /* headers as `headers` */
} LogAppend;

int event_log_publish(EventBus *bus, Ctx *cx, const Publication *v, size_t n, int *outcome);
int event_log_append(LogBus *b, Db *db, Ctx *cx, const LogAppend *a, int64_t *position);
int event_log_entry_add(LogBus *b, Db *db, Ctx *cx, LogQueue *q, int64_t position, const Event *e);
/* Takes the entry away, and the row of the log where retention has already passed it and nobody else needs it. */
int event_log_entry_drop(LogBus *b, Db *db, Ctx *cx, LogQueue *q, int rank, int64_t position);
/* The row of the log goes, unless a queue is still owed it. */
int event_log_row_pass(LogBus *b, Db *db, Ctx *cx, int64_t position);
/* From the queue to where its dead letters go, or dropped where that is nowhere. */
int event_log_die(LogBus *b, Db *db, Ctx *cx, LogQueue *q, int rank, const LogRow *row, const Death *why);
void event_log_undone(void *bus);                  /* for DbGroup.undone */
void event_log_wake(LogBus *b);                    /* after a commit that made something ready */
void event_log_count(LogBus *b, int64_t *counter); /* one more, under the lock */
/* A write in the group; what is in memory is read anew from the file where it fails. */
int event_log_write(LogBus *b, Ctx *cx, bool durable, DbWork *fn, void *arg);

/* --- consuming (log_consume.c) --- */

int event_log_subscribe(EventBus *bus, Ctx *cx, const SubscribeOptions *o, Subscription **out);
int event_log_receive(Subscription *sub, Ctx *cx, int64_t wait_ms, Delivery **out, size_t most, size_t *n);
int event_log_ack(Subscription *sub, Ctx *cx, const int64_t *tags, size_t n);
int event_log_reject(Subscription *sub, Ctx *cx, int64_t tag, BusReject how, Str words);
void event_log_unsubscribe(Subscription *sub);
/* Expired heads of every queue; inside a transaction. *n = how many. */
int event_log_expire(LogBus *b, Db *db, Ctx *cx, int64_t *n);

/* --- the past and the dead (log_past.c) --- */

int event_log_read(EventBus *bus, Ctx *cx, const BusRead *q, BusPage *out);
int event_log_dead_list(EventBus *bus, Ctx *cx, Str queue, Str after, size_t limit, DeadLetter **out, size_t *n);
int event_log_dead_requeue(EventBus *bus, Ctx *cx, Str queue, const Str *handles, size_t n, int64_t *done);
int event_log_dead_drop(EventBus *bus, Ctx *cx, Str queue, const Str *handles, size_t n, int64_t *done);
/* A piece of retention; inside a transaction. */
int event_log_prune(LogBus *b, Db *db, Ctx *cx);
