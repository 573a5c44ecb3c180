/* feed/charset.c - what a document is written in, and its reading.
 *
 * Sets of one byte a character are tables of ours. Those of several bytes (Chinese, Japanese, Korean) are read by the
 * C library's iconv, which is strict as we need it: a byte that does not fit refuses the whole, and the next candidate
 * is tried. */

#include "feed/charset.h"

#include "feed/charset_internal.h"
#include "feed/guess.h"

#include <iconv.h>

/* --- names --- */

enum { NAME_MAX_SIZE = 40 };

/* Lower case, and '_' for each run of what is no letter, digit or dot. */
static Str normal_name(Str name, char out[NAME_MAX_SIZE]) {
    size_t n = 0;
    bool gap = false;
    for (size_t i = 0; i < name.n; i++) {
        char c = text_lower_c(name.p[i]);
        if (!text_is_alpha(c) && !text_is_digit(c) && c != '.') {
            gap = true;
            continue;
        }
        if (n + 2 > NAME_MAX_SIZE)
            return str_n(NULL, 0);
        if (gap && n > 0)
            out[n++] = '_';
        gap = false;
        out[n++] = c == '.' ? '_' : c;
    }
    return str_n(out, n);
}

static const CharsetName *find_name(Str name) {
    char buffer[NAME_MAX_SIZE];
    name = normal_name(name, buffer);
    size_t lo = 0, hi = charset_names_n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int order = str_cmp(str_c(charset_names[mid].name), name);
        if (order == 0)
            return &charset_names[mid];
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

/* --- decoding --- */

static bool put_char(Buf *out, uint32_t cp) {
    char *p = buf_reserve(out, UTF8_MAX);
    size_t n = p ? utf8_encode(cp, p) : 0;
    out->n += n;
    return n > 0;
}

static bool decode_bytes(Str bytes, const uint32_t table[256], Buf *out) {
    for (size_t i = 0; i < bytes.n; i++) {
        uint32_t cp = table[(unsigned char)bytes.p[i]];
        if (cp == UTF8_REPLACEMENT || !put_char(out, cp))
            return false;
    }
    return true;
}

static bool decode_table(Str bytes, const CharsetTable *t, Buf *out) {
    uint32_t table[256];
    const char *p = t->chars;
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        if (t->whole || i >= 128)
            p += i == 0 ? 1 : utf8_decode(p, strlen(p), &table[i]); /* the first of a whole table is NUL */
    }
    return decode_bytes(bytes, table, out);
}

static bool decode_latin_1(Str bytes, Buf *out) {
    uint32_t table[256];
    for (uint32_t i = 0; i < 256; i++)
        table[i] = i;
    return decode_bytes(bytes, table, out);
}

static uint32_t unit(const unsigned char *p, size_t size, bool big) {
    uint32_t v = 0;
    for (size_t i = 0; i < size; i++)
        v |= (uint32_t)p[big ? size - 1 - i : i] << (8 * i);
    return v;
}

static bool decode_utf16(Str bytes, bool big, Buf *out) {
    const unsigned char *p = (const unsigned char *)bytes.p, *end = p + bytes.n;
    for (; end - p >= 2; p += 2) {
        uint32_t cp = unit(p, 2, big);
        if (cp >= 0xd800 && cp < 0xdc00 && end - p >= 4) {
            uint32_t low = unit(p + 2, 2, big);
            if (low < 0xdc00 || low > 0xdfff)
                return false;
            cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
            p += 2;
        }
        if (!put_char(out, cp))
            return false;
    }
    return p == end;
}

static bool decode_utf32(Str bytes, bool big, Buf *out) {
    const unsigned char *p = (const unsigned char *)bytes.p, *end = p + bytes.n;
    for (; end - p >= 4; p += 4)
        if (!put_char(out, unit(p, 4, big)))
            return false;
    return p == end;
}

static bool decode_iconv(Str bytes, const char *name, Buf *out) {
    iconv_t cd = iconv_open("UTF-8", name);
    if (cd == (iconv_t)-1) /* NOLINT(performance-no-int-to-ptr): iconv's own way to say no */
        return false;
    char *in = (char *)(uintptr_t)bytes.p; /* iconv does not write there */
    size_t left = bytes.n;
    bool ok = true;
    while (ok && left > 0) {
        char piece[4096], *to = piece;
        size_t room = sizeof piece;
        size_t r = iconv(cd, &in, &left, &to, &room);
        bool more = r == (size_t)-1 && to != piece; /* the piece is full, or what follows is bad: the next turn says */
        ok = (r != (size_t)-1 || more) && buf_put(out, piece, sizeof piece - room) == 0;
    }
    iconv_close(cd);
    return ok;
}

/* RFC 1843: "~{" begins pairs of GB 2312 without their eighth bits, "~}" ends them; "~~" is a tilde, "~" and the end of
 * a line nothing. */
static bool decode_hz(Str bytes, Buf *out) {
    Buf wide;
    buf_init(&wide, bytes.n);
    bool chinese = false, ok = true;
    for (size_t i = 0; i < bytes.n && ok; i++) {
        unsigned char c = (unsigned char)bytes.p[i], next = i + 1 < bytes.n ? (unsigned char)bytes.p[i + 1] : 0;
        ok = c < 0x80;
        if (c == '~' && next == (chinese ? '}' : '{')) {
            chinese = !chinese;
            i++;
        } else if (c == '~' && !chinese) {
            ok = next == '~' || next == '\n';
            i++;
            if (next == '~')
                buf_put_c(&wide, '~');
        } else if (chinese && c != '\n') {
            ok = next >= 0x21 && next < 0x7f;
            buf_put_c(&wide, (char)(c | 0x80));
            buf_put_c(&wide, (char)(next | 0x80));
            i++;
        } else {
            chinese = false; /* a line's end ends them too */
            buf_put_c(&wide, (char)c);
        }
    }
    ok = ok && decode_iconv(buf_str(&wide), "EUC-CN", out);
    buf_done(&wide);
    return ok;
}

static bool decode(const CharsetName *set, Str bytes, Buf *out) {
    if (bytes.n == 0)
        return true;
    switch (set->kind) {
    case CHARSET_ASCII:
        for (size_t i = 0; i < bytes.n; i++)
            if (bytes.p[i] & 0x80)
                return false;
        return buf_put_str(out, bytes) == 0;
    case CHARSET_UTF_8:
        return utf8_valid(bytes) && buf_put_str(out, bytes) == 0;
    case CHARSET_LATIN_1:
        return decode_latin_1(bytes, out);
    case CHARSET_UTF_16_LE:
    case CHARSET_UTF_16_BE:
        return decode_utf16(bytes, set->kind == CHARSET_UTF_16_BE, out);
    case CHARSET_UTF_32_LE:
    case CHARSET_UTF_32_BE:
        return decode_utf32(bytes, set->kind == CHARSET_UTF_32_BE, out);
    case CHARSET_TABLE:
        return decode_table(bytes, &charset_tables[set->table], out);
    case CHARSET_HZ:
        return decode_hz(bytes, out);
    case CHARSET_ICONV:
        return decode_iconv(bytes, set->iconv, out);
    }
    return false;
}

bool charset_decode(Str name, Str bytes, Buf *out) {
    const CharsetName *set = find_name(name);
    size_t before = out->n;
    if (set && decode(set, bytes, out))
        return true;
    out->n = before;
    return false;
}

/* --- detection --- */

static bool starts_with(Str s, const char *bytes, size_t n) {
    return s.n >= n && memcmp(s.p, bytes, n) == 0;
}

/* Byte order mark, or "<?xm" as it looks in other sets (XML 1.0, appendix F). *skip: size of the mark. The mark of
 * UTF-16 before text without a zero byte, in which no '<' can be UTF-16, is of another program's making and says nothing. */
static Str sniff(Str s, size_t *skip) {
    static const struct {
        Str name;
        const char *bytes;
        size_t n, skip;
        bool short_mark; /* of two bytes: not when two zeros follow, that is UTF-32 */
    } marks[] = {
        { STR_INIT("utf-32be"), "\0\0\xfe\xff", 4, 4, false }, { STR_INIT("utf-32le"), "\xff\xfe\0\0", 4, 4, false },
        { STR_INIT("utf-16be"), "\xfe\xff", 2, 2, true },      { STR_INIT("utf-16le"), "\xff\xfe", 2, 2, true },
        { STR_INIT("utf-8"), "\xef\xbb\xbf", 3, 3, false },    { STR_INIT("cp037"), "\x4c\x6f\xa7\x94", 4, 0, false },
        { STR_INIT("utf-16be"), "\0<\0?", 4, 0, false },       { STR_INIT("utf-16le"), "<\0?\0", 4, 0, false },
        { STR_INIT("utf-32be"), "\0\0\0<", 4, 0, false },      { STR_INIT("utf-32le"), "<\0\0\0", 4, 0, false },
    };
    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        if (starts_with(s, marks[i].bytes, marks[i].n) &&
            !(marks[i].short_mark && starts_with(str_from(s, 2), "\0\0", 2))) {
            *skip = marks[i].skip;
            return marks[i].short_mark && !memchr(s.p, '\0', s.n) ? str_n(NULL, 0) : marks[i].name;
        }
    *skip = 0;
    return str_n(NULL, 0);
}

static const char *find_last(Str s, Str needle) {
    for (size_t i = s.n >= needle.n ? s.n - needle.n + 1 : 0; i > 0; i--)
        if (memcmp(s.p + i - 1, needle.p, needle.n) == 0)
            return s.p + i - 1;
    return NULL;
}

/* encoding="…" of the first line, if that begins with "<?" and has a "?>". The last one counts. */
static Str declared(Arena *a, Str text) {
    const char *newline = memchr(text.p ? text.p : "", '\n', text.n);
    Str line = newline ? str_n(text.p, (size_t)(newline - text.p)) : text;
    const char *close = str_starts(line, S("<?")) ? find_last(line, S("?>")) : NULL;
    for (Str s = close ? str_n(line.p, (size_t)(close - line.p)) : str_n(NULL, 0); s.n > 0;) {
        const char *at = find_last(s, S("encoding="));
        if (!at)
            break;
        const char *p = at + 9, *end = s.p + s.n;
        if (p < end && (*p == '"' || *p == '\''))
            for (const char *q = p + 1; q < end; q++)
                if (*q == '"' || *q == '\'')
                    return text_lower(a, str_n(p + 1, (size_t)(q - p - 1)));
        s.n = (size_t)(at - s.p);
    }
    return str_n(NULL, 0);
}

/* "utf-16" and the like say less than the bytes do. */
static bool is_vague(Str name) {
    static const char *const vague[] = { "u16",   "utf-16", "utf16",           "utf_16",          "u32",    "utf-32",
                                         "utf32", "utf_32", "iso-10646-ucs-2", "iso-10646-ucs-4", "csucs4", "csunicode",
                                         "ucs-2", "ucs-4" };
    for (size_t i = 0; i < ARRAY_LEN(vague); i++)
        if (str_eq(name, str_c(vague[i])))
            return true;
    return false;
}

/* charset=… of a Content-Type, without quotes. */
static Str server_charset(Arena *a, Str content_type) {
    Str part;
    while (str_next(&content_type, ';', &part)) {
        part = str_trim(part);
        if (part.n < 8 || !str_eq_nocase(str_first(part, 8), S("charset=")))
            continue;
        part = str_trim(str_from(part, 8));
        while (part.n && (part.p[0] == '"' || part.p[0] == '\''))
            part = str_from(part, 1);
        while (part.n && (part.p[part.n - 1] == '"' || part.p[part.n - 1] == '\''))
            part.n--;
        return text_lower(a, part);
    }
    return str_n(NULL, 0);
}

static Str wider(Str name) { /* gb18030 has all of gb2312, and its writers use more of it than they say */
    return str_eq(name, S("gb2312")) ? S("gb18030") : name;
}

/* The document's own word, which may be written in what its first bytes look like. */
static Str said_by_document(Arena *a, Str bytes, Str sniffed, size_t limit) {
    if (sniffed.n == 0)
        return wider(declared(a, bytes));
    Buf text;
    buf_init(&text, limit);
    Str said = charset_decode(sniffed, bytes, &text) ? str_dup(a, declared(a, buf_str(&text))) : str_n(NULL, 0);
    buf_done(&text);
    return wider(is_vague(said) ? sniffed : said);
}

/* Whether the bytes are of that set; *out is then `bytes` itself or a copy in the arena. */
static bool read_as(Arena *a, Str name, Str bytes, Buf *text, Str *out) {
    const CharsetName *set = name.n ? find_name(name) : NULL;
    buf_clear(text);
    *out = bytes;
    if (!set)
        return false;
    if (set->kind == CHARSET_UTF_8)
        return utf8_valid(bytes);
    if (!decode(set, bytes, text))
        return false;
    *out = str_dup(a, buf_str(text));
    return true;
}

int charset_read(Arena *a, Str bytes, const FeedHints *hints, size_t limit, CharsetText *out) {
    enum { GUESSED = 5 };
    size_t skip;
    Str sniffed = sniff(bytes, &skip),
        server = server_charset(a, hints->has_http ? hints->content_type : str_n(NULL, 0));
    bytes = str_from(bytes, skip);
    if (bytes.n > limit)
        return ERR_TOO_LARGE;
    Str said = said_by_document(a, bytes, sniffed, limit);
    /* Without a server's word the document's own comes first; with one, the byte order mark is the better witness. */
    Str candidates[] = { wider(server),
                         hints->has_http && skip ? sniffed : said,
                         said,
                         sniffed,
                         S("utf-8"),
                         str_n(NULL, 0),
                         S("windows-1252"),
                         S("iso-8859-2") };
    Str first = server.n ? candidates[0] : candidates[1].n ? candidates[1] : sniffed.n ? sniffed : S("utf-8");
    Buf text;
    buf_init(&text, limit);
    *out = (CharsetText){ .unknown = true };
    for (size_t i = 0; i < ARRAY_LEN(candidates) && out->unknown && !text.full; i++) {
        Str name = i == GUESSED ? charset_guess(bytes) : candidates[i], got;
        if (read_as(a, name, bytes, &text, &got))
            *out = (CharsetText){ .text = got, .encoding = str_dup(a, name), .other = !str_eq(name, first) };
    }
    bool full = text.full;
    buf_done(&text);
    if (full)
        return ERR_TOO_LARGE;
    if (out->unknown)
        *out = (CharsetText){ .text = utf8_clean(a, bytes), .encoding = S(""), .unknown = true };
    return 0;
}
