/* adapters/lake/duck_child.c - the process in which DuckDB runs; see duck.h for what it may do. */

#include "adapters/lake/duck.h"
#include "adapters/lake/duck_lib.h"
#include "adapters/lake/duck_wire.h"
#include "base/json.h"
#include "base/vec.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

typedef struct Child {
    Arena arena;
    DuckLib d;
    Str sql, library, lake;
    int64_t memory, threads;
    VEC(Str) allow;
    Buf frame;
} Child;

/* --- the pipes --- */

static bool write_all(const void *p, size_t n) {
    for (const char *from = p; n > 0;) {
        ssize_t put = write(STDOUT_FILENO, from, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        from += put;
        n -= (size_t)put;
    }
    return true;
}

static bool send_frame(char kind, Str payload) {
    DuckFrame f = { (uint32_t)(unsigned char)kind, (uint32_t)payload.n };
    return write_all(&f, sizeof f) && write_all(payload.p, payload.n);
}

static int fail(Child *c, int code, const char *words) {
    send_frame('E', str_first(str_fmt(&c->arena, "%d %s", code, words), 4096));
    return 1;
}

static bool read_request(Child *c) {
    Buf in;
    Str key, path;
    JsonReader j;
    int more;
    buf_init(&in, DUCK_REQUEST_MAX);
    for (;;) {
        char *p = buf_reserve(&in, 65536);
        ssize_t n = p ? read(STDIN_FILENO, p, 65536) : -1;
        if (n < 0 && p && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        in.n += (size_t)n;
    }
    json_reader_init(&j, str_dup(&c->arena, buf_str(&in)), &c->arena, 8);
    buf_done(&in);
    json_open_object(&j);
    while ((more = json_object_next(&j, &key)) > 0) {
        if (str_eq(key, S("sql")))
            json_read_str(&j, &c->sql);
        else if (str_eq(key, S("library")))
            json_read_str(&j, &c->library);
        else if (str_eq(key, S("lake")))
            json_read_str(&j, &c->lake);
        else if (str_eq(key, S("memory")))
            json_read_i64(&j, &c->memory);
        else if (str_eq(key, S("threads")))
            json_read_i64(&j, &c->threads);
        else if (str_eq(key, S("allow"))) {
            json_open_array(&j);
            while (json_array_next(&j) > 0 && json_read_str(&j, &path) == 0)
                vec_push_in(&c->arena, &c->allow, path);
        }
    }
    return more == 0 && json_finish(&j) == 0;
}

/* --- the cage --- */

static void limit(int resource, int64_t most) {
    struct rlimit r = { (rlim_t)most, (rlim_t)most };
    setrlimit((__rlimit_resource_t)resource, &r);
}

static void confine(const Child *c) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    setpriority(PRIO_PROCESS, 0, 19);
    signal(SIGXFSZ, SIG_IGN);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, 0); /* no file can grow, whatever the query says; pipes are no files */
    limit(RLIMIT_DATA, c->memory * 2 + (INT64_C(512) << 20)); /* DuckDB's own limit comes first, with words */
}

static Str quoted(Child *c, Str s) { /* 'it''s' */
    Buf b;
    buf_init(&b, DUCK_REQUEST_MAX);
    buf_put_c(&b, '\'');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\'')
            buf_put_c(&b, '\'');
        buf_put_c(&b, s.p[i]);
    }
    buf_put_c(&b, '\'');
    Str out = str_dup(&c->arena, buf_str(&b));
    buf_done(&b);
    return out;
}

static const char *run(Child *c, Str sql) {
    DuckResult r;
    if (c->d.query(c->d.connection, str_cz(&c->arena, sql), &r) == 0) {
        c->d.destroy_result(&r);
        return NULL;
    }
    const char *why = c->d.result_error(&r);
    return why ? why : "DuckDB refused its own set-up";
}

static const char *make_view(Child *c) {
    Str files = quoted(c, str_fmt(&c->arena, STR_FMT "/*/*/*/*.parquet", STR_ARG(c->lake)));
    const char *why = run(c, str_fmt(&c->arena,
                                     "CREATE VIEW candles AS SELECT exchange, symbol, timeframe, * EXCLUDE (exchange, "
                                     "symbol, timeframe) FROM read_parquet(" STR_FMT
                                     ", hive_partitioning=true, hive_types_autocast=false)",
                                     STR_ARG(files)));
    if (!why || !strstr(why, "No files found"))
        return why;
    return run(c,
               S("CREATE VIEW candles AS SELECT * FROM (SELECT ''::VARCHAR exchange, ''::VARCHAR symbol, ''::VARCHAR "
                 "timeframe, now() ts, 0.0::DOUBLE open, 0.0::DOUBLE high, 0.0::DOUBLE low, 0.0::DOUBLE AS close, "
                 "0.0::DOUBLE volume, now() known_at, 0::UTINYINT flags) WHERE false"));
}

/* Everything is set before the query is seen, and locked. */
static const char *set_up(Child *c) {
    Arena *a = &c->arena;
    Buf paths;
    buf_init(&paths, DUCK_REQUEST_MAX);
    for (size_t i = 0; i < c->allow.n; i++) {
        buf_put_str(&paths, i ? S(", ") : S(""));
        buf_put_str(&paths, quoted(c, c->allow.v[i]));
    }
    const Str steps[] = {
        S("SET autoinstall_known_extensions=false"),
        S("SET autoload_known_extensions=false"),
        S("SET allow_community_extensions=false"),
        S("SET TimeZone='UTC'"),
        S("SET temp_directory=''"),
        str_fmt(a, "SET memory_limit='%lldB'", (long long)c->memory),
        str_fmt(a, "SET threads=%lld", (long long)c->threads),
        str_fmt(a, "SET allowed_paths=[" STR_FMT "]", STR_ARG(buf_str(&paths))),
        c->lake.n ? str_fmt(a, "SET allowed_directories=[" STR_FMT "]",
                            STR_ARG(quoted(c, str_fmt(a, STR_FMT "/", STR_ARG(c->lake)))))
                  : (Str){ 0 },
        S("SET enable_external_access=false"),
        S("SET lock_configuration=true"),
    };
    const char *why = NULL;
    for (size_t i = 0; i < ARRAY_LEN(steps) && !why; i++) {
        if (i + 2 == ARRAY_LEN(steps) && c->lake.n)
            why = make_view(c);
        if (!why && steps[i].n)
            why = run(c, steps[i]);
        if (why && str_find(steps[i], S("TimeZone")) >= 0)
            why = NULL; /* without DuckDB's ICU there are no zones, and UTC is what there is */
    }
    buf_done(&paths);
    return why;
}

/* --- the query --- */

/* One statement that only reads; its columns as text. */
static int prepare(Child *c, void **out) {
    void *extracted, *first;
    const char *sql = str_cz(&c->arena, c->sql);
    uint64_t n = c->d.extract_statements(c->d.connection, sql, &extracted);
    if (n == 0)
        return fail(c, ERR_INVALID, c->d.extract_statements_error(extracted));
    if (n > 1)
        return fail(c, ERR_INVALID, "one statement at a time");
    if (c->d.prepare_extracted_statement(c->d.connection, extracted, 0, &first))
        return fail(c, ERR_INVALID, c->d.prepare_error(first));
    if (c->d.prepared_statement_type(first) != DUCK_SELECT)
        return fail(c, ERR_DENIED, "only SELECT is allowed here: data are read, never changed");
    *out = first;
    return 0;
}

/* The types are those of the query itself, asked without a row of it; then every value is made text. */
static int send_columns(Child *c, Str inner) {
    DuckResult r;
    Buf text;
    JsonWriter w;
    char *sql = str_cz(&c->arena, str_fmt(&c->arena, "SELECT * FROM (" STR_FMT "\n) LIMIT 0", STR_ARG(inner)));
    if (c->d.query(c->d.connection, sql, &r))
        return fail(c, ERR_INVALID, c->d.result_error(&r));
    uint64_t n = c->d.column_count(&r);
    if (n > DUCK_COLUMNS_MAX)
        return fail(c, ERR_LIMIT, "too many columns");
    buf_init(&text, DUCK_FRAME_MAX);
    json_writer_init(&w, &text, false);
    json_array(&w);
    for (uint64_t i = 0; i < n; i++) {
        json_object(&w);
        json_put_str(&w, "name", str_c(c->d.column_name(&r, i)));
        json_put_i64(&w, "type", c->d.column_type(&r, i));
        json_object_end(&w);
    }
    json_array_end(&w);
    bool sent = send_frame('C', buf_str(&text));
    buf_done(&text);
    c->d.destroy_result(&r);
    return sent ? 0 : 1;
}

static void put_cell(Buf *out, const DuckString *s, bool is_null) {
    uint32_t n = is_null ? UINT32_MAX : s->near.n;
    buf_put(out, &n, sizeof n);
    if (!is_null)
        buf_put(out, n <= sizeof s->near.bytes ? s->near.bytes : s->far.p, n);
}

static bool send_rows(Child *c, void *chunk, uint64_t columns, uint64_t from, uint32_t n) {
    buf_clear(&c->frame);
    buf_put(&c->frame, &n, sizeof n);
    for (uint64_t k = 0; k < columns; k++) {
        void *vector = c->d.data_chunk_get_vector(chunk, k);
        const DuckString *v = c->d.vector_get_data(vector);
        const uint64_t *valid = c->d.vector_get_validity(vector);
        for (uint64_t i = from; i < from + n; i++)
            put_cell(&c->frame, &v[i], valid && !(valid[i / 64] >> (i % 64) & 1));
    }
    return buf_ok(&c->frame) && send_frame('R', buf_str(&c->frame));
}

static int stream_rows(Child *c, Str inner) {
    void *statement, *chunk;
    DuckResult r;
    char *sql =
        str_cz(&c->arena, str_fmt(&c->arena, "SELECT COLUMNS(*)::VARCHAR FROM (" STR_FMT "\n)", STR_ARG(inner)));
    if (c->d.prepare(c->d.connection, sql, &statement))
        return fail(c, ERR_INVALID, c->d.prepare_error(statement));
    if (c->d.execute_prepared_streaming(statement, &r)) {
        const char *why = c->d.result_error(&r);
        return fail(c, why && strstr(why, "Out of Memory") ? ERR_LIMIT : ERR_INVALID, why ? why : "it failed");
    }
    uint64_t columns = c->d.column_count(&r);
    while ((chunk = c->d.fetch_chunk(r))) {
        uint64_t n = c->d.data_chunk_get_size(chunk);
        for (uint64_t at = 0; at < n; at += DUCK_ROWS)
            if (!send_rows(c, chunk, columns, at, (uint32_t)MIN(n - at, (uint64_t)DUCK_ROWS)))
                return buf_ok(&c->frame) ? 1 : fail(c, ERR_LIMIT, "a row is too large");
        c->d.destroy_data_chunk(&chunk);
    }
    const char *why = c->d.result_error(&r);
    if (why && why[0])
        return fail(c, strstr(why, "Out of Memory") ? ERR_LIMIT : ERR_INVALID, why);
    return send_frame('.', (Str){ 0 }) ? 0 : 1;
}

int duck_child_main(void) {
    Child c = { 0 };
    void *statement;
    buf_init(&c.frame, DUCK_FRAME_MAX);
    if (!read_request(&c))
        return fail(&c, ERR_INTERNAL, "the request to DuckDB's process is damaged");
    confine(&c);
    const char *why = duck_lib_open(&c.d, c.library, &c.arena);
    if (why)
        return fail(&c, ERR_UNAVAILABLE, why);
    why = set_up(&c);
    if (why)
        return fail(&c, ERR_INVALID, why);
    int r = prepare(&c, &statement);
    Str inner = str_trim(c.sql);
    while (inner.n && (inner.p[inner.n - 1] == ';' || inner.p[inner.n - 1] == ' ' || inner.p[inner.n - 1] == '\n'))
        inner.n--;
    if (r == 0)
        r = send_columns(&c, inner);
    return r ? r : stream_rows(&c, inner); /* what is left is the system's to free */
}
