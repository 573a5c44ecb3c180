/* gateway/surrogate.c - what an answer is called in caches (Surrogate-Key), and forgetting it by such a name.
 *
 * An answer of an operation here names its role and route, and the series that it tells of where there is one; of a
 * service elsewhere its own words are taken. They are the tags of what is kept (shelf.h). */

#include "gateway/internal.h"

#include "core/series.h"
#include "policy/surrogate.h"

/* A text member of that name; empty: it has none. */
static Str member(const Shape *shape, const void *in, const char *name) {
    for (size_t i = 0; shape && i < shape->n_fields; i++)
        if (shape->fields[i].type == FT_STR && strcmp(shape->fields[i].name, name) == 0)
            return *(const Str *)((const char *)in + shape->fields[i].offset);
    return (Str){ 0 };
}

void surrogate_note(Request *rq, const void *in, Str series) {
    const Op *op = rq->match.op;
    if (!str_eq(str_c(op->method), S("GET")) || rq->route->needs > ROLE_READ)
        return;
    Str name = str_c(op->name), role;
    str_next(&name, '.', &role);
    SurrogateOf of = { .role = role,
                       .route = str_c(op->path),
                       .series = { member(op->in, in, "exchange"), member(op->in, in, "symbol"),
                                   member(op->in, in, "timeframe") } };
    SeriesKey key;
    char timeframe[TIMEFRAME_TEXT_MAX];
    if (series.n &&
        series_key_parse(series, &key)) { /* the one it was made of: the question may have left a part open */
        of.series.exchange = str_c(key.venue.s);
        of.series.symbol = str_c(key.symbol.s);
        if (!of.series.timeframe.n)
            of.series.timeframe = timeframe_text(key.timeframe, timeframe);
    }
    rq->surrogates = surrogate_field(&rq->arena, &of);
}

/* --- forgetting --- */

typedef struct Purge {
    Gateway *g;
    Arena arena;
    Str *keys;
    size_t n;
} Purge;

static void forget_posted(void *arg) {
    Purge *p = arg;
    fetch_forget(p->g, p->keys, p->n);
    arena_done(&p->arena);
    mem_free(p);
}

void surrogate_purge_posted(Request *rq, const void *in) {
    if (!rq->match.op->purges || !rq->g->keep.shelf)
        return;
    List keys = rq->match.op->purges(in);
    Purge *p = mem_new(Purge);
    p->g = rq->g;
    p->n = keys.n;
    p->keys = arena_new_n(&p->arena, Str, keys.n);
    for (size_t i = 0; i < keys.n; i++)
        p->keys[i] = str_dup(&p->arena, ((const Str *)keys.v)[i]);
    loop_post(rq->g->o.loop, forget_posted, p); /* before the answer, which goes the same way */
}

void surrogate_purge(Request *rq) {
    void *in;
    if (!rq->match.op || !rq->match.op->purges || request_decode(rq, &in) != 0)
        return;
    List keys = rq->match.op->purges(in);
    fetch_forget(rq->g, keys.v, keys.n);
}
