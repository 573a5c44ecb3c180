/* feed/uri.c - joining and judging links.
 *
 * The joining is that of Python's urllib.parse (our yardstick's): RFC 3986 for the schemes that have a hierarchy, any
 * other URI is taken as it is. */

#include "feed/uri.h"

#include "feed/text.h"

typedef struct Uri {
    Str scheme, host, path, params, query, fragment;
    bool has_host;
} Uri;

static bool in_list(const char *const *list, size_t n, Str s) {
    for (size_t i = 0; i < n; i++)
        if (str_eq(str_c(list[i]), s))
            return true;
    return false;
}
#define IN(list, s) in_list(list, ARRAY_LEN(list), s)

static const char *const hierarchical[] = { "",     "ftp",   "http",    "gopher", "nntp",     "imap", "wais",
                                            "file", "https", "shttp",   "mms",    "prospero", "rtsp", "rtspu",
                                            "sftp", "svn",   "svn+ssh", "ws",     "wss" };
static const char *const with_host[] = { "",     "ftp",     "http",  "gopher", "nntp",    "telnet", "imap",
                                         "wais", "file",    "mms",   "https",  "shttp",   "snews",  "prospero",
                                         "rtsp", "rtspu",   "rsync", "svn",    "svn+ssh", "sftp",   "nfs",
                                         "git",  "git+ssh", "ws",    "wss" };
static const char *const with_params[] = { "",     "ftp",   "hdl", "prospero", "http", "imap", "https", "shttp",
                                           "rtsp", "rtspu", "sip", "sips",     "mms",  "sftp", "tel" };
static const char *const safe[] = {
    "file", "ftp",     "gopher",   "h323",  "hdl",   "http",   "https", "imap",     "magnet", "mailto", "mms",
    "news", "nntp",    "prospero", "rsync", "rtsp",  "rtspu",  "sftp",  "shttp",    "sip",    "sips",   "snews",
    "svn",  "svn+ssh", "telnet",   "wais",  "aim",   "callto", "cvs",   "facetime", "feed",   "git",    "gtalk",
    "irc",  "ircs",    "irc6",     "itms",  "msnim", "skype",  "ssh",   "smb",      "ymsg",
};

/* Takes what is behind the first `mark` off *s. */
static Str cut_at(Str *s, char mark) {
    ptrdiff_t at = str_find_char(*s, mark);
    if (at < 0)
        return str_n(NULL, 0);
    Str tail = str_from(*s, (size_t)at + 1);
    *s = str_first(*s, (size_t)at);
    return tail;
}

/* White space and controls off the front; tabs and line ends out of the middle. */
static Str tidy(Arena *a, Str s) {
    while (s.n && (unsigned char)s.p[0] <= ' ')
        s = str_from(s, 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == '\t' || s.p[i] == '\n' || s.p[i] == '\r';
    if (n == 0)
        return s;
    char *copy = arena_alloc(a, s.n);
    n = 0;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '\t' && s.p[i] != '\n' && s.p[i] != '\r')
            copy[n++] = s.p[i];
    return str_n(copy, n);
}

static bool scheme_of(Str s, Str *out) {
    ptrdiff_t colon = str_find_char(s, ':');
    if (colon <= 0 || !text_is_alpha(s.p[0]))
        return false;
    for (ptrdiff_t i = 0; i < colon; i++)
        if (!text_is_alpha(s.p[i]) && !text_is_digit(s.p[i]) && s.p[i] != '+' && s.p[i] != '-' && s.p[i] != '.')
            return false;
    *out = str_first(s, (size_t)colon);
    return true;
}

static bool host_is_good(Str host) {
    ptrdiff_t open = str_find_char(host, '['), close = str_find_char(host, ']');
    return (open < 0) == (close < 0) && open <= close;
}

static bool split(Arena *a, Str s, Str scheme, Uri *out) {
    *out = (Uri){ .scheme = scheme };
    s = tidy(a, s);
    if (scheme_of(s, &out->scheme)) {
        s = str_from(s, out->scheme.n + 1);
        out->scheme = text_lower(a, out->scheme);
    }
    if (str_starts(s, S("//"))) {
        size_t n = 2;
        while (n < s.n && s.p[n] != '/' && s.p[n] != '?' && s.p[n] != '#')
            n++;
        out->host = str_n(s.p + 2, n - 2);
        s = str_from(s, n);
        if (!host_is_good(out->host))
            return false;
    }
    out->fragment = cut_at(&s, '#');
    out->query = cut_at(&s, '?');
    out->path = s;
    if (IN(with_params, out->scheme)) {
        size_t last = s.n;
        while (last > 0 && s.p[last - 1] != '/')
            last--;
        Str name = str_from(s, last);
        out->params = cut_at(&name, ';');
        out->path = str_first(s, last + name.n);
    }
    return true;
}

static Str compose(Arena *a, const Uri *u) {
    bool host = u->host.n || (u->scheme.n && IN(with_host, u->scheme) && !str_starts(u->path, S("//")));
    const char *slash = host && u->path.n && u->path.p[0] != '/' ? "/" : "";
    return str_fmt(a, STR_FMT "%s%s" STR_FMT "%s" STR_FMT "%s" STR_FMT "%s" STR_FMT "%s" STR_FMT, STR_ARG(u->scheme),
                   u->scheme.n ? ":" : "", host ? "//" : "", STR_ARG(u->host), slash, STR_ARG(u->path),
                   u->params.n ? ";" : "", STR_ARG(u->params), u->query.n ? "?" : "", STR_ARG(u->query),
                   u->fragment.n ? "#" : "", STR_ARG(u->fragment));
}

/* --- paths: section 5.2.4 --- */

/* The segments between slashes; at least one. */
static size_t split_path(Str path, Str *out) {
    size_t n = 0;
    for (bool more = true; more;) {
        ptrdiff_t slash = str_find_char(path, '/');
        more = slash >= 0;
        out[n++] = more ? str_first(path, (size_t)slash) : path;
        path = str_from(path, more ? (size_t)slash + 1 : path.n);
    }
    return n;
}

static bool is_dots(Str s) {
    return str_eq(s, S(".")) || str_eq(s, S(".."));
}

static Str join_path(Arena *a, Str base, Str rel) {
    size_t most = 4;
    for (size_t i = 0; i < base.n; i++)
        most += base.p[i] == '/';
    for (size_t i = 0; i < rel.n; i++)
        most += rel.p[i] == '/';
    Str *all = arena_alloc(a, mem_mul(most, sizeof *all)), *kept = arena_alloc(a, mem_mul(most, sizeof *kept));
    bool rooted = rel.n && rel.p[0] == '/';
    size_t n = 0, n_kept = 0, size = 0;
    if (!rooted) {
        n = split_path(base, all);
        n -= all[n - 1].n > 0; /* the last one is no folder */
    }
    n += split_path(rel, all + n);
    for (size_t i = 0; i < n; i++) {
        if (str_eq(all[i], S("..")))
            n_kept -= n_kept > 0;
        else if (!is_dots(all[i]) && (all[i].n || rooted || i == 0 || i == n - 1))
            kept[n_kept++] = all[i];
    }
    if (is_dots(all[n - 1]))
        kept[n_kept++] = str_n(NULL, 0); /* it was a folder */

    char *out = arena_alloc(a, base.n + rel.n + 4);
    for (size_t i = 0; i < n_kept; i++) {
        if (i > 0)
            out[size++] = '/';
        if (kept[i].n)
            memcpy(out + size, kept[i].p, kept[i].n);
        size += kept[i].n;
    }
    return size ? str_n(out, size) : S("/");
}

/* "http:////host" has two slashes too many. */
static Str mend_slashes(Arena *a, Str uri) {
    Str scheme;
    if (!scheme_of(uri, &scheme) || !str_starts(str_from(uri, scheme.n), S(":///")))
        return uri;
    size_t from = scheme.n + 3, to = from;
    while (to < uri.n && uri.p[to] == '/')
        to++;
    return str_fmt(a, STR_FMT STR_FMT, STR_ARG(str_first(uri, from)), STR_ARG(str_from(uri, to)));
}

Str uri_join(Arena *a, Str base, Str uri) {
    uri = mend_slashes(a, uri);
    if (base.n == 0)
        return uri;
    if (uri.n == 0)
        return base;
    Uri b, u;
    if (!split(a, base, str_n(NULL, 0), &b) || !split(a, uri, b.scheme, &u))
        return str_n(NULL, 0);
    if (!str_eq(u.scheme, b.scheme) || !IN(hierarchical, u.scheme))
        return uri;
    if (IN(with_host, u.scheme)) {
        if (u.host.n)
            return compose(a, &u);
        u.host = b.host;
    }
    if (u.path.n == 0 && u.params.n == 0) {
        u.path = b.path;
        u.params = b.params;
        u.query = u.query.n ? u.query : b.query;
    } else {
        u.path = join_path(a, b.path, u.path);
    }
    return compose(a, &u);
}

bool uri_is_safe(Str uri) {
    Str scheme;
    uri = text_strip(uri);
    while (uri.n && (unsigned char)uri.p[0] <= ' ')
        uri = str_from(uri, 1);
    char lower[16];
    size_t n = 0;
    for (size_t i = 0; i < uri.n && uri.p[i] != ':'; i++) { /* "java\tscript:" is read by browsers */
        if (uri.p[i] == '/' || uri.p[i] == '?' || uri.p[i] == '#')
            return true;
        if ((unsigned char)uri.p[i] <= ' ')
            continue;
        if (n == sizeof lower)
            return !memchr(uri.p, ':', uri.n);
        lower[n++] = text_lower_c(uri.p[i]);
    }
    scheme = str_n(lower, n);
    return !memchr(uri.p ? uri.p : "", ':', uri.n) || IN(safe, scheme);
}

Str uri_join_safe(Arena *a, Str base, Str uri) {
    if (base.n == 0)
        return uri;
    if (uri.n == 0)
        return uri_is_safe(base) ? base : str_n(NULL, 0);
    Str joined = uri_join(a, base, uri), trimmed = text_strip(joined);
    ptrdiff_t colon = str_find_char(trimmed, ':');
    Str scheme = str_first(trimmed, colon < 0 ? trimmed.n : (size_t)colon);
    return IN(safe, scheme) ? joined : str_n(NULL, 0);
}
