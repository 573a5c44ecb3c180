/* eureka/xml_form.c - an instance as XML; see instance.h. */

#include "base/xml.h"
#include "eureka/instance.h"

/* --- reading --- */

typedef struct Element { /* one that is open, with the text it had so far */
    Str name, text;
} Element;

/* Text in pieces (a comment between, a CDATA) is one text. */
static int add_text(Arena *a, Element *e, Str piece) {
    if (e->text.n == 0) {
        e->text = piece;
        return 0;
    }
    char *to = arena_try(a, e->text.n + piece.n);
    if (!to)
        return ERR_LIMIT;
    memcpy(to, e->text.p, e->text.n);
    memcpy(to + e->text.n, piece.n ? piece.p : "", piece.n);
    e->text = str_n(to, e->text.n + piece.n);
    return 0;
}

/* instance > x; instance > port, with its attribute; instance > leaseInfo > x; instance > dataCenterInfo > metadata > x */
static int take_leaf(EurekaInstance *x, Arena *a, const Element *open, int depth) {
    Str name = open[depth - 1].name, text = str_trim(open[depth - 1].text);
    if (depth == 2) {
        bool port = str_eq(name, S("port")) || str_eq(name, S("securePort"));
        bool holds = str_eq(name, S("metadata")) || str_eq(name, S("leaseInfo")) || str_eq(name, S("dataCenterInfo"));
        return holds  ? 0
               : port ? eureka_instance_set(x, a, name, S("$"), text)
                      : eureka_instance_set(x, a, (Str){ 0 }, name, text);
    }
    if (depth == 3)
        return str_eq(name, S("metadata")) && str_eq(open[1].name, S("dataCenterInfo"))
                   ? 0
                   : eureka_instance_set(x, a, open[1].name, name, text);
    if (depth == 4 && str_eq(open[1].name, S("dataCenterInfo")) && str_eq(open[2].name, S("metadata")))
        return eureka_instance_set(x, a, S("dataCenterInfo.metadata"), name, text);
    return 0;
}

static int take_open(EurekaInstance *x, Arena *a, const XmlToken *t, int depth) {
    if (depth == 1)
        return str_eq(t->text, S("instance")) ? 0 : ERR_INVALID;
    Str enabled = xml_attribute(t, S("enabled")), class = xml_attribute(t, S("class"));
    if (depth == 2 && enabled.n)
        return eureka_instance_set(x, a, t->text, S("@enabled"), enabled);
    if (depth == 2 && class.n && str_eq(t->text, S("dataCenterInfo")))
        return eureka_instance_set(x, a, t->text, S("@class"), class);
    return 0;
}

int eureka_read_xml(Str text, Arena *a, EurekaInstance *out) {
    if (text.n > EUREKA_BODY_MAX)
        return ERR_LIMIT;
    XmlReader r;
    XmlToken t;
    EurekaInstance x;
    Element open[XML_DEPTH_MAX];
    int depth = 0, e;
    xml_reader_init(&r, text, a);
    eureka_instance_init(&x);
    while ((e = xml_next(&r, &t)) == 0 && t.kind != XML_END_OF_TEXT) {
        if (t.kind == XML_OPEN) {
            open[depth++] = (Element){ .name = t.text };
            e = take_open(&x, a, &t, depth);
        } else if (t.kind == XML_TEXT) {
            e = add_text(a, &open[depth - 1], t.text);
        } else {
            e = take_leaf(&x, a, open, depth);
            depth--;
        }
        if (e != 0)
            return e;
    }
    if (e != 0)
        return e;
    eureka_instance_settle(&x, a);
    *out = x;
    return 0;
}

/* --- writing --- */

void eureka_xml_text(Buf *out, Str s) {
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '&')
            BUF_LIT(out, "&amp;");
        else if (c == '<')
            BUF_LIT(out, "&lt;");
        else if (c == '>')
            BUF_LIT(out, "&gt;");
        else if (c == '"')
            BUF_LIT(out, "&quot;");
        else
            buf_put_c(out, (unsigned char)c < 0x20 && c != '\t' && c != '\n' ? '?' : c);
    }
}

static void element(Buf *out, const char *name, Str value) {
    buf_printf(out, "<%s>", name);
    eureka_xml_text(out, value);
    buf_printf(out, "</%s>", name);
}

static void element_opt(Buf *out, const char *name, Str value) {
    if (value.n)
        element(out, name, value);
}

static void element_i64(Buf *out, const char *name, int64_t v) {
    buf_printf(out, "<%s>%lld</%s>", name, (long long)v, name);
}

/* A key of metadata becomes an element: one that cannot be is left out rather than make the whole unreadable. */
static bool is_name(Str s) {
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool first = ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
        if (!first && (i == 0 || !((c >= '0' && c <= '9') || c == '-' || c == '.')))
            return false;
    }
    return s.n > 0;
}

static void put_pairs(Buf *out, EurekaPairs pairs) {
    if (pairs.n == 0) {
        BUF_LIT(out, "<metadata class=\"java.util.Collections$EmptyMap\"/>");
        return;
    }
    BUF_LIT(out, "<metadata>");
    for (size_t i = 0; i < pairs.n; i++) {
        if (!is_name(pairs.v[i].name))
            continue;
        buf_printf(out, "<" STR_FMT ">", STR_ARG(pairs.v[i].name));
        eureka_xml_text(out, pairs.v[i].value);
        buf_printf(out, "</" STR_FMT ">", STR_ARG(pairs.v[i].name));
    }
    BUF_LIT(out, "</metadata>");
}

static void put_port(Buf *out, const char *name, int64_t port, bool on) {
    buf_printf(out, "<%s enabled=\"%s\">%lld</%s>", name, on ? "true" : "false", (long long)port, name);
}

static void put_lease(Buf *out, const EurekaLeaseInfo *l) {
    BUF_LIT(out, "<leaseInfo>");
    element_i64(out, "renewalIntervalInSecs", l->renewal_s);
    element_i64(out, "durationInSecs", l->duration_s);
    element_i64(out, "registrationTimestamp", l->registered_ms);
    element_i64(out, "lastRenewalTimestamp", l->renewed_ms);
    element_i64(out, "evictionTimestamp", l->evicted_ms);
    element_i64(out, "serviceUpTimestamp", l->up_ms);
    BUF_LIT(out, "</leaseInfo>");
}

void eureka_write_xml(Buf *out, const EurekaInstance *x) {
    static const Str usual = STR_INIT("com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo");
    BUF_LIT(out, "<instance>");
    element(out, "instanceId", x->id);
    element(out, "hostName", x->host);
    element(out, "app", x->app);
    element_opt(out, "appGroupName", x->app_group);
    element(out, "ipAddr", x->ip);
    element(out, "status", eureka_status_name(x->status));
    element(out, "overriddenstatus", eureka_status_name(x->overridden));
    put_port(out, "port", x->port, x->port_on);
    put_port(out, "securePort", x->secure_port, x->secure_on);
    element_i64(out, "countryId", x->country);
    BUF_LIT(out, "<dataCenterInfo class=\"");
    eureka_xml_text(out, x->center_class.n ? x->center_class : usual);
    BUF_LIT(out, "\">");
    element(out, "name", x->center.n ? x->center : S("MyOwn"));
    if (x->center_data.n)
        put_pairs(out, x->center_data);
    BUF_LIT(out, "</dataCenterInfo>");
    put_lease(out, &x->lease);
    put_pairs(out, x->metadata);
    element_opt(out, "homePageUrl", x->home_url);
    element_opt(out, "statusPageUrl", x->status_url);
    element_opt(out, "healthCheckUrl", x->health_url);
    element_opt(out, "secureHealthCheckUrl", x->secure_health_url);
    element_opt(out, "vipAddress", x->vip);
    element_opt(out, "secureVipAddress", x->secure_vip);
    element(out, "isCoordinatingDiscoveryServer", x->coordinating ? S("true") : S("false"));
    element_i64(out, "lastUpdatedTimestamp", x->updated_ms);
    element_i64(out, "lastDirtyTimestamp", x->dirty_ms);
    element_opt(out, "actionType", eureka_action_name(x->action));
    BUF_LIT(out, "</instance>");
}
