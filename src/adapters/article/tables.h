#pragma once

/* adapters/article/tables.h - the tables of news.db and every statement on them.
 *
 *   article      what is shown; its long text last, so that lists do not read it
 *   article_doc  what ranking and lists need of each: narrow, read whole into memory at the first search (docs.h)
 *   article_key  who has been here: 128 bits of each id, each (source, guid) and each copy's id -> the article's row
 *   article_tag  lists by source, ticker, category, language: (tag, published, row)
 *   article_fts  the words (FTS5 without content of its own: the words stand in article); the column `tags` holds the tags
 *                as words that no text can have, so that a filter is one more word of the query
 *   article_copy, article_score, tag, state, outbox */

#include "adapters/sqlite/outbox.h"
#include "adapters/sqlite/owner.h"

#define DOC_COLUMNS "d.row, d.published, d.known, d.words, d.flags, d.near, d.revision"
#define ARTICLE_COLUMNS                                                                                                \
    "a.id, a.guid, a.url, a.source, a.title, a.summary, a.language, a.image, a.authors, a.categories, a.tickers, "     \
    "a.collected, a.copies"
#define ARTICLE_JOINED "article_doc d JOIN article a ON a.row=d.row"

/* clang-format off */
#define ARTICLE_SQL(X)                                                                                                 \
    X(SQL_KEY_FIND, "SELECT row, kind FROM article_key WHERE key=?1 AND rest=?2")                                      \
    X(SQL_KEY_TAKEN, "SELECT 1 FROM article_key WHERE key=?1")                                                         \
    X(SQL_KEY_PUT, "INSERT INTO article_key(key, rest, row, kind) VALUES(?1, ?2, ?3, ?4)")                             \
    X(SQL_KEY_DROP, "DELETE FROM article_key WHERE key=?1 AND rest=?2 AND row=?3")                                     \
    X(SQL_DOC_PUT, "INSERT INTO article_doc(row, published, known, words, flags, near, revision) "                     \
                   "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)")                                                               \
    X(SQL_DOC_SET, "UPDATE article_doc SET known=?2, words=?3, near=?4, revision=?5 WHERE row=?1")                     \
    X(SQL_DOC_LABEL, "UPDATE article_doc SET flags=(flags & ~?4) | ?2, revision=?3 WHERE row=?1 RETURNING flags")      \
    X(SQL_DOC_DROP, "DELETE FROM article_doc WHERE row=?1")                                                            \
    X(SQL_DOCS, "SELECT row, published, words, flags FROM article_doc ORDER BY row")                                   \
    X(SQL_RECENT, "SELECT row, near, words, published FROM article_doc ORDER BY row DESC LIMIT ?1")                    \
    X(SQL_TOP, "SELECT coalesce(max(row), 0) FROM article_doc")                                                        \
    X(SQL_REVISION, "SELECT coalesce(max(revision), 0) FROM article_doc")                                              \
    X(SQL_PUT, "INSERT INTO article(row, id, guid, url, source, title, summary, language, image, authors, categories, "\
               "tickers, collected, copies, text) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,0,?14)")           \
    X(SQL_SET, "UPDATE article SET title=?2, summary=?3, text=?4, categories=?5, tickers=?6, image=?7 WHERE row=?1")   \
    X(SQL_DROP, "DELETE FROM article WHERE row=?1")                                                                    \
    X(SQL_GET, "SELECT " DOC_COLUMNS ", " ARTICLE_COLUMNS ", a.text FROM " ARTICLE_JOINED " WHERE d.row=?1")           \
    X(SQL_HEAD, "SELECT " DOC_COLUMNS ", " ARTICLE_COLUMNS " FROM " ARTICLE_JOINED " WHERE d.row=?1")                  \
    X(SQL_CHANGES, "SELECT " DOC_COLUMNS ", " ARTICLE_COLUMNS " FROM " ARTICLE_JOINED                                  \
                   " WHERE d.revision>?1 ORDER BY d.revision LIMIT ?2")                                                \
    X(SQL_WORDS, "SELECT title, summary, text FROM article WHERE row=?1")                                              \
    X(SQL_FTS_PUT, "INSERT INTO article_fts(rowid, title, summary, text, tags) VALUES(?1, ?2, ?3, ?4, ?5)")            \
    X(SQL_FTS_DROP, "INSERT INTO article_fts(article_fts, rowid, title, summary, text, tags) "                         \
                    "VALUES('delete', ?1, ?2, ?3, ?4, ?5)")                                                            \
    X(SQL_FTS_COUNT, "SELECT rowid FROM article_fts WHERE article_fts MATCH ?1 AND rowid<=?2 ORDER BY rowid DESC")     \
    X(SQL_FTS_RANK, "SELECT rowid, news_rank(article_fts) FROM article_fts WHERE article_fts MATCH ?1 "                \
                    "AND rowid>=?2 AND rowid<=?3 ORDER BY rowid DESC")                                                 \
    X(SQL_TAG_FIND, "SELECT tag FROM tag WHERE kind=?1 AND name=?2")                                                   \
    X(SQL_TAG_PUT, "INSERT INTO tag(kind, name) VALUES(?1, ?2) RETURNING tag")                                         \
    X(SQL_TAG_ADD, "INSERT OR IGNORE INTO article_tag(tag, published, row) VALUES(?1, ?2, ?3)")                        \
    X(SQL_TAG_DROP, "DELETE FROM article_tag WHERE tag=?1 AND published=?2 AND row=?3")                                \
    X(SQL_TAG_HAS, "SELECT 1 FROM article_tag WHERE tag=?1 AND published=?2 AND row=?3")                               \
    X(SQL_LIST_NEWEST, "SELECT row, published, flags, known FROM article_doc WHERE published>=?1 AND published<?2 "    \
                       "AND (published, row)<(?3, ?4) ORDER BY published DESC, row DESC")                              \
    X(SQL_LIST_OLDEST, "SELECT row, published, flags, known FROM article_doc WHERE published>=?1 AND published<?2 "    \
                       "AND (published, row)>(?3, ?4) ORDER BY published, row")                                        \
    X(SQL_TAGGED_NEWEST, "SELECT t.row, t.published, d.flags, d.known FROM article_tag t JOIN article_doc d "          \
                         "ON d.row=t.row WHERE t.tag=?5 AND t.published>=?1 AND t.published<?2 "                       \
                         "AND (t.published, t.row)<(?3, ?4) ORDER BY t.published DESC, t.row DESC")                    \
    X(SQL_TAGGED_OLDEST, "SELECT t.row, t.published, d.flags, d.known FROM article_tag t JOIN article_doc d "          \
                         "ON d.row=t.row WHERE t.tag=?5 AND t.published>=?1 AND t.published<?2 "                       \
                         "AND (t.published, t.row)>(?3, ?4) ORDER BY t.published, t.row")                              \
    X(SQL_KNOWN, "SELECT known FROM article_doc WHERE row=?1")                                                         \
    X(SQL_COPY_PUT, "INSERT OR IGNORE INTO article_copy(row, id, source, url, title, published, seen) "                \
                    "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)")                                                              \
    X(SQL_COPY_COUNT, "UPDATE article SET copies=(SELECT count(*) FROM article_copy WHERE row=?1) WHERE row=?1")       \
    X(SQL_COPIES, "SELECT source, url, title, published, seen, id FROM article_copy WHERE row=?1 ORDER BY seen, id")   \
    X(SQL_COPY_DROP, "DELETE FROM article_copy WHERE row=?1")                                                          \
    X(SQL_SCORE_PUT, "INSERT OR IGNORE INTO article_score(row, model, label, score, confidence, at) "                  \
                     "VALUES(?1, ?2, ?3, ?4, ?5, ?6) RETURNING 1")                                                     \
    X(SQL_SCORES, "SELECT model, label, score, confidence, at FROM article_score WHERE row=?1 ORDER BY at DESC, model")\
    X(SQL_SCORE_DROP, "DELETE FROM article_score WHERE row=?1")                                                        \
    X(SQL_SOURCES, "SELECT t.name, count(*), max(x.published), (SELECT count(*) FROM article_copy c WHERE "            \
                   "c.source=t.name) FROM tag t JOIN article_tag x ON x.tag=t.tag WHERE t.kind='s' GROUP BY t.tag "    \
                   "ORDER BY t.name")                                                                                  \
    X(SQL_EXPIRED, "SELECT row FROM article_doc WHERE published<?1 ORDER BY published LIMIT ?2")                       \
    X(SQL_STATE_GET, "SELECT value FROM state WHERE key=?1")                                                           \
    X(SQL_STATE_PUT, "INSERT INTO state(key, value) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE SET value=excluded.value")\
    X(SQL_COUNTS, "SELECT (SELECT count(*) FROM article_doc), (SELECT count(*) FROM article_copy), "                   \
                  "(SELECT count(*) FROM article_score), (SELECT max(published) FROM article_doc), "                   \
                  "(SELECT count(*) FROM outbox)")                                                                     \
    X(SQL_FTS_CHECK, "INSERT INTO article_fts(article_fts) VALUES('integrity-check')")                                 \
    X(SQL_ORPHANS, "SELECT (SELECT count(*) FROM article WHERE row NOT IN (SELECT row FROM article_doc)) + "           \
                   "(SELECT count(*) FROM article_doc WHERE row NOT IN (SELECT row FROM article)) + "                  \
                   "(SELECT count(*) FROM article_key WHERE row NOT IN (SELECT row FROM article_doc)) + "              \
                   "(SELECT count(*) FROM article_tag WHERE row NOT IN (SELECT row FROM article_doc))")                \
    OUTBOX_SQL_TABLE(X)
/* clang-format on */

enum {
    SQL_BEFORE_OURS = N_SQL_COMMON - 1,
#define ARTICLE_ENUM(name, text) name,
    ARTICLE_SQL(ARTICLE_ENUM)
#undef ARTICLE_ENUM
        N_ARTICLE_SQL
};

enum { KEY_ID, KEY_GUID, KEY_COPY }; /* article_key.kind */

extern const SqlTable article_sql;
extern const Schema article_schema;
