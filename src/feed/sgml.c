/* feed/sgml.c - the tolerant tokenizer.
 *
 * The text is first put right where shorthand stands for something else (sgml_prepare), then read in one pass. */

#include "feed/sgml.h"

/* The end of a start tag is looked for behind its quoted values. A text in which that search fails again and again
 * could make it quadratic: past this many bytes looked at in vain, for each byte of text, quotes no longer hide a '>'. */
enum { START_TAG_WORK = 8 };

typedef struct Sgml {
    const char *begin, *p, *end;
    SgmlRules rules;
    const SgmlSink *sink;
    void *arg;
    Arena *scratch;
    Str last_tag;
    size_t vain; /* bytes looked at in vain by find_tag_end */
    SgmlAttr attrs[SGML_ATTRS_MAX];
    size_t n_attrs;
} Sgml;

/* What a step says: where reading goes on, or that the rest is no markup. */
static const char *const REST = NULL;

bool sgml_is_void(Str tag) {
    static const char *const names[] = { "area",  "base",  "basefont", "br",    "col",     "command", "embed",
                                         "frame", "hr",    "img",      "input", "isindex", "keygen",  "link",
                                         "meta",  "param", "source",   "track", "wbr" };
    if (tag.n < 2 || tag.n > 8)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i][0] == tag.p[0] && str_eq(str_c(names[i]), tag))
            return true;
    return false;
}

static void say_data(const Sgml *s, const char *p, const char *end) {
    if (p < end && s->sink->data)
        s->sink->data(s->arg, str_n(p, (size_t)(end - p)));
}

static void say_end(const Sgml *s, Str tag) {
    if (s->sink->end)
        s->sink->end(s->arg, tag);
}

static bool is_tag_char(char c) {
    return text_is_alpha(c) || text_is_digit(c) || c == '-' || c == '_' || c == '.' || c == ':';
}

/* --- shorthand put right --- */

/* <tag/> or <tag />: the end of the whole, and the name. NULL if it is something else. */
static const char *short_tag(const char *p, const char *end, Str *tag) {
    const char *q = p + 1;
    while (q < end && !text_is_space(*q) && *q != '<' && *q != '>')
        q++;
    if (q < end && *q == '>' && q[-1] == '/' && q - 1 > p + 1) {
        *tag = str_n(p + 1, (size_t)(q - 1 - (p + 1)));
        return q + 1;
    }
    if (q == p + 1)
        return NULL;
    *tag = str_n(p + 1, (size_t)(q - (p + 1)));
    while (q < end && text_is_space(*q))
        q++;
    return q + 1 < end && q[0] == '/' && q[1] == '>' ? q + 2 : NULL;
}

static bool is_declaration(const char *p, const char *end) { /* p at "<!" */
    Str rest = str_n(p + 2, (size_t)(end - p - 2));
    return str_starts(rest, S("DOCTYPE")) || str_starts(rest, S("--")) || str_starts(rest, S("["));
}

/* Copies with &#39; and &#34; as the quotes they stand for. */
static void put_quotes(Buf *out, const char *p, const char *end) {
    while (p < end) {
        const char *amp = memchr(p, '&', (size_t)(end - p));
        const char *stop = amp ? amp : end;
        bool quote = amp && end - amp >= 5 && (memcmp(amp, "&#39;", 5) == 0 || memcmp(amp, "&#34;", 5) == 0);
        buf_put(out, p, (size_t)(stop - p));
        if (quote)
            buf_put_c(out, amp[3] == '9' ? '\'' : '"');
        else if (amp)
            buf_put_c(out, '&');
        p = quote ? amp + 5 : stop + (amp != NULL);
    }
}

static void put_short_tag(Buf *out, Str tag) {
    buf_put_c(out, '<');
    put_quotes(out, tag.p, tag.p + tag.n);
    if (sgml_is_void(tag)) {
        BUF_LIT(out, " />");
        return;
    }
    BUF_LIT(out, "></");
    put_quotes(out, tag.p, tag.p + tag.n);
    BUF_LIT(out, ">");
}

/* <tag/> becomes <tag></tag>; the first two "<!" that begin no declaration become text; quotes written as numbers
 * become quotes. */
static void prepare(Str text, Buf *out) {
    const char *p = text.p, *end = text.p + text.n;
    int n_declarations = 0;
    while (p < end) {
        const char *lt = memchr(p, '<', (size_t)(end - p));
        put_quotes(out, p, lt ? lt : end);
        if (!lt)
            return;
        Str tag;
        const char *behind = short_tag(lt, end, &tag);
        if (lt + 1 < end && lt[1] == '!' && n_declarations < 2 && !is_declaration(lt, end)) {
            n_declarations++;
            BUF_LIT(out, "&lt;!");
            p = lt + 2;
        } else if (behind) {
            put_short_tag(out, tag);
            p = behind;
        } else {
            buf_put_c(out, '<');
            p = lt + 1;
        }
    }
}

/* A short tag that read_start_tag reads by itself. */
static bool is_plain_name(Str name) {
    for (size_t i = 0; i < name.n; i++)
        if (!is_tag_char(name.p[i]))
            return false;
    return text_is_alpha(name.p[0]);
}

static bool needs_preparation(Str text) {
    const char *end = text.p + text.n;
    for (const char *p = text.p; (p = text_until(p, end, '<', '&')) < end; p++) {
        Str tag;
        if (*p == '&') {
            if (end - p >= 5 && p[1] == '#' && p[2] == '3' && (p[3] == '9' || p[3] == '4') && p[4] == ';')
                return true;
        } else if (p + 1 < end && p[1] == '!') {
            if (!is_declaration(p, end))
                return true;
        } else if (short_tag(p, end, &tag) && !is_plain_name(tag)) {
            return true;
        }
    }
    return false;
}

/* --- start tags --- */

/* The quoted value at p, if something may follow it: its end, else NULL. */
static const char *quoted_value(const char *p, const char *end) {
    const char *q = memchr(p + 1, *p, (size_t)(end - p - 1));
    if (!q || q + 1 >= end)
        return NULL;
    char c = q[1];
    if (c == '>' || c == '/' || text_is_space(c))
        return q + 1;
    const char *w = q + 1;
    while (w < end && text_is_word(*w))
        w++;
    return w > q + 1 && w < end && *w == '=' ? q + 1 : NULL;
}

/* The '<' or '>' that ends the tag whose inside begins at p; NULL if there is none on that line. */
static const char *find_tag_end(Sgml *s, const char *p) {
    const char *q = p, *end = s->end;
    while (q && q < end && *q != '<' && *q != '>')
        q = *q == '"' || *q == '\''
                ? (s->vain > START_TAG_WORK * (size_t)(end - s->begin) ? NULL : quoted_value(q, end))
                : q + 1;
    if (q && q < end)
        return q;
    const char *plain = p;
    while (plain < end && *plain != '<' && *plain != '>' && *plain != '\n')
        plain++;
    s->vain += (size_t)(end - p) / 64 + (q ? (size_t)(q - p) : (size_t)(plain - p));
    return plain < end && *plain != '\n' ? plain : NULL;
}

/* "&#38" without its semicolon is given one: later readers know only the whole form. */
static Str mend_references(Sgml *s, Str value) {
    const char *end = value.p + value.n;
    if (!text_find(value.p, end, S("&#")))
        return value;
    char *copy = arena_alloc(s->scratch, value.n + value.n / 3 + 1);
    size_t n = 0;
    for (const char *p = value.p; p < end;) {
        copy[n++] = *p++;
        if (p[-1] != '&' || p + 1 >= end || p[0] != '#' || !text_is_digit(p[1]))
            continue;
        copy[n++] = *p++;
        while (p < end && text_is_digit(*p))
            copy[n++] = *p++;
        if (p == end || *p != ';')
            copy[n++] = ';';
    }
    return str_n(copy, n);
}

static bool is_plain_value_char(char c) {
    return text_is_alpha(c) || text_is_digit(c) || (c != '\0' && strchr("[]-./,:;+*%?!&$()_#=~'\"@", c) != NULL);
}

/* The value behind "name"; *p moves behind it. False if there is none. */
static bool read_value(const Sgml *s, const char **p, Str *out) {
    const char *q = *p, *end = s->end;
    while (q < end && text_is_space(*q))
        q++;
    if (q == end || *q != '=')
        return false;
    q++;
    while (q < end && text_is_space(*q))
        q++;
    const char *close = q < end && (*q == '"' || *q == '\'') ? memchr(q + 1, *q, (size_t)(end - q - 1)) : NULL;
    if (close) {
        *out = str_n(q + 1, (size_t)(close - q - 1));
        *p = close + 1;
        return true;
    }
    const char *from = q;
    while (q < end && is_plain_value_char(*q))
        q++;
    *out = str_n(from, (size_t)(q - from));
    if (out->n && (out->p[0] == '"' || out->p[0] == '\'') && out->p[0] == out->p[out->n - 1])
        *out = out->n > 1 ? str_n(out->p + 1, out->n - 2) : str_n(out->p, 0);
    *p = q;
    return true;
}

static void read_attrs(Sgml *s, const char *p, const char *stop) {
    s->n_attrs = 0;
    while (p < stop) {
        while (p < s->end && text_is_space(*p))
            p++;
        if (p == s->end || !(text_is_alpha(*p) || *p == '_'))
            return;
        const char *from = p;
        while (p < s->end && is_tag_char(*p))
            p++;
        Str name = str_n(from, (size_t)(p - from)), value = name;
        if (p < s->end && *p == '$')
            p++;
        if (read_value(s, &p, &value))
            value = mend_references(s, value);
        if (s->n_attrs < SGML_ATTRS_MAX)
            s->attrs[s->n_attrs++] = (SgmlAttr){ text_lower(s->scratch, name), value };
    }
}

/* <tag/text/ is <tag>text</tag>. */
static const char *read_short_text(Sgml *s, Str tag, const char *slash) {
    const char *close = memchr(slash + 1, '/', (size_t)(s->end - slash - 1));
    if (!close)
        return REST;
    tag = text_lower(s->scratch, tag);
    if (s->sink->start)
        s->sink->start(s->arg, tag, NULL, 0);
    if (s->sink->data)
        s->sink->data(s->arg, str_n(slash + 1, (size_t)(close - slash - 1)));
    say_end(s, tag);
    return close + 1;
}

/* <tag/> and <tag /> without attributes. */
static const char *read_short_tag(Sgml *s, Str name, const char *behind) {
    s->last_tag = name;
    name = text_lower(s->scratch, name);
    if (s->sink->start)
        s->sink->start(s->arg, name, NULL, 0);
    if (s->rules.xhtml || !sgml_is_void(s->last_tag))
        say_end(s, name);
    return behind;
}

static const char *read_start_tag(Sgml *s) {
    Str short_name;
    const char *p = s->p + 1, *short_end = short_tag(s->p, s->end, &short_name);
    if (short_end && is_plain_name(short_name))
        return read_short_tag(s, short_name, short_end);
    while (p < s->end && is_tag_char(*p) && *p != '_' && *p != ':')
        p++;
    const char *behind;
    if (p < s->end && *p == '/' && text_is_alpha(s->p[1])) {
        behind = read_short_text(s, str_n(s->p + 1, (size_t)(p - s->p - 1)), p);
    } else {
        const char *stop = find_tag_end(s, s->p + 1);
        if (!stop)
            return REST;
        const char *name_end = s->p + 1;
        while (name_end < s->end && is_tag_char(*name_end))
            name_end++;
        s->n_attrs = 0;
        if (s->p[1] != '>') {
            s->last_tag = str_n(s->p + 1, (size_t)(name_end - s->p - 1)); /* of the text, as it is written */
            read_attrs(s, name_end, stop);
        }
        if (s->sink->start)
            s->sink->start(s->arg, text_lower(s->scratch, s->last_tag), s->attrs, s->n_attrs);
        behind = stop + (*stop == '>');
    }
    if (s->rules.xhtml && behind && behind[-1] == '>' && behind[-2] == '/')
        say_end(s, text_lower(s->scratch, s->last_tag));
    return behind;
}

/* --- the other tokens --- */

static const char *read_end_tag(Sgml *s) {
    const char *p = s->p + 2;
    while (p < s->end && *p != '<' && *p != '>')
        p++;
    if (p == s->end)
        return REST;
    say_end(s, text_lower(s->scratch, text_strip(str_n(s->p + 2, (size_t)(p - s->p - 2)))));
    return p + (*p == '>');
}

/* The '>' of the first "--", white space, '>' from p on; with `any`, of the first "--", anything, '>'. */
static const char *comment_end(const char *p, const char *end, bool any, const char **text_end) {
    while ((p = text_find(p, end, S("--"))) != NULL) {
        const char *q = p + 2;
        if (any) {
            q = memchr(q, '>', (size_t)(end - q));
            return q ? q : NULL;
        }
        while (q < end && text_is_space(*q))
            q++;
        *text_end = p;
        if (q < end && *q == '>')
            return q;
        p++;
    }
    return NULL;
}

static const char *read_comment(Sgml *s) {
    const char *text_end = NULL, *close = comment_end(s->p + 4, s->end, false, &text_end);
    if (close) {
        if (s->sink->comment)
            s->sink->comment(s->arg, str_n(s->p + 4, (size_t)(text_end - s->p - 4)));
        return close + 1;
    }
    if (!s->rules.comments_forgive)
        return REST;
    close = comment_end(s->p + 4, s->end, true, &text_end);
    return close ? close + 1 : s->end;
}

static const char *read_instruction(const Sgml *s) {
    const char *close = memchr(s->p + 2, '>', (size_t)(s->end - s->p - 2));
    return close ? close + 1 : REST;
}

/* A feed's: CDATA is data, everything else is over at the next '>'. */
static const char *read_feed_declaration(Sgml *s) {
    Str rest = str_n(s->p, (size_t)(s->end - s->p));
    if (!str_starts(rest, S("<![CDATA["))) {
        const char *close = memchr(s->p, '>', rest.n);
        return close ? close + 1 : REST;
    }
    const char *close = text_find(s->p, s->end, S("]]>"));
    if (!close)
        return s->end;
    if (s->sink->cdata)
        s->sink->cdata(s->arg, str_n(s->p + 9, (size_t)MAX(close - s->p - 9, 0)));
    return close + 3;
}

/* "]>", or "]]>" of a standard section, with white space between: what is behind it. */
static const char *section_end(const char *p, const char *end, bool standard) {
    for (; (p = memchr(p, ']', (size_t)(end - p))) != NULL; p++) {
        const char *q = p + 1;
        while (q < end && text_is_space(*q))
            q++;
        if (standard && q < end && *q == ']')
            for (q++; q < end && text_is_space(*q);)
                q++;
        else if (standard)
            continue;
        if (q < end && *q == '>')
            return q + 1;
    }
    return NULL;
}

static const char *say_as_text(const Sgml *s, size_t n) { /* the mark at p, as the text it looks like */
    if (s->sink->entityref)
        s->sink->entityref(s->arg, S("lt"));
    say_data(s, s->p + 1, s->p + n);
    return s->p + n;
}

/* <![if …]> and <![CDATA[ … ]]> in HTML: left out with what is in them. */
static const char *read_marked_section(const Sgml *s) {
    static const char *const standard[] = { "temp", "cdata", "ignore", "include", "rcdata" };
    static const char *const office[] = { "if", "else", "endif" };
    const char *p = s->p + 3;
    while (p < s->end && is_tag_char(*p))
        p++;
    Str name = str_n(s->p + 3, (size_t)(p - s->p - 3));
    const char *behind = NULL;
    for (size_t i = 0; i < ARRAY_LEN(standard) && !behind; i++)
        if (str_eq_nocase(name, str_c(standard[i])))
            behind = section_end(s->p + 3, s->end, true);
    for (size_t i = 0; i < ARRAY_LEN(office) && !behind; i++)
        if (str_eq_nocase(name, str_c(office[i])))
            behind = section_end(s->p + 3, s->end, false);
    return behind ? behind : say_as_text(s, 3);
}

/* <!DOCTYPE …>: over at the first '>' outside of quotes. */
static const char *read_html_declaration(const Sgml *s) {
    if (s->end - s->p > 2 && s->p[2] == '[')
        return read_marked_section(s);
    const char *p = s->p + 2;
    while (p && p < s->end && *p != '>')
        if (*p == '"' || *p == '\'') {
            p = memchr(p + 1, *p, (size_t)(s->end - p - 1));
            p = p ? p + 1 : NULL;
        } else {
            p++;
        }
    return p && p < s->end ? p + 1 : REST;
}

static const char *read_markup(Sgml *s) { /* p at '<' */
    char c = s->p + 1 < s->end ? s->p[1] : '\0';
    if (text_is_alpha(c) || c == '>')
        return read_start_tag(s);
    if (c == '/')
        return read_end_tag(s);
    if (c == '?')
        return read_instruction(s);
    if (c == '!' && s->end - s->p >= 4 && s->p[2] == '-' && s->p[3] == '-')
        return read_comment(s);
    if (c == '!')
        return s->rules.cdata ? read_feed_declaration(s) : read_html_declaration(s);
    if (s->p + 1 == s->end)
        return REST;
    say_data(s, s->p, s->p + 1);
    return s->p + 1;
}

static const char *read_charref(const Sgml *s, const char *p) { /* p at the first digit or the x */
    const char *from = p;
    if (p < s->end && (*p == 'x' || *p == 'X')) {
        for (p++; p < s->end && (text_is_digit(*p) || ((*p | 32) >= 'a' && (*p | 32) <= 'f'));)
            p++;
    } else {
        while (p < s->end && text_is_digit(*p))
            p++;
    }
    bool some = p > from && text_is_digit(*from) ? true : p > from + 1;
    if (some && p < s->end && *p == ';') {
        if (s->sink->charref)
            s->sink->charref(s->arg, str_n(from, (size_t)(p - from)));
        return p + 1;
    }
    for (p = from; p < s->end && text_is_digit(*p);)
        p++;
    if (p == s->end)
        return REST;
    say_data(s, s->p, p);
    return p;
}

static const char *read_reference(const Sgml *s) { /* p at '&' */
    const char *p = s->p + 1;
    if (p < s->end && *p == '#')
        return read_charref(s, p + 1);
    if (p < s->end && text_is_alpha(*p)) {
        /* "&a.b-" is the name "a.b" before something that is no letter or digit: back to the last such place. */
        const char *q = p;
        while (q < s->end && (text_is_alpha(*q) || text_is_digit(*q) || *q == '-' || *q == '.'))
            q++;
        while (q > p && (q == s->end || text_is_alpha(*q) || text_is_digit(*q)))
            q--;
        if (q > p) {
            if (s->sink->entityref)
                s->sink->entityref(s->arg, str_n(p, (size_t)(q - p)));
            return q + (*q == ';');
        }
        while (p < s->end && (text_is_alpha(*p) || text_is_digit(*p)))
            p++;
    }
    if (p == s->end)
        return REST;
    say_data(s, s->p, p);
    return p;
}

static void read_all(Sgml *s) {
    while (s->p < s->end) {
        const char *q = text_until(s->p, s->end, '<', '&');
        say_data(s, s->p, q);
        s->p = q;
        if (q == s->end)
            return;
        ArenaMark mark = arena_mark(s->scratch);
        const char *behind = *q == '<' ? read_markup(s) : read_reference(s);
        arena_rewind(s->scratch, mark);
        if (behind == REST) {
            if (s->sink->rest)
                s->sink->rest(s->arg, str_n(s->p, (size_t)(s->end - s->p)));
            return;
        }
        s->p = behind;
    }
}

void sgml_read(Str text, SgmlRules rules, const SgmlSink *sink, void *arg, Arena *scratch) {
    if (text.n == 0)
        return;
    ArenaMark mark = arena_mark(scratch);
    Buf whole;
    buf_init(&whole, text.n * 3 + 64);            /* <a/> becomes <a></a> */
    if (rules.cdata || needs_preparation(text)) { /* in CDATA it is not seen otherwise */
        prepare(text, &whole);
        text = buf_str(&whole);
    }
    Sgml s = { .begin = text.p,
               .p = text.p,
               .end = text.p + text.n,
               .rules = rules,
               .sink = sink,
               .arg = arg,
               .scratch = scratch,
               .last_tag = S("???") };
    read_all(&s);
    buf_done(&whole);
    arena_rewind(scratch, mark);
}
