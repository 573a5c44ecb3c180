#pragma once

/* api/security/security_api.h - API keys and the record of security events, as operations of the role gateway. */

#include "api/op.h"
#include "services/security/keys.h"
#include "services/security/trail.h"

typedef struct SecurityRole { /* what Op.run gets */
    KeyService *keys;
    Trail *trail; /* NULL: nothing waits to be written */
    Str follows;  /* not empty: keys are another gateway's, and are changed there */
} SecurityRole;

extern const OpTable security_api;

typedef struct KeyRef {
    Str id;
} KeyRef;

typedef struct KeyCreate {
    Str name, role;
    List scopes; /* Str */
    int64_t limit, days;
    Time expires;
} KeyCreate;

typedef struct KeyRotate {
    Str id;
    int64_t grace_seconds;
} KeyRotate;

typedef struct KeyView {
    Str id, name, role, status;
    List scopes; /* Str */
    int64_t limit;
    Time created, expires, last_used, rotated, old_until, revoked;
} KeyView;

typedef struct KeySecret {
    KeyView key;
    Str secret;
} KeySecret;

typedef struct KeyList {
    int64_t count;
    List keys; /* KeyView */
} KeyList;

typedef struct KeyDigest { /* what another process needs to check a key by itself */
    Str id, role, digest, old_digest;
    List scopes;
    int64_t limit;
    Time expires, old_until, revoked;
} KeyDigest;

typedef struct KeyFeed {
    List keys; /* KeyDigest */
} KeyFeed;

typedef struct EventQuery {
    int64_t after, limit;
} EventQuery;

typedef struct EventRow {
    int64_t seq;
    Time at;
    Str who, action, subject, outcome, address, request_id, detail;
    int64_t times;
    Str link;
} EventRow;

typedef struct EventList {
    int64_t count, newest;
    List events; /* EventRow */
} EventList;

typedef struct EventVerifyQuery {
    Str anchor;
} EventVerifyQuery;

typedef struct EventVerdict {
    bool whole;
    int64_t events, first;
    Str fault;
    int64_t fault_seq, alarm_seq;
    Str anchor;
} EventVerdict;

typedef struct EventAcknowledge {
    Str reason;
} EventAcknowledge;

typedef struct EventAcknowledged {
    bool success;
} EventAcknowledged;

/* What a walk through a chain found. */
void event_verdict(Ctx *cx, const AuditSpan *span, const AuditWalk *w, EventVerdict *out);
/* Empty: *out is NULL, the anchor that is kept. ERR_INVALID with words. */
int event_anchor(Ctx *cx, Str text, AuditAnchor *room, const AuditAnchor **out);

extern const Shape event_verify_shape, event_ack_shape, event_acked_shape;
extern const Shape key_view_shape, key_secret_shape, key_list_shape, event_list_shape, event_verdict_shape;
extern const Op op_keys_list, op_keys_create, op_keys_get, op_keys_rotate, op_keys_revoke, op_keys_feed;
extern const Op op_events_list, op_events_verify, op_events_acknowledge;
