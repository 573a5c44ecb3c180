/* adapters/article/tables.c - see tables.h. */

#include "adapters/article/tables.h"

/* clang-format off */
static const SchemaStep steps[] = {
    { .up =
        "CREATE TABLE meta(name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE article("
        "  row INTEGER PRIMARY KEY, id BLOB NOT NULL, guid TEXT NOT NULL, url TEXT NOT NULL, source TEXT NOT NULL,"
        "  title TEXT NOT NULL, summary TEXT NOT NULL, language TEXT NOT NULL, image TEXT NOT NULL,"
        "  authors TEXT NOT NULL, categories TEXT NOT NULL, tickers TEXT NOT NULL," /* each: items with 0x1f behind */
        "  collected INTEGER NOT NULL, copies INTEGER NOT NULL, text TEXT NOT NULL);"
        "CREATE TABLE article_doc("
        "  row INTEGER PRIMARY KEY, published INTEGER NOT NULL, known INTEGER NOT NULL, words INTEGER NOT NULL,"
        "  flags INTEGER NOT NULL, near INTEGER NOT NULL, revision INTEGER NOT NULL);"
        "CREATE INDEX article_doc_published ON article_doc(published);"
        "CREATE INDEX article_doc_revision ON article_doc(revision);"
        "CREATE TABLE article_key("
        "  key INTEGER PRIMARY KEY, rest INTEGER NOT NULL, row INTEGER NOT NULL, kind INTEGER NOT NULL);"
        "CREATE TABLE tag(tag INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, UNIQUE(kind, name));"
        "CREATE TABLE article_tag("
        "  tag INTEGER NOT NULL, published INTEGER NOT NULL, row INTEGER NOT NULL, PRIMARY KEY(tag, published, row))"
        "  WITHOUT ROWID;"
        "CREATE TABLE article_copy("
        "  row INTEGER NOT NULL, id BLOB NOT NULL, source TEXT NOT NULL, url TEXT NOT NULL, title TEXT NOT NULL,"
        "  published INTEGER NOT NULL, seen INTEGER NOT NULL, PRIMARY KEY(row, id)) WITHOUT ROWID;"
        "CREATE INDEX article_copy_source ON article_copy(source);"
        "CREATE TABLE article_score("
        "  row INTEGER NOT NULL, model TEXT NOT NULL, label TEXT NOT NULL, score REAL NOT NULL,"
        "  confidence REAL NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(row, model)) WITHOUT ROWID;"
        "CREATE TABLE state(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
        OUTBOX_TABLES
        "CREATE VIRTUAL TABLE article_fts USING fts5("
        "  title, summary, text, tags, content='', columnsize=0, tokenize='finsight_words');"
        "INSERT INTO article_fts(article_fts, rank) VALUES('automerge', 8);"
        "INSERT INTO article_fts(article_fts, rank) VALUES('crisismerge', 32);"
        "INSERT INTO article_fts(article_fts, rank) VALUES('hashsize', 16777216);" },
};

static const char *const texts[] = {
#define SQL_TEXT(name, text) [name] = text,
    SQL_COMMON_TABLE(SQL_TEXT)
    ARTICLE_SQL(SQL_TEXT)
#undef SQL_TEXT
};
/* clang-format on */

const SqlTable article_sql = { texts, N_ARTICLE_SQL };
const Schema article_schema = { .application_id = 0x46534E57, /* "FSNW" */
                                .steps = steps,
                                .newest = ARRAY_LEN(steps) };
