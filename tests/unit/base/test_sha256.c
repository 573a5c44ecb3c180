/* base/sha256: the vectors of FIPS 180-4 and of NIST's example values. */

#include "base/sha256.h"
#include "lib/test.h"

TEST(the_standards_own_vectors) {
    static const struct {
        const char *name;
        Str in;
        const char *sum;
    } rows[] = {
        { "nothing", S(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "abc", S("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "two blocks", S("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    };
    EACH_ROW (r, rows) {
        char sum[SHA256_HEX + 1];
        sha256_hex(r->in, sum);
        CHECK_STR(str_c(sum), str_c(r->sum));
    }
}

TEST(a_million_letters_in_pieces_of_any_size) {
    static const size_t pieces[] = { 1, 63, 64, 65, 1000, 1000000 };
    char *text = mem_alloc(1000000), sum[SHA256_HEX + 1];
    memset(text, 'a', 1000000);
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        Sha256 s;
        sha256_init(&s);
        for (Str rest = str_n(text, 1000000); rest.n > 0; rest = str_from(rest, MIN(rest.n, pieces[i])))
            sha256_put(&s, str_first(rest, pieces[i]));
        sha256_end_hex(&s, sum);
        CHECK_STR(str_c(sum), S("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"));
    }
    mem_free(text);
}

/* Both ways to mix a block, where the processor has one of its own: the sums of one seed's bytes at every length around
 * the edges, as Python's hashlib gives them (all of them through one more sum). */
TEST(every_length_has_the_sum_that_others_give_it) {
    enum { MOST = 700 };
    Sha256 all;
    char bytes[MOST], sum[SHA256_HEX + 1];
    uint32_t x = 1;
    for (size_t i = 0; i < MOST; i++) {
        x = x * 1664525u + 1013904223u;
        bytes[i] = (char)(x >> 24);
    }
    sha256_init(&all);
    for (size_t n = 0; n <= MOST; n++) {
        sha256_hex(str_n(bytes, n), sum);
        sha256_put(&all, str_c(sum));
    }
    sha256_end_hex(&all, sum);
    CHECK_STR(str_c(sum), S("ccbb8832cf296c1eb524b8a3143b77c8e3720c5e8617a168336a7fb0c32e1568"));
}

TESTS(T(the_standards_own_vectors), T(a_million_letters_in_pieces_of_any_size),
      T(every_length_has_the_sum_that_others_give_it))
