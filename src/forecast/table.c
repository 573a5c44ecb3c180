/* forecast/table.c - see table.h. */

#include "forecast/table.h"

#include "base/csv.h"
#include "base/num.h"
#include "base/utf8.h"
#include "core/csv_time.h"

#include <stdio.h>

/* --- the header --- */

static bool is_time_name(Str s) {
    static const char *const names[] = { "date", "time", "timestamp", "ts", "datetime", "open_time" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq_nocase(str_trim(s), str_c(names[i])))
            return true;
    return false;
}

static int read_header(Ctx *cx, const CsvRow *row, ForecastTable *t, size_t *time_at) {
    *time_at = 0;
    for (size_t i = 0; i < row->n_fields; i++)
        if (is_time_name(row->fields[i])) {
            *time_at = i;
            break;
        }
    CsvTimes times = { 0 };
    Time ignored;
    if (!csv_time_read(&times, row->fields[*time_at], (Str){ 0 }, &ignored))
        return err_set_at(cx, ERR_INVALID, S("line 1"),
                          "line 1 is no header: give each column a name, the first of them \"date\"");
    if (row->n_fields < 2)
        return err_set_at(cx, ERR_INVALID, S("line 1"), "the header names one column: a time and a number are needed");
    t->names = arena_new_n(cx->arena, Str, row->n_fields);
    for (size_t i = 0; i < row->n_fields; i++)
        if (i != *time_at) {
            Str name = str_dup(cx->arena, utf8_clean(cx->arena, str_trim(row->fields[i])));
            if (name.n == 0)
                return err_set_at(cx, ERR_INVALID, S("line 1"), "column %zu has no name", i + 1);
            if (table_column(t, name) >= 0)
                return err_set_at(cx, ERR_INVALID, S("line 1"), "two columns are named \"" STR_FMT "\"", STR_ARG(name));
            t->names[t->n_columns++] = name;
        }
    return 0;
}

/* --- rows --- */

static int bad_cell(Ctx *cx, const CsvRow *row, Str column, Str text, const char *why) {
    char at[ERR_FIELD_MAX];
    int n = snprintf(at, sizeof at, "line %zu", row->line);
    Str shown = str_first(text, 40);
    return err_set_at(cx, ERR_INVALID, str_n(at, (size_t)n), "line %zu, column " STR_FMT ": '" STR_FMT "' %s",
                      row->line, STR_ARG(column), STR_ARG(shown), why);
}

static int read_row(Ctx *cx, const CsvRow *row, size_t time_at, CsvTimes *times, size_t *disorder, ForecastTable *t) {
    if (row->n_fields != t->n_columns + 1)
        return err_set(cx, ERR_INVALID, "line %zu has %zu fields, the header %zu", row->line, row->n_fields,
                       t->n_columns + 1);
    Time at;
    const char *why = csv_time_read(times, row->fields[time_at], (Str){ 0 }, &at);
    if (why)
        return bad_cell(cx, row, S("time"), row->fields[time_at], why);
    if (t->n_rows > 0 && at.ms <= t->time_ms[t->n_rows - 1] && t->n_disordered++ == 0)
        *disorder = row->line;
    t->time_ms[t->n_rows] = at.ms;
    for (size_t i = 0, c = 0; i < row->n_fields; i++) {
        if (i == time_at)
            continue;
        if (!num_parse_f64(str_trim(row->fields[i]), &t->columns[c][t->n_rows]))
            return bad_cell(cx, row, t->names[c], row->fields[i],
                            "is not a number: fill the hole or leave the column out");
        c++;
    }
    t->n_rows++;
    return 0;
}

/* At most that many rows can follow. */
static size_t count_lines(Str text) {
    size_t lf = 0, cr = 0;
    for (size_t i = 0; i < text.n; i++) {
        lf += text.p[i] == '\n';
        cr += text.p[i] == '\r';
    }
    return MAX(lf, cr) + 1;
}

static int reserve_rows(Ctx *cx, Str text, ForecastTable *t) {
    size_t most = count_lines(text);
    if (most > TABLE_ROWS_MAX_CSV)
        return err_set(cx, ERR_TOO_LARGE, "%zu lines: at most %d are read", most, TABLE_ROWS_MAX_CSV);
    t->time_ms = arena_try(cx->arena, mem_mul(most, sizeof *t->time_ms));
    t->columns = arena_new_n(cx->arena, double *, t->n_columns);
    for (size_t c = 0; c < t->n_columns; c++)
        t->columns[c] = arena_try(cx->arena, mem_mul(most, sizeof(double)));
    return t->time_ms && t->columns[t->n_columns - 1]
               ? 0
               : err_set(cx, ERR_LIMIT, "the table does not fit into the memory allowed");
}

static int end_rows(Ctx *cx, const ForecastTable *t, size_t disorder) {
    enum { ROWS_PER_DISORDER = 1000 };
    if (t->n_columns == 0)
        return err_set(cx, ERR_INVALID, "the file is empty");
    if (t->n_disordered * ROWS_PER_DISORDER > t->n_rows)
        return err_set_at(cx, ERR_INVALID, S("time"),
                          "line %zu does not come after the row before (nor do %zu others): sort the file by time",
                          disorder, t->n_disordered - 1);
    return 0;
}

static int read_rows(Ctx *cx, CsvReader *r, Str text, ForecastTable *t) {
    CsvRow row;
    CsvTimes times = { 0 };
    size_t time_at = 0, disorder = 0; /* line of the first row that is not behind the one before */
    for (;;) {
        int got = csv_next(r, &row), e = 0;
        if (got == CSV_MORE) {
            csv_end(r);
            continue;
        }
        if (got == CSV_END)
            return end_rows(cx, t, disorder);
        if (got < 0)
            return err_set(cx, ERR_INVALID, "line %zu: %s", r->err_line, r->why);
        if (!t->n_columns) {
            e = read_header(cx, &row, t, &time_at);
            if (e == 0)
                e = reserve_rows(cx, text, t);
        } else {
            e = read_row(cx, &row, time_at, &times, &disorder, t);
        }
        if (e == 0 && t->n_rows % 4096 == 0)
            e = ctx_check(cx);
        if (e)
            return e;
    }
}

int table_read_csv(Ctx *cx, Str text, ForecastTable *out) {
    ForecastTable t = { 0 };
    CsvReader r;
    csv_reader_init(&r, &(CsvLimits){ .n_fields = TABLE_COLUMNS + 1 }, 0);
    csv_feed(&r, text);
    int e = read_rows(cx, &r, text, &t);
    csv_reader_done(&r);
    if (e == 0)
        *out = t;
    return e;
}

/* --- choosing --- */

ptrdiff_t table_column(const ForecastTable *t, Str name) {
    for (size_t c = 0; c < t->n_columns; c++)
        if (str_eq(t->names[c], name))
            return (ptrdiff_t)c;
    return -1;
}

static int no_column(Ctx *cx, const ForecastTable *t, Str name) {
    Buf b;
    buf_init(&b, 256);
    for (size_t c = 0; c < t->n_columns && buf_ok(&b); c++)
        buf_printf(&b, "%s" STR_FMT, c ? ", " : "", STR_ARG(t->names[c]));
    int r = err_set_at(cx, ERR_INVALID, S("columns"), "no column \"" STR_FMT "\"; there are " STR_FMT "%s",
                       STR_ARG(name), STR_ARG(buf_str(&b)), buf_ok(&b) ? "" : " …");
    buf_done(&b);
    return r;
}

int table_choose(Ctx *cx, const ForecastTable *t, Str list, ForecastTable *out) {
    ForecastTable chosen = { .n_rows = t->n_rows,
                             .time_ms = t->time_ms,
                             .names = arena_new_n(cx->arena, Str, t->n_columns),
                             .columns = arena_new_n(cx->arena, double *, t->n_columns) };
    Str name;
    if (list.n == 0) {
        memcpy(chosen.names, t->names, t->n_columns * sizeof *t->names);
        memcpy(chosen.columns, t->columns, t->n_columns * sizeof *t->columns);
        chosen.n_columns = t->n_columns;
    }
    while (list.n > 0 && str_next(&list, ',', &name)) {
        name = str_trim(name);
        ptrdiff_t c = table_column(t, name);
        if (c < 0)
            return no_column(cx, t, name);
        if (table_column(&chosen, name) >= 0)
            return err_set_at(cx, ERR_INVALID, S("columns"), "column \"" STR_FMT "\" is named twice", STR_ARG(name));
        chosen.names[chosen.n_columns] = t->names[c];
        chosen.columns[chosen.n_columns++] = t->columns[c];
    }
    *out = chosen;
    return 0;
}

void table_to_front(ForecastTable *t, size_t c) {
    assert(c < t->n_columns);
    Str name = t->names[c];
    double *column = t->columns[c];
    memmove(t->names + 1, t->names, c * sizeof *t->names);
    memmove(t->columns + 1, t->columns, c * sizeof *t->columns);
    t->names[0] = name;
    t->columns[0] = column;
}
