#pragma once

/* ports/mailer.h - hands one mail to a server (SMTP).
 *
 * Adapters: adapters/http/smtp; tests have a scripted fake. Threads: any; calls block, within cx's deadline. */

#include "base/ctx.h"

typedef struct Mailer Mailer;

typedef struct Mail {
    Str url;  /* smtp://HOST[:PORT], smtps://…; who logs in stands in it: smtps://user:password@HOST */
    Str from; /* addresses alone: ops@example.org */
    Str to;   /* one of them, or several with commas */
    Str data; /* RFC 5322: header, empty line, text; CRLF */
} Mail;

typedef struct MailerOps {
    const char *name;
    /* 0: the server has taken it. ERR_UNAVAILABLE, ERR_TIMEOUT: later perhaps. ERR_DENIED, ERR_INVALID: never. */
    int (*send)(Mailer *m, Ctx *cx, const Mail *mail);
    void (*close)(Mailer *m);
} MailerOps;

struct Mailer {
    const MailerOps *ops;
};

/* Refuses what could forge a header or an envelope: addresses with control characters, blanks or brackets. */
int mailer_send(Mailer *m, Ctx *cx, const Mail *mail);
Mailer *mailer_close(Mailer *m); /* NULL is fine; returns NULL */
