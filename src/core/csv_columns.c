/* core/csv_columns.c - see csv_columns.h.
 *
 * A first row that holds a number is data: no name of a column reads as one. */

#include "core/csv_columns.h"

#include "base/num.h"

const char *csv_column_name(CsvColumn column) {
    static const char *const names[] = { "time",   "open",  "high",     "low",   "close",
                                         "volume", "clock", "known_at", "flags", "series_key" };
    assert((size_t)column < ARRAY_LEN(names));
    return names[column];
}

enum { NAME_MAX_LEN = 40, COLUMN_MAX = 1024 };

/* Names in use, the best first: a file may have "unix" and "date", "close" and "last". Compared in lower case,
 * spaces as '_', without <>. */
static const struct {
    CsvColumn column;
    const char *name;
} known_names[] = {
    { CSV_TIME, "open_time" },  { CSV_TIME, "opentime" },
    { CSV_TIME, "timestamp" },  { CSV_TIME, "ts" },
    { CSV_TIME, "datetime" },   { CSV_TIME, "date_time" },
    { CSV_TIME, "unix" },       { CSV_TIME, "epoch" },
    { CSV_TIME, "start_time" }, { CSV_TIME, "start" },
    { CSV_TIME, "gmt_time" },   { CSV_TIME, "local_time" },
    { CSV_TIME, "date" },       { CSV_TIME, "time" },
    { CSV_OPEN, "open" },       { CSV_OPEN, "o" },
    { CSV_OPEN, "open_price" }, { CSV_HIGH, "high" },
    { CSV_HIGH, "h" },          { CSV_HIGH, "high_price" },
    { CSV_HIGH, "max" },        { CSV_LOW, "low" },
    { CSV_LOW, "l" },           { CSV_LOW, "low_price" },
    { CSV_LOW, "min" },         { CSV_CLOSE, "close" },
    { CSV_CLOSE, "c" },         { CSV_CLOSE, "close_price" },
    { CSV_CLOSE, "last" },      { CSV_CLOSE, "price" },
    { CSV_VOLUME, "volume" },   { CSV_VOLUME, "vol" },
    { CSV_VOLUME, "v" },        { CSV_VOLUME, "base_volume" },
    { CSV_VOLUME, "tickvol" },  { CSV_VOLUME, "tick_volume" },
    { CSV_CLOCK, "clock" },     { CSV_KNOWN_AT, "known_at" },
    { CSV_FLAGS, "flags" },     { CSV_SERIES, "series_key" },
};

static Str normal_name(Str field, char out[static NAME_MAX_LEN]) {
    size_t n = 0;
    field = str_trim(field);
    for (size_t i = 0; i < field.n && n < NAME_MAX_LEN; i++) {
        char c = field.p[i];
        if (c == '<' || c == '>')
            continue;
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        out[n++] = c == ' ' ? '_' : c;
    }
    return str_n(out, n);
}

/* Index of the column with that (normal) name, or -1. */
static int find_name(const CsvRow *row, Str name) {
    char text[NAME_MAX_LEN];
    for (size_t i = 0; i < row->n_fields; i++)
        if (str_eq(normal_name(row->fields[i], text), name))
            return (int)i;
    return -1;
}

static bool row_is_data(const CsvRow *row) {
    double number;
    for (size_t i = 0; i < row->n_fields; i++)
        if (num_parse_f64(str_trim(row->fields[i]), &number))
            return true;
    return false;
}

static int needs_name(Ctx *cx, const CsvRow *row, CsvColumn column) {
    char names[256], text[NAME_MAX_LEN];
    size_t n = 0;
    for (size_t i = 0; i < row->n_fields && n + NAME_MAX_LEN + 4 < sizeof names; i++) {
        Str name = normal_name(row->fields[i], text);
        if (n > 0) {
            names[n++] = ',';
            names[n++] = ' ';
        }
        for (size_t k = 0; k < name.n; k++)
            names[n++] = name.p[k] >= ' ' && name.p[k] < 0x7f ? name.p[k] : '?';
    }
    return err_set_at(cx, ERR_INVALID, S("line 1"),
                      "line %zu: no column for %s among: %.*s; name it with the column option", row->line,
                      csv_column_name(column), (int)n, names);
}

static void take_known_names(const CsvRow *row, CsvLayout *out) {
    for (size_t i = 0; i < ARRAY_LEN(known_names); i++)
        if (out->columns[known_names[i].column] < 0)
            out->columns[known_names[i].column] = find_name(row, str_c(known_names[i].name));
    int date = find_name(row, S("date")), clock = find_name(row, S("time"));
    if (date >= 0 && clock >= 0 && out->columns[CSV_TIME] == date && out->columns[CSV_CLOCK] < 0)
        out->columns[CSV_CLOCK] = clock;
    if (out->columns[CSV_TIME] < 0 && row->fields[0].n == 0)
        out->columns[CSV_TIME] = 0; /* the nameless index column that pandas writes */
    char text[NAME_MAX_LEN];
    for (size_t i = 0; i < row->n_fields && out->columns[CSV_VOLUME] < 0; i++)
        if (str_starts(normal_name(row->fields[i], text), S("volume_"))) /* "Volume BTC" before "Volume USDT" */
            out->columns[CSV_VOLUME] = (int)i;
}

static void take_positions(const CsvRow *row, CsvLayout *out) {
    bool has_clock = row->n_fields > 1 && str_find_char(row->fields[1], ':') > 0;
    int at = 0;
    for (int column = CSV_TIME; column <= CSV_VOLUME; column++) {
        if (out->columns[column] < 0 && at < (int)row->n_fields)
            out->columns[column] = at;
        at++;
        if (column == CSV_TIME && has_clock && out->columns[CSV_CLOCK] < 0)
            out->columns[CSV_CLOCK] = at++;
    }
}

static int take_options(Ctx *cx, const Str options[CSV_COLUMNS], const CsvRow *row, CsvLayout *out) {
    for (int column = 0; column < CSV_COLUMNS; column++) {
        int64_t number;
        char text[NAME_MAX_LEN];
        out->columns[column] = -1;
        if (options[column].n == 0)
            continue;
        if (str_to_i64(options[column], &number)) {
            if (number < 1 || number > COLUMN_MAX)
                return err_set(cx, ERR_INVALID, "column %s: " STR_FMT " is not a number from 1 to %d",
                               csv_column_name(column), STR_ARG(options[column]), COLUMN_MAX);
            out->columns[column] = (int)number - 1;
        } else if (!out->has_header) {
            return err_set(cx, ERR_INVALID, "column %s: the file has no header; give the column's number",
                           csv_column_name(column));
        } else {
            out->columns[column] = find_name(row, normal_name(options[column], text));
            if (out->columns[column] < 0)
                return err_set(cx, ERR_INVALID, "column %s: the header has no '" STR_FMT "'", csv_column_name(column),
                               STR_ARG(str_first(options[column], NAME_MAX_LEN)));
        }
    }
    return 0;
}

int csv_layout_find(Ctx *cx, const Str options[CSV_COLUMNS], const CsvRow *first, CsvLayout *out) {
    CsvLayout layout = { .has_header = !row_is_data(first) };
    if (str_starts(first->fields[0], str_n("\xff\xfe", 2)) || str_starts(first->fields[0], str_n("\xfe\xff", 2)))
        return err_set_at(cx, ERR_INVALID, S("line 1"), "line 1: the file is UTF-16; save it as UTF-8");
    int r = take_options(cx, options, first, &layout);
    if (r < 0)
        return r;
    if (layout.has_header)
        take_known_names(first, &layout);
    else
        take_positions(first, &layout);
    for (int column = 0; column < CSV_COLUMNS; column++) {
        if (column <= CSV_CLOSE && layout.columns[column] < 0)
            return layout.has_header
                       ? needs_name(cx, first, column)
                       : err_set_at(cx, ERR_INVALID, S("line 1"),
                                    "line %zu: %zu fields are too few for time, open, high, low and close", first->line,
                                    first->n_fields);
        for (int other = 0; other < column; other++)
            if (layout.columns[column] >= 0 && layout.columns[column] == layout.columns[other])
                return err_set(cx, ERR_INVALID, "column %d is both %s and %s", layout.columns[column] + 1,
                               csv_column_name(other), csv_column_name(column));
        layout.n_needed = MAX(layout.n_needed, (size_t)(layout.columns[column] + 1));
    }
    *out = layout;
    return 0;
}
