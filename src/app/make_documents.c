/* app/make_documents.c - a program of the build: writes the API's contract and its page, in every coding, for documents.h.
 *
 * usage: make_documents OPENAPI_JSON OPENAPI_GZ OPENAPI_ZST DOCS_HTML DOCS_GZ DOCS_ZST */

#include "api/op.h"
#include "app/tables.h"
#include "base/zip.h"

#include <stdio.h>
#include <stdlib.h>

enum { PAGE_MAX = 8 << 20 };

static void write_file(const char *path, Str bytes) {
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(bytes.p, 1, bytes.n, f) != bytes.n || fclose(f) != 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
}

static void write_forms(Str page, char *const paths[3]) {
    enum { GZIP_BEST = 9, ZSTD_BEST = 19 };
    const struct {
        ZipKind kind;
        int level;
    } forms[] = { { ZIP_GZIP, GZIP_BEST }, { ZIP_ZSTD, ZSTD_BEST } };
    write_file(paths[0], page);
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        Buf b;
        buf_init(&b, page.n);
        if (zip_compress(NULL, forms[i].kind, forms[i].level, page, &b) != 0) {
            fprintf(stderr, "%s: cannot be compressed\n", paths[0]);
            exit(EXIT_FAILURE);
        }
        write_file(paths[1 + i], buf_str(&b));
        buf_done(&b);
    }
}

int main(int argc, char **argv) {
    if (argc != 7) {
        fprintf(stderr, "usage: %s OPENAPI_JSON OPENAPI_GZ OPENAPI_ZST DOCS_HTML DOCS_GZ DOCS_ZST\n", argv[0]);
        return EXIT_FAILURE;
    }
    const OpTable *told[N_DOCUMENTED_TABLES];
    documented_tables(told);
    Buf b;
    buf_init(&b, PAGE_MAX);
    JsonWriter w;
    json_writer_init(&w, &b, true);
    openapi_write(&w, told, N_DOCUMENTED_TABLES, S("/"));
    write_forms(buf_str(&b), argv + 1);
    buf_clear(&b);
    docs_write_html(&b, told, N_DOCUMENTED_TABLES);
    write_forms(buf_str(&b), argv + 4);
    buf_done(&b);
    return EXIT_SUCCESS;
}
