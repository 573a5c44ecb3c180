/* adapters/sqlite/anchor.c - see anchor.h. */

#include "adapters/sqlite/anchor.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { PLACE = 160, SEAL = SHA256_BYTES };

/* One line, "<seq>:<link> <seal>\n", filled up with blanks. */
static void place_write(const AnchorFile *f, const AuditAnchor *a, char out[static PLACE]) {
    char text[AUDIT_ANCHOR_TEXT + 1];
    uint8_t seal[SEAL];
    Str s = audit_anchor_text(a, text);
    Hmac h;
    hmac_init(&h, f->key);
    hmac_put(&h, S("finsight anchor 1\n"));
    hmac_put(&h, s);
    hmac_end(&h, seal);
    memset(out, ' ', PLACE);
    memcpy(out, s.p, s.n);
    for (size_t i = 0; i < SEAL; i++) {
        out[s.n + 1 + 2 * i] = "0123456789abcdef"[seal[i] >> 4];
        out[s.n + 2 + 2 * i] = "0123456789abcdef"[seal[i] & 15];
    }
    out[PLACE - 1] = '\n';
}

static bool place_read(const AnchorFile *f, const char place[static PLACE], AuditAnchor *out) {
    char again[PLACE];
    Str text = str_n(place, PLACE);
    ptrdiff_t blank = str_find_char(text, ' ');
    if (blank < 1 || !audit_anchor_parse(str_first(text, (size_t)blank), out))
        return false;
    place_write(f, out, again);
    return bytes_equal(place, again, PLACE);
}

int anchor_open(AnchorFile *f, Ctx *cx, const char *path, Str key, AuditAnchor *found) {
    *f = (AnchorFile){ .fd = -1, .key = key };
    *found = (AuditAnchor){ 0 };
    if (!path)
        return 0;
    f->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (f->fd < 0)
        return file_fail(cx, errno, "open", path);
    for (int i = 0; i < 2; i++) {
        char place[PLACE];
        AuditAnchor a;
        if (pread(f->fd, place, PLACE, i * PLACE) == PLACE && place_read(f, place, &a) && a.seq >= found->seq) {
            *found = a;
            f->turn = !i;
        }
    }
    return 0;
}

int anchor_write(AnchorFile *f, Ctx *cx, const AuditAnchor *a) {
    char place[PLACE];
    if (f->fd < 0)
        return 0;
    place_write(f, a, place);
    if (pwrite(f->fd, place, PLACE, f->turn * PLACE) != PLACE)
        return file_fail(cx, errno ? errno : EIO, "write", "the audit's anchor");
    f->turn = !f->turn;
    return 0;
}

void anchor_close(AnchorFile *f) {
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}
