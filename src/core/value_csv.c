/* core/value_csv.c - see value_csv.h. */

#include "core/value_csv.h"

#include "base/csv.h"
#include "base/num.h"

#include <math.h>

enum { DATE_LENGTH = 10 }; /* 2024-01-31 */

typedef struct Reading {
    Ctx *cx;
    Str name;
    ValueCsv *out;
    size_t cap;
    size_t time_at, value_at; /* fields of a row */
    bool found;               /* where they are */
} Reading;

static Str line_name(Ctx *cx, size_t line) {
    return str_fmt(cx->arena, "line %zu", line);
}

static bool is_date(Str s) {
    return s.n == DATE_LENGTH && s.p[4] == '-' && s.p[7] == '-';
}

static bool read_time(Str s, Time *out) {
    s = str_trim(s);
    if (!time_parse_any(s, out))
        return false;
    if (is_date(s))
        *out = time_add_ms(*out, MS_PER_DAY);
    return time_cmp(*out, TIME_ISO_MAX) <= 0;
}

static bool is_time_name(Str s) {
    static const char *const names[] = { "timestamp", "time", "date", "datetime", "known_at" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq_nocase(s, str_c(names[i])))
            return true;
    return false;
}

static size_t find_field(const CsvRow *row, Str name) {
    for (size_t i = 0; i < row->n_fields; i++)
        if (str_eq_nocase(str_trim(row->fields[i]), name))
            return i;
    return SIZE_MAX;
}

/* Where time and value stand. Returns 1 when the row is a header, 0 when it is one of values. */
static int find_columns(Reading *r, const CsvRow *row) {
    Time t;
    r->found = true;
    if (row->n_fields < 2)
        return err_set_at(r->cx, ERR_INVALID, line_name(r->cx, row->line),
                          "a time and a value are wanted, in two columns");
    r->time_at = 0;
    for (size_t i = row->n_fields; i-- > 0;)
        if (is_time_name(str_trim(row->fields[i])))
            r->time_at = i;
    bool header = !read_time(row->fields[r->time_at], &t);
    r->value_at = header ? find_field(row, r->name) : SIZE_MAX;
    if (header && r->value_at == SIZE_MAX)
        r->value_at = find_field(row, S("value"));
    if (r->value_at == SIZE_MAX && row->n_fields == 2)
        r->value_at = 1 - r->time_at;
    if (r->value_at == SIZE_MAX || r->value_at == r->time_at)
        return err_set_at(r->cx, ERR_INVALID, line_name(r->cx, row->line),
                          "which of the %zu columns has the values? Name one '" STR_FMT
                          "' or 'value' in the first line",
                          row->n_fields, STR_ARG(r->name));
    return header;
}

static int take_row(Reading *r, const CsvRow *row) {
    ValueCsv *out = r->out;
    Time t;
    double v;
    if (MAX(r->time_at, r->value_at) >= row->n_fields)
        return err_set_at(r->cx, ERR_INVALID, line_name(r->cx, row->line),
                          "has %zu columns; a time and a value are wanted", row->n_fields);
    Str time = str_trim(row->fields[r->time_at]), value = str_trim(row->fields[r->value_at]);
    if (!read_time(time, &t))
        return err_set_at(r->cx, ERR_INVALID, line_name(r->cx, row->line),
                          "'" STR_FMT "' is not a time; write 2024-01-31T12:00:00Z or an epoch",
                          STR_ARG(str_first(time, 40)));
    if (!num_parse_f64(value, &v) || !isfinite(v))
        return err_set_at(r->cx, ERR_INVALID, line_name(r->cx, row->line),
                          "'" STR_FMT "' is not a number; leave out rows without a value",
                          STR_ARG(str_first(value, 40)));
    if (out->n && !time_before(out->time[out->n - 1], t))
        return err_set_at(r->cx, ERR_INVALID, line_name(r->cx, row->line),
                          STR_FMT " is not later than the row before; sort the rows by time, one for each",
                          STR_ARG(str_first(time, 40)));
    if (out->n == VALUE_CSV_ROWS_MAX)
        return err_set_at(r->cx, ERR_LIMIT, line_name(r->cx, row->line), "more than %d rows", VALUE_CSV_ROWS_MAX);
    if (out->n == r->cap) {
        size_t cap = MAX(256, 2 * r->cap);
        out->time = arena_grow(r->cx->arena, out->time, r->cap * sizeof(Time), cap * sizeof(Time));
        out->value = arena_grow(r->cx->arena, out->value, r->cap * sizeof(double), cap * sizeof(double));
        r->cap = cap;
    }
    out->time[out->n] = t;
    out->value[out->n++] = v;
    return 0;
}

int value_csv_read(Ctx *cx, Str text, Str name, ValueCsv *out) {
    ValueCsv got = { 0 };
    Reading r = { .cx = cx, .name = name, .out = &got };
    CsvReader csv;
    CsvRow row;
    int e = 0, next;
    csv_reader_init(&csv, &(CsvLimits){ 0 }, 0);
    csv_feed(&csv, text);
    while (e == 0 && (next = csv_next(&csv, &row)) != CSV_END) {
        if (next == CSV_MORE) {
            csv_end(&csv);
        } else if (next < 0) {
            e = err_set_at(cx, ERR_INVALID, line_name(cx, csv.err_line), "%s", csv.why);
        } else {
            int header = r.found ? 0 : find_columns(&r, &row);
            e = header < 0 ? header : header ? 0 : take_row(&r, &row);
        }
    }
    csv_reader_done(&csv);
    if (e == 0 && got.n == 0)
        e = err_set(cx, ERR_INVALID, "there is no row with a time and a value");
    if (e == 0)
        *out = got;
    return e;
}
