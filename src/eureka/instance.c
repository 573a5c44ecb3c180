/* eureka/instance.c - see instance.h: what both forms of an instance share. */

#include "eureka/instance.h"

static const char *const statuses[EUREKA_STATUSES] = { "UNKNOWN", "UP", "DOWN", "STARTING", "OUT_OF_SERVICE" };

void eureka_instance_init(EurekaInstance *x) {
    *x = (EurekaInstance){ .status = EUREKA_UP,
                           .port = 7001,
                           .port_on = true,
                           .secure_port = 7002,
                           .country = 1,
                           .lease = { .renewal_s = EUREKA_RENEWAL_S, .duration_s = EUREKA_DURATION_S } };
}

static EurekaPairs pairs_copy(Arena *a, EurekaPairs from) {
    EurekaPairs to = { arena_new_n(a, EurekaPair, from.n + 1), from.n };
    for (size_t i = 0; i < from.n; i++)
        to.v[i] = (EurekaPair){ str_dup(a, from.v[i].name), str_dup(a, from.v[i].value) };
    return to;
}

void eureka_instance_copy(Arena *a, const EurekaInstance *from, EurekaInstance *out) {
    EurekaInstance x = *from;
    Str *texts[] = { &x.id,          &x.host,     &x.app,        &x.ip,         &x.app_group,         &x.vip,
                     &x.secure_vip,  &x.home_url, &x.status_url, &x.health_url, &x.secure_health_url, &x.center,
                     &x.center_class };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = str_dup(a, *texts[i]);
    x.metadata = pairs_copy(a, x.metadata);
    x.center_data = pairs_copy(a, x.center_data);
    *out = x;
}

Str eureka_status_name(EurekaStatus s) {
    return str_c(statuses[s]);
}

bool eureka_status_parse(Str name, EurekaStatus *out) {
    for (int i = 0; i < EUREKA_STATUSES; i++)
        if (str_eq_nocase(name, str_c(statuses[i]))) {
            *out = (EurekaStatus)i;
            return true;
        }
    return false;
}

EurekaStatus eureka_status_of(Str name) {
    EurekaStatus s = EUREKA_UNKNOWN;
    eureka_status_parse(name, &s);
    return s;
}

Str eureka_action_name(EurekaAction a) {
    return a == EUREKA_ADDED      ? S("ADDED")
           : a == EUREKA_MODIFIED ? S("MODIFIED")
           : a == EUREKA_DELETED  ? S("DELETED")
                                  : (Str){ 0 };
}

Str eureka_hash(Arena *a, const size_t count[static EUREKA_STATUSES]) {
    static const EurekaStatus ascending[] = { EUREKA_DOWN, EUREKA_OUT_OF_SERVICE, EUREKA_STARTING, EUREKA_UNKNOWN,
                                              EUREKA_UP };
    Str hash = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(ascending); i++)
        if (count[ascending[i]])
            hash = str_fmt(a, STR_FMT "%s_%zu_", STR_ARG(hash), statuses[ascending[i]], count[ascending[i]]);
    return hash;
}

/* --- a member --- */

typedef struct TextMember {
    Str key;
    size_t offset;
} TextMember;

#define TEXT(key, member)                                                                                              \
    { STR_INIT(key), offsetof(EurekaInstance, member) }
static const TextMember texts[] = {
    TEXT("instanceId", id),
    TEXT("hostName", host),
    TEXT("app", app),
    TEXT("ipAddr", ip),
    TEXT("appGroupName", app_group),
    TEXT("vipAddress", vip),
    TEXT("secureVipAddress", secure_vip),
    TEXT("homePageUrl", home_url),
    TEXT("statusPageUrl", status_url),
    TEXT("healthCheckUrl", health_url),
    TEXT("secureHealthCheckUrl", secure_health_url),
};
static const TextMember numbers[] = {
    TEXT("countryId", country),
    TEXT("lastUpdatedTimestamp", updated_ms),
    TEXT("lastDirtyTimestamp", dirty_ms),
};
static const TextMember lease_numbers[] = {
    TEXT("renewalIntervalInSecs", lease.renewal_s),     TEXT("durationInSecs", lease.duration_s),
    TEXT("registrationTimestamp", lease.registered_ms), TEXT("lastRenewalTimestamp", lease.renewed_ms),
    TEXT("evictionTimestamp", lease.evicted_ms),        TEXT("serviceUpTimestamp", lease.up_ms),
};
#undef TEXT

/* A number, or text of one. Nonsense is what was not told: a registration lives by its other members. */
static void put_number(EurekaInstance *x, const TextMember *m, size_t n, Str key, Str value) {
    for (size_t i = 0; i < n; i++) {
        int64_t v;
        if (str_eq(key, m[i].key) && str_to_i64(str_trim(value), &v) && v >= 0)
            memcpy((char *)x + m[i].offset, &v, sizeof v);
    }
}

static bool is_true(Str value) {
    return str_eq_nocase(value, S("true"));
}

static int put_port(int64_t *port, bool *on, Str key, Str value) {
    int64_t n;
    if (str_eq(key, S("@enabled")) || str_eq(key, S("enabled")))
        *on = is_true(value);
    else if (key.n == 0 || str_eq(key, S("$"))) {
        if (!str_to_i64(str_trim(value), &n) || n < 0 || n > 65535)
            return ERR_INVALID;
        *port = n;
    }
    return 0;
}

static int put_pair(EurekaPairs *to, Arena *a, Str key, Str value) {
    if (key.n == 0 || key.p[0] == '@')
        return 0; /* {"@class":"java.util.Collections$EmptyMap"} */
    if (to->n == EUREKA_PAIRS_MAX)
        return ERR_LIMIT;
    if (!to->v)
        to->v = arena_new_n(a, EurekaPair, EUREKA_PAIRS_MAX);
    to->v[to->n++] = (EurekaPair){ key, value };
    return 0;
}

static int put_own(EurekaInstance *x, Str key, Str value) {
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (str_eq(key, texts[i].key)) {
            memcpy((char *)x + texts[i].offset, &value, sizeof value);
            return 0;
        }
    put_number(x, numbers, ARRAY_LEN(numbers), key, value);
    if (str_eq(key, S("status")))
        x->status = eureka_status_of(value);
    else if (str_eq(key, S("overriddenStatus")) || str_eq(key, S("overriddenstatus")))
        x->overridden = eureka_status_of(value);
    else if (str_eq(key, S("isCoordinatingDiscoveryServer")))
        x->coordinating = is_true(value);
    else if (str_eq(key, S("actionType")))
        x->action = str_eq(value, S("ADDED"))      ? EUREKA_ADDED
                    : str_eq(value, S("MODIFIED")) ? EUREKA_MODIFIED
                    : str_eq(value, S("DELETED"))  ? EUREKA_DELETED
                                                   : EUREKA_SAME;
    else if (str_eq(key, S("port"))) /* a plain number */
        return put_port(&x->port, &x->port_on, (Str){ 0 }, value);
    else if (str_eq(key, S("securePort")))
        return put_port(&x->secure_port, &x->secure_on, (Str){ 0 }, value);
    return 0;
}

int eureka_instance_set(EurekaInstance *x, Arena *a, Str in, Str key, Str value) {
    if (in.n == 0)
        return put_own(x, key, value);
    if (str_eq(in, S("port")))
        return put_port(&x->port, &x->port_on, key, value);
    if (str_eq(in, S("securePort")))
        return put_port(&x->secure_port, &x->secure_on, key, value);
    if (str_eq(in, S("metadata")))
        return put_pair(&x->metadata, a, key, value);
    if (str_eq(in, S("dataCenterInfo.metadata")))
        return put_pair(&x->center_data, a, key, value);
    if (str_eq(in, S("leaseInfo")))
        put_number(x, lease_numbers, ARRAY_LEN(lease_numbers), key, value);
    else if (str_eq(in, S("dataCenterInfo"))) {
        if (str_eq(key, S("name")))
            x->center = value;
        else if (str_eq(key, S("@class")) || str_eq(key, S("class")))
            x->center_class = value;
    }
    return 0;
}

void eureka_instance_settle(EurekaInstance *x, Arena *a) {
    x->app = str_upper(a, x->app);
    if (x->lease.renewal_s <= 0)
        x->lease.renewal_s = EUREKA_RENEWAL_S;
    if (x->lease.duration_s <= 0)
        x->lease.duration_s = EUREKA_DURATION_S;
    enum { DAY_S = 24 * 3600 };
    x->lease.renewal_s = MIN(x->lease.renewal_s, (int64_t)DAY_S);
    x->lease.duration_s = MIN(x->lease.duration_s, (int64_t)DAY_S);
}
