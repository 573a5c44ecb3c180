/* services/alerts/payload.c - see payload.h. */

#include "services/alerts/payload.h"

#include "base/time.h"

#define NEVER "0001-01-01T00:00:00Z" /* Go's zero time: an alert that has not ended */

static void put_label(JsonWriter *w, const Alert *a, const char *name) {
    Str v;
    if (!alert_label(a, str_c(name), &v))
        return;
    json_key(w, str_c(name));
    json_str(w, v);
}

static void put_labels(JsonWriter *w, const Alert *a) {
    json_object(w);
    put_label(w, a, "alertname");
    if (a->rule->label)
        put_label(w, a, a->rule->label);
    put_label(w, a, "severity");
    json_object_end(w);
}

static void put_value(JsonWriter *w, double value) {
    char text[40];
    Arena none = { 0 };
    Str s = str_fmt(&none, "%.4g", value);
    size_t n = MIN(s.n, sizeof text);
    memcpy(text, s.p, n);
    arena_done(&none);
    json_put_str(w, "value", str_n(text, n));
}

static void put_annotations(JsonWriter *w, const Alert *a, bool value) {
    json_object(w);
    json_put_str(w, "summary", str_c(a->rule->summary));
    if (value)
        put_value(w, a->value);
    json_object_end(w);
}

static void put_fingerprint(JsonWriter *w, uint64_t f) {
    char text[16];
    for (int i = 0; i < 16; i++)
        text[i] = "0123456789abcdef"[f >> (60 - 4 * i) & 15];
    json_put_str(w, "fingerprint", str_n(text, sizeof text));
}

static void put_alert(JsonWriter *w, const Alert *a, Str url) {
    bool over = a->state == ALERT_RESOLVED;
    json_object(w);
    json_put_str(w, "status", over ? S("resolved") : S("firing"));
    json_key(w, S("labels"));
    put_labels(w, a);
    json_key(w, S("annotations"));
    put_annotations(w, a, true);
    json_put_time(w, "startsAt", a->fired);
    json_key(w, S("endsAt"));
    if (over)
        json_time(w, a->resolved);
    else
        json_str(w, S(NEVER));
    json_put_str(w, "generatorURL", url);
    put_fingerprint(w, a->fingerprint);
    json_object_end(w);
}

/* Does every alert of the notice have this label with the first one's value? */
static bool common(const Notice *n, Str name, Str *value) {
    if (!alert_label(&n->alerts[0], name, value))
        return false;
    for (size_t i = 1; i < n->n; i++) {
        Str v;
        if (!alert_label(&n->alerts[i], name, &v) || !str_eq(v, *value))
            return false;
    }
    return true;
}

static void put_common_labels(JsonWriter *w, const Notice *n) {
    const char *own = n->alerts[0].rule->label;
    const char *const names[] = { "alertname", own, "severity" };
    json_object(w);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        Str v;
        if (!names[i] || !common(n, str_c(names[i]), &v))
            continue;
        json_key(w, str_c(names[i]));
        json_str(w, v);
    }
    json_object_end(w);
}

static void put_group_labels(JsonWriter *w, const Notice *n) {
    json_object(w);
    for (size_t i = 0; i < n->route->n_group_by; i++)
        put_label(w, &n->alerts[0], n->route->group_by[i]);
    json_object_end(w);
}

/* Alertmanager's: {}:{alertname="X"}. */
static void put_group_key(JsonWriter *w, const Notice *n) {
    Buf b;
    buf_init(&b, 1024);
    BUF_LIT(&b, "{}:{");
    for (size_t i = 0; i < n->route->n_group_by; i++) {
        Str v = { 0 };
        alert_label(&n->alerts[0], str_c(n->route->group_by[i]), &v);
        buf_printf(&b, "%s%s=\"" STR_FMT "\"", i ? ", " : "", n->route->group_by[i], STR_ARG(v));
    }
    BUF_LIT(&b, "}");
    json_put_str(w, "groupKey", buf_str(&b));
    buf_done(&b);
}

void payload_webhook(JsonWriter *w, const Notice *n, Str url) {
    bool same = true;
    for (size_t i = 1; i < n->n; i++)
        same &= n->alerts[i].rule == n->alerts[0].rule;
    json_object(w);
    json_put_str(w, "version", S("4"));
    put_group_key(w, n);
    json_put_str(w, "status", n->firing ? S("firing") : S("resolved"));
    json_put_str(w, "receiver", str_c(n->receiver));
    json_key(w, S("groupLabels"));
    put_group_labels(w, n);
    json_key(w, S("commonLabels"));
    put_common_labels(w, n);
    json_key(w, S("commonAnnotations"));
    if (same) {
        put_annotations(w, &n->alerts[0], false);
    } else {
        json_object(w);
        json_object_end(w);
    }
    json_put_str(w, "externalURL", url);
    json_put_i64(w, "truncatedAlerts", 0);
    json_key(w, S("alerts"));
    json_array(w);
    for (size_t i = 0; i < n->n; i++)
        put_alert(w, &n->alerts[i], url);
    json_array_end(w);
    json_object_end(w);
}

void payload_alertmanager(JsonWriter *w, const Notice *n, Str url, Time until) {
    json_array(w);
    for (size_t i = 0; i < n->n; i++) {
        const Alert *a = &n->alerts[i];
        json_object(w);
        json_key(w, S("labels"));
        put_labels(w, a);
        json_key(w, S("annotations"));
        put_annotations(w, a, true);
        json_put_time(w, "startsAt", a->fired);
        json_put_time(w, "endsAt", a->state == ALERT_RESOLVED ? a->resolved : until);
        json_put_str(w, "generatorURL", url);
        json_object_end(w);
    }
    json_array_end(w);
}

/* "[FIRING] HighErrorRate critical (2)": one line for people. */
static void put_title(Buf *b, const Notice *n) {
    const Alert *a = &n->alerts[0];
    buf_printf(b, "[%s%s] %s %s", n->firing ? "FIRING" : "RESOLVED", n->escalated ? ", ESCALATED" : "", a->rule->name,
               severity_name(a->rule->severity));
    if (n->n > 1)
        buf_printf(b, " (%zu)", n->n);
}

static void put_line(Buf *b, const Alert *a) {
    char iso[TIME_TEXT_MAX];
    size_t n = time_format_iso(a->fired, iso);
    buf_printf(b, "%s %s: %s", alert_state_name(a->state), severity_name(a->rule->severity), a->rule->summary);
    if (a->rule->label) {
        buf_printf(b, " (%s ", a->rule->label);
        for (const char *p = a->label; *p; p++) /* from outside: it stays a word of this line */
            buf_put_c(b, *p < 0x20 || *p > 0x7e ? '?' : *p);
        buf_put_c(b, ')');
    }
    buf_printf(b, ", value %.4g, since %.*s", a->value, (int)n, iso);
}

void payload_slack(JsonWriter *w, const Notice *n) {
    Buf title, lines;
    buf_init(&title, 1024);
    buf_init(&lines, 64 << 10);
    put_title(&title, n);
    for (size_t i = 0; i < n->n; i++) {
        put_line(&lines, &n->alerts[i]);
        BUF_LIT(&lines, "\n");
    }
    bool critical = n->alerts[0].rule->severity == SEVERITY_CRITICAL;
    json_object(w);
    json_put_str(w, "text", buf_str(&title));
    json_key(w, S("attachments"));
    json_array(w);
    json_object(w);
    json_put_str(w, "color", !n->firing ? S("good") : critical ? S("danger") : S("warning"));
    json_put_str(w, "fallback", buf_str(&title));
    json_put_str(w, "text", buf_str(&lines));
    json_object_end(w);
    json_array_end(w);
    json_object_end(w);
    buf_done(&title);
    buf_done(&lines);
}

void payload_mail(Buf *out, const Notice *n, Str from, Str to, Time now, uint64_t id) {
    static const char *const days[] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    Civil c = time_to_civil(now);
    int weekday = weekday_of_days(civil_to_days(c.year, c.month, c.day));
    buf_printf(out, "From: " STR_FMT "\r\nTo: " STR_FMT "\r\nSubject: ", STR_ARG(from), STR_ARG(to));
    put_title(out, n);
    buf_printf(out, "\r\nDate: %s, %02d %s %04d %02d:%02d:%02d +0000\r\nMessage-ID: <%016llx@finsight>\r\n",
               days[weekday], c.day, months[c.month - 1], c.year, c.hour, c.minute, c.second, (unsigned long long)id);
    BUF_LIT(out,
            "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nAuto-Submitted: auto-generated\r\n\r\n");
    for (size_t i = 0; i < n->n; i++) {
        put_line(out, &n->alerts[i]);
        BUF_LIT(out, "\r\n");
    }
}
