/* golden/backtest_data.c - the data set of a case: its CSV as candles, times as they are written. */

#include "base/csv.h"
#include "base/file.h"
#include "base/num.h"
#include "golden/backtest_case.h"

enum { FILE_MAX = 1 << 30 };

static const char *const NAMES[] = { "ts", "open", "high", "low", "close", "volume" };

static bool is_time_name(Str s) {
    static const char *const names[] = { "ts", "time", "date", "datetime", "timestamp" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (str_eq_nocase(s, str_c(names[i])))
            return true;
    return false;
}

static int read_header(Ctx *cx, const CsvRow *row, int *place) {
    for (size_t k = 0; k < ARRAY_LEN(NAMES); k++) {
        place[k] = -1;
        for (size_t f = 0; f < row->n_fields; f++)
            if (str_eq_nocase(str_trim(row->fields[f]), str_c(NAMES[k])) ||
                (k == 0 && place[0] < 0 && is_time_name(str_trim(row->fields[f]))))
                place[k] = (int)f;
        if (k < 5 && place[k] < 0)
            return err_set(cx, ERR_INVALID, "the data have no column %s", NAMES[k]);
    }
    return 0;
}

static Str field(const CsvRow *row, int place) {
    return place >= 0 && (size_t)place < row->n_fields ? str_trim(row->fields[place]) : S("");
}

static int read_row(Ctx *cx, const CsvRow *row, const int *place, Candles *out) {
    Candle c = { 0 };
    double *numbers[] = { &c.open, &c.high, &c.low, &c.close, &c.volume };
    if (!time_parse_any(field(row, place[0]), &c.open_time))
        return err_set(cx, ERR_INVALID, "line %zu of the data: \"" STR_FMT "\" is no time", row->line,
                       STR_ARG(field(row, place[0])));
    for (size_t k = 0; k < ARRAY_LEN(numbers); k++) {
        Str text = field(row, place[k + 1]);
        if (!num_parse_f64(text, numbers[k]) && k < 4)
            return err_set(cx, ERR_INVALID, "line %zu of the data: %s is \"" STR_FMT "\"", row->line, NAMES[k + 1],
                           STR_ARG(text));
    }
    candles_reserve(out, cx->arena, out->n + 1);
    candles_push(out, &c);
    return 0;
}

static int read_text(Ctx *cx, Str text, size_t rows_max, Candles *out) {
    CsvReader r;
    CsvRow row;
    int place[ARRAY_LEN(NAMES)], got, err = 0;
    bool header = true;
    candles_init(out, cx->arena, 1024);
    csv_reader_init(&r, &(CsvLimits){ 0 }, 0);
    csv_feed(&r, text);
    while (err == 0 && out->n < rows_max && (got = csv_next(&r, &row)) != CSV_END) {
        if (got == CSV_MORE)
            csv_end(&r);
        else if (got < 0)
            err = err_set(cx, ERR_INVALID, "line %zu of the data: %s", r.err_line, r.why);
        else
            err = header ? read_header(cx, &row, place) : read_row(cx, &row, place, out);
        header = header && got != CSV_ROW;
    }
    csv_reader_done(&r);
    return err;
}

static int find(Ctx *cx, const char *dir, Str name, Str *text) {
    static const char *const folders[] = { "", "ohlcv/", "indicators/", "data/ohlcv/" }, *const ends[] = { "", ".csv" };
    for (size_t f = 0; f < ARRAY_LEN(folders); f++)
        for (size_t e = 0; e < ARRAY_LEN(ends); e++) {
            Str path = str_fmt(cx->arena, "%s/%s" STR_FMT "%s", dir, folders[f], STR_ARG(name), ends[e]);
            if (file_read(cx, str_cz(cx->arena, path), FILE_MAX, text) == 0)
                return 0;
        }
    return err_set(cx, ERR_NOT_FOUND, "no data set " STR_FMT " in %s", STR_ARG(name), dir);
}

int case_data(Ctx *cx, const char *dir, Str name, size_t first_rows, Candles *out, Timeframe *timeframe) {
    Str text;
    int err = find(cx, dir, name, &text);
    if (err == 0)
        err = read_text(cx, text, first_rows ? first_rows : SIZE_MAX, out);
    if (err)
        return err;
    int64_t *ms = arena_new_n(cx->arena, int64_t, MAX(out->n, 1));
    if (out->n > 0)
        memcpy(ms, out->open_ms, out->n * sizeof *ms);
    *timeframe = (Timeframe){ 0 };
    if (!timeframe_infer(ms, out->n, timeframe)) /* a step that is no timeframe: days, or shorter */
        *timeframe = out->n > 1 && ms[out->n - 1] - ms[0] >= (int64_t)(out->n - 1) * MS_PER_DAY
                         ? (Timeframe){ UNIT_DAY, 1 }
                         : (Timeframe){ UNIT_MINUTE, 1 };
    return 0;
}
