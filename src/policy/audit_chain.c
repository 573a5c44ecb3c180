/* policy/audit_chain.c - see audit_chain.h. */

#include "policy/audit_chain.h"

#include <stdio.h>

const char *const audit_fault_words[] = {
    [AUDIT_WHOLE] = "whole",
    [AUDIT_MISSING] = "events are missing or out of order",
    [AUDIT_EDITED] = "the event was changed, or the key is not the one it was written with",
    [AUDIT_CUT] = "the record ends before its anchor: its newest events were removed",
    [AUDIT_FORGED] = "the anchored event is not the one that stands here",
};

static void put_i64(Hmac *h, int64_t v) {
    char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (char)((uint64_t)v >> (8 * i));
    hmac_put(h, str_n(bytes, sizeof bytes));
}

/* With its length before it: no two records have the same bytes. */
static void put_text(Hmac *h, Str s) {
    put_i64(h, (int64_t)s.n);
    hmac_put(h, s);
}

void audit_link(Str key, const uint8_t before[static SHA256_BYTES], const AuditEvent *e,
                uint8_t out[static SHA256_BYTES]) {
    Hmac h;
    hmac_init(&h, key);
    hmac_put(&h, S("finsight audit 1\n"));
    hmac_put(&h, str_n((const char *)before, SHA256_BYTES));
    put_i64(&h, e->seq);
    put_i64(&h, e->at.ms);
    put_text(&h, e->who);
    put_text(&h, e->action);
    put_text(&h, e->subject);
    put_text(&h, e->outcome);
    put_text(&h, e->address);
    put_text(&h, e->request_id);
    put_text(&h, e->detail);
    put_i64(&h, e->count);
    hmac_end(&h, out);
}

void audit_walk_start(AuditWalk *w, Str key, const AuditAnchor *before, const AuditAnchor *anchor) {
    *w = (AuditWalk){ .key = key };
    if (before)
        w->at = *before;
    if (anchor)
        w->anchor = *anchor;
}

static bool fault(AuditWalk *w, AuditFault f, int64_t seq) {
    w->fault = f;
    w->fault_seq = seq;
    return false;
}

bool audit_walk_next(AuditWalk *w, const AuditEvent *e) {
    uint8_t link[SHA256_BYTES];
    if (w->fault)
        return false;
    if (e->seq != w->at.seq + 1)
        return fault(w, AUDIT_MISSING, w->at.seq + 1);
    audit_link(w->key, w->at.link, e, link);
    if (!bytes_equal(link, e->link, sizeof link))
        return fault(w, AUDIT_EDITED, e->seq);
    if (e->seq == w->anchor.seq && !bytes_equal(link, w->anchor.link, sizeof link))
        return fault(w, AUDIT_FORGED, e->seq);
    if (str_eq(e->action, S(AUDIT_ALARM)))
        w->alarm = e->seq;
    else if (str_eq(e->action, S(AUDIT_ACKNOWLEDGED)))
        w->alarm = 0;
    w->at.seq = e->seq;
    memcpy(w->at.link, link, sizeof link);
    return true;
}

AuditFault audit_walk_end(AuditWalk *w) {
    if (!w->fault && w->at.seq < w->anchor.seq)
        fault(w, AUDIT_CUT, w->at.seq + 1);
    return w->fault;
}

Str audit_anchor_text(const AuditAnchor *a, char out[static AUDIT_ANCHOR_TEXT + 1]) {
    int n = snprintf(out, AUDIT_ANCHOR_TEXT + 1, "%lld:", (long long)a->seq);
    for (int i = 0; i < SHA256_BYTES; i++)
        n += snprintf(out + n, 3, "%02x", a->link[i]);
    return str_n(out, (size_t)n);
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool audit_anchor_parse(Str text, AuditAnchor *out) {
    AuditAnchor a = { 0 };
    ptrdiff_t colon = str_find_char(text, ':');
    Str hex = str_from(text, (size_t)MAX(colon, (ptrdiff_t)0) + 1);
    if (colon < 1 || hex.n != SHA256_HEX || !str_to_i64(str_first(text, (size_t)colon), &a.seq) || a.seq < 0)
        return false;
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        int hi = hex_digit(hex.p[2 * i]), lo = hex_digit(hex.p[2 * i + 1]);
        if (hi < 0 || lo < 0)
            return false;
        a.link[i] = (uint8_t)(hi << 4 | lo);
    }
    *out = a;
    return true;
}
