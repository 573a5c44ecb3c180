/* adapters/article/read.c - articles out of the file. */

#include "adapters/article/internal.h"

#include <sqlite3.h>

static Str text(sqlite3_stmt *st, int column, Arena *a) {
    return str_dup(a, db_text(st, column));
}

static Str hex_id(Arena *a, Str bytes) {
    static const char digits[] = "0123456789abcdef";
    char *p = arena_alloc(a, ARTICLE_ID_SIZE);
    for (size_t i = 0; i < ARTICLE_ID_SIZE; i++) {
        unsigned char c = i / 2 < bytes.n ? (unsigned char)bytes.p[i / 2] : 0;
        p[i] = digits[i % 2 ? c & 15 : c >> 4];
    }
    return str_n(p, ARTICLE_ID_SIZE);
}

static StrList split(sqlite3_stmt *st, int column, Arena *a) {
    Str rest = text(st, column, a), item;
    StrList out = { .v = arena_new_n(a, Str, ARTICLE_LIST_MAX) };
    while (out.n < ARTICLE_LIST_MAX && str_next(&rest, 0x1f, &item))
        if (item.n)
            out.v[out.n++] = item;
    return out;
}

void article_from_row(sqlite3_stmt *st, Arena *arena, bool with_text, Article *a, int64_t *n_copies) {
    int c = 1;
    *a = (Article){ .published = time_ms(db_i64(st, c++)) };
    a->known_at = time_ms(db_i64(st, c++));
    c++; /* words */
    int64_t flags = db_i64(st, c++);
    a->simulated = (flags & DOC_SIMULATED) != 0;
    a->date_estimated = (flags & DOC_ESTIMATED) != 0;
    a->near_hash = (uint64_t)db_i64(st, c++);
    a->revision = db_i64(st, c++);
    a->id = hex_id(arena, db_text(st, c++));
    a->guid = text(st, c++, arena);
    a->url = text(st, c++, arena);
    a->source = text(st, c++, arena);
    a->title = text(st, c++, arena);
    a->summary = text(st, c++, arena);
    a->language = text(st, c++, arena);
    a->image_url = text(st, c++, arena);
    a->authors = split(st, c++, arena);
    a->categories = split(st, c++, arena);
    a->tickers = split(st, c++, arena);
    a->collected = time_ms(db_i64(st, c++));
    *n_copies = db_i64(st, c++);
    if (with_text)
        a->text = text(st, c, arena);
}

ArticleSentiment article_score_from_row(sqlite3_stmt *st, Arena *a) {
    return (ArticleSentiment){ .model = text(st, 0, a),
                               .label = text(st, 1, a),
                               .score = db_f64(st, 2),
                               .confidence = db_f64(st, 3),
                               .at = time_ms(db_i64(st, 4)) };
}

int article_load(Db *db, Ctx *cx, int64_t row, bool with_text, ArticleHit *out) {
    sqlite3_stmt *st;
    *out = (ArticleHit){ 0 };
    int r = db_query(db, cx, with_text ? SQL_GET : SQL_HEAD, &st, "i", row);
    if (r == 0 && (r = db_step(db, cx, st)) == 0)
        return ARTICLE_NO_SUCH;
    if (r < 0)
        return r;
    article_from_row(st, cx->arena, with_text, &out->article, &out->n_copies);
    db_reset(st);
    r = db_query(db, cx, SQL_SCORES, &st, "i", row);
    if (r == 0 && (r = db_step(db, cx, st)) > 0) {
        out->article.sentiment = article_score_from_row(st, cx->arena);
        db_reset(st);
    }
    return MIN(r, 0);
}
