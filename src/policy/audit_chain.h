#pragma once

/* policy/audit_chain.h - a record of security events in which nothing can be changed unseen (SEC-12). Pure.
 *
 * Events are numbered 1, 2, 3 ... without a hole. Each carries a link: HMAC-SHA-256 under the chain's key of the link
 * before it and of its own bytes, so an event that was edited, taken out or moved breaks the chain there, and without
 * the key nobody can mend it. What a chain cannot tell by itself is that its end was cut off: an anchor, the number and
 * link of the newest event kept elsewhere, tells that (adapters/sqlite/anchor.h, the log, or a line on paper). */

#include "base/hmac.h"
#include "base/time.h"

enum { AUDIT_TEXT_MAX = 400, AUDIT_DETAIL_MAX = 2000 };

typedef struct AuditEvent {
    int64_t seq;
    Time at;
    Str who;     /* "key:k3v9x2ma", "admin", "local", "anonymous" */
    Str action;  /* "key.create", "login.failed", "config.reload" */
    Str subject; /* to what; a key's id, an operation */
    Str outcome; /* "ok", or an error's name */
    Str address; /* of who asked */
    Str request_id;
    Str detail;    /* words */
    int64_t count; /* of like events in one; at least 1 */
    uint8_t link[SHA256_BYTES];
} AuditEvent;

typedef struct AuditAnchor {
    int64_t seq; /* 0: of an empty record */
    uint8_t link[SHA256_BYTES];
} AuditAnchor;

typedef struct AuditSpan { /* what a record holds */
    AuditAnchor before;    /* the last event that was let go; seq 0: none was */
    AuditAnchor head;      /* the newest event */
    AuditAnchor anchor;    /* kept apart from the record; seq 0: none is kept */
    bool anchor_lost;      /* there should be one, and it is not there or not to be read */
} AuditSpan;

/* The link of e behind the one of `before`. Does not read e->link. */
void audit_link(Str key, const uint8_t before[static SHA256_BYTES], const AuditEvent *e,
                uint8_t out[static SHA256_BYTES]);

/* The store's own event: at its opening the record did not reach its anchor. It stands until somebody acknowledges it. */
#define AUDIT_ALARM        "audit.alarm"
#define AUDIT_ACKNOWLEDGED "audit.acknowledge"

/* Going through a record in order. Start with what stands before the first event that is kept (all-zero: nothing). */
typedef enum AuditFault {
    AUDIT_WHOLE,
    AUDIT_MISSING, /* numbers are left out: events were taken out or moved */
    AUDIT_EDITED,  /* the event's bytes are not those that were written, or the key is another */
    AUDIT_CUT,     /* the record ends before its anchor */
    AUDIT_FORGED,  /* the event that was anchored is another one */
} AuditFault;
extern const char *const audit_fault_words[];

typedef struct AuditWalk {
    Str key;
    AuditAnchor at; /* of the last event that was right */
    AuditAnchor anchor;
    AuditFault fault; /* the first one found */
    int64_t fault_seq;
    int64_t alarm; /* the newest AUDIT_ALARM that no AUDIT_ACKNOWLEDGED follows; 0: none */
} AuditWalk;

void audit_walk_start(AuditWalk *w, Str key, const AuditAnchor *before, const AuditAnchor *anchor);
/* false from the first fault on. */
bool audit_walk_next(AuditWalk *w, const AuditEvent *e);
AuditFault audit_walk_end(AuditWalk *w);

/* "17:3f9a...": how an anchor is written down. */
enum { AUDIT_ANCHOR_TEXT = 20 + 1 + SHA256_HEX };
Str audit_anchor_text(const AuditAnchor *a, char out[static AUDIT_ANCHOR_TEXT + 1]);
bool audit_anchor_parse(Str text, AuditAnchor *out);
