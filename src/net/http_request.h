#pragma once

/* net/http_request.h - writes the head of a request. Private to net/. */

#include "net/http_server.h"

#define HTTP_REQUEST_CHUNKED SIZE_MAX /* as body_n: the body comes in chunks */

/* Host, Content-Length and Connection are the writer's own. 0; ERR_USAGE: the path or a field has what would break out
 * of its line, *bad is it; ERR_LIMIT: b is full. */
int http_request_write(Buf *b, Str method, Str host, Str path, const HttpField *fields, size_t n_fields, size_t body_n,
                       Str *bad);
/* Sending it twice does no more than sending it once (RFC 9110 §9.2.2). */
/* No control character is in it, a tab neither. */
bool http_one_line(Str s);
bool http_method_idempotent(Str method);
