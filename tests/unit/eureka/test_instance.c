/* Both forms of an instance: what is read liberally, what is written exactly, what is refused. */

#include "base/xml.h"
#include "eureka/instance.h"
#include "lib/test.h"

/* Wire facts §1.3, in the shapes that different clients send. */
static const char json_full[] =
    "{\"instance\":{\"instanceId\":\"10.0.0.5:quotes:8081\",\"hostName\":\"10.0.0.5\",\"app\":\"quotes\","
    "\"ipAddr\":\"10.0.0.5\",\"status\":\"UP\",\"overriddenStatus\":\"UNKNOWN\",\"port\":{\"$\":8081,\"@enabled\":"
    "\"true\"},\"securePort\":{\"$\":\"443\",\"@enabled\":false},\"countryId\":1,\"dataCenterInfo\":{\"@class\":"
    "\"com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo\",\"name\":\"MyOwn\"},\"leaseInfo\":{"
    "\"renewalIntervalInSecs\":10,\"durationInSecs\":\"20\"},\"metadata\":{\"zone\":\"a\",\"@class\":\"x\"},"
    "\"vipAddress\":\"quotes\",\"healthCheckUrl\":\"http://10.0.0.5:8081/health\",\"lastDirtyTimestamp\":"
    "\"1760000000000\",\"isCoordinatingDiscoveryServer\":\"false\",\"unknown\":{\"deep\":[1,{\"a\":2}]}}}";

static const char xml_full[] =
    "<?xml version=\"1.0\"?>\n<!-- by hand --><instance>\n <instanceId>10.0.0.5:quotes:8081</instanceId><hostName>10.0"
    "<!-- -->.0.5</hostName><app>quotes</app><ipAddr><![CDATA[10.0.0.5]]></ipAddr><status>UP</status>"
    "<overriddenstatus>UNKNOWN</overriddenstatus><port enabled=\"true\">8081</port><securePort enabled='false'>443"
    "</securePort><countryId>1</countryId><dataCenterInfo class=\"com.netflix.appinfo.InstanceInfo$"
    "DefaultDataCenterInfo\"><name>MyOwn</name></dataCenterInfo><leaseInfo><renewalIntervalInSecs>10"
    "</renewalIntervalInSecs><durationInSecs>20</durationInSecs></leaseInfo><metadata><zone>a</zone></metadata>"
    "<vipAddress>quotes</vipAddress><healthCheckUrl>http://10.0.0.5:8081/health</healthCheckUrl>"
    "<lastDirtyTimestamp>1760000000000</lastDirtyTimestamp><unknown><deep/></unknown></instance>\n";

static int read_either(Str text, Arena *a, EurekaInstance *x) {
    return text.n && text.p[0] == '<' ? eureka_read_xml(text, a, x) : eureka_read_json(text, a, x);
}

TEST(json_and_xml_of_one_instance_read_alike) {
    const struct {
        const char *name;
        Str text;
    } rows[] = { { "json", str_c(json_full) }, { "xml", str_c(xml_full) } };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        EurekaInstance x;
        CHECK_OK(&t.cx, read_either(r->text, &t.arena, &x));
        CHECK_STR(x.id, S("10.0.0.5:quotes:8081"));
        CHECK_STR(x.app, S("QUOTES"));
        CHECK_STR(x.host, S("10.0.0.5"));
        CHECK_STR(x.ip, S("10.0.0.5"));
        CHECK_STR(x.vip, S("quotes"));
        CHECK_EQ(x.status, EUREKA_UP);
        CHECK_EQ(x.port, 8081);
        CHECK(x.port_on && !x.secure_on);
        CHECK_EQ(x.secure_port, 443);
        CHECK_EQ(x.lease.renewal_s, 10);
        CHECK_EQ(x.lease.duration_s, 20);
        CHECK_EQ(x.metadata.n, 1);
        CHECK_STR(x.metadata.v[0].name, S("zone"));
        CHECK_STR(x.metadata.v[0].value, S("a"));
        CHECK_EQ(x.dirty_ms, INT64_C(1760000000000));
        CHECK_STR(x.center, S("MyOwn"));
        CHECK_STR(x.center_class, S("com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo"));
    }
    test_ctx_done(&t);
}

/* What was written is read again as the same, in both forms. */
TEST(what_is_written_is_read_again) {
    TestCtx t;
    test_ctx_init(&t);
    EurekaInstance x, back;
    CHECK_OK(&t.cx, eureka_read_json(str_c(json_full), &t.arena, &x));
    x.metadata.v[0].value = S("<a & \"b\">");
    x.action = EUREKA_MODIFIED;
    Buf b;
    JsonWriter w;
    for (int xml = 0; xml < 2; xml++) {
        buf_init(&b, 1 << 16);
        json_writer_init(&w, &b, false);
        if (xml)
            eureka_write_xml(&b, &x);
        else
            eureka_write_json(&w, &x);
        CHECK_OK(&t.cx, read_either(buf_str(&b), &t.arena, &back));
        CHECK_STR(back.id, x.id);
        CHECK_STR(back.metadata.v[0].value, S("<a & \"b\">"));
        CHECK_EQ(back.action, EUREKA_MODIFIED);
        CHECK_EQ(back.lease.duration_s, 20);
        CHECK_EQ(back.dirty_ms, x.dirty_ms);
        buf_done(&b);
    }
    test_ctx_done(&t);
}

/* §1.3: Java's readers want these as strings and those as numbers. */
TEST(written_json_has_the_kinds_that_java_reads) {
    static const char *const parts[] = {
        "\"port\":{\"$\":8081,\"@enabled\":\"true\"}",
        "\"securePort\":{\"$\":443,\"@enabled\":\"false\"}",
        "\"countryId\":1",
        "\"leaseInfo\":{\"renewalIntervalInSecs\":10,\"durationInSecs\":20,\"registrationTimestamp\":0",
        "\"lastDirtyTimestamp\":\"1760000000000\"",
        "\"lastUpdatedTimestamp\":\"0\"",
        "\"isCoordinatingDiscoveryServer\":\"false\"",
        "\"@class\":\"com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo\"",
    };
    TestCtx t;
    test_ctx_init(&t);
    EurekaInstance x;
    CHECK_OK(&t.cx, eureka_read_json(str_c(json_full), &t.arena, &x));
    Buf b;
    JsonWriter w;
    buf_init(&b, 1 << 16);
    json_writer_init(&w, &b, false);
    eureka_write_json(&w, &x);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (str_find(buf_str(&b), str_c(parts[i])) < 0)
            FAIL("%s is not in " STR_FMT, parts[i], STR_ARG(buf_str(&b)));
    x.metadata.n = 0;
    buf_clear(&b);
    json_writer_init(&w, &b, false);
    eureka_write_json(&w, &x);
    CHECK(str_find(buf_str(&b), S("\"metadata\":{\"@class\":\"java.util.Collections$EmptyMap\"}")) > 0);
    buf_done(&b);
    test_ctx_done(&t);
}

TEST(defaults_of_what_was_not_told) {
    TestCtx t;
    test_ctx_init(&t);
    EurekaInstance x;
    CHECK_OK(&t.cx,
             eureka_read_json(S("{\"instance\":{\"app\":\"a\",\"port\":80,\"status\":\"WHAT\"}}"), &t.arena, &x));
    CHECK_EQ(x.status, EUREKA_UNKNOWN);
    CHECK_EQ(x.port, 80);
    CHECK(x.port_on);
    CHECK_EQ(x.secure_port, 7002);
    CHECK_EQ(x.country, 1);
    CHECK_EQ(x.lease.renewal_s, 30); /* DIS-03 */
    CHECK_EQ(x.lease.duration_s, 90);
    CHECK_OK(&t.cx, eureka_read_json(S("{\"app\":\"bare\"}"), &t.arena, &x));
    CHECK_STR(x.app, S("BARE"));
    CHECK_EQ(x.status, EUREKA_UP);
    test_ctx_done(&t);
}

TEST(lists_may_be_single_objects) {
    const struct {
        const char *name;
        Str text;
        size_t n;
    } rows[] = {
        { "arrays",
          S("{\"applications\":{\"versions__delta\":\"7\",\"apps__hashcode\":\"UP_2_\",\"application\":["
            "{\"name\":\"A\",\"instance\":[{\"app\":\"A\"},{\"app\":\"A\"}]}]}}"),
          2 },
        { "objects",
          S("{\"applications\":{\"versions__delta\":7,\"apps__hashcode\":\"UP_2_\",\"application\":"
            "{\"name\":\"A\",\"instance\":{\"app\":\"A\"}}}}"),
          1 },
        { "no instances",
          S("{\"applications\":{\"versions__delta\":\"7\",\"apps__hashcode\":\"UP_2_\","
            "\"application\":[{\"name\":\"A\"},{\"name\":\"B\",\"instance\":null}]}}"),
          0 },
        { "one application", S("{\"application\":{\"name\":\"A\",\"instance\":[{\"app\":\"A\"}]}}"), 1 },
        { "one instance", S("{\"instance\":{\"app\":\"A\"}}"), 1 },
        { "nothing", S("{\"applications\":{}}"), 0 },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        EurekaList list;
        CHECK_OK(&t.cx, eureka_read_list_json(r->text, &t.arena, &list));
        CHECK_EQ(list.n, r->n);
        if (str_find(r->text, S("apps__")) > 0) {
            CHECK_STR(list.hash, S("UP_2_"));
            CHECK_EQ(list.version, 7);
        }
    }
    test_ctx_done(&t);
}

TEST(nonsense_is_refused) {
    const struct {
        const char *name;
        Str text;
    } rows[] = {
        { "no json", S("{\"instance\":") },
        { "two", S("{\"instance\":{}} {}") },
        { "a list", S("[]") },
        { "port too large", S("{\"instance\":{\"app\":\"a\",\"port\":65536}}") },
        { "port is text", S("{\"instance\":{\"app\":\"a\",\"port\":{\"$\":\"x\"}}}") },
        { "no root", S("<?xml version=\"1.0\"?>") },
        { "other root", S("<application/>") },
        { "two roots", S("<instance/><instance/>") },
        { "open", S("<instance><app>a</app>") },
        { "crossed", S("<instance><app>a</instance></app>") },
        { "document type", S("<!DOCTYPE instance [<!ENTITY a \"b\">]><instance/>") },
        { "own entity", S("<instance><app>&a;</app></instance>") },
        { "a control character", S("<instance><app>&#1;</app></instance>") },
        { "a surrogate", S("<instance><app>&#xd800;</app></instance>") },
        { "no utf-8", S("<instance><app>\xff</app></instance>") },
        { "no quotes", S("<instance><port enabled=true>1</port></instance>") },
        { "too deep", S("<instance><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>") },
        { "comment without an end", S("<instance><!-- </instance>") },
        { "text before", S("x<instance/>") },
    };
    TestCtx t;
    test_ctx_init(&t);
    EACH_ROW (r, rows) {
        EurekaInstance x = { .port = -5 };
        CHECK(read_either(r->text, &t.arena, &x) < 0);
        CHECK_EQ(x.port, -5); /* untouched */
    }
    test_ctx_done(&t);
}

/* Both sides of the limits. */
TEST(metadata_and_size_are_bounded) {
    TestCtx t;
    test_ctx_init(&t);
    EurekaInstance x;
    for (int more = 0; more < 2; more++) {
        Str text = S("{\"instance\":{\"metadata\":{");
        for (int i = 0; i < EUREKA_PAIRS_MAX + more; i++)
            text = str_fmt(&t.arena, STR_FMT "%s\"k%d\":\"v\"", STR_ARG(text), i ? "," : "", i);
        text = str_fmt(&t.arena, STR_FMT "}}}", STR_ARG(text));
        CHECK_EQ(eureka_read_json(text, &t.arena, &x), more ? ERR_LIMIT : 0);
        int pad = EUREKA_BODY_MAX - (int)strlen("{\"instance\":{\"app\":\"\"}}") + more;
        char *name = arena_alloc(&t.arena, (size_t)pad);
        memset(name, 'a', (size_t)pad);
        text = str_fmt(&t.arena, "{\"instance\":{\"app\":\"%.*s\"}}", pad, name);
        CHECK_EQ(eureka_read_json(text, &t.arena, &x), more ? ERR_LIMIT : 0);
    }
    test_ctx_done(&t);
}

TEST(the_hash_counts_by_status_in_ascending_order) {
    TestCtx t;
    test_ctx_init(&t);
    size_t count[EUREKA_STATUSES] = { [EUREKA_DOWN] = 2, [EUREKA_UP] = 5, [EUREKA_STARTING] = 1 };
    CHECK_STR(eureka_hash(&t.arena, count), S("DOWN_2_STARTING_1_UP_5_"));
    size_t none[EUREKA_STATUSES] = { 0 };
    CHECK_EQ(eureka_hash(&t.arena, none).n, 0);
    test_ctx_done(&t);
}

TESTS(T(json_and_xml_of_one_instance_read_alike), T(what_is_written_is_read_again),
      T(written_json_has_the_kinds_that_java_reads), T(defaults_of_what_was_not_told), T(lists_may_be_single_objects),
      T(nonsense_is_refused), T(metadata_and_size_are_bounded), T(the_hash_counts_by_status_in_ascending_order))
