#pragma once

/* base/log.h - one event, one line.
 *
 * A line is JSON {timestamp, service, level, message, duration_ms, request_id, correlation_id, user_id, metadata}
 * (OBS-17; keys without a value are left out) or text for a terminal. The ids and the user come from the Ctx, so
 * one correlation id finds the whole story. Services and drivers log; base, core, ports and adapters return errors.
 *
 *     LOG_INFO(log, cx, S("candles saved"), F_STR("symbol", symbol), F_I64("rows", n), F_MS(ms));
 *     log_printf(log, cx, LEVEL_WARNING, "no answer from %s", venue);
 *
 * What the levels mean (OBS-30): ERROR an operation failed; WARNING a threshold was crossed or a fallback taken;
 * INFO a request, its answer, a change of state; DEBUG for developers, off in production; CRITICAL the process
 * cannot go on.
 *
 * Nothing from outside can forge a line: control characters, line separators and bidi overrides are escaped in
 * both formats, and a line has a ceiling. Fields whose name says secret, password, token, api_key, cookie... are masked. One
 * line goes out in one call of the sink, and those of a LogBatch together in one. A flood of one message is cut (LogCfg.guard_per_s) and counted in the
 * `suppressed` of the next line that passes.
 * Threads: any; the level may be changed while others log. */

#include "base/buf.h"
#include "base/ctx.h"

typedef enum LogLevel { LEVEL_DEBUG, LEVEL_INFO, LEVEL_WARNING, LEVEL_ERROR, LEVEL_CRITICAL, LEVEL_OFF } LogLevel;
typedef enum LogFormat { LOG_JSON, LOG_TEXT } LogFormat;

/* The one scale and its aliases (U17): TRACE is DEBUG; NOTICE is INFO; WARN is WARNING; ERR, SEVERE are ERROR;
 * FATAL, PANIC, CRIT, ALERT, EMERG are CRITICAL; NONE is OFF. Any case. */
bool log_level_parse(Str s, LogLevel *out);
const char *log_level_name(LogLevel level);   /* "WARNING" */
bool log_format_parse(Str s, LogFormat *out); /* "json", "text" */

typedef struct LogSink LogSink;
struct LogSink {
    void (*write)(LogSink *s, const char *lines, size_t n); /* whole ones, each with its newline; any thread */
    void (*close)(LogSink *s);
};

typedef struct LogCfg {
    LogLevel level;
    LogFormat format;
    bool colours;        /* text only; the caller knows whether it is a terminal */
    Str service;         /* "market", "finsight" */
    int64_t guard_per_s; /* lines of one message a second; 0 = no guard */
} LogCfg;

typedef struct Logger Logger;

/* The logger factory (PRI-14). Owns the sink, closes it with itself. */
Logger *log_new(const LogCfg *cfg, Clock *clock, LogSink *sink);
Logger *log_free(Logger *l);
void log_set_level(Logger *l, LogLevel level);
/* NULL is fine everywhere: a NULL Logger is off. */
bool log_on(const Logger *l, LogLevel level);

typedef struct LogField {
    const char *key;
    enum { FIELD_STR, FIELD_I64, FIELD_F64, FIELD_BOOL, FIELD_MS } kind;
    Str s;
    int64_t i;
    double f;
} LogField;

#define F_STR(k, v)  ((LogField){ .key = (k), .kind = FIELD_STR, .s = (v) })
#define F_I64(k, v)  ((LogField){ .key = (k), .kind = FIELD_I64, .i = (v) })
#define F_F64(k, v)  ((LogField){ .key = (k), .kind = FIELD_F64, .f = (v) })
#define F_BOOL(k, v) ((LogField){ .key = (k), .kind = FIELD_BOOL, .i = (v) })
#define F_MS(v)      ((LogField){ .key = "duration_ms", .kind = FIELD_MS, .f = (double)(v) })

/* cx may be NULL: an event of the process. The message is the same words each time; what varies is a field. */
#define LOG_AT(l, cx, level, message, ...)                                                                             \
    do {                                                                                                               \
        if (log_on((l), (level))) {                                                                                    \
            const LogField fields_[] = { { .key = NULL }, ##__VA_ARGS__ };                                             \
            log_write((l), (cx), (level), (message), fields_ + 1, ARRAY_LEN(fields_) - 1);                             \
        }                                                                                                              \
    } while (0)
#define LOG_DEBUG(l, cx, message, ...)    LOG_AT(l, cx, LEVEL_DEBUG, message, ##__VA_ARGS__)
#define LOG_INFO(l, cx, message, ...)     LOG_AT(l, cx, LEVEL_INFO, message, ##__VA_ARGS__)
#define LOG_WARNING(l, cx, message, ...)  LOG_AT(l, cx, LEVEL_WARNING, message, ##__VA_ARGS__)
#define LOG_ERROR(l, cx, message, ...)    LOG_AT(l, cx, LEVEL_ERROR, message, ##__VA_ARGS__)
#define LOG_CRITICAL(l, cx, message, ...) LOG_AT(l, cx, LEVEL_CRITICAL, message, ##__VA_ARGS__)

void log_write(Logger *l, const Ctx *cx, LogLevel level, Str message, const LogField *fields, size_t n);
/* For the sentences the design documents prescribe. The guard counts by format, not by outcome. */
void log_printf(Logger *l, const Ctx *cx, LogLevel level, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* A line that is a record (access, audit): the guard never cuts it. */
void log_record(Logger *l, const Ctx *cx, LogLevel level, Str message, const LogField *fields, size_t n);
/* Records that come by the thousand (the access log): they are put together by one thread and handed to the sink by
 * log_batch_end, whose task it is to call it before anybody waits for them. */
typedef struct LogBatch {
    Buf lines;
} LogBatch;
enum { LOG_BATCH_FULL = 48 << 10 }; /* bytes: a batch that has them is handed over at once */
void log_batch_record(LogBatch *b, Logger *l, const Ctx *cx, LogLevel level, Str message, const LogField *fields,
                      size_t n);
void log_batch_end(LogBatch *b, Logger *l); /* keeps the memory */
void log_batch_done(LogBatch *b, Logger *l);
/* The failure in cx->err with its code, field and words; CANCELLED and outcomes of the caller's making (4xx) are
 * INFO, the rest ERROR. */
void log_failure(Logger *l, const Ctx *cx, Str what);

/* "***"; of 20 bytes and more the last four stay, enough to tell two keys apart. */
Str log_secret(Arena *a, Str secret);

/* Sinks. fd: not closed (stderr). file: appends to path; past max_bytes it becomes path.1, path.1 becomes path.2,
 * and path.keep goes; max_bytes 0 never rotates. memory: for tests, the newest max_bytes. */
LogSink *log_sink_fd(int fd);
int log_sink_file(Ctx *cx, const char *path, int64_t max_bytes, int keep, LogSink **out);
LogSink *log_sink_memory(size_t max_bytes);
Str log_sink_memory_text(LogSink *s, Arena *a);
