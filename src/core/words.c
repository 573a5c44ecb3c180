/* core/words.c - see words.h.
 *
 * ASCII, which is nearly all of the news, goes by one table of 256 and is copied byte by byte; everything else is
 * decoded and asked by range. The folding tables say for each Latin letter with marks what remains without them, and
 * '.' where it is a letter of its own. */

#include "core/words.h"

#include "base/utf8.h"

enum { SIGN_BREAK, SIGN_LETTER, SIGN_DIGIT, SIGN_MARK, SIGN_ALONE };

/* U+00C0 .. U+024F and U+1E00 .. U+1EFF: the first letter of the canonical decomposition (Unicode 15), and the letters
 * with strokes by hand. */
static const char latin[] = "aaaaaa.ceeeeiiii.nooooo.ouuuuy..aaaaaa.ceeeeiiii.nooooo.ouuuuy.y"
                            "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii..jjkk.llllll."
                            ".llnnnnnn...oooooo..rrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzz."
                            "b......................i..l.....oo.............uu....zz........."
                            ".............aaiioouuuuuuuuuu.aaaa..ggggkkoooo..j...gg..nnaa...."
                            "aaaaeeeeiiiioooorrrruuuusstt..hh......aaeeooooooooyy............"
                            "................";
static const char latin_more[] = "aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmm"
                                 "mmmmnnnnnnnnoooooooopppprrrrrrrrssssssssssttttttttuuuuuuuuuuvvvv"
                                 "wwwwwwwwwwxxxxyyzzzzzzhtwy......aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeee"
                                 "eeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyy......";

typedef struct Range {
    uint32_t from, to;
} Range;

static bool in_ranges(const Range *v, size_t n, uint32_t cp) {
    for (size_t i = 0; i < n; i++)
        if (cp >= v[i].from && cp <= v[i].to)
            return true;
    return false;
}

static int sign_of(uint32_t cp) {
    static const Range marks[] = { { 0x300, 0x36F }, { 0xFE00, 0xFE0F }, { 0x200B, 0x200D }, { 0xAD, 0xAD } };
    static const Range alone[] = { { 0xE00, 0xEFF },   { 0x1000, 0x109F },  { 0x1780, 0x17FF }, { 0x3040, 0x30FF },
                                   { 0x3400, 0x4DBF }, { 0x4E00, 0x9FFF },  { 0xAC00, 0xD7A3 }, { 0xF900, 0xFAFF },
                                   { 0xFF66, 0xFF9F }, { 0x20000, 0x3FFFF } };
    static const Range breaks[] = { { 0x80, 0xA9 },     { 0xAB, 0xB4 },      { 0xB6, 0xB9 },     { 0xBB, 0xBF },
                                    { 0xD7, 0xD7 },     { 0xF7, 0xF7 },      { 0x2B9, 0x2FF },   { 0x37E, 0x37E },
                                    { 0x387, 0x387 },   { 0x55A, 0x55F },    { 0x589, 0x58F },   { 0x5BE, 0x5BE },
                                    { 0x5C0, 0x5C0 },   { 0x5C3, 0x5C3 },    { 0x60C, 0x60F },   { 0x61B, 0x61F },
                                    { 0x66A, 0x66D },   { 0x6D4, 0x6D4 },    { 0x964, 0x965 },   { 0x2000, 0x2BFF },
                                    { 0x2E00, 0x2E7F }, { 0x3000, 0x303F },  { 0xE000, 0xF8FF }, { 0xFE10, 0xFE6F },
                                    { 0xFF00, 0xFF0F }, { 0xFF1A, 0xFF20 },  { 0xFF3B, 0xFF40 }, { 0xFF5B, 0xFF65 },
                                    { 0xFFE0, 0xFFFF }, { 0x1F000, 0x1FAFF } };
    if (in_ranges(marks, ARRAY_LEN(marks), cp))
        return SIGN_MARK;
    if (in_ranges(alone, ARRAY_LEN(alone), cp))
        return SIGN_ALONE;
    if (in_ranges(breaks, ARRAY_LEN(breaks), cp))
        return SIGN_BREAK;
    return cp >= 0xFF10 && cp <= 0xFF19 ? SIGN_DIGIT : SIGN_LETTER;
}

/* Letters that come in pairs, capital first. */
static bool in_pairs(uint32_t cp) {
    static const Range pairs[] = { { 0x182, 0x185 }, { 0x1A0, 0x1A5 }, { 0x1DE, 0x1EF }, { 0x1F8, 0x21F },
                                   { 0x222, 0x233 }, { 0x460, 0x481 }, { 0x48A, 0x4BF }, { 0x4D0, 0x52F } };
    return in_ranges(pairs, ARRAY_LEN(pairs), cp);
}

static uint32_t fold(uint32_t cp) {
    char plain = cp >= 0xC0 && cp < 0x250      ? latin[cp - 0xC0]
                 : cp >= 0x1E00 && cp < 0x1F00 ? latin_more[cp - 0x1E00]
                                               : '.';
    if (plain != '.')
        return (uint32_t)(unsigned char)plain;
    if ((cp >= 0xC6 && cp <= 0xDE) || (cp >= 0x391 && cp <= 0x3AB) || (cp >= 0x410 && cp <= 0x42F))
        return cp + 32;
    if (cp == 0x3C2) /* the sigma at the end of a word */
        return 0x3C3;
    if (cp >= 0x400 && cp <= 0x40F)
        return cp + 80;
    if (cp >= 0x531 && cp <= 0x556)
        return cp + 48;
    if (cp == 0x132 || cp == 0x14A || cp == 0x152 || in_pairs(cp))
        return cp | 1u;
    if (cp >= 0xFF10 && cp <= 0xFF19)
        return cp - 0xFF10 + '0';
    if (cp >= 0xFF21 && cp <= 0xFF3A)
        return cp - 0xFF21 + 'a';
    return cp >= 0xFF41 && cp <= 0xFF5A ? cp - 0xFF41 + 'a' : cp;
}

/* ASCII: 0 separates, else the folded byte. */
static char fold_ascii(unsigned char c) {
    if ((unsigned)c - 'A' < 26)
        return (char)(c | 0x20);
    return (unsigned)c - 'a' < 26 || (unsigned)c - '0' < 10 ? (char)c : 0;
}

static bool is_digit(char c) {
    return (unsigned)c - '0' < 10;
}

static void put(Word *w, const char *p, size_t n) {
    if (w->n + n <= WORD_MAX)
        memcpy(w->text + w->n, p, n);
    w->n = MIN(w->n + n, (size_t)WORD_MAX + 1); /* past WORD_MAX: full */
}

/* What begins at t[0] is a letter or digit of a word. */
static bool begins_word(Str t) {
    uint32_t cp;
    if (t.n == 0)
        return false;
    if ((unsigned char)t.p[0] < 0x80)
        return fold_ascii((unsigned char)t.p[0]) != 0;
    size_t n = utf8_decode(t.p, t.n, &cp);
    return n && (sign_of(cp) == SIGN_LETTER || sign_of(cp) == SIGN_DIGIT);
}

/* Bytes of a sign inside a word that belongs to it though it is no letter: 0 none; *as: what it is folded to, 0: left
 * out. Only between two that are letters, or two that are digits. */
static size_t joins(const Word *w, Str rest, char *as) {
    bool after_digit = w->n && w->n <= WORD_MAX && is_digit(w->text[w->n - 1]);
    size_t n = 0;
    char next = 0;
    if (rest.p[0] == '\'')
        n = 1;
    else if (rest.n >= 3 && memcmp(rest.p, "\xE2\x80\x99", 3) == 0)
        n = 3;
    if (n) {
        *as = '\'';
        return !after_digit && begins_word(str_from(rest, n)) ? n : 0;
    }
    if ((rest.p[0] != '.' && rest.p[0] != ',') || !after_digit || rest.n < 2)
        return 0;
    next = rest.p[1];
    *as = rest.p[0] == '.' ? '.' : 0;
    return is_digit(next) ? 1 : 0;
}

/* One sign of the word at rest; bytes taken, 0 at its end. *alone: it is a word by itself. */
static size_t take(Word *w, Str rest, bool *alone) {
    unsigned char c = (unsigned char)rest.p[0];
    char as, bytes[UTF8_MAX];
    if (c < 0x80) {
        as = fold_ascii(c);
        if (as) {
            put(w, &as, 1);
            return 1;
        }
    }
    uint32_t cp = c;
    size_t n = c < 0x80 ? 1 : utf8_decode(rest.p, rest.n, &cp);
    int sign = c < 0x80 ? SIGN_BREAK : n ? sign_of(cp) : SIGN_BREAK;
    if (sign == SIGN_ALONE && w->n)
        return 0;
    *alone = sign == SIGN_ALONE;
    if (sign == SIGN_MARK)
        return w->n ? n : 0;
    if (sign != SIGN_BREAK) {
        put(w, bytes, utf8_encode(fold(cp), bytes));
        return n;
    }
    n = w->n ? joins(w, rest, &as) : 0;
    if (n && as)
        put(w, &as, 1);
    return n;
}

/* The possessive of English goes: "bitcoin's" is bitcoin. */
static void finish(Word *w) {
    w->n = MIN(w->n, (size_t)WORD_MAX);
    while (w->n && utf8_valid_size(word_str(w)) < w->n) /* cut inside a sign */
        w->n--;
    if (w->n > 2 && memcmp(w->text + w->n - 2, "'s", 2) == 0)
        w->n -= 2;
}

bool words_next(WordReader *r, Word *out) {
    Str t = r->text;
    size_t at = r->at;
    while (at < t.n) {
        bool alone = false;
        out->n = 0;
        out->at = at;
        size_t n = take(out, str_from(t, at), &alone);
        if (n == 0) { /* not the beginning of a word */
            size_t bad = (unsigned char)t.p[at] < 0x80 ? 1 : utf8_decode(t.p + at, t.n - at, NULL);
            at += bad ? bad : 1;
            continue;
        }
        at += n;
        while (!alone && at < t.n && (n = take(out, str_from(t, at), &alone)) > 0)
            at += n;
        out->end = at;
        r->at = at;
        finish(out);
        if (out->n)
            return true;
    }
    r->at = at;
    return false;
}
