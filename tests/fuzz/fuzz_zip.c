/* base/zip: any bytes as compressed data stay within the limit; any bytes compressed come back, also in pieces.
 * Byte 0 chooses the kind, the level and the size of the pieces. */

#include "base/zip.h"

#include "fuzz.h"

static void expand_bounded(ZipKind kind, Str in) {
    Buf out;
    buf_init(&out, 1 << 16);
    buf_put(&out, "kept", 4);
    int e = zip_expand(NULL, kind, in, &out);
    MUST(e == 0 || e == ERR_CORRUPT || e == ERR_LIMIT);
    MUST(out.n <= 1 << 16 && memcmp(out.p, "kept", 4) == 0 && (e == 0 || out.n == 4));
    buf_done(&out);
}

static void there_and_back(ZipKind kind, int level, size_t step, Str text) {
    Buf packed, back;
    buf_init(&packed, text.n * 2 + 4096);
    buf_init(&back, text.n + 1);
    MUST(zip_compress(NULL, kind, level, text, &packed) == 0);
    MUST(zip_expand(NULL, kind, buf_str(&packed), &back) == 0 && str_eq(buf_str(&back), text));
    buf_clear(&back);
    buf_done(&packed);

    buf_init(&packed, text.n * 32 + 4096); /* flushing often is dear */
    ZipStream *s = zip_stream_new(kind, level);
    for (Str rest = text; rest.n; rest = str_from(rest, step)) {
        MUST(zip_stream_put(s, str_first(rest, step), &packed) == 0);
        if (step % 2)
            MUST(zip_stream_flush(s, &packed) == 0);
    }
    MUST(zip_stream_finish(s, &packed) == 0);
    MUST(zip_expand(NULL, kind, buf_str(&packed), &back) == 0 && str_eq(buf_str(&back), text));
    zip_stream_free(s);
    buf_done(&packed);
    buf_done(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1 || size > 1 << 14)
        return 0;
    Str text = str_n((const char *)data + 1, size - 1);
    ZipKind kind = data[0] & 1 ? ZIP_ZSTD : ZIP_GZIP;
    expand_bounded(kind, text);
    there_and_back(kind, data[0] >> 1 & 3, 1 + (data[0] >> 3), text);
    return 0;
}
