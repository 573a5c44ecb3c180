/* policy/key_token, policy/key_ring: keys as text, as digests, and as a set (GWY-14, GWY-31, SEC-26). */

#include "base/hmac.h"
#include "lib/test.h"
#include "policy/key_ring.h"

typedef struct Made {
    char text[KEY_TOKEN + 1], id[KEY_ID + 1];
    KeyEntry entry;
} Made;

static void make(Made *m, uint8_t seed) {
    uint8_t random[KEY_RANDOM];
    for (size_t i = 0; i < sizeof random; i++)
        random[i] = (uint8_t)(seed * 31 + i * 7);
    key_token_make(random, NULL, m->text);
    Str id = key_token_id(str_c(m->text));
    memcpy(m->id, id.p, KEY_ID);
    m->id[KEY_ID] = '\0';
    m->entry = (KeyEntry){ .key = { .id = str_c(m->id), .name = S("n"), .role = ROLE_READ } };
    key_token_digest(str_c(m->text), m->entry.key.digest);
}

TEST(a_key_is_a_prefix_an_id_a_secret_and_a_sum) {
    Made m;
    make(&m, 3);
    CHECK_EQ(strlen(m.text), KEY_TOKEN);
    CHECK(memcmp(m.text, "fsk_", 4) == 0);
    CHECK_EQ(m.text[4 + KEY_ID], '_');
    CHECK(key_id_valid(str_c(m.id)));
    CHECK_STR(key_token_id(str_c(m.text)), str_c(m.id));
}

TEST(every_mistyped_character_is_told_without_asking_anybody) {
    Made m;
    make(&m, 9);
    for (size_t i = 0; i < KEY_TOKEN; i++) {
        char text[KEY_TOKEN + 1];
        memcpy(text, m.text, sizeof text);
        text[i] = text[i] == 'x' ? 'y' : 'x';
        CHECK_EQ(key_token_id(str_n(text, KEY_TOKEN)).n, 0);
    }
    CHECK_EQ(key_token_id(str_first(str_c(m.text), KEY_TOKEN - 1)).n, 0);
    CHECK_EQ(key_token_id(str_n(m.text, KEY_TOKEN + 1)).n, 0); /* its NUL behind it */
    CHECK_EQ(key_token_id((Str){ 0 }).n, 0);
    CHECK_EQ(key_token_id(S("fsk_9f7a9c1e-0000-4000-8000-000000000000")).n, 0); /* the bootstrap key's form */
}

TEST(a_rotated_key_keeps_its_id_and_has_another_secret) {
    Made m;
    uint8_t random[KEY_RANDOM] = { 1, 2, 3 };
    char text[KEY_TOKEN + 1];
    make(&m, 5);
    key_token_make(random, m.id, text);
    CHECK_STR(key_token_id(str_c(text)), str_c(m.id));
    CHECK(strcmp(text, m.text) != 0);
}

TEST(a_set_finds_good_keys_alone) {
    enum { EXPIRES = 5000 };
    Made good, expired, revoked, unknown, other_secret;
    make(&good, 1);
    make(&expired, 2);
    make(&revoked, 3);
    make(&unknown, 4);
    expired.entry.key.expires = time_ms(EXPIRES);
    revoked.entry.key.revoked = time_ms(10);
    const KeyEntry v[] = { good.entry, expired.entry, revoked.entry };
    KeySet *s = key_set_new(v, 3);
    uint8_t random[KEY_RANDOM] = { 7 };
    key_token_make(random, good.id, other_secret.text);
    const struct {
        const char *name, *text;
        int64_t now;
        KeyVerdict want;
    } rows[] = {
        { "a good key", good.text, 1, KEY_GOOD },
        { "before its end", expired.text, EXPIRES - 1, KEY_GOOD },
        { "at its end", expired.text, EXPIRES, KEY_EXPIRED },
        { "revoked", revoked.text, 11, KEY_REVOKED },
        { "no such id", unknown.text, 1, KEY_UNKNOWN },
        { "the id of one, the secret of none", other_secret.text, 1, KEY_UNKNOWN },
        { "no key at all", "hello", 1, KEY_MALFORMED },
    };
    EACH_ROW (r, rows) {
        const KeyEntry *e;
        CHECK_EQ(key_set_find(s, str_c(r->text), time_ms(r->now), &e), r->want);
        CHECK_EQ(e != NULL, r->want == KEY_GOOD);
        CHECK_EQ(key_set_find(NULL, str_c(r->text), time_ms(r->now), &e),
                 r->want == KEY_MALFORMED ? KEY_MALFORMED : KEY_UNKNOWN);
    }
    CHECK_EQ(key_set_still(s, str_c(expired.id), time_ms(EXPIRES)), KEY_EXPIRED);
    CHECK_EQ(key_set_still(s, str_c(good.id), time_ms(EXPIRES)), KEY_GOOD);
    key_set_unref(s);
}

TEST(after_a_rotation_the_old_secret_is_good_for_its_grace) {
    Made m;
    uint8_t random[KEY_RANDOM] = { 9 };
    char fresh[KEY_TOKEN + 1];
    const KeyEntry *e;
    make(&m, 1);
    key_token_make(random, m.id, fresh);
    memcpy(m.entry.key.old_digest, m.entry.key.digest, SHA256_BYTES);
    key_token_digest(str_c(fresh), m.entry.key.digest);
    m.entry.key.old_until = time_ms(100);
    KeySet *s = key_set_new(&m.entry, 1);
    CHECK_EQ(key_set_find(s, str_c(fresh), time_ms(1), &e), KEY_GOOD);
    CHECK_EQ(key_set_find(s, str_c(m.text), time_ms(99), &e), KEY_GOOD);
    CHECK_EQ(key_set_find(s, str_c(m.text), time_ms(100), &e), KEY_EXPIRED);
    CHECK_EQ(key_set_find(s, str_c(fresh), time_ms(100), &e), KEY_GOOD);
    key_set_unref(s);
}

TEST(use_is_noted_outside_of_the_set) {
    Made m;
    KeyUse use = { 0 };
    const KeyEntry *e;
    make(&m, 1);
    m.entry.use = &use;
    KeySet *s = key_set_new(&m.entry, 1), *again = key_set_ref(s);
    key_set_unref(s);
    CHECK_EQ(key_set_find(again, str_c(m.text), time_ms(77), &e), KEY_GOOD);
    CHECK_EQ(use.at_ms, 77);
    key_set_unref(again);
}

TEST(scopes_are_beginnings_of_operations) {
    static const struct {
        const char *name, *scopes, *operation;
        bool want;
    } rows[] = {
        { "none: everything", "", "market.candles", true },
        { "a role's", "market", "market.candles", true },
        { "a role's, not its neighbour's", "market", "markets.candles", false },
        { "one operation", "market.candles", "market.candles", true },
        { "not a longer name", "market.candles", "market.candles_latest", false },
        { "one of several", "backtest.run, market", "market.gaps", true },
        { "none of several", "backtest.run market", "admin.stats", false },
        { "blanks alone allow nothing less", "backtest", "", false },
    };
    EACH_ROW (r, rows)
        CHECK_EQ(key_allows(&(KeyRecord){ .scopes = str_c(r->scopes) }, str_c(r->operation)), r->want);
    CHECK(key_scopes_valid(S("market backtest.run,x-y_z")));
    CHECK(!key_scopes_valid(S("market/../x")));
}

/* RFC 4231 cases 1, 2, 6; RFC 5869 case 3 (no salt, no info). */
TEST(hmac_and_hkdf_say_what_the_standards_say) {
    static const struct {
        const char *name;
        size_t key_n;
        unsigned char key_byte;
        const char *key, *data;
        unsigned char want[4];
    } rows[] = {
        { "case 1", 20, 0x0b, NULL, "Hi There", { 0xb0, 0x34, 0x4c, 0x61 } },
        { "case 2", 4, 0, "Jefe", "what do ya want for nothing?", { 0x5b, 0xdc, 0xc1, 0x46 } },
        { "case 6",
          131,
          0xaa,
          NULL,
          "Test Using Larger Than Block-Size Key - Hash Key First",
          { 0x60, 0xe4, 0x31, 0x59 } },
    };
    EACH_ROW (r, rows) {
        char key[131];
        uint8_t out[SHA256_BYTES];
        memset(key, r->key_byte, sizeof key);
        if (r->key)
            memcpy(key, r->key, r->key_n);
        hmac_sha256(str_n(key, r->key_n), str_c(r->data), out);
        CHECK(memcmp(out, r->want, 4) == 0);
    }
    char ikm[22];
    uint8_t okm[42];
    memset(ikm, 0x0b, sizeof ikm);
    hkdf_sha256(str_n(ikm, sizeof ikm), (Str){ 0 }, okm, sizeof okm);
    static const uint8_t begins[] = { 0x8d, 0xa4, 0xe7, 0x75 }, ends[] = { 0x96, 0xc8 };
    CHECK(memcmp(okm, begins, 4) == 0);
    CHECK(memcmp(okm + 40, ends, 2) == 0);
}

TESTS(T(a_key_is_a_prefix_an_id_a_secret_and_a_sum), T(every_mistyped_character_is_told_without_asking_anybody),
      T(a_rotated_key_keeps_its_id_and_has_another_secret), T(a_set_finds_good_keys_alone),
      T(after_a_rotation_the_old_secret_is_good_for_its_grace), T(use_is_noted_outside_of_the_set),
      T(scopes_are_beginnings_of_operations), T(hmac_and_hkdf_say_what_the_standards_say))
