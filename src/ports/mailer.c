/* ports/mailer.c - the checking wrapper. */

#include "ports/mailer.h"

static bool plain_address(Str s) {
    ptrdiff_t at = str_find_char(s, '@');
    if (at < 1 || (size_t)at + 1 == s.n || s.n > 254)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '<' || s.p[i] == '>' || s.p[i] == ',')
            return false;
    return true;
}

static int check(Ctx *cx, Str address) {
    return plain_address(address) ? 0
                                  : err_set(cx, ERR_INVALID, "'" STR_FMT "' is no address of mail", STR_ARG(address));
}

int mailer_send(Mailer *m, Ctx *cx, const Mail *mail) {
    Str rest = mail->to, one;
    int r = ctx_check(cx);
    if (r == 0)
        r = check(cx, mail->from);
    if (r == 0 && rest.n == 0)
        r = check(cx, rest);
    while (r == 0 && rest.n && str_next(&rest, ',', &one))
        r = check(cx, str_trim(one));
    return r ? r : m->ops->send(m, cx, mail);
}

Mailer *mailer_close(Mailer *m) {
    if (m)
        m->ops->close(m);
    return NULL;
}
