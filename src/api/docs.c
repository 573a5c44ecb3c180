#include "api/op.h"
void docs_write_html(Buf *out, const OpTable *const *tables, size_t n) {
    UNUSED(out);
    UNUSED(tables);
    UNUSED(n);
}
