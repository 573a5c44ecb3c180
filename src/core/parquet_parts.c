/* core/parquet_parts.c - what the writers of candles and of tables have in common: page headers, labels, a file's end. */

#include "base/zip.h"
#include "core/parquet_codec.h"
#include "core/thrift.h"

size_t parquet_put_page_head(Buf *out, size_t n, ParquetEncoding encoding, size_t plain, Str packed) {
    size_t had = out->n;
    int last = 0, of_data = 0;
    thrift_put_i32(out, &last, 1, 0); /* a data page */
    thrift_put_i32(out, &last, 2, (int32_t)plain);
    thrift_put_i32(out, &last, 3, (int32_t)packed.n);
    thrift_put_i32(out, &last, 4, (int32_t)zip_crc32(0, packed));
    thrift_put_field(out, &last, 5, THRIFT_STRUCT);
    thrift_put_i32(out, &of_data, 1, (int32_t)n);
    thrift_put_i32(out, &of_data, 2, encoding);
    thrift_put_i32(out, &of_data, 3, PARQUET_RLE);
    thrift_put_i32(out, &of_data, 4, PARQUET_RLE);
    thrift_put_stop(out);
    thrift_put_stop(out);
    return out->n - had;
}

void parquet_put_pair(Buf *f, Str key, Str value) {
    int last = 0;
    thrift_put_binary(f, &last, 1, key);
    thrift_put_binary(f, &last, 2, value);
    thrift_put_stop(f);
}

int parquet_put_tail(Buf *f, int *last, size_t n_columns, Buf *out) {
    thrift_put_binary(f, last, 6, S("finsight version " FINSIGHT_VERSION));
    thrift_put_list(f, last, 7, THRIFT_STRUCT, n_columns);
    for (size_t i = 0; i < n_columns; i++) {
        int order = 0;
        thrift_put_field(f, &order, 1, THRIFT_STRUCT); /* by the type: the statistics may be believed */
        thrift_put_stop(f);
        thrift_put_stop(f);
    }
    thrift_put_stop(f);
    uint32_t size = (uint32_t)f->n;
    if (!buf_ok(f))
        return ERR_LIMIT;
    buf_put_str(out, buf_str(f));
    buf_put(out, &size, sizeof size);
    BUF_LIT(out, "PAR1");
    return buf_ok(out) ? 0 : ERR_LIMIT;
}
