#pragma once

/* services/storage/storage.h - datasets in the object store: candles as files, kept, converted, given back; backups.
 *
 * Uses the ports candle_store and object_store and knows no adapter. One service a process; every call may come from
 * any thread. Results live in cx->arena. Memory is bounded whatever the number of candles: everything moves in pieces.
 *
 * A dataset is two objects: the bytes under datasets/NAME/<id>, and a record under records/NAME that says what they are.
 * The record is put last: a dataset is there whole or not at all, also when it replaces another. */

#include "base/log.h"
#include "core/dataset.h"
#include "ports/candle_store.h"
#include "ports/object_store.h"

typedef struct StorageService StorageService;

typedef struct StorageOptions {
    CandleStore *store; /* borrowed, as all here */
    ObjectStore *objects;
    Logger *log; /* NULL = silent */
    /* Tests and traces: called at each step of an upload, in order ("get_ohlcv", "convert_format", "compress_data",
     * "upload_to_storage", "put_object"). May be NULL. */
    void (*span)(void *arg, const char *name);
    void *span_arg;
} StorageOptions;

enum {
    STORAGE_NO_SERIES = 1,  /* > 0: no candles of it are stored */
    STORAGE_NO_DATASET = 2, /* no dataset, or backup, of that name */
    STORAGE_EXISTS = 3,     /* there is one of that name, and it was not to be replaced */
};

StorageService *storage_service_new(const StorageOptions *o);
StorageService *storage_service_free(StorageService *s); /* NULL is fine; returns NULL */

/* --- datasets (MDS-37, MDS-38, MDS-39, FLW-05) --- */

typedef struct Dataset {
    Str name;
    Str object; /* key of the bytes */
    SeriesKey key;
    DatasetForm form;
    int64_t candles;
    Time first, last; /* open times */
    int64_t size;     /* bytes stored */
    int64_t plain;    /* before packing */
    int64_t revision; /* of the series when it was read; 0: not from the store */
    bool simulated;   /* some of the candles come from a simulator */
    Time created;
    Str etag, sha256;
} Dataset;

typedef struct StorageUpload {
    const SeriesKey *key; /* venue and provider may be empty: the only series there is */
    Time from, to;        /* [from, to) */
    DatasetForm form;
    Str name;     /* empty: venue/symbol/timeframe.suffix */
    bool replace; /* one of that name, when there is one */
} StorageUpload;
/* Candles of the store -> a dataset. ERR_NOT_FOUND when the range is empty. */
int storage_upload(StorageService *s, Ctx *cx, const StorageUpload *up, Dataset *out);

typedef struct StorageConvert {
    Str from;
    DatasetForm form;
    Str name; /* empty: that of `from` with another suffix */
    bool replace;
} StorageConvert;
int storage_convert(StorageService *s, Ctx *cx, const StorageConvert *c, Dataset *out);

typedef struct StorageLoaded {
    SeriesKey key;
    int64_t candles, inserted, updated, unchanged, kept_real;
} StorageLoaded;
/* A dataset's candles back into the store. Batches of 100,000: a failure keeps those before it. */
int storage_load(StorageService *s, Ctx *cx, Str name, StorageLoaded *out);

int storage_info(StorageService *s, Ctx *cx, Str name, Dataset *out);
int storage_list(StorageService *s, Ctx *cx, Str prefix, Str after, size_t limit, Dataset **out, size_t *n, bool *more);
int storage_remove(StorageService *s, Ctx *cx, Str name);
/* Bytes of a dataset as they are stored; *got < n only at the end. With an etag, ERR_CONFLICT when the dataset was
 * replaced since. */
int storage_read(StorageService *s, Ctx *cx, Str name, Str etag, int64_t at, size_t n, Str *out, Dataset *info);
/* Number and bytes of the datasets whose names begin so; "" for all. */
int storage_usage(StorageService *s, Ctx *cx, int64_t *n, int64_t *bytes);
