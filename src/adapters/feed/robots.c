/* adapters/feed/robots.c - see robots.h. */

#include "adapters/feed/robots.h"

#include "base/num.h"
#include "base/vec.h"

enum { PATH_MAX_MATCHED = 2048, STARS_MAX = 16, DELAY_MAX_S = 60 };

typedef struct Rule {
    Str pattern; /* percent-encoding normalised */
    bool allow;
} Rule;

struct Robots {
    Arena arena;
    Rule rules[ROBOTS_RULES_MAX];
    size_t n;
    int64_t delay_ms;
};

/* --- percent-encoding --- */

static bool is_unreserved(int c) {
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

/* One spelling of each character: %7E is ~, %c3 is %C3, a byte past ASCII is %XX. */
static Str normal_path(Arena *a, Str s) {
    static const char digits[] = "0123456789ABCDEF";
    char *out = arena_alloc(a, s.n * 3 + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        int c = (unsigned char)s.p[i];
        bool escaped = c == '%' && i + 2 < s.n && hex_value(s.p[i + 1]) >= 0 && hex_value(s.p[i + 2]) >= 0;
        if (escaped) {
            c = hex_value(s.p[i + 1]) * 16 + hex_value(s.p[i + 2]);
            i += 2;
        }
        if ((escaped && !is_unreserved(c)) || c >= 0x80 || c <= ' ') {
            out[n++] = '%';
            out[n++] = digits[c >> 4];
            out[n++] = digits[c & 15];
        } else {
            out[n++] = (char)c;
        }
    }
    return str_n(out, n);
}

/* --- reading --- */

typedef struct Parser {
    Robots *out;
    Str agent;
    bool in_agents; /* the last line named an agent: further names belong to the same group */
    bool ours, any; /* the group names us, or everybody */
    bool ours_seen; /* rules for everybody no longer count */
} Parser;

static void read_agent(Parser *p, Str value) {
    if (!p->in_agents)
        p->ours = p->any = false;
    p->in_agents = true;
    size_t n = 0;
    while (n < value.n && (is_unreserved(value.p[n]) && value.p[n] != '.'))
        n++;
    if (str_eq(value, S("*")))
        p->any = true;
    else if (n == p->agent.n && str_eq_nocase(str_first(value, n), p->agent))
        p->ours = true;
    if (p->ours && !p->ours_seen) {
        p->ours_seen = true;
        p->out->n = 0;
        p->out->delay_ms = 0;
    }
}

static void read_rule(Parser *p, bool allow, Str value) {
    Robots *r = p->out;
    size_t stars = 0;
    for (size_t i = 0; i < value.n; i++)
        stars += value.p[i] == '*';
    if (value.n == 0 || value.n > ROBOTS_RULE_MAX || stars > STARS_MAX || r->n == ROBOTS_RULES_MAX)
        return;
    r->rules[r->n++] = (Rule){ normal_path(&r->arena, value), allow };
}

static void read_line(Parser *p, Str line) {
    ptrdiff_t hash = str_find_char(line, '#'), colon;
    line = hash < 0 ? line : str_first(line, (size_t)hash);
    colon = str_find_char(line, ':');
    if (colon < 0)
        return;
    Str key = str_trim(str_first(line, (size_t)colon)), value = str_trim(str_from(line, (size_t)colon + 1));
    double seconds;
    if (str_eq_nocase(key, S("user-agent"))) {
        read_agent(p, value);
        return;
    }
    bool allow = str_eq_nocase(key, S("allow")), disallow = str_eq_nocase(key, S("disallow"));
    bool delay = str_eq_nocase(key, S("crawl-delay"));
    if (!allow && !disallow && !delay)
        return; /* Sitemap and the like belong to no group and end none */
    p->in_agents = false;
    if (!(p->ours || (p->any && !p->ours_seen)))
        return;
    if (delay && num_parse_f64(value, &seconds) && seconds > 0)
        p->out->delay_ms = (int64_t)(MIN(seconds, (double)DELAY_MAX_S) * 1000);
    else if (!delay)
        read_rule(p, allow, value);
}

Robots *robots_parse(Str text, Str agent) {
    Robots *r = mem_new(Robots);
    Parser p = { .out = r, .agent = agent };
    text = str_first(text, ROBOTS_BYTES_MAX);
    if (str_starts(text, S("\xef\xbb\xbf")))
        text = str_from(text, 3);
    for (size_t i = 0; i < text.n;) { /* lines end with CR, LF or both */
        size_t from = i;
        while (i < text.n && text.p[i] != '\r' && text.p[i] != '\n')
            i++;
        read_line(&p, str_n(text.p + from, i - from));
        i++;
    }
    return r;
}

Robots *robots_free(Robots *r) {
    if (r)
        arena_done(&r->arena);
    return mem_free(r);
}

int64_t robots_delay_ms(const Robots *r) {
    return r ? r->delay_ms : 0;
}

/* --- asking --- */

/* '*' is any run of bytes, '$' at the end of the pattern the end of the path. Goes back to the last star alone, which
 * is enough for patterns of this kind. */
static bool matches(Str pattern, Str path) {
    bool to_end = str_ends(pattern, S("$"));
    size_t n = pattern.n - to_end, i = 0, k = 0, star = SIZE_MAX, resume = 0;
    while (i < path.n) {
        if (k < n && pattern.p[k] == '*') {
            star = k++;
            resume = i;
        } else if (k < n && pattern.p[k] == path.p[i]) {
            k++;
            i++;
        } else if (k == n && !to_end) {
            return true;
        } else if (star != SIZE_MAX) {
            k = star + 1;
            i = ++resume;
        } else {
            return false;
        }
    }
    while (k < n && pattern.p[k] == '*')
        k++;
    return k == n;
}

bool robots_allow(const Robots *r, Str path) {
    Arena scratch = { 0 };
    size_t longest = 0;
    bool allow = true;
    if (!r || r->n == 0 || str_eq(path, S("/robots.txt")))
        return true;
    path = str_first(normal_path(&scratch, str_first(path, PATH_MAX_MATCHED)), PATH_MAX_MATCHED);
    for (size_t i = 0; i < r->n; i++) {
        const Rule *rule = &r->rules[i];
        if (rule->pattern.n < longest || !matches(rule->pattern, path))
            continue;
        allow = rule->pattern.n == longest && longest > 0 ? allow || rule->allow : rule->allow;
        longest = rule->pattern.n;
    }
    arena_done(&scratch);
    return allow;
}
