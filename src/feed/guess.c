/* feed/guess.c - guessing a character set from the bytes. */

#include "feed/guess.h"

#include "feed/charset.h"

enum { SAMPLE_MAX = 64 << 10, FEWEST_CHARACTERS = 4, FEWEST_LETTERS = 12 };

/* --- sets of two bytes a character --- */

typedef struct Pairs {
    size_t n;      /* characters of two bytes */
    size_t marks;  /* of them signs and punctuation */
    size_t common; /* of them where the language's common characters are */
} Pairs;

static unsigned char at(Str s, size_t i) {
    return i < s.n ? (unsigned char)s.p[i] : 0;
}

/* EUC: both bytes 0xa1..0xfe. False if the bytes do not fit. */
static bool count_euc(Str s, unsigned lo, unsigned hi, Pairs *out) {
    *out = (Pairs){ 0 };
    for (size_t i = 0; i < s.n; i++) {
        unsigned char lead = at(s, i), trail = at(s, i + 1);
        if (lead < 0x80)
            continue;
        if (i + 1 == s.n && s.n == SAMPLE_MAX)
            break;
        if (lead < 0xa1 || lead == 0xff || trail < 0xa1 || trail == 0xff)
            return false;
        out->n++;
        out->marks += lead <= 0xa3;
        out->common += lead >= lo && lead <= hi;
        i++;
    }
    return out->n >= FEWEST_CHARACTERS;
}

static bool count_big5(Str s, Pairs *out) {
    *out = (Pairs){ 0 };
    for (size_t i = 0; i < s.n; i++) {
        unsigned char lead = at(s, i), trail = at(s, i + 1);
        if (lead < 0x80)
            continue;
        if (i + 1 == s.n && s.n == SAMPLE_MAX)
            break;
        if (lead < 0xa1 || lead > 0xf9 || trail < 0x40 || trail == 0xff || (trail > 0x7e && trail < 0xa1))
            return false;
        out->n++;
        out->marks += lead <= 0xa3;
        out->common += lead >= 0xa4 && lead <= 0xc6;
        i++;
    }
    return out->n >= FEWEST_CHARACTERS;
}

static bool count_shift_jis(Str s, Pairs *out) {
    *out = (Pairs){ 0 };
    for (size_t i = 0; i < s.n; i++) {
        unsigned char lead = at(s, i), trail = at(s, i + 1);
        if (lead < 0x80)
            continue;
        if (lead >= 0xa1 && lead <= 0xdf) { /* half-width katakana */
            out->n++;
            continue;
        }
        if (i + 1 == s.n && s.n == SAMPLE_MAX)
            break;
        if (lead < 0x81 || lead == 0xa0 || lead > 0xfc || trail < 0x40 || trail == 0x7f || trail > 0xfc)
            return false;
        out->n++;
        out->common += (lead == 0x82 && trail >= 0x9f && trail <= 0xf1) || (lead == 0x83 && trail <= 0x96);
        i++;
    }
    return out->n >= FEWEST_CHARACTERS;
}

static bool share(size_t part, size_t whole, size_t percent) {
    return whole > 0 && part * 100 >= whole * percent;
}

static Str guess_pairs(Str s) {
    Pairs p;
    if (count_euc(s, 0xa4, 0xa5, &p) && share(p.common, p.n, 20)) /* kana */
        return S("euc-jp");
    if (count_shift_jis(s, &p) && share(p.common, p.n, 20))
        return S("shift_jis");
    if (count_euc(s, 0xb0, 0xc8, &p) && share(p.common, p.n - p.marks, 92)) /* syllables */
        return S("euc-kr");
    if (count_euc(s, 0xb0, 0xd7, &p) && share(p.common, p.n - p.marks, 75))
        return S("gb18030");
    if (count_big5(s, &p) && share(p.common, p.n - p.marks, 60))
        return S("big5");
    return str_n(NULL, 0);
}

/* --- sets of one byte a character --- */

typedef struct Script {
    Str charset;
    const char *common; /* the letters that make up most of a text */
    uint32_t first, last;
} Script;

/* Capital letters are rare in every language: common means small ones, which is what tells KOI8 from windows-1251. */
static const Script scripts[] = {
    { STR_INIT("koi8-r"), "оеаинтсрвлкмдпу", 0x400, 0x45f },
    { STR_INIT("windows-1251"), "оеаинтсрвлкмдпу", 0x400, 0x45f },
    { STR_INIT("iso-8859-5"), "оеаинтсрвлкмдпу", 0x400, 0x45f },
    { STR_INIT("cp866"), "оеаинтсрвлкмдпу", 0x400, 0x45f },
    { STR_INIT("mac-cyrillic"), "оеаинтсрвлкмдпу", 0x400, 0x45f }, /* small letters as in windows-1251 */
    { STR_INIT("windows-1253"), "αοιετσνηυρπκμλς", 0x386, 0x3ce },
    { STR_INIT("windows-1255"), "יוהלארתשבמ", 0x5d0, 0x5ea },
    { STR_INIT("tis-620"), "านรอกเงมยลวดทส่้ัี", 0xe01, 0xe5b },
};

/* How many of 1000 characters past ASCII are common letters of the script, and, to decide between equals, a tenth of
 * those that are any of its letters; 0 if many are none of it at all. */
static size_t score(const Script *script, Str text) {
    size_t n = 0, own = 0, common = 0;
    for (size_t i = 0; i < text.n;) {
        uint32_t cp;
        size_t k = MAX(utf8_decode(text.p + i, text.n - i, &cp), (size_t)1);
        if (k > 1) {
            n++;
            own += cp >= script->first && cp <= script->last;
            common += text_find(script->common, script->common + strlen(script->common), str_n(text.p + i, k)) != NULL;
        }
        i += k;
    }
    return n >= FEWEST_LETTERS && share(own, n, 90) ? (common * 1000 + own * 100) / n : 0;
}

static bool is_foreign_script(Str s) { /* more letters past ASCII than of ASCII, markup aside */
    size_t high = 0, low = 0;
    bool tag = false;
    for (size_t i = 0; i < s.n; i++) {
        tag = s.p[i] == '<' || (tag && s.p[i] != '>');
        high += (s.p[i] & 0x80) != 0;
        low += !tag && text_is_alpha(s.p[i]);
    }
    return high > low / 2;
}

static Str guess_script(Str s) {
    Str best = { NULL, 0 };
    size_t most = 645;
    Buf text;
    buf_init(&text, (size_t)SAMPLE_MAX * 4);
    for (size_t i = 0; i < ARRAY_LEN(scripts) && is_foreign_script(s); i++) {
        buf_clear(&text);
        size_t points = charset_decode(scripts[i].charset, s, &text) ? score(&scripts[i], buf_str(&text)) : 0;
        if (points > most) {
            most = points;
            best = scripts[i].charset;
        }
    }
    buf_done(&text);
    return best;
}

Str charset_guess(Str bytes) {
    Str sample = str_first(bytes, SAMPLE_MAX), found = guess_pairs(sample);
    return found.n ? found : guess_script(sample);
}
