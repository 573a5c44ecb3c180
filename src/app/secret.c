/* app/secret.c - `finsight secret`: keys for encrypted values of the configuration, and the values. */

#include "app/app.h"

#include "base/file.h"

#include <errno.h>
#include <unistd.h>

enum { VALUE_MAX = 64 << 10 };

typedef struct SecretIn {
    Str action;
} SecretIn;

/* clang-format off */
static const char *const actions[] = { "generate-key", "encrypt",         "decrypt",      "encrypt-data",
                                       "decrypt-data", "rotate-data-key", NULL };
static const Field secret_f[] = {
    FIELD(SecretIn, action, .flags = F_REQUIRED, .choices = actions, .doc = "What to do; the last three are about the databases."),
};
static SHAPE(secret_shape, SecretIn, secret_f);
/* clang-format on */

/* A value comes on standard input: on a command line it would stand in the list of processes and in the shell's history. */
static int read_value(Cli *c, Str *out) {
    Buf b;
    buf_init(&b, VALUE_MAX);
    int r = 0;
    if (isatty(STDIN_FILENO) && !c->quiet)
        fprintf(c->err, "the value, then Ctrl-D:\n");
    for (;;) {
        char piece[4096];
        ssize_t n = read(STDIN_FILENO, piece, sizeof piece);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            r = file_fail(c->cx, errno, "read", "standard input");
        if (n <= 0)
            break;
        if (buf_put(&b, piece, (size_t)n) != 0) {
            r = err_set(c->cx, ERR_TOO_LARGE, "a value has at most %d bytes", VALUE_MAX);
            break;
        }
    }
    Str text = buf_str(&b);
    if (str_ends(text, S("\n"))) /* the one that `echo` and a terminal add */
        text.n--;
    *out = str_dup(c->cx->arena, text);
    buf_done(&b);
    return r;
}

static int generate(App *app) {
    uint8_t bytes[32];
    char text[FERNET_KEY_TEXT + 1];
    app->ids->bytes(app->ids, bytes, sizeof bytes);
    fernet_key_write(bytes, text);
    fprintf(app->cli.out, "%s\n", text);
    explicit_bzero(bytes, sizeof bytes);
    explicit_bzero(text, sizeof text);
    return 0;
}

/* The databases of the data folder. */
static int run_data(App *app, Str action) {
    Cli *c = &app->cli;
    size_t n = 0;
    bool seal = str_eq(action, S("encrypt-data"));
    int r = str_eq(action, S("rotate-data-key")) ? app_seal_new_key(app, c->cx) : app_seal_all(app, c->cx, seal, &n);
    if (r != 0)
        return cli_fail(c, r);
    if (n && !c->quiet)
        fprintf(c->err, "%zu databases %s\n", n, seal ? "encrypted with the newest key" : "are plain now");
    return 0;
}

static int run_secret(Cli *c, const void *in_) {
    const SecretIn *in = in_;
    App *app = (App *)c;
    FernetKeys keys;
    Str value, out;
    if (str_eq(in->action, S("generate-key")))
        return generate(app);
    if (str_ends(in->action, S("data")) || str_ends(in->action, S("data-key")))
        return run_data(app, in->action);
    int r = app_secret_keys(c->cx, &app->cfg_table, &keys);
    if (r == 0 && keys.n == 0)
        r = err_set_at(c->cx, ERR_USAGE, S("secrets.key"),
                       "there is no key: set ENCRYPTION_KEY to what 'finsight secret generate-key' prints");
    if (r == 0)
        r = read_value(c, &value);
    if (r != 0)
        return cli_fail(c, r);
    if (str_eq(in->action, S("encrypt"))) {
        uint8_t iv[FERNET_IV];
        app->ids->bytes(app->ids, iv, sizeof iv);
        out = fernet_encrypt(c->cx->arena, &keys.v[0], clock_wall(c->cx->clock), iv, value);
        fprintf(c->out, SECURE_PREFIX STR_FMT "\n", STR_ARG(out));
        return 0;
    }
    Str token = str_starts(value, S(SECURE_PREFIX)) ? str_from(value, sizeof SECURE_PREFIX - 1) : value;
    if (!fernet_decrypt(c->cx->arena, &keys, str_trim(token), 0, (Time){ 0 }, &out))
        return cli_fail(c, err_set(c->cx, ERR_INVALID, "not a token that this key opens"));
    fwrite(out.p, 1, out.n, c->out);
    fputc('\n', c->out);
    return 0;
}

const Command cmd_secret = {
    .name = "secret",
    .group = "Platform",
    .summary = "Encryption: keys, values of the configuration, databases",
    .run = run_secret,
    .help =
        "A value written as enc:TOKEN in the file or the environment is opened with ENCRYPTION_KEY (or secrets.key, "
        "which may be file:/path) at start. Tokens are Fernet's, as Python's cryptography reads and writes them. The "
        "value comes on standard input. Several keys with commas replace one another: the first encrypts. encrypt-data "
        "and decrypt-data rewrite the databases of the data folder, with no server on it; rotate-data-key makes a new "
        "key for what is written from the next start on.",
    .examples = "export ENCRYPTION_KEY=$(finsight secret generate-key)\n"
                "echo redis://:password@cache:6379 | finsight secret encrypt\n"
                "echo enc:gAAAAA... | finsight secret decrypt\n"
                "finsight secret encrypt-data --data-dir /srv/finsight",
    .flags = &secret_shape,
    .positional = (const char *const[]){ "action", NULL },
};
