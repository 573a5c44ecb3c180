#pragma once

/* app/documents.h - /openapi.json and /docs of the whole platform, made while it is built (make_documents.c): what only
 * the tables of operations decide costs neither time at each start nor memory. */

#include "gateway/gateway.h"

extern const GatewayDocuments platform_documents;

/* The files the build makes them of. */
extern const Str openapi_json, openapi_json_gz, openapi_json_zst, docs_html, docs_html_gz, docs_html_zst;
