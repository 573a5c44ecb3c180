/* adapters/store/csv_load.c - the CSV store's files back into memory. A person may have edited them: every fault
 * is told with file, line and column, and nothing is loaded by half. */

#include "adapters/store/csv_files.h"

#include "adapters/store/memory.h"
#include "base/csv.h"
#include "base/file.h"
#include "base/num.h"

typedef struct File { /* one file being read, row by row behind the header */
    Ctx *cx;
    const char *path;
    CsvReader reader;
    CsvRow row;
    bool done;
} File;

/* false: there is no such file, which is an empty one. */
static int file_begin(File *f, Ctx *cx, const char *path, bool *there) {
    Str text;
    *f = (File){ .cx = cx, .path = path };
    *there = file_exists(path);
    int r = *there ? file_read(cx, path, CSV_FILE_MAX, &text) : 0;
    if (r || !*there)
        return r;
    csv_reader_init(&f->reader, &(CsvLimits){ 0 }, ',');
    csv_feed(&f->reader, text);
    return 0;
}

static int damaged(File *f, const char *what) {
    Str place = str_fmt(f->cx->arena, "line %zu", f->row.line);
    return err_set_at(f->cx, ERR_CORRUPT, place, "%s: line %zu: %s; mend the line or remove the file", f->path,
                      f->row.line, what);
}

/* 1 a row with that many fields, 0 the end. */
static int file_next(File *f, size_t n_fields) {
    for (;;) {
        int got = csv_next(&f->reader, &f->row);
        if (got == CSV_MORE) {
            csv_end(&f->reader);
            continue;
        }
        if (got < 0)
            return err_set(f->cx, ERR_CORRUPT, "%s: line %zu: %s", f->path, f->reader.err_line, f->reader.why);
        if (got == CSV_ROW && f->row.line == 1)
            continue; /* the header */
        if (got == CSV_ROW && f->row.n_fields != n_fields)
            return damaged(f, "wrong number of fields");
        return got == CSV_ROW;
    }
}

static bool field_i64(const File *f, size_t i, int64_t *out) {
    return str_to_i64(f->row.fields[i], out);
}

static bool field_int(const File *f, size_t i, int max, int *out) {
    int64_t v;
    if (!field_i64(f, i, &v) || v < 0 || v > max)
        return false;
    *out = (int)v;
    return true;
}

static bool field_text(const File *f, size_t i, char *out, size_t size) {
    Str s = f->row.fields[i];
    if (s.n >= size)
        return false;
    memset(out, 0, size);
    if (s.n)
        memcpy(out, s.p, s.n);
    return true;
}

static int parse_candle(File *f, Candle *c) {
    static const char *const columns[] = { "open", "high", "low", "close", "volume" };
    double *const numbers[] = { &c->open, &c->high, &c->low, &c->close, &c->volume };
    *c = (Candle){ 0 };
    if (!time_parse_iso(f->row.fields[0], &c->open_time, NULL))
        return damaged(f, "column time is no ISO-8601 time");
    for (int k = 0; k < 5; k++) {
        if (str_eq(f->row.fields[1 + k], S("-0")))
            *numbers[k] = -0.0;
        else if (!num_parse_f64(f->row.fields[1 + k], numbers[k]))
            return damaged(f, str_cz(f->cx->arena, str_fmt(f->cx->arena, "column %s is no number", columns[k])));
    }
    if (f->row.fields[6].n && !time_parse_iso(f->row.fields[6], &c->known_at, NULL) &&
        !str_to_i64(f->row.fields[6], &c->known_at.ms))
        return damaged(f, "column known_at is no time");
    if (!candle_flags_parse(f->row.fields[7], &c->flags))
        return damaged(f, "column flags has an unknown word");
    return 0;
}

static int load_candles(Ctx *cx, const char *path, Candles *out) {
    File f;
    bool there;
    int r = file_begin(&f, cx, path, &there);
    if (r || !there)
        return r;
    while ((r = file_next(&f, 8)) > 0) {
        Candle c;
        if ((r = parse_candle(&f, &c)))
            break;
        if (out->n && c.open_time.ms <= out->open_ms[out->n - 1]) {
            r = damaged(&f, "the time is not behind the one before");
            break;
        }
        candles_reserve_heap(out, out->n + 1);
        candles_push(out, &c);
    }
    csv_reader_done(&f.reader);
    return r;
}

static int put_candles(Buf *out, const SeriesKey *key, const Candles *rows) {
    UNUSED(key);
    return csv_put_candles(out, rows);
}

const RowFiles csv_row_files = {
    .store = "csv", .suffix = ".csv", .path = csv_series_path, .put = put_candles, .load = load_candles
};

typedef VEC(Coverage) Windows;

static int load_coverage(Ctx *cx, const char *path, Windows *out) {
    File f;
    bool there;
    int r = file_begin(&f, cx, path, &there);
    if (r || !there)
        return r;
    while ((r = file_next(&f, 4)) > 0) {
        Coverage w;
        if (!field_i64(&f, 0, &w.from.ms) || !field_i64(&f, 1, &w.to.ms) || !field_i64(&f, 2, &w.fetched_at.ms) ||
            !field_text(&f, 3, w.source, sizeof w.source) || w.from.ms >= w.to.ms ||
            (out->n && w.from.ms <= out->v[out->n - 1].to.ms)) {
            r = damaged(&f, "no coverage window, or out of order");
            break;
        }
        vec_push(out, w);
    }
    csv_reader_done(&f.reader);
    return r;
}

static int load_one(Ctx *cx, const char *dir, const RowFiles *files, CandleStore *memory, const SeriesInfo *info) {
    Candles rows;
    Windows cover = { 0 };
    candles_init_heap(&rows, 64);
    ArenaMark mark = arena_mark(cx->arena);
    int r = files->load(cx, files->path(cx->arena, dir, &info->key, files->suffix), &rows);
    if (r == 0)
        r = load_coverage(cx, files->path(cx->arena, dir, &info->key, ".coverage.csv"), &cover);
    if (r == 0)
        store_memory_restore(memory, info, &rows, cover.v, cover.n);
    arena_rewind(cx->arena, mark); /* the texts of the files */
    candles_done_heap(&rows);
    vec_done(&cover);
    return r;
}

static int load_series(Ctx *cx, const char *dir, const RowFiles *files, CandleStore *memory) {
    File f;
    bool there;
    int r = file_begin(&f, cx, csv_store_path(cx->arena, dir, "series.csv"), &there);
    if (r || !there)
        return r;
    while ((r = file_next(&f, 3)) > 0) {
        SeriesInfo info = { 0 };
        if (!field_i64(&f, 0, &info.id) || !field_i64(&f, 1, &info.revision) || info.id < 1 || info.revision < 0 ||
            !series_key_parse(f.row.fields[2], &info.key))
            r = damaged(&f, "no series");
        else
            r = load_one(cx, dir, files, memory, &info);
        if (r)
            break;
    }
    csv_reader_done(&f.reader);
    return r;
}

/* Lines are appended one by one: a crash may cut the last one short, which then was never answered. */
static int load_changes(Ctx *cx, const char *dir, CandleStore *memory) {
    File f;
    bool there;
    int64_t last = 0;
    int r = file_begin(&f, cx, csv_store_path(cx->arena, dir, "changes.csv"), &there);
    if (r || !there)
        return r;
    while ((r = file_next(&f, 6)) > 0) {
        SeriesChange c;
        if (!field_i64(&f, 0, &c.sequence) || !field_i64(&f, 1, &c.series_id) || !field_i64(&f, 2, &c.revision) ||
            !field_i64(&f, 3, &c.from.ms) || !field_i64(&f, 4, &c.to.ms) || !field_i64(&f, 5, &c.at.ms) ||
            c.sequence <= last) {
            r = damaged(&f, "no change, or out of order");
            break;
        }
        last = c.sequence;
        store_memory_restore_change(memory, &c);
    }
    csv_reader_done(&f.reader);
    return r;
}

static bool parse_listing(const File *f, Listing *l) {
    int asset, status;
    *l = (Listing){ 0 };
    bool ok = field_text(f, 0, l->venue.s, sizeof l->venue.s) && field_text(f, 1, l->symbol.s, sizeof l->symbol.s) &&
              field_text(f, 2, l->instrument.s, sizeof l->instrument.s) &&
              field_text(f, 3, l->base.s, sizeof l->base.s) && field_text(f, 4, l->quote.s, sizeof l->quote.s) &&
              field_int(f, 5, ASSET_INDEX, &asset) && field_int(f, 6, LISTING_DELISTED, &status) &&
              field_i64(f, 7, &l->tick.mantissa) && field_int(f, 8, 18, &l->tick.scale) &&
              field_i64(f, 9, &l->lot.mantissa) && field_int(f, 10, 18, &l->lot.scale) &&
              field_i64(f, 11, &l->min_notional.mantissa) && field_int(f, 12, 18, &l->min_notional.scale) &&
              field_text(f, 13, l->calendar, sizeof l->calendar) &&
              field_text(f, 14, l->time_zone, sizeof l->time_zone) && field_i64(f, 15, &l->valid_from.ms) &&
              field_i64(f, 16, &l->valid_to.ms);
    if (ok) {
        l->asset = (AssetClass)asset;
        l->status = (ListingStatus)status;
    }
    return ok && l->venue.s[0] && l->symbol.s[0];
}

static int load_listings(Ctx *cx, const char *dir, CandleStore *memory) {
    File f;
    bool there;
    int r = file_begin(&f, cx, csv_store_path(cx->arena, dir, "listings.csv"), &there);
    if (r || !there)
        return r;
    while ((r = file_next(&f, 17)) > 0) {
        Listing l;
        if (!parse_listing(&f, &l)) {
            r = damaged(&f, "no listing");
            break;
        }
        store_memory_restore_listing(memory, &l);
    }
    csv_reader_done(&f.reader);
    return r;
}

int csv_load(Ctx *cx, const char *dir, const RowFiles *files, CandleStore *memory) {
    int r = load_series(cx, dir, files, memory);
    if (r == 0)
        r = load_changes(cx, dir, memory);
    return r ? r : load_listings(cx, dir, memory);
}
