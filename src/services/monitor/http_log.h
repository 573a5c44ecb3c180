#pragma once

/* services/monitor/http_log.h - calls to third parties that fail, in the log, in the documents' words (RES-24, U25):
 *
 *     "HTTP GET failed"   an answer of 400 and above, with its status
 *     "HTTP GET error"    no answer: the name is not known, nobody listens, the time was up, the certificate proves nothing
 *
 * What the caller gets stays as it was, an answer or an ErrCode with words; nothing is ever a silent NULL. One line for each
 * exchange, so the tries of one call are several. Of an address the query is left out: keys of venues stand there. */

#include "base/log.h"
#include "ports/http_client.h"

/* A client that asks through `inner`, which it closes when it is closed. */
HttpClient *http_client_logged(HttpClient *inner, Logger *log);
