#pragma once

/* adapters/article/mongo.h - articles in a MongoDB (libmongoc), or in what speaks its protocol.
 *
 * Collections of the database, each document what a reader of it expects to find:
 *   articles  _id (the row), id, title, content, summary, source, published_at, url, tags, tickers, authors, language,
 *             image_url, collected_at, known_at, sentiment, scores, copies; beside them what finds it: keys (its id, those
 *             of its copies, source and guid), words (core/words.h, each once), tags_lower, near_hash
 *   outbox    events that wait to be told, by number
 *   state     what the sources are known by
 *   meta      one document, "head": the number of the last commit, and what is counted
 *   journal   commits on their way
 *
 * Words are cut, folded, counted and ranked by us (rank.h), not by a text index of the server's: what is found, in which
 * order and with which score is the same in every store, phrases and beginnings included, whatever language a server
 * stems. The server's index on `words` finds the candidates; each is then looked at.
 *
 * A commit of many documents without transactions, which a lone server does not have: its documents go into `journal`,
 * then one change of the head from seq to seq + 1 makes it valid, then they are put where they belong and the journal is
 * emptied. Whoever opens the store after a kill, or comes upon a head that is not done, does the last step again; doing it
 * twice changes nothing. Two processes that write at once see it by the head: one of them starts anew. Reads of this
 * process see all or nothing of a commit; those of other processes may see one on its way.
 *
 * Writes ask for w=majority and the server's journal unless the URL says otherwise. Threads: any, except open and close. */

#include "ports/article_store.h"

typedef struct ArticleMongoOptions {
    Str url;        /* mongodb://[user:password@]host[:27017][,host][/database][?options] */
    uint64_t token; /* of this process, other than every other's: names its commits on their way */
    int newest;     /* candidates of a search that are looked at, the newest; 0 = ARTICLE_NEWEST */
} ArticleMongoOptions;

/* ERR_INVALID: no such URL. ERR_UNAVAILABLE: nobody answers; ERR_DENIED; ERR_VERSION: a newer program's data.
 * ERR_UNSUPPORTED: this build has no libmongoc. */
int article_mongo_open(Ctx *cx, const ArticleMongoOptions *options, ArticleStore **out);
/* Is the adapter in this build? */
bool article_mongo_built(void);
