#pragma once

/* net/h2_conn.h - a connection changes over to HTTP/2: by ALPN, or because its first bytes say so. Private to net/. */

#include "net/http_conn.h"

/* The client's 24 bytes of preface (RFC 9113 §3.4) are to be fed in like everything behind them. */
#define H2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
enum { H2_PREFACE_SIZE = 24 };

void h2_start(HttpConn *c, MonoNs now);
