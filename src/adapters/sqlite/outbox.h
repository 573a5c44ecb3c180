#pragma once

/* adapters/sqlite/outbox.h - the outbox and the inbox of a store: tables of its own database, written in the transactions
 * of its data.
 *
 * outbox: what is to be told about the data, committed with them or not at all. services/events tells it and takes the
 * rows away. inbox: which events have had their effect; asked and marked in the transaction of the effect, so an event
 * that comes twice has it once.
 *
 * A store adds OUTBOX_TABLES to a step of its schema and OUTBOX_SQL_TABLE to its statements, and gives every call the
 * number of the first of them, SQL_OUTBOX_PUT. Threads: those of the Db. */

#include "adapters/sqlite/db.h"
#include "core/event.h"

#define OUTBOX_TABLES                                                                                                  \
    "CREATE TABLE outbox("                                                                                             \
    "  number INTEGER PRIMARY KEY AUTOINCREMENT, exchange TEXT NOT NULL, routing_key TEXT NOT NULL, id TEXT NOT NULL," \
    "  type TEXT NOT NULL, key TEXT NOT NULL, correlation_id TEXT NOT NULL, source TEXT NOT NULL,"                     \
    "  version INTEGER NOT NULL, told_ms INTEGER NOT NULL, priority INTEGER NOT NULL, body TEXT NOT NULL);"            \
    "CREATE TABLE inbox("                                                                                              \
    "  consumer TEXT NOT NULL, id TEXT NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY(consumer, id)) WITHOUT ROWID;"    \
    "CREATE INDEX inbox_at ON inbox(at_ms);"
#define OUTBOX_TABLES_DOWN "DROP TABLE outbox; DROP TABLE inbox;"
#define OUTBOX_TABLES_LOST "SELECT count(*) FROM outbox"

/* clang-format off */
#define OUTBOX_SQL_TABLE(X)                                                                                            \
    X(SQL_OUTBOX_PUT, "INSERT INTO outbox(exchange, routing_key, id, type, key, correlation_id, source, version, "     \
                      "told_ms, priority, body) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")                 \
    X(SQL_OUTBOX_TAKE, "SELECT number, exchange, routing_key, id, type, key, correlation_id, source, version, "        \
                       "told_ms, priority, body FROM outbox ORDER BY number LIMIT ?1")                                 \
    X(SQL_OUTBOX_DONE, "DELETE FROM outbox WHERE number<=?1")                                                          \
    X(SQL_OUTBOX_COUNT, "SELECT count(*) FROM outbox")                                                                 \
    X(SQL_INBOX_ENTER, "INSERT OR IGNORE INTO inbox(consumer, id, at_ms) VALUES(?1, ?2, ?3)")                          \
    X(SQL_INBOX_FORGET, "DELETE FROM inbox WHERE at_ms<?1")
/* clang-format on */

enum { INBOX_SEEN = 1 };

/* The event's headers are not kept; of the others everything is. */
int db_outbox_put(Db *db, Ctx *cx, int first, Str exchange, Str routing_key, const Event *e);

typedef struct DbOutboxRow { /* texts in cx->arena */
    int64_t number;
    Str exchange, routing_key;
    Event event;
} DbOutboxRow;
/* The oldest, at most `most`; *n may be 0. */
int db_outbox_take(Db *db, Ctx *cx, int first, DbOutboxRow *out, size_t most, size_t *n);
int db_outbox_done(Db *db, Ctx *cx, int first, int64_t last);
int db_outbox_count(Db *db, Ctx *cx, int first, int64_t *n);

/* 0: it is new and marked now; INBOX_SEEN: it has had its effect, do nothing and commit. */
int db_inbox_enter(Db *db, Ctx *cx, int first, Str consumer, Str id);
/* Marks older than that go: a bus that redelivers after so long would repeat an effect, so let it be long. */
int db_inbox_forget(Db *db, Ctx *cx, int first, Time before);
