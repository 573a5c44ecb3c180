/* grpc/wire.c - see wire.h. */

#include "grpc/wire.h"

#include "base/num.h"

const char *grpc_status_name(int status) {
    static const char *const names[GRPC_STATUSES] = {
        "OK",        "CANCELLED",       "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
        "NOT_FOUND", "ALREADY_EXISTS",  "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
        "ABORTED",   "OUT_OF_RANGE",    "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
        "DATA_LOSS", "UNAUTHENTICATED",
    };
    return names[status >= 0 && status < GRPC_STATUSES ? status : GRPC_UNKNOWN];
}

/* clang-format off */
static const struct {
    int err;
    GrpcStatus status;
} rows[] = { /* the first of a status is what grpc_status_err gives */
    { 0, GRPC_OK },
    { ERR_CANCELLED, GRPC_CANCELLED },
    { ERR_INVALID, GRPC_INVALID_ARGUMENT },
    { ERR_BAD_REQUEST, GRPC_INVALID_ARGUMENT },
    { ERR_UNACCEPTABLE, GRPC_INVALID_ARGUMENT },
    { ERR_USAGE, GRPC_INVALID_ARGUMENT },
    { ERR_TIMEOUT, GRPC_DEADLINE_EXCEEDED },
    { ERR_NOT_FOUND, GRPC_NOT_FOUND },
    { ERR_DENIED, GRPC_PERMISSION_DENIED },
    { ERR_LIMIT, GRPC_RESOURCE_EXHAUSTED },
    { ERR_TOO_LARGE, GRPC_RESOURCE_EXHAUSTED },
    { ERR_HEADERS, GRPC_RESOURCE_EXHAUSTED },
    { ERR_STORAGE, GRPC_RESOURCE_EXHAUSTED },
    { ERR_CONFLICT, GRPC_FAILED_PRECONDITION },
    { ERR_UNSUPPORTED, GRPC_UNIMPLEMENTED },
    { ERR_METHOD, GRPC_UNIMPLEMENTED },
    { ERR_MEDIA_TYPE, GRPC_UNIMPLEMENTED },
    { ERR_INTERNAL, GRPC_INTERNAL },
    { ERR_BACKTEST, GRPC_INTERNAL },
    { ERR_IO, GRPC_INTERNAL },
    { ERR_UNAVAILABLE, GRPC_UNAVAILABLE },
    { ERR_BUSY, GRPC_UNAVAILABLE },
    { ERR_REPOSITORY, GRPC_UNAVAILABLE },
    { ERR_COLLECTION, GRPC_UNAVAILABLE },
    { ERR_GATEWAY, GRPC_UNAVAILABLE },
    { ERR_VERSION, GRPC_UNAVAILABLE },
    { ERR_CORRUPT, GRPC_DATA_LOSS },
    { ERR_UNAUTHORIZED, GRPC_UNAUTHENTICATED },
};
/* clang-format on */

GrpcStatus grpc_status_of(int err) {
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].err == err)
            return rows[i].status;
    return GRPC_UNKNOWN;
}

int grpc_status_err(int status) {
    switch (status) {
    case GRPC_ALREADY_EXISTS:
    case GRPC_ABORTED:
        return ERR_CONFLICT;
    case GRPC_OUT_OF_RANGE:
        return ERR_INVALID;
    default:
        break;
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if ((int)rows[i].status == status)
            return rows[i].err;
    return ERR_INTERNAL;
}

GrpcStatus grpc_status_of_http(int http) {
    switch (http) {
    case 400:
        return GRPC_INTERNAL;
    case 401:
        return GRPC_UNAUTHENTICATED;
    case 403:
        return GRPC_PERMISSION_DENIED;
    case 404:
        return GRPC_UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
        return GRPC_UNAVAILABLE;
    default:
        return GRPC_UNKNOWN;
    }
}

/* --- grpc-timeout --- */

static const struct {
    char unit;
    int64_t ns;
} units[] = {
    { 'n', 1 },
    { 'u', NS_PER_MS / 1000 },
    { 'm', NS_PER_MS },
    { 'S', NS_PER_MS * 1000 },
    { 'M', NS_PER_MS * 1000 * 60 },
    { 'H', NS_PER_MS * 1000 * 3600 },
};
enum { TIMEOUT_DIGITS = 8, TIMEOUT_LARGEST = 99999999, MILLISECONDS = 2 };

bool grpc_timeout_parse(Str s, int64_t *ns) {
    uint64_t n;
    if (s.n < 2 || s.n > TIMEOUT_DIGITS + 1 || !str_to_u64(str_first(s, s.n - 1), &n))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (units[i].unit == s.p[s.n - 1]) {
            if (__builtin_mul_overflow((int64_t)n, units[i].ns, ns))
                *ns = INT64_MAX;
            return true;
        }
    return false;
}

Str grpc_timeout_write(int64_t ms, char out[static GRPC_TIMEOUT_TEXT]) {
    char digits[NUM_TEXT_MAX];
    int64_t v = MAX(ms, (int64_t)0);
    size_t unit = MILLISECONDS;
    while (v > TIMEOUT_LARGEST && unit + 1 < ARRAY_LEN(units)) {
        int64_t step = units[unit + 1].ns / units[unit].ns;
        v = v / step + (v % step != 0);
        unit++;
    }
    size_t n = num_format_i64(MIN(v, (int64_t)TIMEOUT_LARGEST), digits);
    memcpy(out, digits, n);
    out[n] = units[unit].unit;
    return str_n(out, n + 1);
}

/* --- grpc-message --- */

static bool plain(unsigned char c) {
    return c >= 0x20 && c <= 0x7e && c != '%';
}

Str grpc_message_encode(Arena *a, Str s) {
    static const char hex[] = "0123456789ABCDEF";
    size_t odd = 0;
    for (size_t i = 0; i < s.n; i++)
        odd += !plain((unsigned char)s.p[i]);
    if (odd == 0)
        return s;
    char *start = arena_alloc(a, s.n + 2 * odd), *to = start;
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (plain(c)) {
            *to++ = (char)c;
            continue;
        }
        *to++ = '%';
        *to++ = hex[c >> 4];
        *to++ = hex[c & 15];
    }
    return str_n(start, (size_t)(to - start));
}

Str grpc_message_decode(Arena *a, Str s) {
    if (str_find_char(s, '%') < 0)
        return s;
    char *to = arena_alloc(a, s.n);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        bool escape = s.p[i] == '%' && i + 2 < s.n && hex_value(s.p[i + 1]) >= 0 && hex_value(s.p[i + 2]) >= 0;
        to[n++] = escape ? (char)(hex_value(s.p[i + 1]) << 4 | hex_value(s.p[i + 2])) : s.p[i];
        i += escape ? 2 : 0;
    }
    return str_n(to, n);
}

/* --- metadata of bytes --- */

Str grpc_bin_encode(Arena *a, Str bytes) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *to = arena_alloc(a, bytes.n * 4 / 3 + 4);
    size_t n = 0;
    uint32_t bits = 0, have = 0;
    for (size_t i = 0; i < bytes.n; i++) {
        bits = bits << 8 | (uint8_t)bytes.p[i];
        for (have += 8; have >= 6; have -= 6)
            to[n++] = letters[bits >> (have - 6) & 63];
    }
    if (have)
        to[n++] = letters[bits << (6 - have) & 63];
    return str_n(to, n);
}

static int letter_value(char c) {
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

bool grpc_bin_decode(Arena *a, Str text, Str *out) {
    while (text.n && text.p[text.n - 1] == '=')
        text.n--;
    if (text.n % 4 == 1)
        return false;
    char *to = arena_alloc(a, text.n);
    size_t n = 0;
    uint32_t bits = 0, have = 0;
    for (size_t i = 0; i < text.n; i++) {
        int v = letter_value(text.p[i]);
        if (v < 0)
            return false;
        bits = bits << 6 | (uint32_t)v;
        have += 6;
        if (have >= 8) {
            have -= 8;
            to[n++] = (char)(bits >> have);
        }
    }
    *out = str_n(to, n);
    return true;
}

bool grpc_content_type(Str value) {
    const Str plain_type = S("application/grpc");
    if (value.n < plain_type.n || !str_eq_nocase(str_first(value, plain_type.n), plain_type))
        return false;
    Str rest = str_from(value, plain_type.n);
    if (str_starts(rest, S("+proto")))
        rest = str_from(rest, 6);
    return rest.n == 0 || rest.p[0] == ';' || rest.p[0] == ' ';
}
