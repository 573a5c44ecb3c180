/* core/ticker_tag.c - see ticker_tag.h.
 *
 * Two passes over title and body by one scanner: signs that are sure are tagged, signs that are not are kept as
 * candidates and counted at the end, when it is known whether the same ticker was surely named or a corporate ending
 * stood behind the name. */

#include "core/ticker_tag.h"

#include "core/ticker_table.h"
#include "core/words.h"

#include <stdlib.h>

enum { SYMBOL_MAX = 10, NAME_WORDS_MAX = 5, SEEN_MAX = 96 };

typedef struct Seen {
    Str ticker;
    bool sure;
} Seen;

typedef struct Tagger {
    Arena *arena;
    Seen seen[SEEN_MAX];
    size_t n;
} Tagger;

static void note(Tagger *t, Str ticker, bool sure) {
    for (size_t i = 0; i < t->n; i++)
        if (str_eq(t->seen[i].ticker, ticker)) {
            t->seen[i].sure |= sure;
            return;
        }
    if (t->n < SEEN_MAX)
        t->seen[t->n++] = (Seen){ ticker, sure };
}

static const TickerRow *find_ticker(Str s) {
    size_t lo = 0, hi = n_ticker_rows;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int c = str_cmp(str_c(ticker_rows[mid].ticker), s);
        if (c == 0)
            return &ticker_rows[mid];
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

/* --- names --- */

/* Compares names word by word, so that "bitcoin" stands before "bitcoin cash" and both before "bitcoins". */
static int cmp_first_word(const char *name, Str word) {
    Str rest = str_c(name), first;
    str_next(&rest, ' ', &first);
    return str_cmp(first, word);
}

/* How many of the words w[0..n) the name is made of; 0: it is not there. */
static size_t name_length(const char *name, const Word *w, size_t n) {
    Str rest = str_c(name), word;
    size_t i = 0;
    while (str_next(&rest, ' ', &word))
        if (i == n || !str_eq(word_str(&w[i++]), word))
            return 0;
    return i;
}

static bool corporate(const Word *w) {
    static const char *const endings[] = { "inc",      "corp",  "corporation", "plc",     "ltd",   "shares", "stock",
                                           "holdings", "token", "blockchain",  "network", "price", "coin",   "co" };
    for (size_t i = 0; i < ARRAY_LEN(endings); i++)
        if (str_eq(word_str(w), str_c(endings[i])))
            return true;
    return false;
}

static bool begins_capital(Str text, const Word *w) {
    return (unsigned)text.p[w->at] - 'A' < 26;
}

/* The longest name that begins at w[0]; how many words it has. */
static size_t take_name(Tagger *t, Str text, const Word *w, size_t n) {
    size_t lo = 0, hi = n_ticker_names, best = 0;
    const TickerName *found = NULL;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (cmp_first_word(ticker_names[mid].words, word_str(&w[0])) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < n_ticker_names && cmp_first_word(ticker_names[lo].words, word_str(&w[0])) == 0; lo++) {
        size_t k = name_length(ticker_names[lo].words, w, n);
        if (k > best) {
            best = k;
            found = &ticker_names[lo];
        }
    }
    if (!found || (!found->sure && !begins_capital(text, &w[0])))
        return 0;
    note(t, str_c(found->ticker), found->sure || (best < n && corporate(&w[best])));
    return best;
}

/* --- symbols --- */

static bool all_capitals(Str s) {
    size_t letters = 0;
    for (size_t i = 0; i < s.n; i++) {
        letters += (unsigned)s.p[i] - 'A' < 26;
        if ((unsigned)s.p[i] - 'A' >= 26 && (unsigned)s.p[i] - '0' >= 10)
            return false;
    }
    return letters > 0;
}

static bool is_quote(Str s) {
    static const char *const quotes[] = { "USD", "USDT", "USDC", "EUR", "BTC", "ETH", "GBP", "JPY" };
    for (size_t i = 0; i < ARRAY_LEN(quotes); i++)
        if (str_eq(s, str_c(quotes[i])))
            return true;
    return false;
}

static bool is_exchange(const Word *w) {
    static const char *const names[] = { "nasdaq", "nyse", "amex", "lse", "hose", "hnx", "tsx", "asx", "nysearca" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq(word_str(w), str_c(names[i])))
            return true;
    return false;
}

static Str raw(Str text, const Word *w) {
    return str_first(str_from(text, w->at), w->end - w->at);
}

/* "BTCUSDT": a known ticker with a quote behind it. */
static bool take_joined_pair(Tagger *t, Str s) {
    static const char *const quotes[] = { "USDT", "USDC", "USD" };
    for (size_t i = 0; i < ARRAY_LEN(quotes); i++) {
        Str q = str_c(quotes[i]), base = str_first(s, s.n > q.n ? s.n - q.n : 0);
        const TickerRow *row = str_ends(s, q) ? find_ticker(base) : NULL;
        if (row) {
            note(t, str_c(row->ticker), true);
            return true;
        }
    }
    return false;
}

static void take_symbol(Tagger *t, Str text, const Word *prev, const Word *w, const Word *next) {
    Str s = raw(text, w);
    bool cash = w->at > 0 && text.p[w->at - 1] == '$' && s.n <= SYMBOL_MAX && (unsigned)(s.p[0] | 32) - 'a' < 26 &&
                (w->at < 2 || (unsigned)(text.p[w->at - 2] | 32) - 'a' >= 26); /* not US$ */
    if (cash) {
        Str upper = str_upper(t->arena, s);
        if (all_capitals(upper) && (find_ticker(upper) || all_capitals(s)))
            note(t, upper, true);
        return;
    }
    if (s.n > SYMBOL_MAX || !all_capitals(s))
        return;
    const TickerRow *row = find_ticker(s);
    bool listed =
        prev && is_exchange(prev) && w->at - prev->end <= 2 && memchr(text.p + prev->end, ':', w->at - prev->end);
    bool pair =
        next && next->at == w->end + 1 && strchr("/-", text.p[w->end]) && is_quote(raw(text, next)) && !is_quote(s);
    bool quote = prev && w->at == prev->end + 1 && strchr("/-", text.p[prev->end]) && is_quote(s); /* of a pair */
    if (quote)
        return;
    if (listed || (pair && row))
        note(t, s, true);
    else if (row)
        note(t, str_c(row->ticker), row->safe);
    else
        take_joined_pair(t, s);
}

static void scan(Tagger *t, Str text) {
    Word w[NAME_WORDS_MAX + 2]; /* w[0] is the word before; then those ahead */
    WordReader r;
    size_t n = 0, skip = 0;
    bool prev = false, more = true;
    words_init(&r, text);
    for (;;) {
        while (more && n < NAME_WORDS_MAX + 1) {
            more = words_next(&r, &w[1 + n]);
            n += more;
        }
        if (n == 0)
            return;
        if (skip == 0)
            skip = take_name(t, text, &w[1], n);
        take_symbol(t, text, prev ? &w[0] : NULL, &w[1], n > 1 ? &w[2] : NULL);
        skip -= skip > 0;
        memmove(&w[0], &w[1], n * sizeof *w);
        prev = true;
        n--;
    }
}

static int by_text(const void *a, const void *b) {
    return str_cmp(*(const Str *)a, *(const Str *)b);
}

StrList ticker_tag(Arena *a, Str title, Str body) {
    Tagger t = { .arena = a };
    scan(&t, title);
    scan(&t, body);
    StrList out = { .v = arena_new_n(a, Str, ARTICLE_LIST_MAX) };
    for (size_t i = 0; i < t.n && out.n < ARTICLE_LIST_MAX; i++)
        if (t.seen[i].sure)
            out.v[out.n++] = t.seen[i].ticker;
    qsort(out.v, out.n, sizeof *out.v, by_text);
    return out;
}

Str ticker_canonical(Arena *a, Str text) {
    text = str_trim(text);
    if (text.n && text.p[0] == '$')
        text = str_from(text, 1);
    Str upper = str_upper(a, text);
    if (find_ticker(upper))
        return upper;
    Word w[NAME_WORDS_MAX];
    WordReader r;
    size_t n = 0;
    words_init(&r, text);
    while (n < NAME_WORDS_MAX && words_next(&r, &w[n]))
        n++;
    for (size_t i = 0; n && i < n_ticker_names; i++)
        if (name_length(ticker_names[i].words, w, n) == n)
            return str_c(ticker_names[i].ticker);
    return upper;
}
