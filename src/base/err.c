/* base/err.c - see err.h. */

#include "base/err.h"

#include <errno.h>
#include <string.h>

static const ErrInfo table[] = {
#define ERR_ROW(code, nr, name, http, retry, exit, words) { code, name, http, retry, exit, words },
    ERR_TABLE(ERR_ROW)
#undef ERR_ROW
};

static const ErrInfo *find(int code) {
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (table[i].code == code)
            return &table[i];
    return NULL;
}

const ErrInfo *err_info(int code) {
    const ErrInfo *info = find(code);
    return info ? info : find(ERR_INTERNAL);
}

int err_from_name(const char *name, size_t n) {
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (strlen(table[i].name) == n && memcmp(table[i].name, name, n) == 0)
            return table[i].code;
    return ERR_INTERNAL;
}

int err_from_errno(int os_errno) {
    switch (os_errno) {
    case ENOENT:
    case ENOTDIR:
        return ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_DENIED;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ERR_STORAGE;
    case EADDRINUSE:
    case EEXIST:
        return ERR_CONFLICT;
    case ETIMEDOUT:
        return ERR_TIMEOUT;
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EPIPE:
        return ERR_UNAVAILABLE;
    case EMFILE:
    case ENFILE:
        return ERR_BUSY;
    default:
        return ERR_IO;
    }
}
