/* sentiment/lexicon.c - see lexicon.h. The text is cut once into tokens (words with what the lexicon knows of them, longest
 * phrase first) with the clause and sentence each stands in; then each weighed token looks around itself. */

#include "sentiment/lexicon.h"

#include "base/map.h"
#include "core/words.h"
#include "sentiment/words.h"

#include <math.h>
#include <stdlib.h>

enum {
    PHRASE_WORDS = 4,
    NEGATE_REACH = 4,  /* tokens back */
    THING_REACH = 4,   /* tokens either way */
    TOKENS_MAX = 4000, /* of title and body together: a news text says what it says by then */
};
#define TITLE_FACTOR    2.0
#define QUESTION_FACTOR 0.5
#define BEFORE_BUT      0.6
#define AFTER_BUT       1.3
#define NEUTRAL_BELOW   0.2
#define SCORE_SOFTNESS  16.0

typedef struct Entry {
    Str words; /* its key */
    LexiconKind kind;
    double weight;
    size_t n_words;
} Entry;

struct Lexicon {
    Arena arena;
    Map map;
};

static size_t blanks(Str s) {
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == ' ';
    return n;
}

Lexicon *lexicon_new(void) {
    Lexicon *l = mem_new(Lexicon);
    for (size_t g = 0; g < n_lexicon_groups; g++) {
        const LexiconGroup *group = &lexicon_groups[g];
        Str rest = str_c(group->words), words;
        while (str_next(&rest, '|', &words)) {
            Entry *e = arena_new(&l->arena, Entry);
            *e = (Entry){ words, group->kind, group->weight, blanks(words) + 1 };
            assert(e->n_words <= PHRASE_WORDS);
            map_put(&l->map, e->words, e);
        }
    }
    return l;
}

Lexicon *lexicon_free(Lexicon *l) {
    if (l) {
        map_done(&l->map);
        arena_done(&l->arena);
        mem_free(l);
    }
    return NULL;
}

size_t lexicon_size(const Lexicon *l) {
    size_t n = 0, at = 0;
    MapEntry e;
    while (map_next(&l->map, &at, &e))
        n += ((const Entry *)e.value)->kind != LEX_NEGATE && ((const Entry *)e.value)->kind != LEX_EMPHASIS;
    return n;
}

/* --- tokens --- */

typedef struct Token {
    const Entry *entry; /* NULL: the lexicon does not know it */
    Str text;           /* as it stands */
    int clause, sentence;
    bool title, but;
    double weight; /* at the end */
    bool negated;
} Token;

typedef struct Tokens {
    Token *v;
    size_t n;
    int clause, sentence;
    int64_t n_words;
} Tokens;

/* What lies between two words ends a sentence, a clause, or nothing. */
static void look_between(Tokens *t, Str gap) {
    bool sentence = false, clause = false;
    for (size_t i = 0; i < gap.n; i++) {
        sentence |= strchr(".!?\n", gap.p[i]) != NULL && gap.p[i];
        clause |= strchr(",;:()-", gap.p[i]) != NULL && gap.p[i] && gap.n > 1;
    }
    t->sentence += sentence;
    t->clause += sentence || clause;
}

/* The longest entry that begins at w[0]. */
static const Entry *lookup(const Lexicon *l, const Word *w, size_t n) {
    char key[PHRASE_WORDS * (WORD_MAX + 1)];
    const Entry *found = NULL;
    size_t size = 0;
    for (size_t i = 0; i < MIN(n, (size_t)PHRASE_WORDS); i++) {
        if (i)
            key[size++] = ' ';
        memcpy(key + size, w[i].text, w[i].n);
        size += w[i].n;
        const Entry *e = map_get(&l->map, str_n(key, size));
        found = e ? e : found;
    }
    return found;
}

static bool is_but(Str w) {
    static const char *const words[] = { "but", "however", "yet", "although", "though", "nevertheless" };
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq(w, str_c(words[i])))
            return true;
    return false;
}

static void cut(const Lexicon *l, Str text, bool title, Tokens *t) {
    Word w[PHRASE_WORDS];
    WordReader r;
    size_t n = 0, end = 0;
    bool more = true;
    words_init(&r, text);
    t->sentence++;
    t->clause++;
    for (;;) {
        while (more && n < PHRASE_WORDS) {
            more = words_next(&r, &w[n]);
            n += more;
        }
        if (n == 0 || t->n == TOKENS_MAX)
            return;
        look_between(t, str_first(str_from(text, end), w[0].at - end));
        const Entry *e = lookup(l, w, n);
        size_t used = e ? e->n_words : 1;
        t->v[t->n++] = (Token){ .entry = e,
                                .text = str_first(str_from(text, w[0].at), w[used - 1].end - w[0].at),
                                .clause = t->clause,
                                .sentence = t->sentence,
                                .title = title,
                                .but = is_but(word_str(&w[0])) };
        end = w[used - 1].end;
        t->n_words += (int64_t)used;
        n -= used;
        memmove(w, w + used, n * sizeof *w);
    }
}

/* --- weights --- */

static bool weighs(const Token *t) {
    return t->entry && t->entry->kind != LEX_NEGATE && t->entry->kind != LEX_EMPHASIS && t->entry->weight != 0;
}

static bool moves(const Token *t) {
    return t->entry && (t->entry->kind == LEX_GROWS || t->entry->kind == LEX_SHRINKS);
}

/* What stands behind such a word is not what moves: "stocks fall on inflation fears". */
static bool sets_apart(Str word) {
    static const char *const words[] = { "after",     "against", "ahead", "amid",  "as", "because", "before", "despite",
                                         "following", "on",      "over",  "since", "to", "when",    "while",  "with" };
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq_nocase(word, str_c(words[i])))
            return true;
    return false;
}

/* The bad thing that this movement is of: in its clause, before it ("losses widen") or behind it ("cuts costs"). */
static Token *thing_of(Tokens *t, size_t i) {
    bool apart = false;
    for (size_t d = 1; d <= THING_REACH; d++) {
        apart = apart || (i + d < t->n && sets_apart(t->v[i + d].text));
        Token *near[2] = { i >= d ? &t->v[i - d] : NULL, i + d < t->n && !apart ? &t->v[i + d] : NULL };
        for (size_t k = 0; k < 2; k++)
            if (near[k] && near[k]->clause == t->v[i].clause && near[k]->entry && near[k]->entry->kind == LEX_BAD_THING)
                return near[k];
    }
    return NULL;
}

static void look_back(const Tokens *t, size_t i, Token *now) {
    double emphasis = 1;
    int negations = 0;
    for (size_t d = 1; d <= NEGATE_REACH && d <= i; d++) {
        const Token *b = &t->v[i - d];
        if (b->clause != now->clause)
            break;
        if (b->entry && b->entry->kind == LEX_NEGATE)
            negations++;
        else if (b->entry && b->entry->kind == LEX_EMPHASIS && d <= 2)
            emphasis *= b->entry->weight;
        else if (weighs(b) && negations == 0 && d > 2)
            break; /* another word that weighs has taken the negation before it */
    }
    const Token *next = i + 1 < t->n ? &t->v[i + 1] : NULL; /* "fell sharply" */
    if (next && next->clause == now->clause && next->entry && next->entry->kind == LEX_EMPHASIS &&
        next->entry->weight > 1)
        emphasis *= next->entry->weight;
    now->weight *= emphasis;
    if (negations % 2) {
        now->weight *= -0.7;
        now->negated = true;
    }
}

/* Is there a "but" in the sentence before (or, ahead, behind) this token? */
static bool has_but(const Tokens *t, size_t i, bool ahead) {
    for (size_t k = i; k < t->n && t->v[k].sentence == t->v[i].sentence; k += ahead ? 1 : (size_t)-1) {
        if (t->v[k].but)
            return true;
        if (!ahead && k == 0)
            return false;
    }
    return false;
}

static bool in_question(const Tokens *t, size_t i, const SentimentText *text) {
    Str whole = t->v[i].title ? text->title : text->body;
    for (const char *p = t->v[i].text.p; p < whole.p + whole.n; p++)
        if (strchr(".!?\n", *p) && *p)
            return *p == '?';
    return false;
}

static void weigh_all(Tokens *t, const SentimentText *text) {
    for (size_t i = 0; i < t->n; i++)
        t->v[i].weight = weighs(&t->v[i]) ? t->v[i].entry->weight : 0;
    for (size_t i = 0; i < t->n; i++) {
        Token *now = &t->v[i], *thing = moves(now) ? thing_of(t, i) : NULL;
        if (thing) {
            now->weight = -now->weight;
            thing->weight = 0; /* it has been heard */
        }
    }
    for (size_t i = 0; i < t->n; i++) {
        Token *now = &t->v[i];
        if (now->weight == 0)
            continue;
        look_back(t, i, now);
        if (has_but(t, i, false))
            now->weight *= AFTER_BUT;
        else if (has_but(t, i, true))
            now->weight *= BEFORE_BUT;
        if (in_question(t, i, text))
            now->weight *= QUESTION_FACTOR;
        if (now->title)
            now->weight *= TITLE_FACTOR;
    }
}

/* --- the result --- */

static int by_weight(const void *a, const void *b) {
    const SentimentReason *x = a, *y = b;
    double d = fabs(y->weight) - fabs(x->weight);
    return d != 0 ? (d > 0) - (d < 0) : (x->words.p > y->words.p) - (x->words.p < y->words.p);
}

static void conclude(const Tokens *t, Arena *arena, SentimentResult *out) {
    SentimentReason *why = arena_new_n(arena, SentimentReason, t->n + 1);
    double plus = 0, minus = 0, rest = 0;
    for (size_t i = 0; i < t->n; i++) {
        const Token *now = &t->v[i];
        if (now->weight == 0) {
            rest += now->title ? 0.5 : 0.25; /* words that say nothing */
            continue;
        }
        plus += MAX(now->weight, 0.0);
        minus -= MIN(now->weight, 0.0);
        why[out->n_hits++] = (SentimentReason){ str_dup(arena, now->text), now->weight, now->negated, now->title };
    }
    double sum = plus - minus, all = plus + minus + rest;
    qsort(why, (size_t)out->n_hits, sizeof *why, by_weight);
    out->why = why;
    out->n_why = MIN((size_t)out->n_hits, (size_t)SENTIMENT_WHY_MAX);
    out->score = sum / sqrt(sum * sum + SCORE_SOFTNESS);
    out->label = out->score >= NEUTRAL_BELOW    ? S("positive")
                 : out->score <= -NEUTRAL_BELOW ? S("negative")
                                                : S("neutral");
    out->positive = all > 0 ? plus / all : 0;
    out->negative = all > 0 ? minus / all : 0;
    out->neutral = 1 - out->positive - out->negative;
    /* How far from the line, and how one-sided: words against each other make it smaller. */
    double sides = plus + minus > 0 ? fabs(sum) / (plus + minus) : 1, size = fabs(out->score);
    out->confidence =
        size >= NEUTRAL_BELOW ? 0.5 * sides + 0.5 * size : (1 - size / NEUTRAL_BELOW) * (t->n ? 0.6 : 0) + 0.2;
    out->confidence = t->n ? CLAMP(out->confidence, 0.0, 1.0) : 0;
}

void lexicon_read(const Lexicon *l, Arena *arena, const SentimentText *text, SentimentResult *out) {
    Tokens t = { .v = arena_alloc(arena, TOKENS_MAX * sizeof *t.v) };
    cut(l, text->title, true, &t);
    cut(l, text->body, false, &t);
    weigh_all(&t, text);
    *out = (SentimentResult){ .model = LEXICON_MODEL, .n_words = t.n_words };
    conclude(&t, arena, out);
}
