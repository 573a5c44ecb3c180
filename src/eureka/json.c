/* eureka/json.c - an instance as JSON; see instance.h. */

#include "eureka/instance.h"

#include <stdio.h>

enum { DEPTH_MAX = 16 };

#define CENTER_CLASS "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo"
#define EMPTY_CLASS  "java.util.Collections$EmptyMap"

/* --- reading --- */

/* A scalar as text; an object or a list: *nested. */
static int take_scalar(JsonReader *r, Str *out, bool *nested) {
    JsonKind kind = json_peek(r);
    *nested = kind == JSON_OBJECT || kind == JSON_ARRAY;
    *out = (Str){ 0 };
    if (*nested)
        return 0;
    JsonToken t;
    int e = json_next(r, &t);
    if (e == 0)
        *out = kind == JSON_TRUE    ? S("true")
               : kind == JSON_FALSE ? S("false")
               : kind == JSON_NULL  ? (Str){ 0 }
                                    : t.text;
    return e;
}

/* The members of a nested object; a second level only for the data centre's own metadata. */
static int take_nested(JsonReader *r, Arena *a, EurekaInstance *x, Str in, int levels) {
    if (json_peek(r) != JSON_OBJECT)
        return json_skip(r);
    Str key, value;
    bool nested;
    int e = json_open_object(r), more = 0;
    while (e == 0 && (more = json_object_next(r, &key)) > 0) {
        e = take_scalar(r, &value, &nested);
        if (e == 0 && !nested)
            e = eureka_instance_set(x, a, in, key, value);
        else if (e == 0 && levels > 1 && str_eq(in, S("dataCenterInfo")) && str_eq(key, S("metadata")))
            e = take_nested(r, a, x, S("dataCenterInfo.metadata"), 1);
        else if (e == 0)
            e = json_skip(r);
    }
    return e ? e : more;
}

int eureka_instance_take_json(JsonReader *r, Arena *a, EurekaInstance *out) {
    EurekaInstance x;
    eureka_instance_init(&x);
    Str key, value;
    bool nested;
    int e = json_open_object(r), more = 0;
    while (e == 0 && (more = json_object_next(r, &key)) > 0) {
        e = take_scalar(r, &value, &nested);
        if (e != 0)
            break;
        if (nested)
            e = take_nested(r, a, &x, key, 2);
        else if (value.p)
            e = eureka_instance_set(&x, a, (Str){ 0 }, key, value);
    }
    if (e != 0 || more < 0)
        return e ? e : more;
    eureka_instance_settle(&x, a);
    *out = x;
    return 0;
}

/* One, or a list of them, behind whatever is at the reader. */
static int take_instances(JsonReader *r, Arena *a, EurekaList *out) {
    bool list = json_peek(r) == JSON_ARRAY;
    int e = list ? json_open_array(r) : 0, more = 1;
    while (e == 0 && (!list || (more = json_array_next(r)) > 0)) {
        if (json_peek(r) == JSON_NULL && !list)
            return json_skip(r);
        if (out->n == EUREKA_LIST_MAX)
            return ERR_LIMIT;
        if ((out->n & (out->n - 1)) == 0) /* room doubles */
            out->v = arena_grow(a, out->v, out->n * sizeof *out->v, MAX(out->n * 2, (size_t)1) * sizeof *out->v);
        e = eureka_instance_take_json(r, a, &out->v[out->n]);
        out->n += e == 0;
        if (!list)
            return e;
    }
    return e ? e : more;
}

static int take_application(JsonReader *r, Arena *a, EurekaList *out) {
    Str key;
    int e = json_open_object(r), more = 0;
    while (e == 0 && (more = json_object_next(r, &key)) > 0)
        e = str_eq(key, S("instance")) ? take_instances(r, a, out) : json_skip(r);
    return e ? e : more;
}

static int take_apps_of(JsonReader *r, Arena *a, EurekaList *out) {
    if (json_peek(r) == JSON_NULL)
        return json_skip(r);
    if (json_peek(r) != JSON_ARRAY)
        return take_application(r, a, out);
    int e = json_open_array(r), more = 0;
    while (e == 0 && (more = json_array_next(r)) > 0)
        e = take_application(r, a, out);
    return e ? e : more;
}

static int take_applications(JsonReader *r, Arena *a, EurekaList *out) {
    Str key, text;
    bool nested;
    int e = json_open_object(r), more = 0;
    while (e == 0 && (more = json_object_next(r, &key)) > 0) {
        bool version = str_starts(key, S("versions")), hash = str_starts(key, S("apps"));
        if (str_eq(key, S("application"))) {
            e = take_apps_of(r, a, out);
        } else if (version || hash) {
            e = take_scalar(r, &text, &nested);
            if (e == 0 && nested)
                e = json_skip(r);
            else if (version)
                str_to_i64(text, &out->version);
            else
                out->hash = text;
        } else {
            e = json_skip(r);
        }
    }
    return e ? e : more;
}

int eureka_read_list_json(Str text, Arena *a, EurekaList *out) {
    JsonReader r;
    json_reader_init(&r, text, a, DEPTH_MAX);
    EurekaList list = { 0 };
    Str key;
    int e = json_open_object(&r), more = 0;
    while (e == 0 && (more = json_object_next(&r, &key)) > 0)
        e = str_eq(key, S("applications"))  ? take_applications(&r, a, &list)
            : str_eq(key, S("application")) ? take_apps_of(&r, a, &list)
            : str_eq(key, S("instance"))    ? take_instances(&r, a, &list)
                                            : json_skip(&r);
    if (e == 0 && more == 0)
        e = json_finish(&r);
    if (e == 0 && more == 0)
        *out = list;
    return e ? e : more;
}

/* The wrapping is looked for first: the bare form's members are its own. */
int eureka_read_json(Str text, Arena *a, EurekaInstance *out) {
    if (text.n > EUREKA_BODY_MAX)
        return ERR_LIMIT;
    JsonReader r;
    json_reader_init(&r, text, a, DEPTH_MAX);
    Str key, raw;
    int e = json_open_object(&r), more = 0;
    while (e == 0 && (more = json_object_next(&r, &key)) > 0) {
        if (!str_eq(key, S("instance"))) {
            e = json_skip(&r);
            continue;
        }
        e = json_skip_raw(&r, &raw);
        text = e == 0 ? raw : text;
    }
    if (e == 0 && more == 0)
        e = json_finish(&r);
    if (e != 0 || more < 0)
        return e ? e : more;
    json_reader_init(&r, text, a, DEPTH_MAX);
    return eureka_instance_take_json(&r, a, out);
}

/* --- writing --- */

static void put_opt(JsonWriter *w, Str key, Str value) {
    if (value.n == 0)
        return;
    json_key(w, key);
    json_str(w, value);
}

static void put_i64_text(JsonWriter *w, Str key, int64_t v) {
    char text[24];
    int n = snprintf(text, sizeof text, "%lld", (long long)v);
    json_key(w, key);
    json_str(w, str_n(text, (size_t)n));
}

static void put_port(JsonWriter *w, Str key, int64_t port, bool on) {
    json_key(w, key);
    json_object(w);
    json_put_i64(w, "$", port);
    json_put_str(w, "@enabled", on ? S("true") : S("false"));
    json_object_end(w);
}

static void put_pairs(JsonWriter *w, EurekaPairs pairs) {
    json_key(w, S("metadata"));
    json_object(w);
    if (pairs.n == 0)
        json_put_str(w, "@class", S(EMPTY_CLASS));
    for (size_t i = 0; i < pairs.n; i++) {
        json_key(w, pairs.v[i].name);
        json_str(w, pairs.v[i].value);
    }
    json_object_end(w);
}

static void put_lease(JsonWriter *w, const EurekaLeaseInfo *l) {
    json_key(w, S("leaseInfo"));
    json_object(w);
    json_put_i64(w, "renewalIntervalInSecs", l->renewal_s);
    json_put_i64(w, "durationInSecs", l->duration_s);
    json_put_i64(w, "registrationTimestamp", l->registered_ms);
    json_put_i64(w, "lastRenewalTimestamp", l->renewed_ms);
    json_put_i64(w, "evictionTimestamp", l->evicted_ms);
    json_put_i64(w, "serviceUpTimestamp", l->up_ms);
    json_object_end(w);
}

void eureka_write_json(JsonWriter *w, const EurekaInstance *x) {
    json_object(w);
    json_put_str(w, "instanceId", x->id);
    json_put_str(w, "hostName", x->host);
    json_put_str(w, "app", x->app);
    put_opt(w, S("appGroupName"), x->app_group);
    json_put_str(w, "ipAddr", x->ip);
    json_put_str(w, "status", eureka_status_name(x->status));
    json_put_str(w, "overriddenStatus", eureka_status_name(x->overridden));
    put_port(w, S("port"), x->port, x->port_on);
    put_port(w, S("securePort"), x->secure_port, x->secure_on);
    json_put_i64(w, "countryId", x->country);
    json_key(w, S("dataCenterInfo"));
    json_object(w);
    json_put_str(w, "@class", x->center_class.n ? x->center_class : S(CENTER_CLASS));
    json_put_str(w, "name", x->center.n ? x->center : S("MyOwn"));
    if (x->center_data.n)
        put_pairs(w, x->center_data);
    json_object_end(w);
    put_lease(w, &x->lease);
    put_pairs(w, x->metadata);
    put_opt(w, S("homePageUrl"), x->home_url);
    put_opt(w, S("statusPageUrl"), x->status_url);
    put_opt(w, S("healthCheckUrl"), x->health_url);
    put_opt(w, S("secureHealthCheckUrl"), x->secure_health_url);
    put_opt(w, S("vipAddress"), x->vip);
    put_opt(w, S("secureVipAddress"), x->secure_vip);
    json_put_str(w, "isCoordinatingDiscoveryServer", x->coordinating ? S("true") : S("false"));
    put_i64_text(w, S("lastUpdatedTimestamp"), x->updated_ms);
    put_i64_text(w, S("lastDirtyTimestamp"), x->dirty_ms);
    put_opt(w, S("actionType"), eureka_action_name(x->action));
    json_object_end(w);
}
