/* adapters/bus/wire: whatever another process writes is read within its bounds, and what is read whole comes out again as
 * the same bytes. The first byte says what is read. */

#include "adapters/bus/wire.h"
#include "fuzz.h"

static void write_again(uint8_t what, WireIn *in, Arena *a, Buf *out) {
    if (what % 3 == 0) {
        Event e = wire_take_event(in, a);
        wire_event(out, &e);
    } else if (what % 3 == 1) {
        BusTopology t = wire_take_topology(in, a);
        wire_topology(out, &t);
    } else {
        wire_death(out, wire_take_death(in, a));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    Arena a = { 0 };
    Str given = str_n((const char *)data + 1, size - 1);
    WireIn in = { given, false };
    Buf first, second;
    buf_init(&first, WIRE_FRAME_MAX);
    buf_init(&second, WIRE_FRAME_MAX);
    write_again(data[0], &in, &a, &first);
    if (wire_all(&in)) { /* written, read and written again it stays what it is */
        WireIn again = { buf_str(&first), false };
        write_again(data[0], &again, &a, &second);
        MUST(wire_all(&again));
        MUST(str_eq(buf_str(&first), buf_str(&second)));
    }
    buf_done(&first);
    buf_done(&second);
    arena_done(&a);
    return 0;
}
