#pragma once

/* eureka/instance.h - one instance as Eureka knows it, and its two forms on the wire.
 *
 * Reading is liberal: numbers may be strings, a list of one may be the thing itself, unknown members are skipped. Writing
 * is exact: lists are lists, `@class` is always there, numbers and strings are as Java's readers want them (wire facts
 * §1.3, §1.4). Texts borrow from what was read, or from the arena given.
 * Errors: ERR_BAD_REQUEST (no JSON, no XML), ERR_INVALID (not what was asked for), ERR_LIMIT. Pure; any thread. */

#include "base/json.h"

typedef enum EurekaStatus {
    EUREKA_UNKNOWN,
    EUREKA_UP,
    EUREKA_DOWN,
    EUREKA_STARTING,
    EUREKA_OUT_OF_SERVICE,
    EUREKA_STATUSES
} EurekaStatus;
typedef enum EurekaAction { EUREKA_SAME, EUREKA_ADDED, EUREKA_MODIFIED, EUREKA_DELETED } EurekaAction;

enum {
    EUREKA_BODY_MAX = 16 << 10,   /* bytes of one instance on the wire */
    EUREKA_PAIRS_MAX = 64,        /* entries of metadata */
    EUREKA_LIST_MAX = 8192,       /* instances of one answer */
    EUREKA_ANSWER_MAX = 32 << 20, /* bytes of one answer */
    EUREKA_RENEWAL_S = 30,
    EUREKA_DURATION_S = 90,
};

typedef struct EurekaPair {
    Str name, value;
} EurekaPair;

typedef struct EurekaPairs {
    EurekaPair *v;
    size_t n;
} EurekaPairs;

typedef struct EurekaLeaseInfo {
    int64_t renewal_s, duration_s;
    int64_t registered_ms, renewed_ms, evicted_ms, up_ms; /* wall time; 0 = never */
} EurekaLeaseInfo;

typedef struct EurekaInstance {
    Str id, host, app, ip; /* app in upper case */
    Str app_group, vip, secure_vip, home_url, status_url, health_url, secure_health_url;
    EurekaStatus status, overridden;
    int64_t port, secure_port, country;
    bool port_on, secure_on, coordinating;
    Str center, center_class; /* dataCenterInfo: "MyOwn"; empty: it was not there */
    EurekaPairs center_data;  /* of Amazon alone */
    EurekaLeaseInfo lease;
    EurekaPairs metadata;
    int64_t updated_ms, dirty_ms; /* wall time; 0 = never told */
    EurekaAction action;          /* of a delta; EUREKA_SAME is not written */
} EurekaInstance;

typedef struct EurekaList {
    EurekaInstance *v;
    size_t n;
    Str hash; /* "UP_2_" */
    int64_t version;
} EurekaList;

/* What a registration that says nothing has: UP, port 7001, secure port 7002 off, country 1, 30 s and 90 s. */
void eureka_instance_init(EurekaInstance *x);
void eureka_instance_copy(Arena *a, const EurekaInstance *from, EurekaInstance *out);

Str eureka_status_name(EurekaStatus s);                /* "OUT_OF_SERVICE" */
EurekaStatus eureka_status_of(Str name);               /* EUREKA_UNKNOWN for any other */
bool eureka_status_parse(Str name, EurekaStatus *out); /* false for any other */
Str eureka_action_name(EurekaAction a);                /* "ADDED"; empty for EUREKA_SAME */
/* apps__hashcode of so many instances by status: "DOWN_2_STARTING_1_UP_5_". */
Str eureka_hash(Arena *a, const size_t count[static EUREKA_STATUSES]);

/* --- JSON --- */

/* {"instance":{...}}, or the instance without its wrapping. */
int eureka_read_json(Str text, Arena *a, EurekaInstance *out);
/* {"applications":{...}}, {"application":{...}} or {"instance":{...}}: all instances of it. */
int eureka_read_list_json(Str text, Arena *a, EurekaList *out);
int eureka_instance_take_json(JsonReader *r, Arena *a, EurekaInstance *out); /* the object at the reader */
void eureka_write_json(JsonWriter *w, const EurekaInstance *x);              /* the object alone */

/* --- XML --- */

/* <instance>...</instance>. */
int eureka_read_xml(Str text, Arena *a, EurekaInstance *out);
void eureka_write_xml(Buf *out, const EurekaInstance *x);
void eureka_xml_text(Buf *out, Str s); /* escaped; what XML cannot carry becomes '?' */

/* --- for the two readers --- */

/* A text of the instance: `in` is the member it lies in ("" for its own), `key` its name. Unknown ones are skipped. */
int eureka_instance_set(EurekaInstance *x, Arena *a, Str in, Str key, Str value);
/* What only the whole instance tells: upper-case app, nested defaults. */
void eureka_instance_settle(EurekaInstance *x, Arena *a);
