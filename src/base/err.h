#pragma once

/* base/err.h - the one table of failures.
 *
 * Functions return int: 0 is success; a value > 0 is an outcome named in that function's own header,
 * which the caller must handle; a value < 0 is an ErrCode, which travels upward unchanged. Words for
 * people are set once, where the failure happens, in the request's Ctx (base/ctx.h). Pure functions
 * without a Ctx return the bare code and the first caller that has one adds the words.
 *
 * Columns: code, number, wire name, HTTP status, retryable, process exit code, default words.
 * Exit codes are stable: scripts depend on them. The classes of the design documents (ValidationError
 * 422, RepositoryError 503, CollectionError 502, BacktestingServiceError 500, StorageError 507) are
 * the rows INVALID, REPOSITORY, COLLECTION, BACKTEST and STORAGE. */

/* clang-format off */
#define ERR_TABLE(X)                                                                               \
    /*  code            nr  wire name            http retry exit words */                          \
    X(ERR_BAD_REQUEST,  -1, "bad_request",        400, 0, 3, "the request is not well formed")     \
    X(ERR_UNAUTHORIZED, -2, "unauthorized",       401, 0, 6, "a key is needed")                    \
    X(ERR_DENIED,       -3, "forbidden",          403, 0, 6, "the key may not do this")            \
    X(ERR_NOT_FOUND,    -4, "not_found",          404, 0, 4, "no such thing")                      \
    X(ERR_METHOD,       -5, "method_not_allowed", 405, 0, 3, "the path has no such method")        \
    X(ERR_UNACCEPTABLE, -6, "not_acceptable",     406, 0, 3, "no such representation")             \
    X(ERR_CONFLICT,     -7, "conflict",           409, 0, 5, "the present state does not allow it") \
    X(ERR_TOO_LARGE,    -8, "too_large",          413, 0, 3, "the body is too large")              \
    X(ERR_MEDIA_TYPE,   -9, "unsupported_media_type", 415, 0, 3, "the body's type is not read here") \
    X(ERR_INVALID,     -10, "validation_error",   422, 0, 3, "a value is not valid")               \
    X(ERR_LIMIT,       -11, "limit_exceeded",     429, 1, 7, "a limit was reached")                \
    X(ERR_HEADERS,     -12, "headers_too_large",  431, 0, 3, "the header block is too large")      \
    X(ERR_CANCELLED,   -13, "cancelled",          499, 0, 130, "cancelled")                        \
    X(ERR_INTERNAL,    -14, "internal",           500, 0, 1, "an internal error")                  \
    X(ERR_CORRUPT,     -15, "corrupt",            500, 0, 9, "stored data is damaged")             \
    X(ERR_BACKTEST,    -16, "backtest_error",     500, 0, 1, "the backtest failed")                \
    X(ERR_UNSUPPORTED, -17, "not_implemented",    501, 0, 3, "not supported")                      \
    X(ERR_COLLECTION,  -18, "collection_error",   502, 1, 8, "the venue did not answer well")      \
    X(ERR_REPOSITORY,  -19, "repository_error",   503, 1, 9, "the store failed")                   \
    X(ERR_UNAVAILABLE, -20, "unavailable",        503, 1, 8, "not available now")                  \
    X(ERR_BUSY,        -21, "busy",               503, 1, 8, "too busy now")                       \
    X(ERR_VERSION,     -22, "version",            503, 0, 9, "written by another version")         \
    X(ERR_TIMEOUT,     -23, "timeout",            504, 1, 8, "no answer in time")                  \
    X(ERR_STORAGE,     -24, "storage_error",      507, 0, 9, "no room to store it")                \
    X(ERR_IO,          -25, "io_error",           500, 0, 9, "reading or writing failed")          \
    X(ERR_USAGE,       -26, "usage",              400, 0, 2, "wrong usage")                         \
    X(ERR_GATEWAY,     -27, "bad_gateway",        502, 1, 8, "the service answered badly")
/* clang-format on */

#include "base/defs.h"

typedef enum ErrCode {
#define ERR_ENUM(code, nr, name, http, retry, exit, words) code = nr,
    ERR_TABLE(ERR_ENUM)
#undef ERR_ENUM
} ErrCode;

typedef struct ErrInfo {
    int code;
    const char *name; /* as in the JSON of an error: stable */
    int http_status;
    bool retryable; /* the same call may succeed later without a change */
    int exit_code;
    const char *words;
} ErrInfo;

/* Never NULL: an unknown code is described as ERR_INTERNAL. */
const ErrInfo *err_info(int code);
/* The code whose wire name it is, or ERR_INTERNAL. For clients that read an error's JSON. */
int err_from_name(const char *name, size_t n);
/* Negative errno value of the OS -> code (ENOSPC and EDQUOT -> STORAGE, EACCES and EROFS -> DENIED,
 * ENOENT -> NOT_FOUND, EADDRINUSE -> CONFLICT, ETIMEDOUT -> TIMEOUT, else IO). Takes errno > 0. */
int err_from_errno(int os_errno);
