/* core/candle_csv.c - see candle_csv.h: the reader. Columns are found in csv_columns.c, times read in csv_time.c, the
 * writer is candle_csv_write.c.
 *
 * A row goes through: fields (base/csv) -> numbers and the raw time -> [held until the timeframe is known] -> open
 * time by the stamp -> candle_issues -> out. The reader never looks back, so pieces of any size give the same rows. */

#include "core/candle_csv.h"

#include "base/csv.h"
#include "base/num.h"
#include "core/csv_columns.h"
#include "core/csv_time.h"
#include "core/validate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROW_FAULTY = 1, EXCERPT_MAX = 40, CHECK_EVERY = 4096 };

struct CandleCsv {
    Arena arena; /* texts of the options */
    CandleCsvOptions options;
    CsvReader csv;
    CsvTimes times;
    CsvLayout layout;
    bool layout_known;
    Candles held;        /* rows with their raw times, while the timeframe is unknown */
    int64_t *held_lines; /* CSV_INFER_ROWS, of `held` */
    CandleCsvReport report;
};

/* --- opening --- */

int candle_csv_open(Ctx *cx, const CandleCsvOptions *options, CandleCsv **out) {
    if (abs(options->price_scale) > 18 || abs(options->volume_scale) > 18)
        return err_set_at(cx, ERR_INVALID, S("scale"), "a scale is a power of ten from -18 to 18");
    if (options->separator == '"' || options->separator == '\n' || options->separator == '\r')
        return err_set_at(cx, ERR_INVALID, S("separator"), "a separator is , ; tab | or another plain byte");
    CandleCsv *r = mem_new(CandleCsv);
    r->options = *options;
    for (int i = 0; i < CSV_COLUMNS; i++) {
        r->options.columns[i] = str_dup(&r->arena, options->columns[i]);
        r->report.columns[i] = -1;
    }
    r->times = (CsvTimes){ .order = options->date_order, .unit = options->time_unit, .zone = options->zone };
    r->report.timeframe = options->timeframe;
    r->report.inferred = !timeframe_valid(options->timeframe);
    csv_reader_init(&r->csv, &(CsvLimits){ .row_size = CSV_ROW_MAX }, options->separator);
    *out = r;
    return 0;
}

CandleCsv *candle_csv_close(CandleCsv *r) {
    if (r) {
        csv_reader_done(&r->csv);
        candles_done_heap(&r->held);
        mem_free(r->held_lines);
        arena_done(&r->arena);
        mem_free(r);
    }
    return NULL;
}

const CandleCsvReport *candle_csv_report(const CandleCsv *r) {
    return &r->report;
}

/* --- faults --- */

/* Records a fault of a row. ROW_FAULTY when such rows are left out, else ERR_INVALID with the words. */
static PRINTF_LIKE(5, 6) int fault(CandleCsv *r, Ctx *cx, int64_t line, CsvColumn column, const char *fmt, ...) {
    CsvFault f = { .line = line, .column = column };
    int n = column < CSV_COLUMNS
                ? snprintf(f.text, sizeof f.text, "line %lld, column %s: ", (long long)line, csv_column_name(column))
                : snprintf(f.text, sizeof f.text, "line %lld: ", (long long)line);
    va_list args;
    va_start(args, fmt);
    vsnprintf(f.text + n, sizeof f.text - (size_t)n, fmt, args);
    va_end(args);
    if (r->report.n_faults < CSV_FAULTS)
        r->report.faults[r->report.n_faults++] = f;
    if (r->options.skip_bad) {
        r->report.n_skipped++;
        return ROW_FAULTY;
    }
    char where[ERR_FIELD_MAX];
    int where_n = snprintf(where, sizeof where, "line %lld", (long long)line);
    return err_set_at(cx, ERR_INVALID, str_n(where, (size_t)where_n), "%s", f.text);
}

typedef struct Excerpt {
    char text[EXCERPT_MAX + 4];
} Excerpt;

/* A field fit for a message: short, printable. */
static Excerpt excerpt(Str field) {
    Excerpt e;
    size_t n = MIN(field.n, (size_t)EXCERPT_MAX);
    for (size_t i = 0; i < n; i++)
        e.text[i] = field.p[i] >= ' ' && field.p[i] < 0x7f ? field.p[i] : '?';
    memcpy(e.text + n, field.n > n ? "..." : "", field.n > n ? 4 : 1);
    return e;
}

/* --- one row --- */

/* value * 10^scale, rounded once: the shift is written behind the digits. */
static bool parse_scaled(Str field, int scale, double *out) {
    char text[64];
    if (scale == 0)
        return num_parse_f64(field, out);
    if (field.n < 48 && str_find_char(field, 'e') < 0 && str_find_char(field, 'E') < 0) {
        memcpy(text, field.p, field.n);
        int n = snprintf(text + field.n, sizeof text - field.n, "e%d", scale);
        return num_parse_f64(str_n(text, field.n + (size_t)n), out);
    }
    if (!num_parse_f64(field, out))
        return false;
    *out *= pow(10, scale);
    return isfinite(*out);
}

static int read_number(CandleCsv *r, Ctx *cx, const CsvRow *row, CsvColumn column, double *out) {
    int at = r->layout.columns[column];
    int scale = column == CSV_VOLUME ? r->options.volume_scale : r->options.price_scale;
    if (at < 0) {
        *out = 0;
        return 0;
    }
    Str field = row->fields[at];
    if (LIKELY(parse_scaled(field, scale, out)) || parse_scaled(str_trim(field), scale, out)) {
        *out += 0.0; /* -0 becomes 0 */
        return 0;
    }
    if (str_trim(field).n == 0)
        return fault(r, cx, (int64_t)row->line, column, "is empty");
    return fault(r, cx, (int64_t)row->line, column, "'%s' is not a number", excerpt(field).text);
}

static int read_time(CandleCsv *r, Ctx *cx, const CsvRow *row, Time *out) {
    Str date = row->fields[r->layout.columns[CSV_TIME]], clock = { 0 };
    if (r->layout.columns[CSV_CLOCK] >= 0)
        clock = row->fields[r->layout.columns[CSV_CLOCK]];
    const char *why = csv_time_read(&r->times, date, clock, out);
    return why ? fault(r, cx, (int64_t)row->line, CSV_TIME, "'%s' %s", excerpt(date).text, why) : 0;
}

static int read_state(CandleCsv *r, Ctx *cx, const CsvRow *row, Candle *c) {
    int known_at = r->layout.columns[CSV_KNOWN_AT], flags = r->layout.columns[CSV_FLAGS];
    uint8_t own = 0;
    if (known_at >= 0 && row->fields[known_at].n > 0 && !time_parse_any(row->fields[known_at], &c->known_at))
        return fault(r, cx, (int64_t)row->line, CSV_KNOWN_AT, "'%s' is not a time",
                     excerpt(row->fields[known_at]).text);
    if (flags >= 0 && !candle_flags_parse(row->fields[flags], &own))
        return fault(r, cx, (int64_t)row->line, CSV_FLAGS, "'%s' is not a list of flags",
                     excerpt(row->fields[flags]).text);
    c->flags |= own;
    return 0;
}

/* A file is one series: rows of another would be mixed up without a word. */
static int read_series(CandleCsv *r, Ctx *cx, const CsvRow *row) {
    int at = r->layout.columns[CSV_SERIES];
    if (at < 0 || str_eq(row->fields[at], str_c(r->report.series)))
        return 0;
    Str text = row->fields[at];
    if (r->report.n_rows > 0 || r->held.n > 0 || text.n >= CSV_SERIES_MAX)
        return fault(r, cx, (int64_t)row->line, CSV_SERIES, "'%s' is another series than the rows before",
                     excerpt(text).text);
    memcpy(r->report.series, text.p, text.n);
    r->report.series[text.n] = '\0';
    return 0;
}

static int read_candle(CandleCsv *r, Ctx *cx, const CsvRow *row, Candle *out) {
    if (row->n_fields < r->layout.n_needed)
        return fault(r, cx, (int64_t)row->line, CSV_COLUMNS, "%zu fields where at least %zu are needed", row->n_fields,
                     r->layout.n_needed);
    Candle c = { .known_at = r->options.known_at, .flags = r->options.flags };
    double *const numbers[] = { &c.open, &c.high, &c.low, &c.close, &c.volume };
    int e = read_time(r, cx, row, &c.open_time);
    for (int column = CSV_OPEN; e == 0 && column <= CSV_VOLUME; column++)
        e = read_number(r, cx, row, column, numbers[column - CSV_OPEN]);
    if (e == 0)
        e = read_state(r, cx, row, &c);
    if (e == 0)
        e = read_series(r, cx, row);
    if (e == 0)
        *out = c;
    return e;
}

/* Gives a candle with its raw time out, or finds it faulty. */
static int finish_candle(CandleCsv *r, Ctx *cx, int64_t line, Candle *c, Candles *out) {
    if (r->options.stamp == CSV_STAMP_END)
        c->open_time = timeframe_floor(r->report.timeframe, time_add_ms(c->open_time, -1));
    unsigned issues = candle_issues(c, (Timeframe){ 0 });
    if (UNLIKELY(issues & ISSUE_ERRORS)) {
        int e;
        ArenaMark mark = arena_mark(&r->arena);
        e = fault(r, cx, line, CSV_COLUMNS, STR_FMT, STR_ARG(issues_text(&r->arena, issues & ISSUE_ERRORS)));
        arena_rewind(&r->arena, mark);
        return e;
    }
    candles_reserve_heap(out, out->n + 1);
    candles_push(out, c);
    r->report.n_rows++;
    return 0;
}

/* --- the timeframe --- */

static int hold(CandleCsv *r, int64_t line, const Candle *c) {
    if (!r->held_lines) {
        candles_init_heap(&r->held, CSV_INFER_ROWS);
        r->held_lines = mem_new_n(int64_t, CSV_INFER_ROWS);
    }
    r->held_lines[r->held.n] = line;
    candles_push(&r->held, c);
    return 0;
}

/* Tells the timeframe from the rows held and gives them out. */
static int settle(CandleCsv *r, Ctx *cx, Candles *out) {
    int64_t *times = mem_new_n(int64_t, r->held.n);
    if (r->held.n > 0)
        memcpy(times, r->held.open_ms, r->held.n * sizeof *times);
    bool known = timeframe_infer(times, r->held.n, &r->report.timeframe);
    mem_free(times);
    if (!known)
        return err_set_at(cx, ERR_INVALID, S("timeframe"),
                          "the timeframe cannot be told from the times of %zu row%s: give it", r->held.n,
                          r->held.n == 1 ? "" : "s");
    for (size_t i = 0; i < r->held.n; i++) {
        Candle c = candles_get(&r->held, i);
        int e = finish_candle(r, cx, r->held_lines[i], &c, out);
        if (e < 0)
            return e;
    }
    candles_done_heap(&r->held);
    return 0;
}

/* --- the file --- */

static int take_row(CandleCsv *r, Ctx *cx, const CsvRow *row, Candles *out) {
    if (UNLIKELY(!r->layout_known)) {
        int e = csv_layout_find(cx, r->options.columns, row, &r->layout);
        if (e < 0)
            return e;
        r->layout_known = true;
        r->report.has_header = r->layout.has_header;
        memcpy(r->report.columns, r->layout.columns, sizeof r->report.columns);
        if (r->layout.has_header)
            return 0;
    }
    Candle c = { 0 };
    int e = read_candle(r, cx, row, &c);
    if (e != 0)
        return MIN(e, 0);
    if (timeframe_valid(r->report.timeframe))
        return MIN(finish_candle(r, cx, (int64_t)row->line, &c, out), 0);
    hold(r, (int64_t)row->line, &c);
    return r->held.n == CSV_INFER_ROWS ? settle(r, cx, out) : 0;
}

static int drain(CandleCsv *r, Ctx *cx, Candles *out) {
    CsvRow row;
    int got;
    for (int64_t i = 0; (got = csv_next(&r->csv, &row)) == CSV_ROW; i++) {
        r->report.n_lines = (int64_t)row.line;
        int e = i % CHECK_EVERY == 0 ? ctx_check(cx) : 0;
        if (e == 0)
            e = take_row(r, cx, &row, out);
        if (e < 0)
            return e;
    }
    r->report.separator = r->csv.separator;
    if (got >= 0)
        return 0;
    char where[ERR_FIELD_MAX];
    int n = snprintf(where, sizeof where, "line %zu", r->csv.err_line);
    return err_set_at(cx, got == ERR_BAD_REQUEST ? ERR_INVALID : got, str_n(where, (size_t)n), "%s: %s", where,
                      r->csv.why);
}

int candle_csv_feed(CandleCsv *r, Ctx *cx, Str bytes, Candles *out) {
    csv_feed(&r->csv, bytes);
    return drain(r, cx, out);
}

int candle_csv_finish(CandleCsv *r, Ctx *cx, Candles *out) {
    csv_end(&r->csv);
    int e = drain(r, cx, out);
    if (e == 0 && r->held.n > 0)
        e = settle(r, cx, out);
    if (e < 0)
        return e;
    if (r->report.n_rows > 0)
        return 0;
    if (r->report.n_skipped > 0)
        return err_set_at(cx, ERR_INVALID, S("file"), "none of its %lld rows is a candle; the first: %s",
                          (long long)r->report.n_skipped, r->report.faults[0].text);
    return err_set_at(cx, ERR_INVALID, S("file"), r->layout_known ? "it has a header and no row" : "it is empty");
}
