/* cli/run_flags.c - see run_flags.h. */

#include "cli/run_flags.h"

#include "base/file.h"
#include "base/num.h"
#include "core/value_csv.h"

enum { COLUMN_FILE_MAX = 64 << 20 };

/* --- parameters: short_period=5,long_period=20 --- */

static int read_parameters(Cli *c, Str set, Str *out) {
    Buf b;
    JsonWriter w;
    buf_init(&b, 64 << 10);
    json_writer_init(&w, &b, false);
    json_object(&w);
    for (Str part; str_next(&set, ',', &part);) {
        ptrdiff_t eq = str_find_char(part, '=');
        if (eq <= 0) {
            buf_done(&b);
            return err_set_at(c->cx, ERR_USAGE, S("set"), "'" STR_FMT "' is not NAME=VALUE", STR_ARG(part));
        }
        Str value = str_trim(str_from(part, (size_t)eq + 1));
        double number;
        json_key(&w, str_trim(str_first(part, (size_t)eq)));
        if (num_parse_f64(value, &number))
            json_f64(&w, number);
        else if (str_eq(value, S("true")) || str_eq(value, S("false")))
            json_raw(&w, value);
        else
            json_str(&w, value);
    }
    json_object_end(&w);
    *out = str_dup(c->cx->arena, buf_str(&b));
    buf_done(&b);
    return 0;
}

/* --- columns: mood=mood.csv, mood@ETHUSDT=eth.csv --- */

static int read_column(Cli *c, Str text, Str max_age, ColumnIn *out) {
    Ctx *cx = c->cx;
    ptrdiff_t eq = str_find_char(text, '=');
    if (eq <= 0 || (size_t)eq + 1 == text.n)
        return err_set_at(cx, ERR_USAGE, S("column"), "'" STR_FMT "' is neither NAME=FILE nor NAME@SYMBOL=FILE",
                          STR_ARG(text));
    Str name = str_trim(str_first(text, (size_t)eq)), bytes;
    const char *path = str_cz(cx->arena, str_trim(str_from(text, (size_t)eq + 1)));
    ptrdiff_t at = str_find_char(name, '@');
    ValueCsv csv;
    *out = (ColumnIn){ .name = at < 0 ? name : str_first(name, (size_t)at), .max_age = max_age };
    if (at >= 0)
        out->symbol = str_from(name, (size_t)at + 1);
    int r = file_read(cx, path, COLUMN_FILE_MAX, &bytes);
    if (r != 0)
        return r;
    if (value_csv_read(cx, bytes, out->name, &csv) != 0)
        return err_prefix(cx, "%s%s%s", path, cx->err.field[0] ? ", " : "", cx->err.field);
    ColumnValueIn *v = arena_new_n(cx->arena, ColumnValueIn, csv.n);
    for (size_t i = 0; i < csv.n; i++)
        v[i] = (ColumnValueIn){ csv.time[i], csv.value[i] };
    out->values = (List){ v, csv.n };
    return 0;
}

int cli_run_request(Cli *c, const RunTyped *typed, BacktestRequestIn *request) {
    int r = 0;
    if (typed->set.n && request->parameters.json.n)
        return err_set(c->cx, ERR_USAGE, "give --set or --parameters, not both");
    if (typed->max_age.n && !typed->column.n)
        return err_set(c->cx, ERR_USAGE, "--max-age is of a column; give --column too");
    if (typed->set.n)
        r = read_parameters(c, typed->set, &request->parameters.json);
    ColumnIn *columns = arena_new_n(c->cx->arena, ColumnIn, typed->column.n);
    for (size_t i = 0; r == 0 && i < typed->column.n; i++)
        r = read_column(c, ((const Str *)typed->column.v)[i], typed->max_age, &columns[i]);
    request->columns = (List){ columns, typed->column.n };
    shape_fill(&backtest_request_shape, c->cx, request); /* members without a flag, where the request is not the top */
    return r;
}

/* --- grids: short_period=5:30:5,long_period=40|60|80 --- */

static int bad_grid(Cli *c, Str part) {
    return err_set_at(c->cx, ERR_USAGE, S("grid"),
                      "'" STR_FMT "' is neither NAME=FROM:TO:STEP nor NAME=VALUE|VALUE|...", STR_ARG(part));
}

static int put_range(Cli *c, JsonWriter *w, Str part, Str value) {
    static const char *const names[] = { "from", "to", "step" };
    size_t k = 0;
    json_object(w);
    for (Str piece; str_next(&value, ':', &piece); k++) {
        double number;
        if (k == ARRAY_LEN(names) || !num_parse_f64(str_trim(piece), &number))
            return bad_grid(c, part);
        json_key(w, str_c(names[k]));
        json_f64(w, number);
    }
    json_object_end(w);
    return 0;
}

static int put_values(Cli *c, JsonWriter *w, Str part, Str value) {
    json_array(w);
    for (Str piece; str_next(&value, '|', &piece);) {
        double number;
        if (!num_parse_f64(str_trim(piece), &number))
            return bad_grid(c, part);
        json_f64(w, number);
    }
    json_array_end(w);
    return 0;
}

int cli_grid(Cli *c, Str text, Str *out) {
    Buf b;
    JsonWriter w;
    int r = 0;
    buf_init(&b, 1 << 20);
    json_writer_init(&w, &b, false);
    json_object(&w);
    for (Str part; r == 0 && str_next(&text, ',', &part);) {
        ptrdiff_t eq = str_find_char(part, '=');
        if (eq <= 0) {
            r = bad_grid(c, part);
            break;
        }
        Str value = str_from(part, (size_t)eq + 1);
        json_key(&w, str_trim(str_first(part, (size_t)eq)));
        r = str_find_char(value, ':') >= 0 ? put_range(c, &w, part, value) : put_values(c, &w, part, value);
    }
    json_object_end(&w);
    *out = str_dup(c->cx->arena, buf_str(&b));
    buf_done(&b);
    return r;
}

/* --- progress --- */

static void show(void *arg, double done, int64_t n_units) {
    progress_update(arg, done, 1, n_units);
}

int cli_call_with_progress(Cli *c, const Op *op, const void *in, void *out, const char *what, const char *unit) {
    Progress bar;
    ApiCaller *api;
    int r = cli_api(c, &api);
    if (r != 0)
        return r;
    progress_init(&bar, c, what, unit);
    c->cx->progress = show;
    c->cx->progress_arg = &bar;
    r = api_call(api, c->cx, op, in, out);
    c->cx->progress = NULL;
    progress_end(&bar);
    return r;
}

/* --- words --- */

void cli_sentences(Cli *c, const char *label, const List *texts, Tone tone, size_t most) {
    const Str *v = texts->v;
    for (size_t i = 0; i < texts->n && i < most; i++)
        cli_line(c, i == 0 ? label : "", "%s" STR_FMT "%s", term_tone(c, tone), STR_ARG(v[i]), term_end(c));
    if (texts->n > most)
        cli_line(c, "", "... and %zu more; --json has them all", texts->n - most);
}
