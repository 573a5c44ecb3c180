/* golden/columns.c - see columns.h. */

#include "golden/columns.h"

#include <math.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/num.h"

enum { FILE_MAX = 1 << 30 };

static const char *const NAMES[] = {
    [TA_OPEN] = "open", [TA_HIGH] = "high", [TA_LOW] = "low", [TA_CLOSE] = "close", [TA_VOLUME] = "volume"
};

static int read_header(Ctx *cx, const CsvRow *row, int *place) {
    for (TaInput k = TA_OPEN; k <= TA_VOLUME; k++) {
        place[k] = -1;
        for (size_t f = 0; f < row->n_fields; f++)
            if (str_eq_nocase(str_trim(row->fields[f]), str_c(NAMES[k])))
                place[k] = (int)f;
    }
    return place[TA_CLOSE] < 0 ? err_set(cx, ERR_INVALID, "the data have no column close: name it in the header") : 0;
}

static int read_row(Ctx *cx, const CsvRow *row, const int *place, Columns *c) {
    for (TaInput k = TA_OPEN; k <= TA_VOLUME; k++) {
        Str field = place[k] >= 0 && (size_t)place[k] < row->n_fields ? str_trim(row->fields[place[k]]) : (Str){ 0 };
        c->of[k][c->n] = NAN;
        if (field.n > 0 && !str_eq_nocase(field, S("nan")) && !num_parse_f64(field, &c->of[k][c->n]))
            return err_set(cx, ERR_INVALID, "line %zu of the data: %s is \"" STR_FMT "\", not a number", row->line,
                           NAMES[k], STR_ARG(field));
    }
    c->n++;
    return 0;
}

static int read_text(Ctx *cx, Str text, size_t rows_max, Columns *c) {
    CsvReader r;
    CsvRow row;
    int place[TA_VOLUME + 1], got, err = 0;
    bool header = true;
    csv_reader_init(&r, &(CsvLimits){ 0 }, ',');
    csv_feed(&r, text);
    while (err == 0 && c->n < rows_max && (got = csv_next(&r, &row)) != CSV_END) {
        if (got == CSV_MORE)
            csv_end(&r);
        else if (got < 0)
            err = err_set(cx, ERR_INVALID, "line %zu of the data: %s", r.err_line, r.why);
        else
            err = header ? read_header(cx, &row, place) : read_row(cx, &row, place, c);
        header = header && got != CSV_ROW;
    }
    csv_reader_done(&r);
    return err;
}

static const char *find(Arena *a, const char *dir, Str name) {
    static const char *const folders[] = { "", "ohlcv/", "indicators/" };
    static const char *const ends[] = { "", ".csv" };
    for (size_t f = 0; f < ARRAY_LEN(folders); f++)
        for (size_t e = 0; e < ARRAY_LEN(ends); e++) {
            Str path = str_fmt(a, "%s/%s" STR_FMT "%s", dir, folders[f], STR_ARG(name), ends[e]);
            const char *z = str_cz(a, path);
            if (file_exists(z) && !dir_exists(z))
                return z;
        }
    return NULL;
}

int columns_load(Ctx *cx, const char *dir, Str name, size_t first_rows, Columns *out) {
    Str text;
    const char *path = find(cx->arena, dir, name);
    *out = (Columns){ 0 };
    if (!path)
        return err_set(cx, ERR_NOT_FOUND, "no data set " STR_FMT " in %s, %s/ohlcv or %s/indicators", STR_ARG(name),
                       dir, dir, dir);
    int err = file_read(cx, path, FILE_MAX, &text);
    if (err)
        return err;
    size_t n_max = 1;
    for (size_t i = 0; i < text.n; i++)
        n_max += text.p[i] == '\n' || text.p[i] == '\r';
    for (TaInput k = TA_OPEN; k <= TA_PERIODS; k++)
        out->of[k] = arena_new_n(cx->arena, double, n_max);
    err = read_text(cx, text, first_rows > 0 ? first_rows : n_max, out);
    for (size_t i = 0; i < out->n; i++)
        out->of[TA_X][i] = out->of[TA_Y][i] = out->of[TA_CLOSE][i];
    return err ? err_prefix(cx, "%s: ", path) : 0;
}
