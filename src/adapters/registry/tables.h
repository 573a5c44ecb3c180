#pragma once

/* adapters/registry/tables.h - the tables of models.db and every fixed statement on them. Inside this folder only. */

#include "adapters/sqlite/owner.h"

/* clang-format off */
#define EXPERIMENT_COLUMNS "t.nr, t.name, t.location, t.life, t.created, t.updated"
#define RUN_COLUMNS        "t.nr, t.id, t.experiment, t.name, t.user, t.uri, t.status, t.life, t.started, t.ended"
#define MODEL_COLUMNS      "t.nr, t.name, t.description, t.created, t.updated"
#define VERSION_COLUMNS    "t.nr, m.name, t.version, t.stage, t.ready, t.created, t.updated, t.source, t.run_id, t.run_link, " \
                           "t.description, t.user, t.model"
#define VERSION_FROM       "version t JOIN model m ON m.nr=t.model"

#define REGISTRY_SQL(X)                                                                                                \
    X(SQL_EXPERIMENT_ADD, "INSERT INTO experiment(name, location, life, created, updated, deleted) VALUES(?1, ?2, 0, ?3, ?3, 0)") \
    X(SQL_EXPERIMENT_LOCATION, "UPDATE experiment SET location=?2 WHERE nr=?1")                                        \
    X(SQL_EXPERIMENT_GET, "SELECT " EXPERIMENT_COLUMNS " FROM experiment t WHERE t.nr=?1")                             \
    X(SQL_EXPERIMENT_NAMED, "SELECT " EXPERIMENT_COLUMNS " FROM experiment t WHERE t.name=?1")                         \
    X(SQL_EXPERIMENT_RENAME, "UPDATE experiment SET name=?2, updated=?3 WHERE nr=?1")                                  \
    X(SQL_EXPERIMENT_LIFE, "UPDATE experiment SET life=?2, updated=?3, deleted=?4 WHERE nr=?1")                        \
    X(SQL_EXPERIMENT_RUNS_OUT, "UPDATE run SET life=1, deleted=?2, with_all=1 WHERE experiment=?1 AND life=0")         \
    X(SQL_EXPERIMENT_RUNS_IN, "UPDATE run SET life=0, deleted=0, with_all=0 WHERE experiment=?1 AND with_all=1")       \
    X(SQL_LAST_ID, "SELECT last_insert_rowid()")                                                                       \
    X(SQL_CHANGED, "SELECT changes()")                                                                                 \
    X(SQL_RUN_ADD, "INSERT INTO run(id, experiment, name, user, uri, status, life, started, ended, deleted, with_all) "\
                   "VALUES(?1, ?2, ?3, ?4, ?5, 'RUNNING', 0, ?6, 0, 0, 0)")                                            \
    X(SQL_RUN_GET, "SELECT " RUN_COLUMNS " FROM run t WHERE t.id=?1")                                                  \
    X(SQL_RUN_UPDATE, "UPDATE run SET status=?2, ended=?3, name=?4 WHERE nr=?1")                                       \
    X(SQL_RUN_NAME, "UPDATE run SET name=?2 WHERE nr=?1")                                                              \
    X(SQL_RUN_LIFE, "UPDATE run SET life=?2, deleted=?3, with_all=0 WHERE nr=?1")                                      \
    X(SQL_RUN_METRICS, "SELECT key, value, at, step FROM latest WHERE run=?1 ORDER BY key")                            \
    X(SQL_RUN_PARAMS, "SELECT key, value FROM param WHERE run=?1 ORDER BY key")                                        \
    X(SQL_METRIC_ADD, "INSERT INTO metric(run, key, value, at, step) VALUES(?1, ?2, ?3, ?4, ?5)")                      \
    X(SQL_LATEST_PUT, "INSERT INTO latest(run, key, value, at, step) VALUES(?1, ?2, ?3, ?4, ?5) "                      \
                      "ON CONFLICT(run, key) DO UPDATE SET value=excluded.value, at=excluded.at, step=excluded.step "  \
                      "WHERE (excluded.step, excluded.at, ifnull(excluded.value, -9e999)) >= (step, at, ifnull(value, -9e999))") \
    X(SQL_METRIC_HISTORY, "SELECT nr, key, value, at, step FROM metric WHERE run=?1 AND key=?2 AND nr>?3 ORDER BY nr LIMIT ?4") \
    X(SQL_PARAM_GET, "SELECT value FROM param WHERE run=?1 AND key=?2")                                                \
    X(SQL_PARAM_ADD, "INSERT INTO param(run, key, value) VALUES(?1, ?2, ?3)")                                          \
    X(SQL_TAG_PUT, "INSERT INTO tag(kind, owner, key, value) VALUES(?1, ?2, ?3, ?4) "                                  \
                   "ON CONFLICT(kind, owner, key) DO UPDATE SET value=excluded.value")                                 \
    X(SQL_TAG_DROP, "DELETE FROM tag WHERE kind=?1 AND owner=?2 AND key=?3")                                           \
    X(SQL_TAG_LIST, "SELECT key, value FROM tag WHERE kind=?1 AND owner=?2 ORDER BY key")                              \
    X(SQL_TAG_CLEAR, "DELETE FROM tag WHERE kind=?1 AND owner=?2")                                                     \
    X(SQL_MODEL_ADD, "INSERT INTO model(name, description, created, updated, versions) VALUES(?1, ?2, ?3, ?3, 0)")     \
    X(SQL_MODEL_GET, "SELECT " MODEL_COLUMNS " FROM model t WHERE t.name=?1")                                          \
    X(SQL_MODEL_RENAME, "UPDATE model SET name=?2, updated=?3 WHERE nr=?1")                                            \
    X(SQL_MODEL_DESCRIBE, "UPDATE model SET description=?2, updated=?3 WHERE nr=?1")                                   \
    X(SQL_MODEL_TOUCH, "UPDATE model SET updated=?2 WHERE nr=?1")                                                      \
    X(SQL_MODEL_NEXT, "UPDATE model SET versions=versions+1, updated=?2 WHERE nr=?1 RETURNING versions")               \
    X(SQL_MODEL_DROP, "DELETE FROM model WHERE nr=?1")                                                                 \
    X(SQL_MODEL_VERSION_TAGS_DROP, "DELETE FROM tag WHERE kind=3 AND owner IN (SELECT nr FROM version WHERE model=?1)")\
    X(SQL_MODEL_VERSIONS_DROP, "DELETE FROM version WHERE model=?1")                                                   \
    X(SQL_MODEL_ALIASES_DROP, "DELETE FROM alias WHERE model=?1")                                                      \
    X(SQL_MODEL_LATEST, "SELECT " VERSION_COLUMNS " FROM " VERSION_FROM " WHERE t.model=?1 AND t.ready=0 AND t.version="\
                        "(SELECT max(o.version) FROM version o WHERE o.model=?1 AND o.ready=0 AND o.stage=t.stage) "   \
                        "ORDER BY t.version")                                                                          \
    X(SQL_MODEL_ALIASES, "SELECT alias, version FROM alias WHERE model=?1 ORDER BY alias")                             \
    X(SQL_ALIAS_PUT, "INSERT INTO alias(model, alias, version) VALUES(?1, ?2, ?3) "                                    \
                     "ON CONFLICT(model, alias) DO UPDATE SET version=excluded.version")                               \
    X(SQL_ALIAS_DROP, "DELETE FROM alias WHERE model=?1 AND alias=?2")                                                 \
    X(SQL_ALIAS_OF, "SELECT alias FROM alias WHERE model=?1 AND version=?2 ORDER BY alias")                            \
    X(SQL_ALIAS_OF_DROP, "DELETE FROM alias WHERE model=?1 AND version=?2")                                            \
    X(SQL_VERSION_ADD, "INSERT INTO version(model, version, stage, ready, created, updated, source, run_id, run_link, "\
                       "description, user) VALUES(?1, ?2, 'None', 0, ?3, ?3, ?4, ?5, ?6, ?7, ?8)")                     \
    X(SQL_VERSION_GET, "SELECT " VERSION_COLUMNS " FROM " VERSION_FROM " WHERE m.name=?1 AND t.version=?2")            \
    X(SQL_VERSION_DESCRIBE, "UPDATE version SET description=?2, updated=?3 WHERE nr=?1")                               \
    X(SQL_VERSION_DROP, "DELETE FROM version WHERE nr=?1")                                                             \
    X(SQL_VERSION_STAGE, "UPDATE version SET stage=?2, updated=?3 WHERE nr=?1")                                        \
    X(SQL_VERSION_ARCHIVE, "UPDATE version SET stage='Archived', updated=?4 WHERE model=?1 AND stage=?2 AND nr<>?3")   \
    X(SQL_GC_RUNS, "SELECT nr, id, uri FROM run WHERE life=1 AND deleted<=?1 AND NOT EXISTS"                           \
                   "(SELECT 1 FROM version v WHERE v.run_id=run.id) ORDER BY nr LIMIT 1000")                           \
    X(SQL_GC_METRICS, "DELETE FROM metric WHERE run=?1")                                                               \
    X(SQL_GC_LATEST, "DELETE FROM latest WHERE run=?1")                                                                \
    X(SQL_GC_PARAMS, "DELETE FROM param WHERE run=?1")                                                                 \
    X(SQL_GC_RUN, "DELETE FROM run WHERE nr=?1 AND life=1")                                                            \
    X(SQL_GC_EXPERIMENT_TAGS, "DELETE FROM tag WHERE kind=0 AND owner IN (SELECT nr FROM experiment e WHERE " GC_EMPTY ")") \
    X(SQL_GC_EXPERIMENTS, "DELETE FROM experiment AS e WHERE " GC_EMPTY)
#define GC_EMPTY "e.life=1 AND e.nr<>0 AND e.deleted<=?1 AND NOT EXISTS(SELECT 1 FROM run r WHERE r.experiment=e.nr)"
/* clang-format on */

enum {
    SQL_BEFORE_OURS = N_SQL_COMMON - 1,
#define REGISTRY_ENUM(name, text) name,
    REGISTRY_SQL(REGISTRY_ENUM)
#undef REGISTRY_ENUM
        N_REGISTRY_SQL
};

extern const SqlTable registry_sql;
extern const Schema registry_schema;
