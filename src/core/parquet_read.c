/* core/parquet_read.c - see parquet.h: the reader of our own files. Nothing in a file is believed: sizes are held
 * against the file's, counts against the group's rows, sums against the pages. */

#include "base/vec.h"
#include "base/zip.h"
#include "core/parquet.h"
#include "core/parquet_codec.h"
#include "core/thrift.h"

enum { FOOTER_MAX = 64 << 20, TAIL = 8, PAGE_MAX = PARQUET_GROUP_ROWS * 12 + 4096, PACKED_MAX = 2 * PAGE_MAX };

struct ParquetReader {
    ParquetReadAt *read_at;
    void *arg;
    SeriesKey key;
    int64_t n_rows;
    bool foreign; /* some part of the footer is not as we write it */
    VEC(ParquetGroup) groups;
    Zip *zip;
    Buf packed, plain;
    uint8_t *present;
    int64_t *scratch;
};

void parquet_reader_free(ParquetReader *r) {
    if (!r)
        return;
    vec_done(&r->groups);
    zip_free(r->zip);
    buf_done(&r->packed);
    buf_done(&r->plain);
    mem_free(r->present);
    mem_free(r->scratch);
    mem_free(r);
}

const SeriesKey *parquet_key(const ParquetReader *r) {
    return &r->key;
}

int64_t parquet_rows(const ParquetReader *r) {
    return r->n_rows;
}

size_t parquet_groups(const ParquetReader *r) {
    return r->groups.n;
}

const ParquetGroup *parquet_group(const ParquetReader *r, size_t i) {
    assert(i < r->groups.n);
    return &r->groups.v[i];
}

/* --- the footer --- */

typedef struct Chunk {
    int64_t type, codec, n, packed, at;
    int64_t least, most;
    bool has_range;
} Chunk;

/* The schema must be ours to the letter; its annotations may be anything, because the names say what is what. */
static void read_schema(ParquetReader *r, ThriftReader *t, ThriftField f) {
    size_t n = thrift_list(t, f, THRIFT_STRUCT);
    for (size_t i = 0; i < n && !t->bad; i++) {
        int64_t type = -1, repetition = 0, children = 0;
        Str name = { 0 };
        for (ThriftField g = { 0 }; thrift_next(t, &g);) {
            if (g.id == 1)
                type = thrift_i64(t, g);
            else if (g.id == 3)
                repetition = thrift_i64(t, g);
            else if (g.id == 4)
                name = thrift_binary(t, g);
            else if (g.id == 5)
                children = thrift_i64(t, g);
            else
                thrift_skip(t, g);
        }
        const ParquetColumn *c = i >= 1 && i <= PARQUET_COLUMNS ? &PARQUET_SCHEMA[i - 1] : NULL;
        if (c ? type != (int64_t)c->type || !str_eq(name, str_c(c->name)) || repetition != c->optional || children
              : children != PARQUET_COLUMNS)
            r->foreign = true;
    }
    r->foreign |= n != PARQUET_COLUMNS + 1;
}

static bool read_bound(Str bytes, int64_t *out) {
    if (bytes.n != sizeof *out)
        return false;
    memcpy(out, bytes.p, sizeof *out);
    return true;
}

static void read_statistics(ThriftReader *t, Chunk *c) {
    Str least = { 0 }, most = { 0 };
    for (ThriftField f = { 0 }; thrift_next(t, &f);) {
        if (f.id == 5)
            most = thrift_binary(t, f);
        else if (f.id == 6)
            least = thrift_binary(t, f);
        else
            thrift_skip(t, f);
    }
    c->has_range = read_bound(least, &c->least) && read_bound(most, &c->most);
}

static void read_column_meta(ThriftReader *t, Chunk *c) {
    for (ThriftField f = { 0 }; thrift_next(t, &f);) {
        switch (f.id) {
        case 1:
            c->type = thrift_i64(t, f);
            break;
        case 4:
            c->codec = thrift_i64(t, f);
            break;
        case 5:
            c->n = thrift_i64(t, f);
            break;
        case 7:
            c->packed = thrift_i64(t, f);
            break;
        case 9:
            c->at = thrift_i64(t, f);
            break;
        case 12:
            if (f.type == THRIFT_STRUCT)
                read_statistics(t, c);
            else
                thrift_skip(t, f);
            break;
        default:
            thrift_skip(t, f);
        }
    }
}

static void read_chunk(ThriftReader *t, Chunk *c) {
    for (ThriftField f = { 0 }; thrift_next(t, &f);)
        if (f.id == 3 && f.type == THRIFT_STRUCT)
            read_column_meta(t, c);
        else
            thrift_skip(t, f);
}

static bool take_chunk(ParquetReader *r, ParquetGroup *g, size_t i, const Chunk *c, int64_t size) {
    if (i >= PARQUET_COLUMNS || c->type != (int64_t)PARQUET_SCHEMA[i].type || c->codec != PARQUET_ZSTD)
        return r->foreign = true;
    g->at[i] = c->at;
    g->size[i] = c->packed;
    if (i == 0) {
        g->first = time_ms(c->least);
        g->last = time_ms(c->most);
        r->foreign |= !c->has_range;
    }
    return c->at >= 4 && c->packed > 0 && c->packed <= PACKED_MAX && c->at <= size - TAIL - c->packed;
}

static bool read_group(ParquetReader *r, ThriftReader *t, int64_t size) {
    ParquetGroup g = { 0 };
    int64_t n = -1, in_chunk = -1;
    bool ok = true;
    for (ThriftField f = { 0 }; thrift_next(t, &f);) {
        if (f.id == 3) {
            n = thrift_i64(t, f);
        } else if (f.id == 1) {
            size_t chunks = thrift_list(t, f, THRIFT_STRUCT);
            r->foreign |= chunks != PARQUET_COLUMNS;
            for (size_t i = 0; i < chunks && !t->bad; i++) {
                Chunk c = { 0 };
                read_chunk(t, &c);
                ok &= take_chunk(r, &g, i, &c, size) && (in_chunk == -1 || in_chunk == c.n);
                in_chunk = c.n;
            }
        } else {
            thrift_skip(t, f);
        }
    }
    if (n <= 0 || n > PARQUET_GROUP_ROWS || n != in_chunk)
        ok = false;
    g.n = (size_t)MAX(n, 0);
    r->n_rows += MAX(n, 0);
    vec_push(&r->groups, g);
    return ok;
}

static void read_labels(ParquetReader *r, ThriftReader *t, ThriftField f) {
    size_t n = thrift_list(t, f, THRIFT_STRUCT);
    for (size_t i = 0; i < n && !t->bad; i++) {
        Str key = { 0 }, value = { 0 };
        for (ThriftField g = { 0 }; thrift_next(t, &g);) {
            if (g.id == 1)
                key = thrift_binary(t, g);
            else if (g.id == 2)
                value = thrift_binary(t, g);
            else
                thrift_skip(t, g);
        }
        PriceType price;
        Adjustment adjustment;
        if (str_eq(key, S("venue")))
            venue_parse(value, &r->key.venue);
        else if (str_eq(key, S("symbol")))
            symbol_parse(value, &r->key.symbol);
        else if (str_eq(key, S("timeframe")))
            timeframe_parse(value, &r->key.timeframe);
        else if (str_eq(key, S("provider")))
            venue_parse(value, &r->key.provider);
        else if (str_eq(key, S("price")) && price_type_parse(value, &price))
            r->key.price = (uint8_t)price;
        else if (str_eq(key, S("adjustment")) && adjustment_parse(value, &adjustment))
            r->key.adjustment = (uint8_t)adjustment;
    }
}

/* 0, PARQUET_FOREIGN or ERR_CORRUPT; no words. */
static int read_footer(ParquetReader *r, Str footer, int64_t size) {
    ThriftReader t = thrift_reader(footer);
    int64_t n_rows = -1;
    bool ok = true, has_schema = false, ours = false;
    for (ThriftField f = { 0 }; thrift_next(&t, &f);) {
        if (f.id == 2) {
            read_schema(r, &t, f);
            has_schema = true;
        } else if (f.id == 3) {
            n_rows = thrift_i64(&t, f);
        } else if (f.id == 4) {
            size_t n = thrift_list(&t, f, THRIFT_STRUCT);
            for (size_t i = 0; i < n && !t.bad; i++)
                ok &= read_group(r, &t, size);
        } else if (f.id == 5) {
            read_labels(r, &t, f);
        } else if (f.id == 6) {
            ours = str_starts(thrift_binary(&t, f), S("finsight "));
        } else {
            thrift_skip(&t, f);
        }
    }
    if (t.bad || !has_schema || n_rows < 0)
        return ERR_CORRUPT;
    if (r->foreign || !ours)
        return PARQUET_FOREIGN;
    return ok && n_rows == r->n_rows && r->groups.n <= PARQUET_GROUPS_MAX ? 0 : ERR_CORRUPT;
}

static int load_footer(ParquetReader *r, Ctx *cx, int64_t size) {
    char tail[TAIL], head[4];
    uint32_t n;
    if (size < 12)
        return err_set(cx, ERR_CORRUPT, "not a Parquet file: %lld bytes are too few", (long long)size);
    int e = r->read_at(r->arg, cx, size - TAIL, TAIL, tail);
    if (e == 0)
        e = r->read_at(r->arg, cx, 0, sizeof head, head);
    if (e)
        return e;
    if (memcmp(tail + 4, "PARE", 4) == 0)
        return PARQUET_FOREIGN; /* encrypted: none of ours is */
    if (memcmp(tail + 4, "PAR1", 4) != 0 || memcmp(head, "PAR1", 4) != 0)
        return err_set(cx, ERR_CORRUPT,
                       "not a Parquet file, or one that was cut short: its end says nothing of Parquet");
    memcpy(&n, tail, sizeof n);
    if (n > FOOTER_MAX || (int64_t)n > size - TAIL - 4)
        return err_set(cx, ERR_CORRUPT, "its footer is said to have %u bytes, which is not so", n);
    char *footer = mem_alloc(n + 1);
    e = r->read_at(r->arg, cx, size - TAIL - (int64_t)n, n, footer);
    if (e == 0)
        e = read_footer(r, str_n(footer, n), size);
    mem_free(footer);
    return e == ERR_CORRUPT ? err_note(cx, e, "its footer is damaged") : e;
}

int parquet_open(Ctx *cx, ParquetReadAt *read_at, void *arg, int64_t size, ParquetReader **out) {
    ParquetReader *r = mem_new(ParquetReader);
    r->read_at = read_at;
    r->arg = arg;
    int e = load_footer(r, cx, size);
    if (e) {
        parquet_reader_free(r);
        return e;
    }
    r->zip = zip_new();
    buf_init(&r->packed, PACKED_MAX);
    buf_init(&r->plain, PAGE_MAX);
    r->present = mem_new_n(uint8_t, PARQUET_GROUP_ROWS);
    r->scratch = mem_new_n(int64_t, PARQUET_GROUP_ROWS);
    *out = r;
    return 0;
}

/* --- rows --- */

typedef struct PageHead {
    int64_t type, plain, packed, crc, n, encoding;
} PageHead;

static bool read_page_head(Str *bytes, PageHead *h) {
    ThriftReader t = thrift_reader(*bytes);
    *h = (PageHead){ .type = -1, .crc = -1 };
    bool has_crc = false;
    for (ThriftField f = { 0 }; thrift_next(&t, &f);) {
        switch (f.id) {
        case 1:
            h->type = thrift_i64(&t, f);
            break;
        case 2:
            h->plain = thrift_i64(&t, f);
            break;
        case 3:
            h->packed = thrift_i64(&t, f);
            break;
        case 4:
            h->crc = thrift_i64(&t, f);
            has_crc = true;
            break;
        case 5:
            if (f.type != THRIFT_STRUCT)
                return false;
            for (ThriftField g = { 0 }; thrift_next(&t, &g);) {
                if (g.id == 1)
                    h->n = thrift_i64(&t, g);
                else if (g.id == 2)
                    h->encoding = thrift_i64(&t, g);
                else
                    thrift_skip(&t, g);
            }
            break;
        default:
            thrift_skip(&t, f);
        }
    }
    *bytes = str_n((const char *)t.p, (size_t)(t.end - t.p));
    return !t.bad && has_crc && h->type == 0;
}

/* The page of a column, unpacked into r->plain; what is wrong with it in words, or NULL. */
static const char *unpack_page(ParquetReader *r, size_t column, size_t n) {
    Str bytes = buf_str(&r->packed);
    PageHead h;
    if (!read_page_head(&bytes, &h) || h.n != (int64_t)n || h.packed != (int64_t)bytes.n)
        return "its page has a head that does not fit";
    if (h.encoding != (int64_t)PARQUET_SCHEMA[column].encoding)
        return "its page has another encoding than we write";
    if (zip_crc32(0, bytes) != (uint32_t)h.crc)
        return "the sum of its page is wrong: bytes of the file have changed";
    buf_clear(&r->plain);
    if (zip_expand(r->zip, ZIP_ZSTD, bytes, &r->plain) || (int64_t)r->plain.n != h.plain)
        return "its page cannot be unpacked";
    return NULL;
}

static bool decode_known(ParquetReader *r, Str bytes, size_t n, int64_t *out) {
    size_t n_present = 0, k = 0;
    if (!levels_decode(&bytes, n, r->present, &n_present) || !delta_decode(bytes, n_present, r->scratch))
        return false;
    for (size_t i = 0; i < n; i++)
        out[i] = r->present[i] ? r->scratch[k++] : 0;
    return true;
}

static bool decode_flags(ParquetReader *r, Str bytes, size_t n, uint8_t *out) {
    if (!delta_decode(bytes, n, r->scratch))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (r->scratch[i] < 0 || r->scratch[i] > CANDLE_FLAGS_ALL)
            return false;
        out[i] = (uint8_t)r->scratch[i];
    }
    return true;
}

static bool decode_column(ParquetReader *r, size_t column, size_t n, Candles *out) {
    Str bytes = buf_str(&r->plain);
    double *const doubles[PARQUET_DOUBLES] = { out->open, out->high, out->low, out->close, out->volume };
    if (column == 0)
        return delta_decode(bytes, n, out->open_ms + out->n);
    if (column == 6)
        return decode_known(r, bytes, n, out->known_ms + out->n);
    if (column == 7)
        return decode_flags(r, bytes, n, out->flags + out->n);
    if (bytes.n != n * 8)
        return false;
    split_decode((const uint8_t *)bytes.p, n, doubles[column - 1] + out->n);
    return true;
}

int parquet_read(ParquetReader *r, Ctx *cx, size_t group, Candles *out) {
    const ParquetGroup *g = parquet_group(r, group);
    candles_reserve_heap(out, out->n + g->n);
    for (size_t i = 0; i < PARQUET_COLUMNS; i++) {
        buf_clear(&r->packed);
        char *to = buf_reserve(&r->packed, (size_t)g->size[i]);
        int e = r->read_at(r->arg, cx, g->at[i], (size_t)g->size[i], to);
        if (e)
            return e;
        r->packed.n = (size_t)g->size[i];
        const char *why = unpack_page(r, i, g->n);
        if (!why && !decode_column(r, i, g->n, out))
            why = "its values do not decode";
        if (why)
            return err_set(cx, ERR_CORRUPT, "row group %zu, column %s: %s", group, PARQUET_SCHEMA[i].name, why);
    }
    out->n += g->n;
    return 0;
}
