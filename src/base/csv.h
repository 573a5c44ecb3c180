#pragma once

/* base/csv.h - RFC 4180: a pull reader over bytes that arrive in pieces, and quoting.
 *
 *     csv_reader_init(&r, &(CsvLimits){ 0 }, 0);
 *     for (;;) {
 *         int got = csv_next(&r, &row);
 *         if (got == CSV_ROW) use(row.fields, row.n_fields);
 *         else if (got == CSV_MORE) n = read(...), n ? csv_feed(&r, str_n(p, n)) : csv_end(&r);
 *         else break;                       0: the end; < 0: r.why at line r.err_line
 *     }
 *     csv_reader_done(&r);
 *
 * Lines end with LF, CRLF or CR. A UTF-8 byte order mark is skipped, a line without a byte is no row. A field
 * is quoted when a quote is its first byte; elsewhere a quote is text. Bytes are not checked to be UTF-8, and
 * rows may differ in their number of fields: both are the caller's to judge.
 *
 * Rows borrow from the fed piece, which must stay until CSV_MORE, or from the reader; they hold until the
 * next call. How the bytes are cut into pieces never changes a result. One reader, one thread. */

#include "base/buf.h"
#include "base/vec.h"

enum { CSV_END = 0, CSV_ROW = 1, CSV_MORE = 2 };

typedef struct CsvLimits { /* 0 = the standard */
    size_t row_size;       /* bytes of a row with quotes and line end; 1 MiB */
    size_t n_fields;       /* of a row; 1,024 */
} CsvLimits;

typedef struct CsvRow {
    const Str *fields; /* n_fields >= 1 */
    size_t n_fields;
    size_t line; /* 1-based, where the row starts */
} CsvRow;

typedef struct CsvSpan { /* of a field, from the start of its row */
    size_t at, n;
    bool escaped; /* holds "" */
} CsvSpan;

typedef struct CsvReader {
    int err;         /* ERR_BAD_REQUEST or ERR_LIMIT; 0 = none */
    const char *why; /* static words for it */
    size_t err_line; /* of the row; of the opening quote where that is what fails */
    char separator;  /* 0 until the first line has told it */
    /* private */
    CsvLimits limits;
    Str piece;     /* fed and not yet read */
    Buf carry;     /* the start of a row whose end is not here yet */
    Buf unescaped; /* fields of the present row that held "" */
    VEC(CsvSpan) spans;
    VEC(Str) fields;
    size_t at, field_at; /* in the present row */
    size_t line, row_line, quote_line;
    uint8_t state, bom_size;
    bool escaped, skip_lf, carry_spent, ended;
} CsvReader;

/* separator: ',' ';' '\t' '|' or any other byte; 0: of those four the one most frequent in the first line. */
void csv_reader_init(CsvReader *r, const CsvLimits *limits, char separator);
void csv_reader_done(CsvReader *r);
void csv_feed(CsvReader *r, Str piece); /* at the start and after CSV_MORE */
void csv_end(CsvReader *r);             /* no more pieces */
int csv_next(CsvReader *r, CsvRow *row);

/* --- writing --- */

/* The field, quoted where it must be. 0 or ERR_LIMIT. */
int csv_write_field(Buf *b, char separator, Str field);
/* A row with its CRLF; at least one field. What csv_next reads back. */
int csv_write_row(Buf *b, char separator, const Str *fields, size_t n_fields);
