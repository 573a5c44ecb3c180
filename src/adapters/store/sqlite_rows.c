/* adapters/store/sqlite_rows.c - rows, buckets and the tail's records; see sqlite_store.h. */

#include "adapters/store/sqlite_store.h"
#include "base/hash.h"

static int64_t month_of(Time t) {
    int year, month, day;
    civil_from_days(floor_div(t.ms, MS_PER_DAY), &year, &month, &day);
    return (int64_t)year * 12 + month - 1;
}

int64_t bucket_of(Timeframe tf, Time t) {
    if (!timeframe_is_fixed(tf))
        return floor_div(month_of(t), (int64_t)tf.n * BLOCK_ROWS);
    return floor_div(t.ms, timeframe_ms(tf) * BLOCK_ROWS);
}

size_t bucket_run(Timeframe tf, const Candles *rows, size_t at) {
    int64_t bucket = bucket_of(tf, time_ms(rows->open_ms[at]));
    size_t end = at + 1;
    if (timeframe_is_fixed(tf)) {
        int64_t limit = (bucket + 1) * timeframe_ms(tf) * BLOCK_ROWS;
        while (end < rows->n && rows->open_ms[end] < limit)
            end++;
    } else {
        while (end < rows->n && bucket_of(tf, time_ms(rows->open_ms[end])) == bucket)
            end++;
    }
    return end - at;
}

bool stored_range(Time from, Time to, Time *first, Time *last) {
    *first = time_ms(MAX(from.ms, TIME_ISO_MIN.ms));
    *last = time_ms(to.ms > TIME_ISO_MAX.ms ? TIME_ISO_MAX.ms : to.ms <= TIME_ISO_MIN.ms ? INT64_MIN : to.ms - 1);
    return first->ms <= last->ms;
}

static uint32_t tail_sum(int64_t series_id, int64_t open_ms, const char *row) {
    int64_t where[2] = { series_id, open_ms };
    return crc32c(crc32c(0, where, sizeof where), row, TAIL_ROW_SIZE - 4);
}

Str tail_encode(int64_t series_id, const Candle *c, char out[static TAIL_ROW_SIZE]) {
    const double numbers[5] = { c->open, c->high, c->low, c->close, c->volume };
    memcpy(out, numbers, 40);
    memcpy(out + 40, &c->known_at.ms, 8);
    out[48] = (char)c->flags;
    uint32_t sum = tail_sum(series_id, c->open_time.ms, out);
    memcpy(out + 49, &sum, 4);
    return str_n(out, TAIL_ROW_SIZE);
}

bool tail_decode(int64_t series_id, int64_t open_ms, Str row, Candle *out) {
    uint32_t sum;
    double numbers[5];
    if (row.n != TAIL_ROW_SIZE)
        return false;
    memcpy(&sum, row.p + 49, 4);
    if (sum != tail_sum(series_id, open_ms, row.p))
        return false;
    memcpy(numbers, row.p, 40);
    *out = (Candle){ .open_time = time_ms(open_ms),
                     .open = numbers[0],
                     .high = numbers[1],
                     .low = numbers[2],
                     .close = numbers[3],
                     .volume = numbers[4],
                     .flags = (uint8_t)row.p[48] };
    memcpy(&out->known_at.ms, row.p + 40, 8);
    return true;
}

int tail_read(Db *db, Ctx *cx, int64_t series_id, Time first, Time last, Candles *out) {
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_TAIL_RANGE, &st, "iii", series_id, first.ms, last.ms);
    while (r == 0 && (r = db_step(db, cx, st)) > 0) {
        Candle c;
        int64_t open_ms = db_i64(st, 0);
        if (!tail_decode(series_id, open_ms, db_text(st, 1), &c)) {
            db_reset(st);
            return err_set(
                cx, ERR_CORRUPT,
                "%s: series %lld: the newest candle at %lld fails its checksum; remove its range and fetch it "
                "anew",
                db->path, (long long)series_id, (long long)open_ms);
        }
        candles_reserve_heap(out, out->n + 1);
        candles_push(out, &c);
        r = 0;
    }
    return r;
}

void rows_overlay(const Candles *under, const Candles *over, Candles *out) {
    candles_reserve_heap(out, out->n + under->n + over->n);
    size_t i = 0;
    for (size_t j = 0; j < over->n; j++) {
        size_t from = i;
        while (i < under->n && under->open_ms[i] < over->open_ms[j])
            i++;
        candles_append(out, under, from, i - from);
        i += i < under->n && under->open_ms[i] == over->open_ms[j];
        candles_append(out, over, j, 1);
    }
    candles_append(out, under, i, under->n - i);
}

static void text_into(sqlite3_stmt *st, int column, char *out, size_t size) {
    Str s = str_first(db_text(st, column), size - 1);
    memset(out, 0, size);
    if (s.n)
        memcpy(out, s.p, s.n);
}

void series_from_row(sqlite3_stmt *st, SeriesInfo *out) {
    SeriesKey key = { .price = (uint8_t)db_i64(st, 5), .adjustment = (uint8_t)db_i64(st, 6) };
    text_into(st, 1, key.venue.s, sizeof key.venue.s);
    text_into(st, 2, key.symbol.s, sizeof key.symbol.s);
    timeframe_parse(db_text(st, 3), &key.timeframe);
    text_into(st, 4, key.provider.s, sizeof key.provider.s);
    *out = (SeriesInfo){ .id = db_i64(st, 0),
                         .key = key,
                         .n = db_i64(st, 7),
                         .n_synthetic = db_i64(st, 8),
                         .first = time_ms(db_i64(st, 9)),
                         .last = time_ms(db_i64(st, 10)),
                         .revision = db_i64(st, 11),
                         .bytes = db_i64(st, 12) };
}

int series_query(Db *db, Ctx *cx, const SeriesKey *key, SeriesInfo *out) {
    char tf_text[TIMEFRAME_TEXT_MAX];
    sqlite3_stmt *st;
    int r = db_query(db, cx, SQL_SERIES_BY_KEY, &st, "ssssii", venue_str(&key->venue), symbol_str(&key->symbol),
                     timeframe_text(key->timeframe, tf_text), venue_str(&key->provider), (int64_t)key->price,
                     (int64_t)key->adjustment);
    if (r == 0)
        r = db_step(db, cx, st);
    if (r < 0)
        return r;
    if (r == 0)
        return STORE_NO_SERIES;
    series_from_row(st, out);
    db_reset(st);
    return 0;
}

int block_damage(Db *db, Ctx *cx, int code, int64_t series_id, int64_t bucket) {
    if (code == ERR_VERSION)
        return err_set(cx, code, "%s: series %lld: block %lld was written by a newer FinSight", db->path,
                       (long long)series_id, (long long)bucket);
    return err_set(cx, ERR_CORRUPT,
                   "%s: series %lld: block %lld fails its checksum; remove its range and fetch it anew, the other "
                   "blocks are readable",
                   db->path, (long long)series_id, (long long)bucket);
}
