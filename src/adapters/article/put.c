/* adapters/article/put.c - articles into the file: who is it, is it new, what is told of it; one transaction a put.
 *
 * What the put does to the tables in memory it does before the commit, under the owner's lock, so that they follow the
 * order of commits; when the commit fails it is taken back. A reader that sees a row there which its snapshot of the file
 * does not have finds nothing by it. */

#include "adapters/article/internal.h"
#include "adapters/article/look.h"
#include "adapters/article/rank.h"
#include "core/near_text.h"

#include <sqlite3.h>

typedef struct DocUndo {
    int64_t row;
    Doc was;
} DocUndo;

typedef struct PutWork {
    ArticleSqlite *s;
    const ArticlePutRequest *req;
    ArticlePut *out;
    DocUndo *undo;
    size_t n_undo;
} PutWork;

/* --- keys --- */

static int64_t hex64(Str s) {
    uint64_t v = 0;
    for (size_t i = 0; i < 16; i++)
        v = v << 4 | (uint64_t)(s.p[i] <= '9' ? s.p[i] - '0' : s.p[i] - 'a' + 10);
    return (int64_t)v;
}

ArticleKey article_key_of_id(Str id) {
    return (ArticleKey){ hex64(id), hex64(str_from(id, 16)) };
}

ArticleKey article_key_of_guid(Str source, Str guid) {
    Article a = { .source = source, .guid = guid };
    char id[ARTICLE_ID_SIZE];
    article_id(&a, id);
    return article_key_of_id(str_n(id, sizeof id));
}

int article_key_find(Db *db, Ctx *cx, ArticleKey k, int64_t *row, int64_t *kind) {
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_KEY_FIND, &st, "ii", k.key, k.rest);
    if (r || (r = db_step(db, cx, st)) <= 0)
        return r;
    *row = db_i64(st, 0);
    *kind = db_i64(st, 1);
    db_reset(st);
    return 1;
}

int article_row_of(Db *db, Ctx *cx, Str id, int64_t *row) {
    int64_t kind = KEY_GUID;
    int r = article_key_find(db, cx, article_key_of_id(id), row, &kind);
    return r < 0 ? r : r == 1 && kind != KEY_GUID ? 0 : ARTICLE_NO_SUCH;
}

/* Two ids whose first 64 of 128 bits are the same: one in 10^7 stores of a million. The second is not entered, so it would
 * be found new again; never is it taken for the first. */
static int put_key(Db *db, Ctx *cx, ArticleKey k, int64_t row, int kind) {
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_KEY_TAKEN, &st, "i", k.key);
    if (r == 0 && (r = db_step(db, cx, st)) > 0) {
        db_reset(st);
        return 0;
    }
    return r ? r : db_run(db, cx, SQL_KEY_PUT, "iiii", k.key, k.rest, row, (int64_t)kind);
}

/* 1 it is there: by its id, as a copy, or by source and guid. */
static int find_stored(Db *db, Ctx *cx, const Article *a, int64_t *row) {
    int64_t kind;
    int r = article_key_find(db, cx, article_key_of_id(a->id), row, &kind);
    if (r == 0 && a->guid.n)
        r = article_key_find(db, cx, article_key_of_guid(a->source, a->guid), row, &kind);
    return r;
}

/* --- tags --- */

static int tag_id(Db *db, Ctx *cx, char kind, Str name, bool make, int64_t *out) {
    sqlite3_stmt *st;
    *out = 0;
    int r = db_query(db, cx, SQL_TAG_FIND, &st, "ss", str_n(&kind, 1), name);
    if (r == 0 && (r = db_step(db, cx, st)) == 0 && make) {
        r = db_query(db, cx, SQL_TAG_PUT, &st, "ss", str_n(&kind, 1), name);
        r = r ? r : db_step(db, cx, st);
    }
    if (r <= 0)
        return r;
    *out = db_i64(st, 0);
    db_reset(st);
    return 0;
}

typedef int TagFn(Db *db, Ctx *cx, char kind, Str name, void *arg);

static int each_tag(Db *db, Ctx *cx, const Article *a, TagFn *fn, void *arg) {
    int r = fn(db, cx, 's', a->source, arg);
    if (r == 0 && a->language.n)
        r = fn(db, cx, 'l', a->language, arg);
    for (size_t i = 0; r == 0 && i < a->tickers.n; i++)
        r = fn(db, cx, 't', a->tickers.v[i], arg);
    for (size_t i = 0; r == 0 && i < a->categories.n; i++)
        r = fn(db, cx, 'c', str_lower(cx->arena, a->categories.v[i]), arg);
    return r;
}

typedef struct TagRow {
    int64_t row, published;
    int sql; /* SQL_TAG_ADD or SQL_TAG_DROP */
    Buf *words;
} TagRow;

static int tag_row(Db *db, Ctx *cx, char kind, Str name, void *arg) {
    const TagRow *t = arg;
    int64_t tag;
    int r = tag_id(db, cx, kind, name, t->sql == SQL_TAG_ADD, &tag);
    fts_tag_words(t->words, kind, name);
    return r || !tag ? r : db_run(db, cx, t->sql, "iii", tag, t->published, t->row);
}

/* The article's words and tags into the indexes, or (SQL_TAG_DROP) out of them: then exactly as they went in. */
static int index_words(ArticleSqlite *s, Db *db, Ctx *cx, const Article *a, int64_t row, int sql) {
    Buf tags;
    buf_init(&tags, 64 << 10);
    TagRow t = { row, a->published.ms, sql, &tags };
    int r = each_tag(db, cx, a, tag_row, &t);
    if (db == &s->owner.db)
        s->fts.n_words = 0;
    if (r == 0)
        r = db_run(db, cx, sql == SQL_TAG_ADD ? SQL_FTS_PUT : SQL_FTS_DROP, "issss", row, a->title, a->summary, a->text,
                   buf_str(&tags));
    buf_done(&tags);
    return r;
}

/* --- the tables in memory --- */

static void set_doc(PutWork *w, int64_t row, const Doc *d) {
    ArticleSqlite *s = w->s;
    if (!atomic_load(&s->docs_loaded))
        return;
    pthread_mutex_lock(&s->docs_lock);
    w->undo[w->n_undo++] = (DocUndo){ row, docs_get(&s->docs, row) };
    docs_set(&s->docs, row, d);
    pthread_mutex_unlock(&s->docs_lock);
}

static void undo_docs(PutWork *w) {
    pthread_mutex_lock(&w->s->docs_lock);
    while (w->n_undo > 0) {
        const DocUndo *u = &w->undo[--w->n_undo];
        if (u->was.flags & DOC_GONE)
            docs_drop(&w->s->docs, u->row);
        else
            docs_set(&w->s->docs, u->row, &u->was);
    }
    pthread_mutex_unlock(&w->s->docs_lock);
}

static void remember(ArticleSqlite *s, const Recent *r) {
    s->recent[s->recent_at] = *r;
    s->recent_at = (s->recent_at + 1) % RECENT_MAX;
    s->n_recent = MIN(s->n_recent + 1, (size_t)RECENT_MAX);
}

static int load_recent(ArticleSqlite *s, Db *db, Ctx *cx) {
    sqlite3_stmt *st;
    if (s->recent_loaded)
        return 0;
    if (!s->recent)
        s->recent = mem_alloc(RECENT_MAX * sizeof *s->recent);
    s->n_recent = s->recent_at = 0;
    int r = db_query(db, cx, SQL_RECENT, &st, "i", (int64_t)RECENT_MAX);
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        remember(s, &(Recent){ (uint64_t)db_i64(st, 1), db_i64(st, 0), db_i64(st, 3), (uint32_t)db_i64(st, 2) });
        r = 0;
    }
    s->recent_loaded = r == 0;
    return r;
}

static int load_counters(ArticleSqlite *s, Db *db, Ctx *cx) {
    int r = 0;
    if (s->next_row == 0) {
        r = db_pragma_i64(db, cx, article_sql.text[SQL_TOP], &s->next_row);
        s->next_row = r ? 0 : s->next_row + 1;
    }
    if (r == 0 && s->revision == 0)
        r = db_pragma_i64(db, cx, article_sql.text[SQL_REVISION], &s->revision);
    return r;
}

/* --- near-same texts --- */

/* Bits that differ, by the CPU's own instruction where it has it: a new article is compared with thousands. */
__attribute__((target("popcnt"))) static size_t next_near_fast(const Recent *v, size_t at, size_t n, uint64_t hash) {
    while (at < n && (__builtin_popcountll(v[at].hash ^ hash) > NEAR_BITS_MAX || v[at].hash == 0))
        at++;
    return at;
}

static size_t next_near(const Recent *v, size_t at, size_t n, uint64_t hash) {
    if (__builtin_cpu_supports("popcnt"))
        return next_near_fast(v, at, n, hash);
    while (at < n && (near_distance(v[at].hash, hash) > NEAR_BITS_MAX || v[at].hash == 0))
        at++;
    return at;
}

static bool may_be_near(const Recent *r, const Article *a, size_t words) {
    int64_t apart = r->published > a->published.ms ? r->published - a->published.ms : a->published.ms - r->published;
    size_t most = MAX((size_t)r->words, words), least = MIN((size_t)r->words, words);
    return apart <= (int64_t)NEAR_DAYS * MS_PER_DAY && (most > 400 || least * 2 >= most);
}

/* 1 and its row: a stored article with nearly these words. words: a guess of how many it has. */
static int find_near(ArticleSqlite *s, Db *db, Ctx *cx, const Article *a, int64_t *row) {
    size_t words = (a->title.n + a->summary.n + a->text.n) / 6;
    for (size_t i = 0; (i = next_near(s->recent, i, s->n_recent, a->near_hash)) < s->n_recent; i++) {
        ArenaMark mark = arena_mark(cx->arena);
        ArticleHit other;
        if (!may_be_near(&s->recent[i], a, words))
            continue;
        int r = article_load(db, cx, s->recent[i].row, true, &other);
        bool own = r == 0 && str_eq(other.article.source, a->source);
        bool near = r == 0 && near_similarity(cx->arena, a->title, near_body(a), other.article.title,
                                              near_body(&other.article)) >= (own ? NEAR_OWN_MIN : NEAR_SIMILARITY_MIN);
        arena_rewind(cx->arena, mark);
        if (r < 0)
            return r;
        if (near) {
            *row = s->recent[i].row;
            return 1;
        }
    }
    return 0;
}

/* --- what becomes of one --- */

Str article_join(Arena *a, const StrList *l) {
    Buf b;
    buf_init(&b, 64 << 10);
    for (size_t i = 0; i < l->n; i++) {
        buf_put_str(&b, l->v[i]);
        buf_put_c(&b, 0x1f);
    }
    Str out = str_dup(a, buf_str(&b));
    buf_done(&b);
    return out;
}

static Str id_bytes(Arena *arena, Str id) {
    char *p = arena_alloc(arena, 16);
    for (size_t i = 0; i < 16; i++) {
        Str two = str_first(str_from(id, i * 2), 2);
        int hi = two.p[0] <= '9' ? two.p[0] - '0' : two.p[0] - 'a' + 10;
        int lo = two.p[1] <= '9' ? two.p[1] - '0' : two.p[1] - 'a' + 10;
        p[i] = (char)(hi << 4 | lo);
    }
    return str_n(p, 16);
}

static int insert(PutWork *w, Db *db, Ctx *cx, const Article *a, int64_t row) {
    ArticleSqlite *s = w->s;
    unsigned flags = (a->simulated ? DOC_SIMULATED : 0) | (a->date_estimated ? DOC_ESTIMATED : 0);
    int r = index_words(s, db, cx, a, row, SQL_TAG_ADD);
    int64_t words = s->fts.n_words;
    if (r == 0)
        r = db_run(db, cx, SQL_DOC_PUT, "iiiiiii", row, a->published.ms, a->known_at.ms, words, (int64_t)flags,
                   (int64_t)a->near_hash, ++s->revision);
    if (r == 0)
        r = db_run(db, cx, SQL_PUT, "ibssssssssssis", row, id_bytes(cx->arena, a->id), a->guid, a->url, a->source,
                   a->title, a->summary, a->language, a->image_url, article_join(cx->arena, &a->authors),
                   article_join(cx->arena, &a->categories), article_join(cx->arena, &a->tickers), a->collected.ms,
                   a->text);
    if (r == 0)
        r = put_key(db, cx, article_key_of_id(a->id), row, KEY_ID);
    if (r == 0 && a->guid.n)
        r = put_key(db, cx, article_key_of_guid(a->source, a->guid), row, KEY_GUID);
    if (r)
        return r;
    set_doc(w, row, &(Doc){ a->published.ms, (unsigned)MIN(words, INT64_C(65535)), flags });
    if (s->recent_loaded)
        remember(s, &(Recent){ a->near_hash, row, a->published.ms, (uint32_t)words });
    return 0;
}

/* New words for a stored one: out of the index as it stands, in again as it is now. */
static int change(PutWork *w, Db *db, Ctx *cx, const Article *was, const Article *now, int64_t row) {
    ArticleSqlite *s = w->s;
    Article a = *was;
    a.title = now->title;
    a.summary = now->summary;
    a.text = now->text;
    a.categories = now->categories;
    a.tickers = now->tickers;
    a.image_url = now->image_url.n ? now->image_url : was->image_url;
    int r = index_words(s, db, cx, was, row, SQL_TAG_DROP);
    if (r == 0)
        r = index_words(s, db, cx, &a, row, SQL_TAG_ADD);
    int64_t words = s->fts.n_words;
    if (r == 0)
        r = db_run(db, cx, SQL_DOC_SET, "iiiii", row, now->known_at.ms, words, (int64_t)now->near_hash, ++s->revision);
    if (r == 0)
        r = db_run(db, cx, SQL_SET, "issssss", row, a.title, a.summary, a.text, article_join(cx->arena, &a.categories),
                   article_join(cx->arena, &a.tickers), a.image_url);
    if (r == 0 && atomic_load(&s->docs_loaded)) {
        Doc d = docs_get(&s->docs, row);
        d.words = (unsigned)MIN(words, INT64_C(65535));
        set_doc(w, row, &d);
    }
    return r;
}

static int note_copy(Db *db, Ctx *cx, const Article *a, int64_t row) {
    int r = db_run(db, cx, SQL_COPY_PUT, "ibsssii", row, id_bytes(cx->arena, a->id), a->source, a->url, a->title,
                   a->published.ms, a->collected.ms);
    if (r == 0)
        r = put_key(db, cx, article_key_of_id(a->id), row, KEY_COPY);
    return r ? r : db_run(db, cx, SQL_COPY_COUNT, "i", row);
}

/* What another source's copy of the same address is noted under. */
static Str copy_id(Arena *arena, const Article *a) {
    Article other = { .source = a->source, .guid = a->url };
    char id[ARTICLE_ID_SIZE];
    article_id(&other, id);
    return str_dup(arena, str_n(id, sizeof id));
}

static int put_stored(PutWork *w, Db *db, Ctx *cx, const Article *a, int64_t row, ArticlePut *out) {
    ArticleHit was;
    int r = article_load(db, cx, row, true, &was);
    if (r)
        return r < 0 ? r : err_set(cx, ERR_CORRUPT, "%s: the key of an article leads nowhere", db->path);
    out->id = was.article.id;
    out->fate = ARTICLE_KNOWN;
    bool same_id = str_eq(was.article.id, a->id), same_guid = a->guid.n && str_eq(was.article.guid, a->guid);
    if ((same_id || same_guid) && look_corrects(&was.article, a)) {
        out->fate = ARTICLE_CHANGED;
        r = change(w, db, cx, &was.article, a, row);
    } else if (same_id && !str_eq(was.article.source, a->source)) {
        r = db_run(db, cx, SQL_COPY_PUT, "ibsssii", row, id_bytes(cx->arena, copy_id(cx->arena, a)), a->source, a->url,
                   a->title, a->published.ms, a->collected.ms);
        r = r ? r : db_run(db, cx, SQL_COPY_COUNT, "i", row);
    }
    out->revision = out->fate == ARTICLE_CHANGED ? w->s->revision : was.article.revision;
    return r;
}

static int put_one(PutWork *w, Db *db, Ctx *cx, const Article *given, ArticlePut *out) {
    Article a = *given;
    int64_t row = 0;
    a.near_hash = near_hash(a.title, near_body(&a));
    *out = (ArticlePut){ .id = a.id };
    int r = find_stored(db, cx, &a, &row);
    if (r)
        return r < 0 ? r : put_stored(w, db, cx, &a, row, out);
    if (a.near_hash && !w->req->keep_near) {
        r = load_recent(w->s, db, cx);
        r = r ? r : find_near(w->s, db, cx, &a, &row);
    }
    if (r < 0)
        return r;
    if (r == 1) {
        ArticleHit other;
        r = article_load(db, cx, row, false, &other);
        out->fate = ARTICLE_NEAR;
        out->id = other.article.id;
        out->revision = other.article.revision;
        return r < 0 ? r : note_copy(db, cx, &a, row);
    }
    row = w->s->next_row++;
    r = insert(w, db, cx, &a, row);
    out->revision = w->s->revision;
    return r;
}

/* --- the put --- */

static int put_events(PutWork *w, Db *db, Ctx *cx) {
    if (!w->req->events)
        return 0;
    OutboxRow *v = arena_new_n(cx->arena, OutboxRow, ARTICLE_EVENTS_MAX);
    size_t n = 0;
    int r = w->req->events(w->req->events_arg, cx, w->out, w->req->n, v, &n);
    assert(n <= ARTICLE_EVENTS_MAX);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = db_outbox_put(db, cx, SQL_OUTBOX_PUT, v[i].exchange, v[i].routing_key, &v[i].event);
    return r;
}

static int put_work(Db *db, Ctx *cx, void *arg) {
    PutWork *w = arg;
    int r = load_counters(w->s, db, cx);
    for (size_t i = 0; r == 0 && i < w->req->n; i++)
        r = put_one(w, db, cx, &w->req->v[i], &w->out[i]);
    return r ? r : put_events(w, db, cx);
}

int article_db_put(ArticleSqlite *s, Ctx *cx, const ArticlePutRequest *req, ArticlePut *out) {
    PutWork w = { .s = s, .req = req, .out = out };
    w.undo = arena_new_n(cx->arena, DocUndo, MAX(req->n, 1));
    int r =
        s->unsynced ? db_owner_write_often(&s->owner, cx, put_work, &w) : db_owner_write(&s->owner, cx, put_work, &w);
    if (r)
        undo_docs(&w);
    return r;
}

/* --- out of the file --- */

static int drop_keys(Db *db, Ctx *cx, const Article *a, int64_t row) {
    ArticleKey keys[2] = { article_key_of_id(a->id), article_key_of_guid(a->source, a->guid) };
    sqlite3_stmt *st;
    int r = 0;
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(keys); i++)
        r = db_run(db, cx, SQL_KEY_DROP, "iii", keys[i].key, keys[i].rest, row);
    if (r == 0)
        r = db_query(db, cx, SQL_COPIES, &st, "i", row);
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        Str id = db_text(st, 5);
        uint64_t half[2] = { 0 };
        for (size_t i = 0; i < id.n && i < 16; i++)
            half[i / 8] = half[i / 8] << 8 | (unsigned char)id.p[i];
        r = db_run(db, cx, SQL_KEY_DROP, "iii", (int64_t)half[0], (int64_t)half[1], row);
    }
    return r;
}

int article_db_remove(ArticleSqlite *s, Ctx *cx, Db *db, int64_t row) {
    static const int drops[] = { SQL_COPY_DROP, SQL_SCORE_DROP, SQL_DROP, SQL_DOC_DROP };
    ArticleHit was;
    int r = article_load(db, cx, row, true, &was);
    if (r == 0)
        r = index_words(s, db, cx, &was.article, row, SQL_TAG_DROP);
    if (r == 0)
        r = drop_keys(db, cx, &was.article, row);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(drops); i++)
        r = db_run(db, cx, drops[i], "i", row);
    return r;
}
