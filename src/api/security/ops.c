/* api/security/ops.c - the table of key and event operations. */

#include "api/security/handlers.h"

#define PATHS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define TAG        "Security"

/* clang-format off */
static const char *const roles[] = { "read", "write", "admin", NULL };

static const Field key_ref_f[] = { FIELD(KeyRef, id, .flags = F_REQUIRED, .min = 1, .max = 64, .doc = "The key's id.", .example = "k3v9x2ma") };
static SHAPE(key_ref_shape, KeyRef, key_ref_f, .doc = "Which key.");

static const Field key_create_f[] = {
    FIELD(KeyCreate, name, .flags = F_REQUIRED, .min = 1, .max = KEY_NAME_MAX, .doc = "Whose it is, what for.", .example = "nightly import"),
    FIELD(KeyCreate, role, .def = "read", .choices = roles, .doc = "What it may do at most."),
    FIELD(KeyCreate, scopes, .max = 32, .doc = "Operations it may call, or their beginnings: market, backtest.run. None: all that its role may."),
    FIELD(KeyCreate, limit, .def = "0", .has_min = true, .min = 0, .max = KEY_LIMIT_MAX, .doc = "Requests a minute; 0 = limit.key of the gateway."),
    FIELD(KeyCreate, days, .def = "0", .has_min = true, .min = 0, .max = 3650, .doc = "Days until it expires; 0 = never, or `expires`."),
    FIELD(KeyCreate, expires, .doc = "When it expires, instead of days."),
};
static SHAPE(key_create_shape, KeyCreate, key_create_f, .doc = "A key to make.");

static const Field key_rotate_f[] = {
    FIELD(KeyRotate, id, .flags = F_REQUIRED, .min = 1, .max = 64, .doc = "The key's id."),
    FIELD(KeyRotate, grace_seconds, .def = "3600", .has_min = true, .min = 0, .max = 30 * 86400, .doc = "How long the secret before stays good; 0 ends it now."),
};
static SHAPE(key_rotate_shape, KeyRotate, key_rotate_f, .doc = "A key to rotate.");

static const Field key_view_f[] = {
    FIELD(KeyView, id, .doc = "Finds the key; stands in logs.", .example = "k3v9x2ma"),
    FIELD(KeyView, name, .doc = "Whose it is, what for."),
    FIELD(KeyView, role, .doc = "What it may do at most."),
    FIELD(KeyView, status, .doc = "active, expired or revoked.", .example = "active"),
    FIELD(KeyView, scopes, .doc = "Operations it may call; none: all that its role may."),
    FIELD(KeyView, limit, .doc = "Requests a minute; 0 = the gateway's."),
    FIELD(KeyView, created, .doc = "When it was made."),
    FIELD(KeyView, expires, .flags = F_OMIT_EMPTY, .doc = "When it ends."),
    FIELD(KeyView, last_used, .flags = F_OMIT_EMPTY, .doc = "When it last opened something."),
    FIELD(KeyView, rotated, .flags = F_OMIT_EMPTY, .doc = "When its secret was last renewed."),
    FIELD(KeyView, old_until, .flags = F_OMIT_EMPTY, .doc = "Until when the secret before is good."),
    FIELD(KeyView, revoked, .flags = F_OMIT_EMPTY, .doc = "When it was revoked."),
};
SHAPE(key_view_shape, KeyView, key_view_f, .doc = "A key, without its secret.");

static const Field key_secret_f[] = {
    FIELD(KeySecret, key, .of = &key_view_shape, .doc = "The key."),
    FIELD(KeySecret, secret, .flags = F_SECRET, .doc = "What to send as X-API-Key. It is not kept and cannot be shown again."),
};
SHAPE(key_secret_shape, KeySecret, key_secret_f, .doc = "A key with its secret, shown once.");

static const Field key_list_f[] = {
    FIELD(KeyList, count, .doc = "Keys."),
    FIELD(KeyList, keys, .of = &key_view_shape, .doc = "Oldest first."),
};
SHAPE(key_list_shape, KeyList, key_list_f, .doc = "Every key.");

static const Field key_digest_f[] = {
    FIELD(KeyDigest, id, .doc = "The key's id."),
    FIELD(KeyDigest, role, .doc = "What it may do at most."),
    FIELD(KeyDigest, digest, .doc = "SHA-256 of the key under a label, in hexadecimal."),
    FIELD(KeyDigest, old_digest, .flags = F_OMIT_EMPTY, .doc = "Of the secret before."),
    FIELD(KeyDigest, scopes, .doc = "Operations it may call."),
    FIELD(KeyDigest, limit, .doc = "Requests a minute."),
    FIELD(KeyDigest, expires, .flags = F_OMIT_EMPTY, .doc = "When it ends."),
    FIELD(KeyDigest, old_until, .flags = F_OMIT_EMPTY, .doc = "Until when the secret before is good."),
    FIELD(KeyDigest, revoked, .flags = F_OMIT_EMPTY, .doc = "When it was revoked."),
};
static SHAPE(key_digest_shape, KeyDigest, key_digest_f, .doc = "What another gateway needs to check a key.");
static const Field key_feed_f[] = { FIELD(KeyFeed, keys, .of = &key_digest_shape, .doc = "Every key.") };
static SHAPE(key_feed_shape, KeyFeed, key_feed_f, .doc = "Keys as other processes of the platform learn them.");

static const Field event_query_f[] = {
    FIELD(EventQuery, after, .def = "-1", .has_min = true, .min = -1, .max = 9e18, .doc = "Events with a greater number; -1 = the newest."),
    FIELD(EventQuery, limit, .def = "100", .min = 1, .max = AUDIT_READ_MAX, .doc = "Most events."),
};
static SHAPE(event_query_shape, EventQuery, event_query_f, .doc = "Which events.");
static const Field event_row_f[] = {
    FIELD(EventRow, seq, .doc = "1, 2, 3 ... without a hole."),
    FIELD(EventRow, at, .doc = "When."),
    FIELD(EventRow, who, .doc = "A key, the local user, or anonymous.", .example = "key:k3v9x2ma"),
    FIELD(EventRow, action, .doc = "What.", .example = "login.failed"),
    FIELD(EventRow, subject, .flags = F_OMIT_EMPTY, .doc = "To what."),
    FIELD(EventRow, outcome, .doc = "ok, or an error's name."),
    FIELD(EventRow, address, .flags = F_OMIT_EMPTY, .doc = "From where."),
    FIELD(EventRow, request_id, .flags = F_OMIT_EMPTY, .doc = "Of the request."),
    FIELD(EventRow, detail, .flags = F_OMIT_EMPTY, .doc = "Words."),
    FIELD(EventRow, times, .doc = "How many like it this one stands for."),
    FIELD(EventRow, link, .doc = "HMAC-SHA-256 of the link before and of this event."),
};
static SHAPE(event_row_shape, EventRow, event_row_f, .doc = "A security event.");
static const Field event_list_f[] = {
    FIELD(EventList, count, .doc = "Events in this answer."),
    FIELD(EventList, newest, .doc = "Number of the newest event there is."),
    FIELD(EventList, events, .of = &event_row_shape, .doc = "In order, oldest first."),
};
SHAPE(event_list_shape, EventList, event_list_f, .doc = "Part of the record.");
static const Field event_verify_f[] = {
    FIELD(EventVerifyQuery, anchor, .max = AUDIT_ANCHOR_TEXT, .doc = "An anchor that was written down, NUMBER:LINK; none: the one kept beside the record."),
};
SHAPE(event_verify_shape, EventVerifyQuery, event_verify_f, .doc = "Against what.");
static const Field event_verdict_f[] = {
    FIELD(EventVerdict, whole, .doc = "Nothing was changed, removed, moved or cut off, and no alarm stands."),
    FIELD(EventVerdict, events, .doc = "Events that were found right."),
    FIELD(EventVerdict, first, .doc = "Number of the first event that is kept."),
    FIELD(EventVerdict, fault, .flags = F_OMIT_EMPTY, .doc = "What is wrong."),
    FIELD(EventVerdict, fault_seq, .flags = F_OMIT_EMPTY, .doc = "From which number on."),
    FIELD(EventVerdict, alarm_seq, .flags = F_OMIT_EMPTY, .doc = "The alarm that nobody has acknowledged: the record was found cut off when it was opened."),
    FIELD(EventVerdict, anchor, .doc = "Number and link of the last right event: write it down elsewhere."),
};
SHAPE(event_verdict_shape, EventVerdict, event_verdict_f, .doc = "Whether the record is whole.");
static const Field event_ack_f[] = { FIELD(EventAcknowledge, reason, .flags = F_REQUIRED, .min = 1, .max = 400, .doc = "Why the alarm is none, or what was done.") };
SHAPE(event_ack_shape, EventAcknowledge, event_ack_f, .doc = "An alarm that was looked into.");
static const Field event_acked_f[] = { FIELD(EventAcknowledged, success, .doc = "It is in the record.") };
SHAPE(event_acked_shape, EventAcknowledged, event_acked_f, .doc = "Noted.");

const Op op_keys_list = {
    .name = "keys.list", .method = "GET", .path = "/api/v1/admin/keys", .aliases = PATHS("/admin/keys"),
    .summary = "Every API key, without its secret", .tag = TAG, .out = &key_list_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 5000, .idempotent = true, .run = security_api_keys };
const Op op_keys_create = {
    .name = "keys.create", .method = "POST", .path = "/api/v1/admin/keys", .aliases = PATHS("/admin/keys"),
    .summary = "Make an API key", .tag = TAG, .doc = "The secret is in the answer and nowhere else: the platform keeps its digest alone.",
    .in = &key_create_shape, .out = &key_secret_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 10000, .max_body = 8192, .run = security_api_create };
const Op op_keys_get = {
    .name = "keys.get", .method = "GET", .path = "/api/v1/admin/keys/{id}", .aliases = PATHS("/admin/keys/{id}"),
    .summary = "One API key", .tag = TAG, .in = &key_ref_shape, .out = &key_view_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 5000, .idempotent = true, .run = security_api_get };
const Op op_keys_rotate = {
    .name = "keys.rotate", .method = "POST", .path = "/api/v1/admin/keys/{id}/rotate", .aliases = PATHS("/admin/keys/{id}/rotate"),
    .summary = "Give a key a new secret", .tag = TAG, .doc = "The secret before stays good for a while, so that nothing fails while it is replaced where it is used.",
    .in = &key_rotate_shape, .out = &key_secret_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 10000, .max_body = 1024, .run = security_api_rotate };
const Op op_keys_revoke = {
    .name = "keys.revoke", .method = "DELETE", .path = "/api/v1/admin/keys/{id}", .aliases = PATHS("POST /api/v1/admin/keys/{id}/revoke", "/admin/keys/{id}"),
    .summary = "Revoke a key", .tag = TAG, .doc = "When the answer comes the key opens nothing any more here; other gateways that follow this one learn it within a second.",
    .in = &key_ref_shape, .out = &key_view_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 10000, .idempotent = true, .run = security_api_revoke };
const Op op_keys_feed = {
    .name = "keys.feed", .method = "GET", .path = "/api/v1/admin/keys/feed",
    .summary = "Keys as other gateways learn them", .tag = TAG, .out = &key_feed_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 5000, .idempotent = true, .run = security_api_feed };
const Op op_events_list = {
    .name = "security.events", .method = "GET", .path = "/api/v1/admin/security/events", .aliases = PATHS("/admin/security/events"),
    .summary = "The record of security events", .tag = TAG, .in = &event_query_shape, .out = &event_list_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 10000, .idempotent = true, .run = security_api_events };
const Op op_events_verify = {
    .name = "security.verify", .method = "GET", .path = "/api/v1/admin/security/verify", .aliases = PATHS("/admin/security/verify"),
    .summary = "Is the record whole?", .tag = TAG, .doc = "Reads every event and checks its link: an event that was changed, removed or moved breaks the chain where it stood.",
    .in = &event_verify_shape, .out = &event_verdict_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 120000, .idempotent = true, .run = security_api_verify };
const Op op_events_acknowledge = {
    .name = "security.acknowledge", .method = "POST", .path = "/api/v1/admin/security/acknowledge", .aliases = PATHS("/admin/security/acknowledge"),
    .summary = "An alarm of the record was looked into", .tag = TAG,
    .in = &event_ack_shape, .out = &event_acked_shape, .role = ROLE_ADMIN,
    .lane = LANE_IO, .deadline_ms = 10000, .max_body = 4096, .run = security_api_acknowledge };

static const Op *const ops[] = { &op_keys_list, &op_keys_create, &op_keys_get, &op_keys_rotate, &op_keys_revoke, &op_keys_feed,
                                 &op_events_list, &op_events_verify, &op_events_acknowledge };
/* clang-format on */

const OpTable security_api = { .role = "security", .ops = ops, .n_ops = ARRAY_LEN(ops) };
