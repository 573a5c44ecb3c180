/* The object store contract on adapters/object/s3 (STO-15): against the verifying server of sim/, or the one that
 * FINSIGHT_TEST_S3 names (tests/peers/s3), as ENDPOINT BUCKET ACCESS SECRET; FINSIGHT_TEST_S3_HIDES: one that lists nothing
 * below a key that is an object. */

#include "adapters/clock/system.h"
#include "adapters/http/curl.h"
#include "adapters/object/s3.h"
#include "contract/object_store.h"
#include "sim/s3_server.h"

#define ACCESS "AKIDOFTHETEST"
#define SECRET "a secret of the test/with+signs="

/* One for all stores of the program: each opens a prefix of its own, named after its folder. */
typedef struct World {
    Clock clock;
    Ids ids;
    HttpClient *http;
    S3Server *server;
    Arena arena;
    Str endpoint, bucket, access, secret;
} World;

static World *world(TestCtx *t) {
    static World w;
    if (w.http)
        return &w;
    clock_system_init(&w.clock);
    ids_system_init(&w.ids);
    CHECK_OK_PLAIN(&t->cx, http_curl_open(&t->cx, NULL, &w.http));
    Str real = str_c(getenv("FINSIGHT_TEST_S3"));
    if (real.n) {
        str_next(&real, ' ', &w.endpoint);
        str_next(&real, ' ', &w.bucket);
        str_next(&real, ' ', &w.access);
        str_next(&real, ' ', &w.secret);
        return &w;
    }
    S3ServerOptions o = { .sim = { .access = S(ACCESS), .secret = S(SECRET), .bucket = S("models"), .part_min = 1 },
                          .clock = &w.clock };
    CHECK_OK_PLAIN(&t->cx, s3_server_start(&t->cx, &o, &w.server));
    w.endpoint = str_fmt(&w.arena, "http://127.0.0.1:%d", s3_server_port(w.server));
    w.bucket = S("models");
    w.access = S(ACCESS);
    w.secret = S(SECRET);
    return &w;
}

static ObjectStore *open_s3(TestCtx *t, const char *dir) {
    enum { REAL_PART = 5 << 20, PART = 300000 };
    World *w = world(t);
    ObjectStore *s;
    t->cx.clock = &w->clock; /* signatures have a time, and servers their own */
    Str folder = str_from(str_c(dir), 1);
    S3Options o = { .http = w->http,
                    .ids = &w->ids,
                    .endpoint = w->endpoint,
                    .bucket = w->bucket,
                    .prefix = str_fmt(&w->arena, STR_FMT "/", STR_ARG(folder)),
                    .access_key = w->access,
                    .secret_key = w->secret,
                    .allow_private = true,
                    .spool = dir,
                    .part_size = w->server ? PART : REAL_PART };
    CHECK_OK_PLAIN(&t->cx, object_s3_open(&t->cx, &o, &s));
    return s;
}

static bool hides_below_keys(void) {
    return getenv("FINSIGHT_TEST_S3_HIDES") != NULL;
}

const ObjectStoreMaker object_store_maker = {
    .name = "s3", .open = open_s3, .persistent = true, .hides_below_keys = hides_below_keys
};
