/* policy/audit_chain: what is edited, taken out, moved or cut off is found (SEC-12). */

#include "lib/test.h"
#include "policy/audit_chain.h"

enum { N = 20 };

typedef struct Chain {
    AuditEvent v[N];
} Chain;

static void make(Chain *c, Str key) {
    static char subjects[N][16];
    uint8_t before[SHA256_BYTES] = { 0 };
    for (int i = 0; i < N; i++) {
        int n = snprintf(subjects[i], sizeof subjects[i], "thing %d", i);
        c->v[i] = (AuditEvent){ .seq = i + 1,
                                .at = time_ms(1000 + i),
                                .who = S("admin"),
                                .action = S("key.create"),
                                .subject = str_n(subjects[i], (size_t)n),
                                .outcome = S("ok"),
                                .count = 1 };
        audit_link(key, before, &c->v[i], c->v[i].link);
        memcpy(before, c->v[i].link, sizeof before);
    }
}

static AuditFault walk(const Chain *c, Str key, const AuditAnchor *anchor, size_t n, int64_t *seq) {
    AuditWalk w;
    audit_walk_start(&w, key, NULL, anchor);
    for (size_t i = 0; i < n; i++)
        audit_walk_next(&w, &c->v[i]);
    AuditFault f = audit_walk_end(&w);
    *seq = w.fault_seq;
    return f;
}

static AuditAnchor anchor_of(const AuditEvent *e) {
    AuditAnchor a = { .seq = e->seq };
    memcpy(a.link, e->link, sizeof a.link);
    return a;
}

TEST(a_whole_record_is_whole) {
    Chain c;
    int64_t seq;
    make(&c, S("k"));
    AuditAnchor a = anchor_of(&c.v[N - 1]);
    CHECK_EQ(walk(&c, S("k"), &a, N, &seq), AUDIT_WHOLE);
    a = anchor_of(&c.v[4]); /* an older anchor proves what it reaches */
    CHECK_EQ(walk(&c, S("k"), &a, N, &seq), AUDIT_WHOLE);
}

TEST(any_field_that_is_edited_is_found_where_it_stands) {
    for (int field = 0; field < 9; field++) {
        Chain c;
        int64_t seq;
        make(&c, S("k"));
        AuditEvent *e = &c.v[7];
        Str *const texts[] = { &e->who, &e->action, &e->subject, &e->outcome, &e->address, &e->request_id, &e->detail };
        if (field < 7)
            *texts[field] = S("other");
        else if (field == 7)
            e->at.ms++;
        else
            e->count++;
        CHECK_EQ(walk(&c, S("k"), NULL, N, &seq), AUDIT_EDITED);
        CHECK_EQ(seq, 8);
    }
}

TEST(a_field_cannot_lend_bytes_to_its_neighbour) {
    AuditEvent a = { .seq = 1, .who = S("ab"), .action = S("c") }, b = { .seq = 1, .who = S("a"), .action = S("bc") };
    uint8_t none[SHA256_BYTES] = { 0 }, x[SHA256_BYTES], y[SHA256_BYTES];
    audit_link(S("k"), none, &a, x);
    audit_link(S("k"), none, &b, y);
    CHECK(memcmp(x, y, sizeof x) != 0);
}

TEST(taken_out_moved_cut_and_forged_are_told_apart) {
    Chain c, d;
    int64_t seq;
    make(&c, S("k"));
    AuditAnchor head = anchor_of(&c.v[N - 1]);

    d = c;
    memmove(&d.v[5], &d.v[6], (N - 6) * sizeof d.v[0]);
    CHECK_EQ(walk(&d, S("k"), &head, N - 1, &seq), AUDIT_MISSING);
    CHECK_EQ(seq, 6);

    d = c;
    d.v[3] = c.v[4];
    d.v[4] = c.v[3];
    CHECK_EQ(walk(&d, S("k"), &head, N, &seq), AUDIT_MISSING);

    d = c; /* moved, and numbered anew */
    d.v[3] = c.v[4];
    d.v[4] = c.v[3];
    d.v[3].seq = 4;
    d.v[4].seq = 5;
    CHECK_EQ(walk(&d, S("k"), &head, N, &seq), AUDIT_EDITED);
    CHECK_EQ(seq, 4);

    CHECK_EQ(walk(&c, S("k"), &head, N - 3, &seq), AUDIT_CUT);
    CHECK_EQ(seq, N - 2);
    CHECK_EQ(walk(&c, S("k"), &head, 0, &seq), AUDIT_CUT);

    make(&d, S("k")); /* another history by who has the key: only the anchor tells */
    d.v[N - 1].who = S("nobody");
    audit_link(S("k"), d.v[N - 2].link, &d.v[N - 1], d.v[N - 1].link);
    CHECK_EQ(walk(&d, S("k"), NULL, N, &seq), AUDIT_WHOLE);
    CHECK_EQ(walk(&d, S("k"), &head, N, &seq), AUDIT_FORGED);
}

TEST(without_the_key_a_chain_cannot_be_written_anew) {
    Chain c;
    int64_t seq;
    make(&c, S("another key"));
    CHECK_EQ(walk(&c, S("k"), NULL, N, &seq), AUDIT_EDITED);
    CHECK_EQ(seq, 1);
}

TEST(anchors_go_through_text) {
    AuditAnchor a = { .seq = 1234567 }, b;
    char text[AUDIT_ANCHOR_TEXT + 1];
    for (int i = 0; i < SHA256_BYTES; i++)
        a.link[i] = (uint8_t)(i * 7);
    Str s = audit_anchor_text(&a, text);
    CHECK(audit_anchor_parse(s, &b));
    CHECK_EQ(b.seq, a.seq);
    CHECK(memcmp(a.link, b.link, sizeof a.link) == 0);
    CHECK(!audit_anchor_parse(str_first(s, s.n - 1), &b));
    CHECK(!audit_anchor_parse(S(""), &b));
    CHECK(!audit_anchor_parse(S(":00"), &b));
    text[s.n - 1] = 'g';
    CHECK(!audit_anchor_parse(s, &b));
}

TEST(an_alarm_stands_until_it_is_acknowledged) {
    AuditEvent v[] = { { .seq = 1, .action = S("x") },
                       { .seq = 2, .action = S(AUDIT_ALARM) },
                       { .seq = 3, .action = S("y") },
                       { .seq = 4, .action = S(AUDIT_ACKNOWLEDGED) } };
    uint8_t before[SHA256_BYTES] = { 0 };
    AuditWalk w;
    audit_walk_start(&w, S("k"), NULL, NULL);
    for (size_t i = 0; i < ARRAY_LEN(v); i++) {
        audit_link(S("k"), before, &v[i], v[i].link);
        memcpy(before, v[i].link, sizeof before);
        CHECK(audit_walk_next(&w, &v[i]));
        CHECK_EQ(w.alarm, i == 1 || i == 2 ? 2 : 0);
    }
}

TESTS(T(a_whole_record_is_whole), T(any_field_that_is_edited_is_found_where_it_stands),
      T(a_field_cannot_lend_bytes_to_its_neighbour), T(taken_out_moved_cut_and_forged_are_told_apart),
      T(without_the_key_a_chain_cannot_be_written_anew), T(anchors_go_through_text),
      T(an_alarm_stands_until_it_is_acknowledged))
