/* base/zip: gzip and zstd within limits. */

#include "base/zip.h"

#include "lib/test.h"

static const ZipKind kinds[] = { ZIP_GZIP, ZIP_ZSTD };

/* Text-like bytes: words that repeat, with some noise. */
static Str make_text(Arena *a, size_t n, uint64_t x) {
    char *p = arena_alloc(a, n);
    for (size_t i = 0; i < n; i++) {
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        p[i] = x >> 61 ? "candles,46216.93,BTCUSDT\n"[i % 25] : (char)(x >> 40);
    }
    return str_n(p, n);
}

TEST(what_goes_in_comes_out) {
    static const size_t sizes[] = { 0, 1, 2, 100, 4095, 4096, 4097, 100000, 600000 };
    static const int levels[] = { 0, 1, 9, -5, 100 };
    Arena a = { 0 };
    Zip *kept = zip_new();
    for (size_t i = 0; i < ARRAY_LEN(sizes) * ARRAY_LEN(kinds) * ARRAY_LEN(levels); i++) {
        size_t size = sizes[i % ARRAY_LEN(sizes)];
        ZipKind kind = kinds[i / ARRAY_LEN(sizes) % 2];
        int level = levels[i / ARRAY_LEN(sizes) / 2];
        if (size > 100000 && level > 1)
            continue; /* slow, and says nothing new */
        Str text = make_text(&a, size, i);
        Buf packed, again, back;
        buf_init(&packed, 1 << 23);
        buf_init(&again, 1 << 23);
        buf_init(&back, size + 3); /* an exact limit is enough */
        buf_put(&back, "had", 3);
        CHECK_EQ(zip_compress(kept, kind, level, text, &packed), 0);
        CHECK_EQ(zip_compress(NULL, kind, level, text, &again), 0);
        CHECK_STR(buf_str(&again), buf_str(&packed));
        CHECK_EQ(zip_expand(i % 3 ? kept : NULL, kind, buf_str(&packed), &back), 0);
        CHECK_STR(str_from(buf_str(&back), 3), text);
        CHECK(size < 4096 || packed.n < size / 2);
        buf_done(&packed);
        buf_done(&again);
        buf_done(&back);
        arena_reset(&a);
    }
    zip_free(kept);
    arena_done(&a);
}

TEST(bombs_stop_at_the_limit) {
    Arena a = { 0 };
    enum { SIZE = 4 << 20 };
    Str zeros = str_n(arena_zalloc(&a, SIZE), SIZE);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        static const size_t limits[] = { 1, 1000, 1 << 20, SIZE - 1 };
        Buf bomb;
        buf_init(&bomb, 1 << 20);
        CHECK_EQ(zip_compress(NULL, kinds[i], 0, zeros, &bomb), 0);
        CHECK(bomb.n < SIZE / 500);
        for (size_t k = 0; k < ARRAY_LEN(limits); k++) {
            Buf out;
            buf_init(&out, limits[k]);
            CHECK_EQ(zip_expand(NULL, kinds[i], buf_str(&bomb), &out), ERR_LIMIT);
            CHECK(out.n == 0 && !buf_ok(&out));
            CHECK_EQ(zip_expand(NULL, kinds[i], buf_str(&bomb), &out), ERR_LIMIT);
            buf_done(&out);
        }
        buf_done(&bomb);
    }
    arena_done(&a);
}

TEST(output_over_the_limit_is_refused) {
    Arena a = { 0 };
    Str text = make_text(&a, 50000, 5);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        Buf whole, tight;
        buf_init(&whole, 1 << 20);
        CHECK_EQ(zip_compress(NULL, kinds[i], 0, text, &whole), 0);
        buf_init(&tight, whole.n);
        CHECK_EQ(zip_compress(NULL, kinds[i], 0, text, &tight), 0);
        CHECK_STR(buf_str(&tight), buf_str(&whole));
        buf_done(&tight);
        buf_init(&tight, whole.n - 1);
        CHECK_EQ(zip_compress(NULL, kinds[i], 0, text, &tight), ERR_LIMIT);
        CHECK_EQ(tight.n, 0);
        buf_done(&tight);
        buf_done(&whole);
    }
    arena_done(&a);
}

/* Every cut and every flipped bit must be seen, and must leave the buffer as it was. */
TEST(damage_is_found) {
    Arena a = { 0 };
    Str text = make_text(&a, 700, 9);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        Buf packed, out;
        buf_init(&packed, 1 << 16);
        buf_init(&out, 1 << 16);
        buf_put(&out, "kept", 4);
        CHECK_EQ(zip_compress(NULL, kinds[i], 0, text, &packed), 0);
        for (size_t n = 0; n < packed.n; n++) {
            CHECK_EQ(zip_expand(NULL, kinds[i], str_first(buf_str(&packed), n), &out), ERR_CORRUPT);
            CHECK_STR(buf_str(&out), S("kept"));
        }
        size_t unseen = 0;
        for (size_t bit = 0; bit < packed.n * 8; bit++) {
            packed.p[bit / 8] = (char)(packed.p[bit / 8] ^ 1 << bit % 8);
            int e = zip_expand(NULL, kinds[i], buf_str(&packed), &out);
            CHECK(e == 0 || e == ERR_CORRUPT || e == ERR_LIMIT);
            if (e == 0) { /* gzip's flags, time and system do not change the text; it must be the right one */
                CHECK_STR(str_from(buf_str(&out), 4), text);
                unseen++;
            }
            buf_clear(&out);
            buf_put(&out, "kept", 4);
            packed.p[bit / 8] = (char)(packed.p[bit / 8] ^ 1 << bit % 8);
        }
        CHECK(unseen < 80);
        buf_put(&packed, "x", 1);
        CHECK_EQ(zip_expand(NULL, kinds[i], buf_str(&packed), &out), ERR_CORRUPT);
        CHECK_EQ(zip_expand(NULL, kinds[1 - i], str_first(buf_str(&packed), packed.n - 1), &out), ERR_CORRUPT);
        buf_done(&packed);
        buf_done(&out);
    }
    arena_done(&a);
}

TEST(texts_behind_each_other_are_one) {
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        Buf packed, out;
        buf_init(&packed, 4096);
        buf_init(&out, 8);
        CHECK_EQ(zip_compress(NULL, kinds[i], 0, S("abc"), &packed), 0);
        CHECK_EQ(zip_compress(NULL, kinds[i], 0, S(""), &packed), 0);
        CHECK_EQ(zip_compress(NULL, kinds[i], 0, S("defgh"), &packed), 0);
        CHECK_EQ(zip_expand(NULL, kinds[i], buf_str(&packed), &out), 0);
        CHECK_STR(buf_str(&out), S("abcdefgh"));
        buf_done(&packed);
        buf_done(&out);
    }
}

TEST(a_window_over_8_mib_is_refused) {
    /* a frame header that asks for 16 MiB (RFC 8878, 3.1.1.1.2: exponent 14 -> 2^24), and an empty last block */
    static const char frame[] = "\x28\xB5\x2F\xFD\x00\x70\x01\x00\x00";
    static const char small[] = "\x28\xB5\x2F\xFD\x00\x68\x01\x00\x00";
    Buf out;
    buf_init(&out, 1 << 20);
    CHECK_EQ(zip_expand(NULL, ZIP_ZSTD, str_n(frame, 9), &out), ERR_LIMIT);
    CHECK_EQ(zip_expand(NULL, ZIP_ZSTD, str_n(small, 9), &out), 0);
    buf_done(&out);
}

TEST(streams_in_pieces) {
    Arena a = { 0 };
    Str text = make_text(&a, 300000, 77);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        for (size_t step = 1; step < text.n; step = step * 7 + 1) {
            if (step < 50)
                text = str_first(text, 5000);
            else
                text = str_n(text.p, 300000);
            ZipStream *s = zip_stream_new(kinds[i], 1);
            Buf packed, back;
            buf_init(&packed, 1 << 20);
            buf_init(&back, 1 << 20);
            for (Str rest = text; rest.n; rest = str_from(rest, step))
                CHECK_EQ(zip_stream_put(s, str_first(rest, step), &packed), 0);
            CHECK_EQ(zip_stream_finish(s, &packed), 0);
            CHECK_EQ(zip_expand(NULL, kinds[i], buf_str(&packed), &back), 0);
            CHECK_STR(buf_str(&back), text);
            zip_stream_free(s);
            buf_done(&packed);
            buf_done(&back);
        }
    arena_done(&a);
}

TEST(a_flush_delivers_all_so_far) {
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        ZipStream *s = zip_stream_new(kinds[i], 0);
        Buf packed, out;
        buf_init(&packed, 4096);
        buf_init(&out, 5); /* an unfinished text that is longer is refused for its length, not for being cut */
        CHECK_EQ(zip_stream_put(s, S("first piece"), &packed), 0);
        size_t before = packed.n;
        CHECK_EQ(zip_expand(NULL, kinds[i], str_first(buf_str(&packed), before), &out), ERR_CORRUPT);
        CHECK_EQ(zip_stream_flush(s, &packed), 0);
        CHECK(packed.n > before);
        CHECK_EQ(zip_expand(NULL, kinds[i], buf_str(&packed), &out), ERR_LIMIT);
        size_t flushed = packed.n;
        CHECK_EQ(zip_stream_flush(s, &packed), 0);
        CHECK(packed.n - flushed <= 8);
        zip_stream_free(s);
        buf_done(&packed);
        buf_done(&out);
    }
}

TEST(a_stream_over_the_limit_is_broken) {
    Arena a = { 0 };
    Str text = make_text(&a, 300000, 3);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        ZipStream *s = zip_stream_new(kinds[i], 0);
        Buf packed;
        buf_init(&packed, 1000);
        CHECK_EQ(zip_stream_put(s, text, &packed), ERR_LIMIT);
        CHECK(packed.n == 0);
        buf_clear(&packed);
        CHECK_EQ(zip_stream_put(s, S("x"), &packed), ERR_LIMIT);
        CHECK_EQ(zip_stream_finish(s, &packed), ERR_LIMIT);
        zip_stream_free(s);
        buf_done(&packed);
    }
    zip_stream_free(NULL);
    zip_free(NULL);
    arena_done(&a);
}

TEST(pieces_are_unpacked_as_they_come) {
    static const size_t pieces[] = { 1, 7, 1000, 1 << 20 };
    Arena a = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(kinds) * ARRAY_LEN(pieces); i++) {
        ZipKind kind = kinds[i % 2];
        size_t piece = pieces[i / 2];
        Str text = make_text(&a, 50000, i);
        Buf packed, back;
        buf_init(&packed, 1 << 20);
        buf_init(&back, 1 << 20);
        CHECK_EQ(zip_compress(NULL, kind, 1, str_first(text, 30000), &packed), 0); /* two members, one text */
        CHECK_EQ(zip_compress(NULL, kind, 1, str_from(text, 30000), &packed), 0);
        UnzipStream *s = unzip_stream_new(kind);
        for (Str rest = buf_str(&packed); rest.n > 0; rest = str_from(rest, MIN(piece, rest.n)))
            CHECK_EQ(unzip_stream_put(s, str_first(rest, piece), &back), 0);
        CHECK_EQ(unzip_stream_finish(s), 0);
        CHECK_STR(buf_str(&back), text);
        unzip_stream_free(s);
        buf_done(&packed);
        buf_done(&back);
        arena_reset(&a);
    }
    arena_done(&a);
}

TEST(pieces_that_are_cut_changed_or_too_much_are_refused) {
    Arena a = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        Str text = make_text(&a, 50000, i);
        Buf packed, back;
        buf_init(&packed, 1 << 20);
        buf_init(&back, 1 << 20);
        CHECK_EQ(zip_compress(NULL, kinds[i], 1, text, &packed), 0);
        UnzipStream *s = unzip_stream_new(kinds[i]);
        CHECK_EQ(unzip_stream_put(s, str_first(buf_str(&packed), packed.n - 1), &back), 0);
        CHECK_EQ(unzip_stream_finish(s), ERR_CORRUPT);
        CHECK_EQ(unzip_stream_put(s, S("x"), &back), ERR_CORRUPT);
        unzip_stream_free(s);
        s = unzip_stream_new(kinds[i]);
        CHECK_EQ(unzip_stream_finish(s), ERR_CORRUPT); /* nothing at all */
        unzip_stream_free(s);
        s = unzip_stream_new(kinds[i]);
        packed.p[packed.n / 2] ^= 0x55;
        int e = unzip_stream_put(s, buf_str(&packed), &back);
        CHECK(e == ERR_CORRUPT || unzip_stream_finish(s) == ERR_CORRUPT);
        unzip_stream_free(s);
        packed.p[packed.n / 2] ^= 0x55;
        Buf small;
        buf_init(&small, 49999);
        s = unzip_stream_new(kinds[i]);
        CHECK_EQ(unzip_stream_put(s, buf_str(&packed), &small), ERR_LIMIT);
        unzip_stream_free(s);
        buf_done(&small);
        buf_done(&packed);
        buf_done(&back);
    }
    arena_done(&a);
}

TEST(the_sum_is_the_one_of_the_books) {
    CHECK_EQ(zip_crc32(0, S("123456789")), 0xCBF43926);
    CHECK_EQ(zip_crc32(zip_crc32(0, S("1234")), S("56789")), 0xCBF43926);
    CHECK_EQ(zip_crc32(0, S("")), 0);
}

TESTS(T(pieces_are_unpacked_as_they_come), T(pieces_that_are_cut_changed_or_too_much_are_refused),
      T(the_sum_is_the_one_of_the_books), T(what_goes_in_comes_out), T(bombs_stop_at_the_limit),
      T(output_over_the_limit_is_refused), T(damage_is_found), T(texts_behind_each_other_are_one),
      T(a_window_over_8_mib_is_refused), T(streams_in_pieces), T(a_flush_delivers_all_so_far),
      T(a_stream_over_the_limit_is_broken))
