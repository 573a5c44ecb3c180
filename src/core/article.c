/* core/article.c - see article.h. */

#include "core/article.h"

#include "base/sha256.h"
#include "base/utf8.h"

/* --- ids --- */

static void put_part(Sha256 *h, Str s) {
    sha256_put(h, s);
    sha256_put(h, str_n("", 1)); /* a NUL: no two lists of parts have the same bytes */
}

void article_id(const Article *a, char out[ARTICLE_ID_SIZE]) {
    char digits[SHA256_HEX + 1];
    Sha256 h;
    sha256_init(&h);
    if (a->url.n) {
        put_part(&h, S("url"));
        put_part(&h, a->url);
    } else if (a->guid.n) {
        put_part(&h, S("guid"));
        put_part(&h, a->source);
        put_part(&h, a->guid);
    } else {
        put_part(&h, S("words"));
        put_part(&h, a->source);
        put_part(&h, a->title);
        put_part(&h, a->summary);
    }
    sha256_end_hex(&h, digits);
    memcpy(out, digits, ARTICLE_ID_SIZE);
}

bool article_id_valid(Str id) {
    bool good = id.n == ARTICLE_ID_SIZE;
    for (size_t i = 0; good && i < id.n; i++)
        good = (id.p[i] >= '0' && id.p[i] <= '9') || (id.p[i] >= 'a' && id.p[i] <= 'f');
    return good;
}

bool article_source_valid(Str s) {
    bool good = s.n > 0 && s.n <= ARTICLE_SOURCE_MAX;
    for (size_t i = 0; good && i < s.n; i++) {
        char c = s.p[i];
        good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
    }
    return good;
}

/* --- making one fit to be stored --- */

/* Control characters, white space of any kind and the private signs that marks are made of. */
static bool is_space(uint32_t cp) {
    return cp <= ' ' || cp == 0x7F || (cp >= 0x80 && cp <= 0xA0) || (cp >= 0x2000 && cp <= 0x200A) || cp == 0x2028 ||
           cp == 0x2029 || cp == 0x202F || cp == 0x205F || cp == 0x3000 || cp == 0xE000 || cp == 0xE001 || cp == 0xFEFF;
}

static bool is_tidy(Str s) {
    bool space = true; /* none at the beginning */
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < ' ' || c >= 0x7F || (c == ' ' && space))
            return false;
        space = c == ' ';
    }
    return s.n == 0 || !space;
}

/* One blank where there were some, none at the ends; paragraphs of a text keep one line break. */
static Str tidy(Arena *arena, Str s, size_t most, bool lines) {
    s = utf8_first(utf8_clean(arena, str_first(s, most * 2)), most * 2);
    if (is_tidy(s))
        return utf8_first(s, most);
    char *p = arena_alloc(arena, MAX(s.n, 1));
    size_t n = 0;
    int breaks = 0;
    bool space = false;
    for (size_t i = 0; i < s.n;) {
        uint32_t cp = 0;
        size_t size = utf8_decode(s.p + i, s.n - i, &cp);
        if (is_space(cp)) {
            space = true;
            breaks += cp == '\n' || cp == 0x2029;
            i += size;
            continue;
        }
        if (space && n)
            p[n++] = lines && breaks > 1 ? '\n' : ' ';
        space = false;
        breaks = 0;
        memcpy(p + n, s.p + i, size);
        n += size;
        i += size;
    }
    return utf8_first(str_n(p, n), most);
}

static bool has(const StrList *l, Str s) {
    for (size_t i = 0; i < l->n; i++)
        if (str_eq_nocase(l->v[i], s))
            return true;
    return false;
}

static StrList tidy_list(Arena *arena, const StrList *l) {
    StrList out = { 0 };
    out.v = arena_new_n(arena, Str, MAX(MIN(l->n, (size_t)ARTICLE_LIST_MAX), 1));
    for (size_t i = 0; i < l->n && out.n < ARTICLE_LIST_MAX; i++) {
        Str s = tidy(arena, l->v[i], ARTICLE_NAME_MAX, false);
        if (s.n && !has(&out, s))
            out.v[out.n++] = s;
    }
    return out;
}

void article_clip(Article *a, Arena *arena) {
    a->guid = tidy(arena, a->guid, ARTICLE_URL_MAX, false);
    a->title = tidy(arena, a->title, ARTICLE_TITLE_MAX, false);
    a->summary = tidy(arena, a->summary, ARTICLE_SUMMARY_MAX, true);
    a->text = tidy(arena, a->text, ARTICLE_TEXT_MAX, true);
    a->language = str_lower(arena, tidy(arena, a->language, ARTICLE_LANGUAGE_MAX, false));
    a->image_url = a->image_url.n <= ARTICLE_URL_MAX ? tidy(arena, a->image_url, ARTICLE_URL_MAX, false) : (Str){ 0 };
    a->authors = tidy_list(arena, &a->authors);
    a->categories = tidy_list(arena, &a->categories);
    a->tickers = tidy_list(arena, &a->tickers);
    char id[ARTICLE_ID_SIZE];
    article_id(a, id);
    a->id = str_dup(arena, str_n(id, sizeof id));
}

bool article_same_words(const Article *a, const Article *b) {
    return str_eq(a->title, b->title) && str_eq(a->summary, b->summary) && str_eq(a->text, b->text);
}

/* --- copies --- */

StrList str_list_copy(const StrList *l, Arena *arena) {
    StrList out = { .v = arena_new_n(arena, Str, MAX(l->n, 1)), .n = l->n };
    for (size_t i = 0; i < l->n; i++)
        out.v[i] = str_dup(arena, l->v[i]);
    return out;
}

Article article_copy(const Article *from, Arena *arena) {
    Article a = *from;
    Str *texts[] = { &a.id,   &a.guid,     &a.url,       &a.source,          &a.title,          &a.summary,
                     &a.text, &a.language, &a.image_url, &a.sentiment.model, &a.sentiment.label };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = str_dup(arena, *texts[i]);
    a.authors = str_list_copy(&from->authors, arena);
    a.categories = str_list_copy(&from->categories, arena);
    a.tickers = str_list_copy(&from->tickers, arena);
    return a;
}
