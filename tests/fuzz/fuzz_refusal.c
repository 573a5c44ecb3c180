/* policy/refusal: any bytes as path, query, field, JSON and form; no byte behind the end is read, and the same question has
 * the same answer. */

#include "policy/refusal/refusal.h"

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Str text = str_n((const char *)data, size);
    Refusal (*const looks[])(Str) = { refuse_path, refuse_query, refuse_field, refuse_json, refuse_form };
    for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
        Refusal r = looks[i](text);
        MUST(r >= REFUSAL_NONE && r < REFUSALS && looks[i](text) == r && refusal_name(r)[0]);
    }
    return 0;
}
