/* Hostile bytes as a stored block: the decode ends within bounds, and what it accepts encodes to rows of the same
 * bits. The checksum is made right first, or nothing behind it would ever be reached. */

#include "adapters/store/block.h"
#include "base/hash.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const void *a, const void *b, size_t n) {
    return memcmp(a, b, n) == 0;
}

static bool same_rows(const Candles *a, const Candles *b) {
    size_t n = a->n * 8;
    return a->n == b->n && same(a->open_ms, b->open_ms, n) && same(a->open, b->open, n) && same(a->high, b->high, n) &&
           same(a->low, b->low, n) && same(a->close, b->close, n) && same(a->volume, b->volume, n) &&
           same(a->known_ms, b->known_ms, n) && same(a->flags, b->flags, a->n);
}

static void check_again(BlockCodec *codec, const Candles *rows) {
    Buf blob;
    Candles back;
    buf_init(&blob, 64 << 20);
    candles_init_heap(&back, rows->n);
    if (block_encode(codec, rows, 0, rows->n, &blob) || block_decode(codec, buf_str(&blob), &back) ||
        !same_rows(rows, &back))
        abort();
    candles_done_heap(&back);
    buf_done(&blob);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 1 << 20)
        return 0;
    BlockCodec *codec = block_codec_new();
    Candles rows;
    char *blob = mem_alloc(size + 1);
    if (size)
        memcpy(blob, data, size);
    candles_init_heap(&rows, BLOCK_ROWS_MAX);
    block_decode(codec, str_n(blob, size), &rows);
    if (size > 8) {
        uint32_t sum = crc32c(crc32c(0, blob, 4), blob + 8, size - 8);
        memcpy(blob + 4, &sum, 4);
        rows.n = 0;
        if (block_decode(codec, str_n(blob, size), &rows) == 0)
            check_again(codec, &rows);
        else if (rows.n)
            abort();
    }
    candles_done_heap(&rows);
    mem_free(blob);
    block_codec_free(codec);
    return 0;
}
