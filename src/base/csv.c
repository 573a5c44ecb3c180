/* base/csv.c - see csv.h.
 *
 * `scan` walks one row and can stop anywhere: what it knows (state, offsets from the row's start) survives when the
 * row moves into `carry` to be continued there. Each byte is looked at once, and copied at most once. */

#include "base/csv.h"

typedef enum State {
    FIELD_START,
    PLAIN,
    QUOTED,
    QUOTE_SEEN, /* in a quoted field: the end, or the first of "" */
} State;

enum { ROW_SIZE = 1 << 20, N_FIELDS = 1024 };

static const char bom[] = "\xEF\xBB\xBF";
enum { BOM_SIZE = 3 };

void csv_reader_init(CsvReader *r, const CsvLimits *limits, char separator) {
    assert(separator != '"' && separator != '\n' && separator != '\r');
    assert(limits->row_size == 0 || limits->row_size >= BOM_SIZE);
    *r = (CsvReader){ .limits = *limits, .separator = separator, .line = 1 };
    if (!r->limits.row_size)
        r->limits.row_size = ROW_SIZE;
    if (!r->limits.n_fields)
        r->limits.n_fields = N_FIELDS;
    buf_init(&r->carry, r->limits.row_size + 1);
    buf_init(&r->unescaped, r->limits.row_size);
}

void csv_reader_done(CsvReader *r) {
    buf_done(&r->carry);
    buf_done(&r->unescaped);
    vec_done(&r->spans);
    vec_done(&r->fields);
}

static int fail(CsvReader *r, int code, size_t line, const char *why) {
    r->err = code;
    r->err_line = line;
    r->why = why;
    return code;
}

static int fail_row_size(CsvReader *r) {
    return fail(r, ERR_LIMIT, r->row_line, "the row is too long");
}

/* --- feeding --- */

void csv_feed(CsvReader *r, Str piece) {
    assert(r->piece.n == 0 && !r->ended);
    while (r->bom_size < BOM_SIZE && piece.n) {
        if (piece.p[0] != bom[r->bom_size]) {
            buf_put(&r->carry, bom, r->bom_size); /* it only began like one */
            r->bom_size = BOM_SIZE;
            break;
        }
        r->bom_size++;
        piece = str_from(piece, 1);
    }
    r->piece = piece;
}

void csv_end(CsvReader *r) {
    assert(r->piece.n == 0);
    if (r->bom_size < BOM_SIZE)
        buf_put(&r->carry, bom, r->bom_size);
    r->bom_size = BOM_SIZE;
    r->ended = true;
}

/* --- one row --- */

/* Offset of the first separator, LF or CR in p[0..n), n when there is none. Eight bytes a step; a byte's top bit is
 * set in `hit` when it is one. Borrows can set it falsely only above a true hit, so the lowest one is right. */
static inline size_t find_break(const char *p, size_t n, char separator) {
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones * 0x80;
    const uint64_t separators = ones * (unsigned char)separator;
    size_t at = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (; n - at >= 8; at += 8) {
        uint64_t v;
        memcpy(&v, p + at, sizeof v);
        uint64_t sep = v ^ separators, lf = v ^ ones * '\n', cr = v ^ ones * '\r';
        uint64_t hit = (((sep - ones) & ~sep) | ((lf - ones) & ~lf) | ((cr - ones) & ~cr)) & tops;
        if (hit)
            return at + (size_t)__builtin_ctzll(hit) / 8;
    }
#endif
    while (at < n && p[at] != separator && p[at] != '\n' && p[at] != '\r')
        at++;
    return at;
}

static int end_field(CsvReader *r, size_t end) {
    if (r->spans.n == r->limits.n_fields)
        return fail(r, ERR_LIMIT, r->row_line, "the row has too many fields");
    vec_push(&r->spans, ((CsvSpan){ r->field_at, end - r->field_at, r->escaped }));
    r->escaped = false;
    r->state = FIELD_START;
    return 0;
}

/* c ended a field: is it a separator, or did the row end too? */
static int end_break(CsvReader *r, char c) {
    r->at++;
    if (r->at > r->limits.row_size)
        return fail_row_size(r);
    r->skip_lf = c == '\r';
    return c == r->separator ? CSV_MORE : CSV_ROW;
}

static size_t count_lines(const char *p, size_t n) {
    size_t count = 0;
    for (const char *end = p + n; (p = memchr(p, '\n', (size_t)(end - p))); p++)
        count++;
    return count;
}

/* In a quoted field: up to the next quote. */
static void scan_quoted(CsvReader *r, const char *row, size_t n) {
    const char *quote = memchr(row + r->at, '"', n - r->at);
    size_t stop = quote ? (size_t)(quote - row) : n;
    r->line += count_lines(row + r->at, stop - r->at);
    r->at = stop;
    if (quote) {
        r->at++;
        r->state = QUOTE_SEEN;
    }
}

/* Behind a quote in a quoted field. CSV_MORE: go on. */
static int scan_behind_quote(CsvReader *r, char c) {
    if (c == '"') {
        r->escaped = true;
        r->state = QUOTED;
        r->at++;
        return CSV_MORE;
    }
    if (c != r->separator && c != '\n' && c != '\r')
        return fail(r, ERR_BAD_REQUEST, r->line, "text follows a closing quote");
    int e = end_field(r, r->at - 1);
    return e ? e : end_break(r, c);
}

/* The input ends inside or behind a row. */
static int scan_end(CsvReader *r) {
    if (r->state == QUOTED)
        return fail(r, ERR_BAD_REQUEST, r->quote_line, "a quote is not closed");
    if (r->state == FIELD_START)
        r->field_at = r->at;
    int e = end_field(r, r->at - (r->state == QUOTE_SEEN));
    return e ? e : CSV_ROW;
}

/* Goes on with the row that starts at `row`; CSV_ROW when its end was met, CSV_MORE when n bytes did not hold it.
 * Looks at one byte past the limit at most, so that the same error comes first however the bytes arrive. */
static int scan(CsvReader *r, const char *row, size_t n) {
    int got = CSV_MORE;
    n = MIN(n, r->limits.row_size + 1);
    while (got == CSV_MORE && r->at < n) {
        switch ((State)r->state) {
        case FIELD_START:
            r->state = row[r->at] == '"' ? QUOTED : PLAIN;
            r->quote_line = r->line;
            r->at += r->state == QUOTED;
            r->field_at = r->at;
            break;
        case PLAIN:
            r->at += find_break(row + r->at, n - r->at, r->separator);
            if (r->at < n && !(got = end_field(r, r->at)))
                got = end_break(r, row[r->at]);
            break;
        case QUOTED:
            scan_quoted(r, row, n);
            break;
        case QUOTE_SEEN:
            got = scan_behind_quote(r, row[r->at]);
            break;
        }
    }
    if (got == CSV_MORE && r->at > r->limits.row_size)
        return fail_row_size(r);
    return got;
}

/* --- rows out --- */

/* "" -> " */
static Str unescape(CsvReader *r, Str s) {
    size_t from = r->unescaped.n;
    while (s.n) {
        ptrdiff_t quote = str_find_char(s, '"');
        size_t n = quote < 0 ? s.n : (size_t)quote + 1;
        buf_put(&r->unescaped, s.p, n);
        s = str_from(s, n + (quote >= 0));
    }
    return str_n(r->unescaped.p + from, r->unescaped.n - from);
}

static void make_row(CsvReader *r, const char *text, CsvRow *row) {
    buf_clear(&r->unescaped);
    r->fields.n = 0;
    bool reserved = false;
    for (size_t i = 0; i < r->spans.n; i++) {
        const CsvSpan *span = &r->spans.v[i];
        Str field = str_n(text + span->at, span->n);
        if (span->escaped && !reserved) { /* once for all, so that the buffer does not move under the fields */
            buf_reserve(&r->unescaped, r->at);
            reserved = true;
        }
        vec_push(&r->fields, span->escaped ? unescape(r, field) : field);
    }
    *row = (CsvRow){ r->fields.v, r->fields.n, r->row_line };
}

/* A row's end was met in `text`. False: it was a line without a byte. */
static bool take_row(CsvReader *r, const char *text, CsvRow *row) {
    bool blank = r->spans.n == 1 && r->spans.v[0].n == 0 && r->spans.v[0].at == 0;
    if (!blank)
        make_row(r, text, row);
    r->spans.n = 0;
    r->at = 0;
    r->line++;
    return !blank;
}

/* Moves the piece up to a line end, or all of it, behind the carried start of a row; not past the limit and one. */
static void carry_more(CsvReader *r) {
    size_t n = find_break(r->piece.p, r->piece.n, '\n');
    n = MIN(n + (n < r->piece.n), r->limits.row_size + 1 - r->carry.n);
    buf_put(&r->carry, r->piece.p, n);
    r->piece = str_from(r->piece, n);
}

static char guess_separator(Str line) {
    static const char candidates[] = ",;\t|";
    size_t counts[sizeof candidates - 1] = { 0 }, best = 0;
    bool quoted = false;
    for (size_t i = 0; i < line.n; i++) {
        quoted ^= line.p[i] == '"';
        const char *hit = quoted || !line.p[i] ? NULL : strchr(candidates, line.p[i]);
        if (hit)
            counts[hit - candidates]++;
    }
    for (size_t i = 1; i < ARRAY_LEN(counts); i++)
        if (counts[i] > counts[best])
            best = i;
    return candidates[best];
}

/* Carries the first line that has a byte until its end is there, and asks it. CSV_MORE: not yet. */
static int find_separator(CsvReader *r) {
    bool found = false;
    while (r->piece.n && !found) {
        char c = r->piece.p[0];
        if (r->carry.n == 0 && (c == '\n' || c == '\r')) {
            r->line += c == '\r' || !r->skip_lf;
            r->skip_lf = c == '\r';
            r->piece = str_from(r->piece, 1);
            continue;
        }
        r->row_line = r->line;
        r->skip_lf = false;
        carry_more(r);
        c = r->carry.p[r->carry.n - 1];
        found = c == '\n' || c == '\r' || r->carry.n > r->limits.row_size;
    }
    if (!found && !r->ended)
        return CSV_MORE;
    r->separator = guess_separator(buf_str(&r->carry));
    return 0;
}

static void skip_second_half_of_crlf(CsvReader *r) {
    if (!r->skip_lf || r->piece.n == 0)
        return;
    r->skip_lf = false;
    if (r->piece.p[0] == '\n')
        r->piece = str_from(r->piece, 1);
}

/* The next line. CSV_ROW also for one without a byte, then with *blank. */
static int next_line(CsvReader *r, CsvRow *row, bool *blank) {
    if (r->carry.n == 0)
        skip_second_half_of_crlf(r);
    if (r->at == 0)
        r->row_line = r->line;
    bool carried = r->carry.n > 0;
    int got = scan(r, carried ? r->carry.p : r->piece.p, carried ? r->carry.n : r->piece.n);
    while (got == CSV_MORE && r->piece.n) { /* its end is not in the piece, or it began in one before */
        carried = true;
        carry_more(r);
        got = scan(r, r->carry.p, r->carry.n);
    }
    if (got == CSV_MORE && r->ended) {
        if (r->at == 0)
            return CSV_END;
        got = scan_end(r);
    }
    if (got != CSV_ROW)
        return got;
    size_t size = r->at;
    *blank = !take_row(r, carried ? r->carry.p : r->piece.p, row);
    if (!carried)
        r->piece = str_from(r->piece, size);
    r->carry_spent = carried;
    return CSV_ROW;
}

int csv_next(CsvReader *r, CsvRow *row) {
    if (r->err)
        return r->err;
    if (!r->separator) {
        int e = find_separator(r);
        if (e)
            return e;
    }
    bool blank = false;
    int got;
    do {
        if (r->carry_spent)
            buf_clear(&r->carry);
        r->carry_spent = false;
        got = next_line(r, row, &blank);
    } while (got == CSV_ROW && blank);
    return got;
}

/* --- writing --- */

static bool must_quote(Str s, char separator) {
    if (s.n && s.p[0] == bom[0])
        return true; /* in the first row it could pass for a byte order mark */
    return find_break(s.p, s.n, separator) < s.n || str_find_char(s, '"') >= 0;
}

int csv_write_field(Buf *b, char separator, Str field) {
    if (!must_quote(field, separator))
        return buf_put_str(b, field);
    buf_put_c(b, '"');
    for (ptrdiff_t quote; (quote = str_find_char(field, '"')) >= 0; field = str_from(field, (size_t)quote + 1)) {
        buf_put(b, field.p, (size_t)quote);
        buf_put(b, "\"\"", 2);
    }
    buf_put_str(b, field);
    return buf_put_c(b, '"');
}

int csv_write_row(Buf *b, char separator, const Str *fields, size_t n_fields) {
    assert(n_fields > 0);
    if (n_fields == 1 && fields[0].n == 0)
        BUF_LIT(b, "\"\""); /* an empty line would be no row */
    for (size_t i = 0; i < n_fields; i++) {
        if (i)
            buf_put_c(b, separator);
        csv_write_field(b, separator, fields[i]);
    }
    return BUF_LIT(b, "\r\n");
}
