/* core/article_query, core/marks, core/words, core/article_url, core/ticker_tag: whatever the bytes, an answer within the
 * bounds. The first half of the input is the query, the second the text. */

#include "base/utf8.h"
#include "core/article_url.h"
#include "core/marks.h"
#include "core/near_text.h"
#include "core/ticker_tag.h"
#include "core/words.h"

#include "fuzz.h"

static size_t size_of(const QueryNode *n, int depth) {
    MUST(depth <= 2 * QUERY_TERMS_MAX + QUERY_DEPTH_MAX);
    if (n->kind == QUERY_TERM) {
        MUST(n->n_words > 0 && n->n_words <= QUERY_PHRASE_MAX && n->fields);
        for (size_t i = 0; i < n->n_words; i++)
            MUST(n->words[i].n > 0 && n->words[i].n <= WORD_MAX && utf8_valid(n->words[i]));
        return 1;
    }
    return size_of(n->left, depth + 1) + size_of(n->right, depth + 1);
}

static void check_words(Str text) {
    WordReader r;
    Word w;
    size_t end = 0;
    words_init(&r, text);
    while (words_next(&r, &w)) {
        MUST(w.at >= end && w.end > w.at && w.end <= text.n);
        MUST(w.n > 0 && w.n <= WORD_MAX && utf8_valid(word_str(&w)));
        end = w.end;
    }
}

static void check_article(Arena *a, Str text) {
    Article art = { .source = S("s"), .title = text, .summary = text, .text = text, .guid = text, .language = text };
    article_clip(&art, a);
    MUST(utf8_valid(art.title) && utf8_valid(art.text) && art.title.n <= ARTICLE_TITLE_MAX);
    Article again = art;
    article_clip(&again, a);
    MUST(article_same_words(&art, &again) && str_eq(art.id, again.id));
    StrList tags = ticker_tag(a, text, text);
    MUST(tags.n <= ARTICLE_LIST_MAX);
    MUST(near_distance(near_hash(text, text), near_hash(text, text)) == 0);
    Str url, twice;
    if (article_url_canonical(a, text, &url))
        MUST(!article_url_canonical(a, url, &twice) || str_eq(twice, url));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena a = { 0 };
    ClockManual clock;
    Ctx cx;
    clock_manual_init(&clock, time_ms(0));
    ctx_init(&cx, &a, &clock.clock);
    Str query = str_n((const char *)data, size / 2), text = str_n((const char *)data + size / 2, size - size / 2);
    ParsedQuery q;
    check_words(text);
    check_article(&a, text);
    int r = article_query_parse(&cx, query, &q);
    MUST(r == 0 || (r == ERR_INVALID && cx.err.text[0]));
    if (r == 0) {
        MUST(size_of(q.root, 0) <= QUERY_TERMS_MAX && q.n_terms > 0);
        Str marked = marks_all(&a, &q, text, ARTICLE_IN_TEXT), bit = marks_snippet(&a, &q, text, ARTICLE_IN_TITLE, 20);
        MUST(marked.n >= text.n && bit.n <= text.n * 7 + 64);
    }
    arena_done(&a);
    return 0;
}
