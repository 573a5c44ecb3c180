/* forecast/sealed.c - see sealed.h. */

#include "forecast/sealed.h"

#include "base/sha256.h"

enum { VERSION = 1, HEAD_MAX = 512 };

/* The hash covers the sizes as they are written, then the bytes. */
static void hash_parts(Str sizes, const Str *parts, size_t n, char out[static SHA256_HEX + 1]) {
    Sha256 s;
    sha256_init(&s);
    sha256_put(&s, sizes);
    for (size_t i = 0; i < n; i++)
        sha256_put(&s, parts[i]);
    sha256_end_hex(&s, out);
}

int sealed_write(Str kind, const Str *parts, size_t n, Buf *out) {
    char hex[SHA256_HEX + 1];
    Buf sizes;
    assert(n <= SEALED_PARTS);
    buf_init(&sizes, HEAD_MAX);
    for (size_t i = 0; i < n; i++)
        buf_printf(&sizes, " %zu", parts[i].n);
    hash_parts(buf_str(&sizes), parts, n, hex);
    buf_printf(out, "finsight " STR_FMT " %d %s" STR_FMT "\n", STR_ARG(kind), VERSION, hex, STR_ARG(buf_str(&sizes)));
    for (size_t i = 0; i < n; i++)
        buf_put_str(out, parts[i]);
    buf_done(&sizes);
    return buf_ok(out) ? 0 : ERR_LIMIT;
}

static int damaged(Ctx *cx, Str kind, const char *how) {
    return err_set(cx, ERR_CORRUPT, "this is no whole %.*s: %s", STR_ARG(kind), how);
}

int sealed_read(Ctx *cx, Str kind, Str bytes, Str *parts, size_t n) {
    char hex[SHA256_HEX + 1];
    ptrdiff_t end = str_find_char(str_first(bytes, HEAD_MAX), '\n');
    Str head = str_first(bytes, end < 0 ? 0 : (size_t)end), rest, word, hash, version;
    int64_t v;
    if (end < 0 || !str_next(&head, ' ', &word) || !str_eq(word, S("finsight")))
        return damaged(cx, kind, "it does not begin like one");
    if (!str_next(&head, ' ', &word) || !str_eq(word, kind))
        return damaged(cx, kind, "it is of another kind");
    if (!str_next(&head, ' ', &version) || !str_to_i64(version, &v) || v < 1)
        return damaged(cx, kind, "it has no version");
    if (v > VERSION)
        return err_set(cx, ERR_VERSION, "written by a later program (version %lld, this one reads %d)", (long long)v,
                       VERSION);
    if (!str_next(&head, ' ', &hash))
        return damaged(cx, kind, "it has no hash");
    Str sizes = str_n(hash.p + hash.n, (size_t)(bytes.p + end - hash.p) - hash.n);
    rest = str_from(bytes, (size_t)end + 1);
    for (size_t i = 0; i < n; i++) {
        uint64_t size;
        if (!str_next(&head, ' ', &word) || !str_to_u64(word, &size))
            return damaged(cx, kind, "its first line is not complete");
        if (size > rest.n)
            return damaged(cx, kind, "its end is missing");
        parts[i] = str_first(rest, (size_t)size);
        rest = str_from(rest, (size_t)size);
    }
    if (rest.n > 0 || str_next(&head, ' ', &word))
        return damaged(cx, kind, "there is more than its first line tells");
    hash_parts(sizes, parts, n, hex);
    return str_eq(hash, str_c(hex)) ? 0 : damaged(cx, kind, "its bytes were changed (the hash does not fit)");
}
