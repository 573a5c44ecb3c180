/* app/documents.c - see documents.h. */

#include "app/documents.h"

const GatewayDocuments platform_documents = {
    .openapi = { [CODING_IDENTITY] = &openapi_json,
                 [CODING_GZIP] = &openapi_json_gz,
                 [CODING_ZSTD] = &openapi_json_zst },
    .docs = { [CODING_IDENTITY] = &docs_html, [CODING_GZIP] = &docs_html_gz, [CODING_ZSTD] = &docs_html_zst },
};
