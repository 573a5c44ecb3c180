/* ports/sql_engine.c - the wrapper: see sql_engine.h. */

#include "ports/sql_engine.h"

enum { SQL_TEXT_MAX = 1 << 20, SQL_ALLOW_MAX = 1024 };

int sql_engine_query(SqlEngine *e, Ctx *cx, const SqlAsk *ask, const SqlSink *sink) {
    assert(sink->columns && sink->row);
    int r = ctx_check(cx);
    if (r == 0 && str_trim(ask->sql).n == 0)
        r = err_set_at(cx, ERR_INVALID, S("query"), "the query is empty");
    if (r == 0 && (ask->sql.n > SQL_TEXT_MAX || ask->n_allow > SQL_ALLOW_MAX))
        r = err_set_at(cx, ERR_INVALID, S("query"), "a query has at most %d bytes and reads at most %d files",
                       SQL_TEXT_MAX, SQL_ALLOW_MAX);
    return r ? r : e->ops->query(e, cx, ask, sink);
}

SqlEngine *sql_engine_close(SqlEngine *e) {
    if (e)
        e->ops->close(e);
    return NULL;
}
