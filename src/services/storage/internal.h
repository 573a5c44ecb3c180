#pragma once

/* services/storage/internal.h - shared by the files of this folder only. */

#include "services/storage/storage.h"

#include <pthread.h>

#define RECORDS  "records/"
#define DATASETS "datasets/"
enum { PIECE_MAX = 64 << 20, PAGE_ROWS = 100000, RECORD_MAX = 16 << 10 };

struct StorageService {
    StorageOptions o;
    pthread_mutex_t lock; /* of the end of an upload: bytes, record, clean-up */
    uint64_t serial;      /* under the lock */
};

void storage_span(StorageService *s, const char *name);

/* --- record.c --- */

Str record_key(Arena *a, Str name);
int record_put(StorageService *s, Ctx *cx, const Dataset *d, bool replace);
int record_parse(Ctx *cx, Str name, Str text, Dataset *out); /* 0, ERR_CORRUPT */
/* 0, STORAGE_NO_DATASET, ERR_CORRUPT. */
int record_get(StorageService *s, Ctx *cx, Str name, Dataset *out);
int storage_check_name(Ctx *cx, Str name);

/* --- sink.c: rows going into a new dataset --- */

typedef struct Sink {
    StorageService *s;
    Dataset d; /* grows as rows come */
    bool replace;
    DatasetWriter *writer;
    ObjectWriter *object;
    Buf piece;
} Sink;

/* name, key and form of d are set. STORAGE_EXISTS. */
int sink_open(Sink *k, StorageService *s, Ctx *cx, const Dataset *d, bool replace);
int sink_put(Sink *k, Ctx *cx, const Candles *rows);
/* The dataset is there after a 0. Closes in any case. */
int sink_end(Sink *k, Ctx *cx, Dataset *out);
void sink_abort(Sink *k);

/* Reads a dataset's rows; close with dataset_reader_free. */
typedef struct DatasetBytes {
    StorageService *s;
    Dataset d;
} DatasetBytes;
int dataset_of_objects(StorageService *s, Ctx *cx, Str name, DatasetBytes *bytes, DatasetReader **out);
