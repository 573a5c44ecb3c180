/* ports/sentiment.c - the wrappers: arguments before, promises after. */

#include "ports/sentiment.h"

#include <math.h>

int sentiment_read(SentimentReader *r, Ctx *cx, const SentimentText *t, SentimentResult *out) {
    *out = (SentimentResult){ 0 };
    int e = ctx_check(cx);
    if (e == 0 && t->title.n + t->body.n > 2 * SENTIMENT_TEXT_MAX)
        e = err_set_at(cx, ERR_INVALID, S("text"), "a text of more than %d bytes", SENTIMENT_TEXT_MAX);
    if (e == 0)
        e = r->ops->read(r, cx, t, out);
    assert(e != 0 || (out->label.n && fabs(out->score) <= 1 && out->confidence >= 0 && out->confidence <= 1));
    return e;
}

SentimentReader *sentiment_close(SentimentReader *r) {
    if (r)
        r->ops->close(r);
    return NULL;
}
