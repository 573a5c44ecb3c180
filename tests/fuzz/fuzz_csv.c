/* base/csv: the pieces never change a result, and what was read, once written, reads the same.
 * Byte 0 chooses the separator, byte 1 the size of the pieces, byte 2 the limits. */

#include "base/csv.h"

#include "fuzz.h"

typedef struct Seen {
    int end;
    size_t err_line;
    const char *why;
    Buf rows; /* as csv_write_row writes them, each behind its line number */
} Seen;

static void read_all(Str text, char separator, size_t step, CsvLimits limits, bool with_lines, Seen *seen) {
    CsvReader r;
    CsvRow row;
    char *copy = NULL;
    int got;
    buf_init(&seen->rows, 1 << 24);
    csv_reader_init(&r, &limits, separator);
    while ((got = csv_next(&r, &row)) > 0) {
        if (got == CSV_MORE) {
            Str piece = str_first(text, step);
            text = str_from(text, step);
            mem_free(copy);
            copy = mem_alloc(piece.n); /* exact: a sanitizer sees the first byte outside */
            if (piece.n)
                memcpy(copy, piece.p, piece.n);
            piece.n ? csv_feed(&r, str_n(copy, piece.n)) : csv_end(&r);
            continue;
        }
        MUST(row.n_fields >= 1 && (!limits.n_fields || row.n_fields <= limits.n_fields) && row.line >= 1);
        if (with_lines)
            buf_printf(&seen->rows, "%zu,", row.line);
        csv_write_row(&seen->rows, ',', row.fields, row.n_fields);
    }
    MUST(got == 0 || got == ERR_BAD_REQUEST || got == ERR_LIMIT);
    MUST(got == 0 || (r.why && r.err_line >= 1));
    seen->end = got;
    seen->err_line = r.err_line;
    seen->why = r.why;
    mem_free(copy);
    csv_reader_done(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char separators[] = { 0, ',', ';', '\t', '|', 'x' };
    if (size < 3 || size > 1 << 16)
        return 0;
    char separator = separators[data[0] % sizeof separators];
    CsvLimits limits = { 0 };
    if (data[2])
        limits = (CsvLimits){ .row_size = 3 + data[2] % 64u, .n_fields = 1 + data[2] / 64u };
    Str text = str_n((const char *)data + 3, size - 3);
    Seen whole, pieces, again;
    read_all(text, separator, size, limits, true, &whole);
    read_all(text, separator, 1 + data[1] % 32u, limits, true, &pieces);
    MUST(whole.end == pieces.end && whole.err_line == pieces.err_line && whole.why == pieces.why);
    MUST(str_eq(buf_str(&whole.rows), buf_str(&pieces.rows)));
    buf_done(&pieces.rows);
    buf_done(&whole.rows);

    read_all(text, separator, size, limits, false, &whole);
    read_all(buf_str(&whole.rows), ',', 7, (CsvLimits){ .row_size = 1 << 20, .n_fields = 1 << 17 }, false, &again);
    MUST(again.end == 0 && str_eq(buf_str(&whole.rows), buf_str(&again.rows)));
    buf_done(&whole.rows);
    buf_done(&again.rows);
    return 0;
}
