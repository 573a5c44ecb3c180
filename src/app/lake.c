/* app/lake.c - see lake.h. */

#include "app/lake.h"

#include "adapters/store/parquet.h"
#include "api/market/market_api.h"
#include "api/storage/storage_api.h"
#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { INDEX_MAX = 64 << 20 };

/* Revisions that the lake's files have: "series revision" lines. */
static int64_t known_revision(Str index, Str series) {
    Str line, name;
    int64_t revision;
    while (str_next(&index, '\n', &line))
        if (str_next(&line, ' ', &name) && str_eq(name, series) && str_to_i64(line, &revision))
            return revision;
    return -1;
}

static int fetch(Ctx *cx, ApiCaller *api, const UploadResponse *d, const char *path) {
    char *temp =
        str_cz(cx->arena, str_fmt(cx->arena, "%s.part-%d", path, (int)getpid())); /* a command may be at it too */
    DatasetDownloadRequest q = { .dataset = d->dataset, .etag = d->etag, .length = 4 << 20 };
    FILE *f = fopen(temp, "wb");
    if (!f)
        return file_fail(cx, errno, "create", temp);
    int r = 0;
    while (r == 0 && q.offset < d->size) {
        ArenaMark mark = arena_mark(cx->arena);
        RawBody piece = { 0 };
        r = api_call(api, cx, &op_storage_download, &q, &piece);
        if (r == 0 && (piece.bytes.n == 0 || fwrite(piece.bytes.p, 1, piece.bytes.n, f) != piece.bytes.n))
            r = file_fail(cx, errno ? errno : EIO, "write", temp);
        q.offset += (int64_t)piece.bytes.n;
        arena_rewind(cx->arena, mark);
    }
    if (fclose(f) != 0 && r == 0)
        r = file_fail(cx, errno, "write", temp);
    if (r == 0 && rename(temp, path) != 0)
        r = file_fail(cx, errno, "rename", temp);
    if (r != 0)
        unlink(temp);
    return r;
}

/* One series as Parquet: made by the store's owner as a dataset, taken over, and the dataset removed again. */
static int export_series(Ctx *cx, ApiCaller *api, const SeriesRow *s, const char *path) {
    UploadResponse made = { 0 };
    DatasetRemoved gone = { 0 };
    DatasetUploadRequest up = { .exchange = s->exchange,
                                .symbol = s->symbol,
                                .timeframe = s->timeframe,
                                .provider = s->provider,
                                .format = S("parquet"),
                                .compression = S("none"),
                                .name = str_fmt(cx->arena, STORAGE_LAKE_NAMES "%d.parquet", (int)getpid()),
                                .replace = true };
    int r = dir_make(cx, path_dir(cx->arena, path));
    if (r == 0)
        r = api_call(api, cx, &op_storage_upload, &up, &made);
    if (r == 0)
        r = fetch(cx, api, &made, path);
    if (r == 0)
        r = api_call(api, cx, &op_storage_remove, &(DatasetQuery){ .dataset = made.dataset }, &gone);
    return r;
}

/* Files of series that are stored no more. */
static int drop_removed(Ctx *cx, const char *lake, Str index, const SeriesRow *v, size_t n) {
    Str line, name;
    int r = 0;
    while (r == 0 && str_next(&index, '\n', &line)) {
        SeriesKey key;
        bool there = false;
        if (!str_next(&line, ' ', &name) || !series_key_parse(name, &key))
            continue;
        for (size_t i = 0; i < n; i++)
            there |= str_eq(v[i].series, name);
        if (!there)
            r = file_remove(cx, store_parquet_path(cx->arena, lake, &key));
    }
    return r;
}

int lake_refresh(Ctx *cx, ApiCaller *api, const char *lake) {
    const char *path = path_join(cx->arena, lake, "exported");
    SeriesList list = { 0 };
    Str index = { 0 };
    Buf now;
    int r = dir_make(cx, lake);
    if (r == 0 && file_exists(path))
        r = file_read(cx, path, INDEX_MAX, &index);
    if (r == 0)
        r = api_call(api, cx, &op_market_series, NULL, &list);
    if (r)
        return r;
    const SeriesRow *v = list.series.v;
    buf_init(&now, INDEX_MAX);
    for (size_t i = 0; r == 0 && i < list.series.n; i++) {
        SeriesKey key;
        if (!series_key_parse(v[i].series, &key) || v[i].candles == 0)
            continue;
        const char *file = store_parquet_path(cx->arena, lake, &key);
        if (known_revision(index, v[i].series) != v[i].revision || !file_exists(file))
            r = export_series(cx, api, &v[i], file);
        buf_printf(&now, STR_FMT " %lld\n", STR_ARG(v[i].series), (long long)v[i].revision);
    }
    if (r == 0)
        r = drop_removed(cx, lake, index, v, list.series.n);
    if (r == 0 && !str_eq(index, buf_str(&now)))
        r = file_write(cx, path, buf_str(&now), 0644);
    buf_done(&now);
    return r;
}
