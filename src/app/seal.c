/* app/seal.c - the keys of sealed databases: made, kept, renewed (SEC-22).
 *
 * Envelope: pages are sealed with data keys; data.keys holds those, each sealed with a key derived from ENCRYPTION_KEY. A
 * new ENCRYPTION_KEY (given before the old one: "new,old") seals the file anew at the next start, and touches no page. A
 * new data key seals what is written from then on; `finsight secret encrypt-data` rewrites the rest. */

#include "app/app.h"

#include "adapters/sqlite/owner.h"
#include "adapters/sqlite/sealed_vfs.h"
#include "base/file.h"
#include "base/hmac.h"
#include "base/num.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

enum { FILE_MAX = 64 << 10, WRAPPED = SEAL_NONCE + SEAL_KEY + SEAL_TAG, DATABASES_MAX = 64 };

#define HEAD "finsight data keys 1"

typedef struct Ring {
    SealedKey v[SEALED_KEYS_MAX];
    size_t n;
    bool stale; /* opened with a key that is not the first: to be sealed anew */
} Ring;

static const char *keys_path(const App *app, Arena *a) {
    const char *given = app->cfg.storage_keys;
    return given && given[0] ? given : path_join(a, app->cfg.data_dir, "data.keys");
}

static Sealer *master(const FernetKey *k) {
    uint8_t key[SEAL_KEY];
    hkdf_sha256(str_n((const char *)k, sizeof *k), S(HEAD), key, sizeof key);
    Sealer *s = sealer_new(key);
    explicit_bzero(key, sizeof key);
    return s;
}

static Str label_of(Arena *a, uint32_t id) {
    return str_fmt(a, "data key %u", id);
}

/* --- the file: a head, and a line a key: its number, nonce + sealed key + tag in hexadecimal --- */

static bool read_hex(Str hex, uint8_t *out, size_t n) {
    if (hex.n != 2 * n)
        return false;
    for (size_t i = 0; i < hex.n; i++) {
        char c = hex.p[i];
        int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (d < 0)
            return false;
        out[i / 2] = (uint8_t)(i % 2 ? out[i / 2] | d : d << 4);
    }
    return true;
}

static bool unwrap(Ctx *cx, const FernetKeys *masters, Str hex, SealedKey *key, bool *stale) {
    uint8_t w[WRAPPED];
    bool good = false;
    if (!read_hex(hex, w, sizeof w))
        return false;
    for (size_t i = 0; !good && i < masters->n; i++) {
        Sealer *s = master(&masters->v[i]);
        good = sealer_open(s, w, label_of(cx->arena, key->id), w + SEAL_NONCE, SEAL_KEY, key->key,
                           w + SEAL_NONCE + SEAL_KEY);
        *stale |= good && i > 0;
        sealer_free(s);
    }
    return good;
}

static int ring_read(Ctx *cx, const char *path, const FernetKeys *masters, Ring *out) {
    Str text, line;
    int r = file_read(cx, path, FILE_MAX, &text);
    if (r != 0)
        return r;
    if (!str_next(&text, '\n', &line) || !str_eq(line, S(HEAD)))
        return err_set(cx, ERR_CORRUPT, "%s is no file of data keys", path);
    while (str_next(&text, '\n', &line)) {
        uint64_t id;
        Str number;
        if (!line.n)
            continue;
        str_next(&line, ' ', &number);
        if (!str_to_u64(number, &id) || id == 0 || id > UINT32_MAX || out->n == SEALED_KEYS_MAX)
            return err_set(cx, ERR_CORRUPT, "%s: a line is no data key", path);
        SealedKey *k = &out->v[out->n++];
        k->id = (uint32_t)id;
        if (!unwrap(cx, masters, line, k, &out->stale))
            return err_set(
                cx, ERR_DENIED,
                "%s: ENCRYPTION_KEY (secrets.key) does not open the databases' keys: it is another one, or the "
                "file is damaged",
                path);
    }
    return out->n ? 0 : err_set(cx, ERR_CORRUPT, "%s has no keys", path);
}

static int ring_write(App *app, Ctx *cx, const char *path, const FernetKeys *masters, const Ring *ring) {
    Buf b;
    Sealer *s = master(&masters->v[0]);
    buf_init(&b, FILE_MAX);
    buf_printf(&b, HEAD "\n");
    for (size_t i = 0; i < ring->n; i++) {
        uint8_t w[WRAPPED];
        app->ids->bytes(app->ids, w, SEAL_NONCE);
        sealer_seal(s, w, label_of(cx->arena, ring->v[i].id), ring->v[i].key, SEAL_KEY, w + SEAL_NONCE,
                    w + SEAL_NONCE + SEAL_KEY);
        buf_printf(&b, "%u ", ring->v[i].id);
        for (size_t k = 0; k < sizeof w; k++)
            buf_printf(&b, "%02x", w[k]);
        buf_put_c(&b, '\n');
    }
    sealer_free(s);
    int r = file_write(cx, path, buf_str(&b), 0600);
    buf_done(&b);
    return r;
}

static void ring_add(App *app, Ring *ring) {
    if (ring->n == SEALED_KEYS_MAX) { /* the oldest but one: frame headers are the first one's */
        memmove(&ring->v[1], &ring->v[2], (SEALED_KEYS_MAX - 2) * sizeof ring->v[0]);
        ring->n--;
    }
    SealedKey *k = &ring->v[ring->n];
    k->id = ring->n ? ring->v[ring->n - 1].id + 1 : 1;
    app->ids->bytes(app->ids, k->key, sizeof k->key);
    ring->n++;
}

/* --- databases of the folder --- */

static int databases(App *app, Ctx *cx, const char *out[DATABASES_MAX], size_t *n) {
    DIR *d = opendir(app->cfg.data_dir);
    *n = 0;
    if (!d)
        return errno == ENOENT ? 0 : file_fail(cx, errno, "open", app->cfg.data_dir);
    for (struct dirent *e; (e = readdir(d)) && *n < DATABASES_MAX;)
        if (str_ends(str_c(e->d_name), S(".db")))
            out[(*n)++] = path_join(cx->arena, app->cfg.data_dir, e->d_name);
    closedir(d);
    return 0;
}

static int none_plain(App *app, Ctx *cx) {
    const char *v[DATABASES_MAX];
    size_t n;
    int r = databases(app, cx, v, &n);
    for (size_t i = 0; r == 0 && i < n; i++)
        if (sealed_vfs_is_plain(v[i]))
            r = err_set(cx, ERR_CONFLICT,
                        "%s is not encrypted: stop the server and run 'finsight secret encrypt-data', or leave "
                        "storage.encryption off",
                        v[i]);
    return r;
}

/* --- the calls --- */

static int open_ring(App *app, Ctx *cx, FernetKeys *masters, Ring *ring) {
    const char *path = keys_path(app, cx->arena);
    *ring = (Ring){ .n = 0 };
    int r = app_secret_keys(cx, &app->cfg_table, masters);
    if (r == 0 && masters->n == 0)
        r = err_set_at(
            cx, ERR_USAGE, S("secrets.key"),
            "the databases are encrypted and there is no key: set ENCRYPTION_KEY, or secrets.key (a new one: "
            "finsight secret generate-key)");
    if (r != 0)
        return r;
    if (file_exists(path))
        r = ring_read(cx, path, masters, ring);
    else
        ring_add(app, ring);
    if (r == 0 && (ring->stale || !file_exists(path)))
        r = dir_make(cx, path_dir(cx->arena, path));
    if (r == 0 && (ring->stale || !file_exists(path)))
        r = ring_write(app, cx, path, masters, ring);
    return r;
}

static int make_vfs(App *app, Ctx *cx) {
    FernetKeys masters;
    Ring ring;
    int r = open_ring(app, cx, &masters, &ring);
    if (r == 0)
        app->sealed = sealed_vfs_new("finsight-sealed", NULL, ring.v, ring.n, app->ids, true);
    explicit_bzero(&ring, sizeof ring);
    explicit_bzero(&masters, sizeof masters);
    return r;
}

int app_seal(App *app, Ctx *cx) {
    if (app->sealed || app->cfg.data_store == STORE_MEMORY)
        return 0;
    if (!app->cfg.storage_encryption)
        return !file_exists(keys_path(app, cx->arena))
                   ? 0
                   : err_set_at(cx, ERR_CONFLICT, S("storage.encryption"),
                                "%s: the databases of this folder are encrypted: set storage.encryption (and "
                                "ENCRYPTION_KEY), or undo it with 'finsight secret decrypt-data'",
                                app->cfg.data_dir);
    int r = none_plain(app, cx);
    return r == 0 ? make_vfs(app, cx) : r;
}

int app_seal_new_key(App *app, Ctx *cx) {
    FernetKeys masters;
    Ring ring;
    int r = open_ring(app, cx, &masters, &ring);
    if (r == 0) {
        ring_add(app, &ring);
        r = ring_write(app, cx, keys_path(app, cx->arena), &masters, &ring);
    }
    explicit_bzero(&ring, sizeof ring);
    return r;
}

int app_seal_copy(App *app, Ctx *cx, const char *dir) {
    const char *to = path_join(cx->arena, dir, "data.keys");
    Str text;
    if (!app->sealed || file_exists(to))
        return 0;
    int r = file_read(cx, keys_path(app, cx->arena), FILE_MAX, &text);
    return r == 0 ? file_write(cx, to, text, 0600) : r;
}

static int convert(App *app, Ctx *cx, const char *path, bool seal) {
    int fd;
    int r = db_lock(cx, path, false, &fd);
    if (r != 0)
        return r;
    r = sealed_vfs_convert(cx, path, app->sealed, seal);
    close(fd);
    return r;
}

int app_seal_all(App *app, Ctx *cx, bool seal, size_t *n) {
    const char *v[DATABASES_MAX];
    int r = app->sealed ? 0 : make_vfs(app, cx);
    if (r == 0)
        r = databases(app, cx, v, n);
    for (size_t i = 0; r == 0 && i < *n; i++)
        r = convert(app, cx, v[i], seal);
    if (r == 0 && !seal)
        r = file_remove(cx, keys_path(app, cx->arena));
    return r;
}
