/* Prints the demo API's OpenAPI document or its docs page, for tests that read them from outside. */

#include "demo.h"

#include <stdio.h>

int main(int argc, char **argv) {
    static const OpTable *const tables[] = { &demo_table };
    Buf b;
    JsonWriter w;
    buf_init(&b, 4 << 20);
    if (argc > 1 && strcmp(argv[1], "html") == 0) {
        docs_write_html(&b, tables, 1);
    } else {
        json_writer_init(&w, &b, true);
        openapi_write(&w, tables, 1, S("http://127.0.0.1:8080"));
    }
    bool ok = buf_ok(&b) && fwrite(b.p, 1, b.n, stdout) == b.n;
    buf_done(&b);
    return ok ? 0 : 1;
}
