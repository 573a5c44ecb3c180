/* cli/forecast_source.c - see forecast.h. */

#include "cli/forecast.h"

#include "base/file.h"
#include "forecast/candle_features.h"

enum { CSV_MAX = 1 << 30, PAGE_ROWS = 20000 };

/* --- files --- */

static int read_csv(Cli *c, Str file, ForecastTable *t, char hex[static SHA256_HEX + 1]) {
    Str text;
    const char *path = str_cz(c->cx->arena, file);
    int r = file_read(c->cx, path, CSV_MAX, &text);
    if (r)
        return r;
    r = table_read_csv(c->cx, text, t);
    sha256_hex(text, hex);
    return r ? err_prefix(c->cx, "%s", path) : 0;
}

int forecast_model_read(Cli *c, Str file, Artifact *a) {
    Str bytes;
    const char *path = str_cz(c->cx->arena, file);
    int r = file_read(c->cx, path, ARTIFACT_MAX, &bytes);
    if (r)
        return r;
    return artifact_read(c->cx, bytes, a) ? err_prefix(c->cx, "%s", path) : 0;
}

/* --- candles --- */

Str forecast_source_features(const ForecastSource *s) {
    if (!s->symbol.n || s->extra.n)
        return (Str){ 0 };
    return s->features.n ? s->features : features_standard();
}

static int read_candles(Cli *c, const ForecastSource *s, Candles *all, Str *exchange) {
    ApiCaller *api;
    OHLCVQuery q = { .exchange = s->exchange,
                     .symbol = s->symbol,
                     .timeframe = s->timeframe,
                     .provider = s->provider,
                     .limit = PAGE_ROWS,
                     .order = S("asc") };
    bool more = true;
    int r = cli_api(c, &api);
    while (r == 0 && more) {
        CandlePage page = { 0 };
        r = api_call(api, c->cx, &op_market_candles, &q, &page);
        if (r)
            break;
        candles_reserve(all, c->cx->arena, all->n + page.candles.n);
        candles_append(all, &page.candles, 0, page.candles.n);
        *exchange = page.exchange;
        more = page.more;
        q.start = page.next_start;
        r = ctx_check(c->cx);
    }
    return r;
}

static void hash_candles(const Candles *cs, char hex[static SHA256_HEX + 1]) {
    Sha256 h;
    const double *const columns[] = { cs->open, cs->high, cs->low, cs->close, cs->volume };
    sha256_init(&h);
    sha256_put(&h, str_n((const char *)cs->open_ms, cs->n * sizeof *cs->open_ms));
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        sha256_put(&h, str_n((const char *)columns[i], cs->n * sizeof(double)));
    sha256_end_hex(&h, hex);
}

static int read_store(Cli *c, const ForecastSource *s, ForecastTable *out, Str *name, char hex[static SHA256_HEX + 1]) {
    Candles all;
    ForecastTable extra;
    Timeframe tf;
    Str exchange = { 0 };
    char ignored[SHA256_HEX + 1];
    if (!timeframe_parse(s->timeframe, &tf))
        return err_set_at(c->cx, ERR_INVALID, S("timeframe"), "--symbol needs a --timeframe, such as 1h");
    candles_init(&all, c->cx->arena, PAGE_ROWS);
    int r = read_candles(c, s, &all, &exchange);
    if (r == 0 && s->extra.n)
        r = read_csv(c, s->extra, &extra, ignored);
    if (r)
        return r;
    *name = cli_series_name(c->cx->arena, exchange, s->symbol, s->timeframe, s->provider);
    hash_candles(&all, hex);
    return features_table(c->cx, &all, tf, s->features.n ? s->features : features_standard(),
                          s->extra.n ? &extra : NULL, out);
}

int forecast_source_read(Cli *c, const ForecastSource *s, ForecastTable *out, Str *name,
                         char hex[static SHA256_HEX + 1]) {
    if ((s->csv.n > 0) == (s->symbol.n > 0))
        return err_set(c->cx, ERR_USAGE, "say what to read: a CSV file, or --symbol and --timeframe");
    if (s->symbol.n)
        return read_store(c, s, out, name, hex);
    *name = path_base(str_cz(c->cx->arena, s->csv));
    int r = read_csv(c, s->csv, out, hex);
    if (r == 0 && out->n_disordered && !c->quiet && !c->json)
        fprintf(c->err, "%zu rows do not come after the row before: taken in the order of the file\n",
                out->n_disordered);
    return r;
}
