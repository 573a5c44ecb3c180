/* core/value_csv: whatever the bytes, what is read ascends, is finite, and reads the same when it is written again. */

#include "core/value_csv.h"

#include "base/buf.h"
#include "fuzz.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Arena arena = { 0 };
    ClockManual clock;
    Ctx cx;
    ValueCsv v, again;
    if (size > 1 << 16)
        return 0;
    clock_manual_init(&clock, (Time){ 0 });
    ctx_init(&cx, &arena, &clock.clock);
    int e = value_csv_read(&cx, str_n((const char *)data, size), S("mood"), &v);
    MUST(e == 0 || e == ERR_INVALID || e == ERR_LIMIT);
    MUST(e == 0 || cx.err.text[0]);
    if (e == 0) {
        Buf b;
        buf_init(&b, 1 << 24);
        BUF_LIT(&b, "timestamp,mood\n");
        for (size_t i = 0; i < v.n; i++) {
            MUST(isfinite(v.value[i]) && (i == 0 || time_before(v.time[i - 1], v.time[i])));
            buf_printf(&b, STR_FMT ",%.17g\n", STR_ARG(time_iso(&arena, v.time[i])), v.value[i]);
        }
        MUST(value_csv_read(&cx, buf_str(&b), S("mood"), &again) == 0 && again.n == v.n);
        for (size_t i = 0; i < v.n; i++)
            MUST(again.time[i].ms == v.time[i].ms && again.value[i] == v.value[i]);
        buf_done(&b);
    }
    arena_done(&arena);
    return 0;
}
