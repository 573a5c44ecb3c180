/* Hostile bytes as a table, a kept model and a split: reading ends within bounds, and what is accepted holds together. */

#include "forecast/artifact.h"
#include "forecast/sealed.h"
#include "fuzz.h"

static void try_table(Ctx *cx, Str text) {
    ForecastTable t;
    if (table_read_csv(cx, text, &t) != 0)
        return;
    MUST(t.n_columns > 0 && t.n_columns <= TABLE_COLUMNS);
    size_t disordered = 0;
    for (size_t i = 1; i < t.n_rows; i++)
        disordered += t.time_ms[i - 1] >= t.time_ms[i];
    MUST(disordered == t.n_disordered && disordered * 1000 <= t.n_rows);
    for (size_t c = 0; c < t.n_columns; c++)
        for (size_t i = 0; i < t.n_rows; i++)
            MUST(t.columns[c][i] - t.columns[c][i] == 0); /* finite */
}

/* The hash keeps strangers' bytes out; to get behind it the bytes are sealed here, as a card. */
static void try_card(Ctx *cx, Str card) {
    Str parts[2 + ARTIFACT_MEMBERS] = { card };
    Artifact a;
    Buf b;
    buf_init(&b, 4 << 20);
    MUST(sealed_write(S("forecaster"), parts, ARRAY_LEN(parts), &b) == 0);
    if (artifact_read(cx, buf_str(&b), &a) == 0) {
        Forecaster *f = NULL;
        MUST(a.n_members > 0 && a.shape.n_targets > 0 && a.shape.n_targets <= a.shape.n_channels);
        for (size_t m = 0; m < a.n_members; m++) /* the classical ones: they need nothing but the card */
            if (!str_eq(a.members[m], S("naive")) && !str_eq(a.members[m], S("ets")) &&
                !str_eq(a.members[m], S("theta")))
                a.members[m] = S("drift");
        if (artifact_open(cx, &a, NULL, &f) == 0)
            forecaster_free(f);
    }
    buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0 || size > 1 << 20)
        return 0;
    Arena arena = { .limit = 64 << 20 };
    ClockManual clock;
    Ctx cx;
    Artifact a;
    ForecastSplit split;
    Str bytes = str_n((const char *)data + 1, size - 1);
    clock_manual_init(&clock, time_ms(0));
    ctx_init(&cx, &arena, &clock.clock);
    if (data[0] % 4 == 0)
        try_table(&cx, bytes);
    else if (data[0] % 4 == 1)
        try_card(&cx, bytes);
    else if (data[0] % 4 == 2)
        artifact_read(&cx, bytes, &a);
    else if (split_parse(&cx, bytes, 10000, &split) == 0)
        MUST(split.parts[PART_TRAIN].to > 0 && split.parts[PART_TEST].to <= 10000);
    arena_done(&arena);
    return 0;
}
