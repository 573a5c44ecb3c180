#pragma once

/* adapters/http/smtp.h - the Mailer on libcurl: SMTP, STARTTLS where the server offers it, smtps. A certificate that
 * proves nothing is refused. Threads: any. */

#include "ports/mailer.h"

int smtp_mailer_open(Ctx *cx, Mailer **out);
