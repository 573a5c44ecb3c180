/* api/cached.c - see cached.h. */

#include "api/cached.h"

enum { REVISION_WITHIN = 1024, DIGITS_MAX = 20 };

static int put_answer(Ctx *cx, const Answer *a, Buf *body) {
    buf_put_str(body, a->head);
    if (a->tail.n) {
        buf_printf(body, "%lld", (long long)a->revision);
        buf_put_str(body, a->tail);
    }
    return buf_ok(body) ? 0 : err_set(cx, ERR_TOO_LARGE, "the answer is too large; ask for fewer rows");
}

int op_cached_find(Answers *answers, Ctx *cx, const Op *op, const void *in, Str form, OpCached *c, Buf *body) {
    *c = (OpCached){ .op = op };
    OpKept k = { 0 };
    if (!answers || !op->kept || !op->kept(cx, in, NULL, &k))
        return OP_TO_RUN;
    Str key = str_fmt(cx->arena, STR_FMT "#" STR_FMT, STR_ARG(k.key), STR_ARG(form));
    if (key.n > CACHE_KEY_MAX)
        return OP_TO_RUN;
    Answer a;
    int r = answers_find(answers, cx, key, &c->ticket, &a);
    c->answers = r >= 0 ? answers : NULL;
    if (r != 0)
        return r == ANSWER_LOAD ? OP_TO_RUN : r;
    c->level = a.level;
    c->series = str_dup(cx->arena, a.series);
    c->age_ms = a.age_ms;
    r = put_answer(cx, &a, body);
    answer_done(&a);
    return r;
}

/* Where the answer says its series' revision: our own writer puts the member before the rows, without blanks. */
static void find_revision(Str bytes, AnswerMade *made) {
    static const char member[] = "\"revision\":";
    ptrdiff_t at = str_find(str_first(bytes, REVISION_WITHIN), str_n(member, sizeof member - 1));
    if (at < 0)
        return;
    size_t from = (size_t)at + sizeof member - 1, n = 0;
    while (n < DIGITS_MAX && from + n < bytes.n && bytes.p[from + n] >= '0' && bytes.p[from + n] <= '9')
        n++;
    made->revision_at = from;
    made->revision_n = n;
}

void op_cached_end(OpCached *c, Ctx *cx, const void *in, const void *out, Str bytes) {
    if (!c->answers)
        return;
    OpKept k = { 0 };
    if (!bytes.p || !c->op->kept(cx, in, out, &k)) {
        answers_give_up(c->answers, &c->ticket);
        return;
    }
    c->series = k.series;
    AnswerMade made = { .kind = c->op->cache,
                        .immutable = k.immutable,
                        .series = k.series,
                        .from = k.from,
                        .to = k.to,
                        .revision = k.revision,
                        .bytes = bytes };
    if (k.series.n)
        find_revision(bytes, &made);
    answers_keep(c->answers, cx, &c->ticket, &made);
}

Str op_cached_word(const OpCached *c) {
    if (!c->answers)
        return (Str){ 0 };
    return c->level == CACHE_NOWHERE ? S("MISS") : S("HIT");
}
