#pragma once

/* adapters/sqlite/chain.h - a record of events in a table of a store, each chained to the one before it
 * (policy/audit_chain.h), with its anchor in a file beside it.
 *
 * Events are numbered by the chain, not by the file. When old events go, the last of them stays in `meta` as "before",
 * sealed under the chain's key: cutting off a record's beginning by hand would need that key.
 *
 * At its first use the record is looked at. One that ends before its anchor, or has lost it, gets an AUDIT_ALARM. One
 * whose newest event was not written with this key is not written to, so that what was edited is found and not buried; or,
 * where `goes_on`, a new chain begins behind it, with an alarm: what came from a backup or an older version of the file.
 *
 * Threads: any, as the owner's calls. */

#include "adapters/sqlite/anchor.h"
#include "adapters/sqlite/owner.h"

enum { CHAIN_KEY_MAX = 256, CHAIN_READ_MAX = 1000 };

#define CHAIN_COLUMNS "at, who, action, subject, outcome, address, request_id, detail, n, link"

/* Its statements, in this order, among those of the store; `seq` is the table's INTEGER PRIMARY KEY. */
#define CHAIN_SQL_TABLE(X, table, seq)                                                                                 \
    X(SQL_CHAIN_META_GET, "SELECT value FROM meta WHERE name=?1")                                                      \
    X(SQL_CHAIN_META_PUT, "INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)")                                   \
    X(SQL_CHAIN_ADD, "INSERT INTO " table "(" seq ", " CHAIN_COLUMNS ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)")   \
    X(SQL_CHAIN_HEAD, "SELECT " seq ", link FROM " table " ORDER BY " seq " DESC LIMIT 1")                             \
    X(SQL_CHAIN_AT, "SELECT link FROM " table " WHERE " seq "=?1")                                                     \
    X(SQL_CHAIN_NEWEST, "SELECT " seq ", " CHAIN_COLUMNS " FROM " table " ORDER BY " seq " DESC LIMIT 2")              \
    X(SQL_CHAIN_PRUNE, "DELETE FROM " table " WHERE " seq "<=?1")                                                      \
    X(SQL_CHAIN_EVENTS, "SELECT " seq ", " CHAIN_COLUMNS " FROM " table " WHERE " seq ">?1 ORDER BY " seq " LIMIT ?2")

typedef struct ChainOptions {
    DbOwner *owner;     /* borrowed */
    int first;          /* the store's SQL_CHAIN_META_GET */
    const char *anchor; /* file; NULL = none is kept */
    Str key;            /* copied */
    int64_t kept;       /* events */
    bool goes_on;
} ChainOptions;

typedef struct Chain {
    ChainOptions o;
    char *anchor_path;
    char key[CHAIN_KEY_MAX];
    size_t key_n;
    pthread_mutex_t load_lock;
    bool loaded;       /* span is that of the file */
    bool newest_wrong; /* its link is not one of our key */
    AnchorFile anchor_file;
    AuditSpan span; /* under the owner's lock */
} Chain;

void chain_init(Chain *c, const ChainOptions *o);
void chain_done(Chain *c);

/* Looks at the record, at the first call. */
int chain_load(Chain *c, Ctx *cx);
int chain_may_add(const Chain *c, Ctx *cx); /* ERR_CORRUPT with words: the newest event is not of this key */
/* Appends in one transaction, behind what `with` does in it (NULL: nothing); all or nothing. Sets seq and link. Durable
 * as `often` says (see owner.h). */
typedef struct ChainAppend {
    AuditEvent *v;
    size_t n;
    bool often;
    DbWork *with; /* 0, or what ends the whole: an outcome or an ErrCode */
    void *arg;
} ChainAppend;
int chain_append(Chain *c, Ctx *cx, const ChainAppend *a);
/* Events after `after` with rising numbers, at most CHAIN_READ_MAX. */
int chain_events(Chain *c, Ctx *cx, int64_t after, size_t limit, AuditEvent **out, size_t *n);
int chain_span(Chain *c, Ctx *cx, AuditSpan *out);
/* anchor NULL: the one that is kept. In pieces, so that writes come between; the arena goes back after each. */
int chain_walk(Chain *c, Ctx *cx, const AuditAnchor *anchor, AuditWalk *out);
