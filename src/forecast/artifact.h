#pragma once

/* forecast/artifact.h - a trained forecaster as bytes: what is needed to use it on new rows, and what it is worth.
 *
 * Sealed (sealed.h): a card as JSON, the half widths of its intervals, and one piece of weights a member. An ensemble's
 * members stand one behind the other; every other model is one member of weight 1. Bytes that were changed are refused by
 * their hash, a card that contradicts itself by its contents (ERR_CORRUPT). Pure. */

#include "base/json.h"
#include "forecast/ensemble.h"
#include "forecast/interval.h"

enum { ARTIFACT_LEVELS = 4, ARTIFACT_MAX = 1 << 30, ARTIFACT_MEMBERS = 6, ARTIFACT_DECILES = 9 };
extern const double artifact_levels[ARTIFACT_LEVELS]; /* 0.5, 0.8, 0.9, 0.95 */

typedef struct ArtifactColumn {
    Str name;
    double mean, std;
    float deciles
        [ARTIFACT_DECILES]; /* of the training rows, scaled, ascending: what drift is measured from. NaN: not told */
} ArtifactColumn;

typedef struct ArtifactFigures { /* of a part */
    double mse, mae, naive_mse, naive_mae;
    double dm; /* of Diebold and Mariano, above 0: better than naive */
    int64_t n_windows;
} ArtifactFigures;

typedef struct Artifact {
    Str model; /* "dlinear"; "ensemble" */
    Str preset, split;
    ForecastShape shape;
    uint64_t seed;
    int64_t step_ms;               /* between rows */
    const ArtifactColumn *columns; /* (shape.n_channels), the targets first */
    Str data, data_sha256;         /* name and hash of the file trained on */
    Str features;        /* how its columns are made of candles (candle_features.h); empty: they are a file's */
    int64_t known_to_ms; /* time of the last row that training or validation saw; 0: not told */
    ArtifactFigures val, test;
    size_t n_members;
    Str members[ARTIFACT_MEMBERS]; /* their models' names */
    double weights[ARTIFACT_MEMBERS];
    Str bytes[ARTIFACT_MEMBERS]; /* what forecaster_save gave */
    const float *half;           /* (ARTIFACT_LEVELS, horizon, n_targets) split conformal, scaled; NULL = none */
} Artifact;

/* Better than repeating the last value on validation, and not by luck (one-sided, 5 %): what a model needs to be
 * promoted. */
static inline bool artifact_beats_naive(const Artifact *a) {
    return a->val.mse < a->val.naive_mse && a->val.dm >= 1.6448536269514722;
}

int artifact_write(const Artifact *a, Ctx *cx, Buf *out);
/* Borrows from bytes and cx->arena. */
int artifact_read(Ctx *cx, Str bytes, Artifact *out);
/* All but the members' bytes, in the arena: what is still wanted of a model that was opened. */
void artifact_keep(Arena *arena, const Artifact *a, Artifact *out);
/* Which of artifact_levels; 0 asks for 0.9. ERR_INVALID lists them. */
int artifact_level(Ctx *cx, double wanted, size_t *out);
/* The card alone, as JSON. */
void artifact_card(const Artifact *a, JsonWriter *w);

/* The forecaster of it, in cx->arena. ERR_CORRUPT; ERR_UNSUPPORTED: a model that this program does not have. */
int artifact_open(Ctx *cx, const Artifact *a, const ForecasterOptions *o, Forecaster **out);
