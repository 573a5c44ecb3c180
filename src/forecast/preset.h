#pragma once

/* forecast/preset.h - the papers' settings under a name: what to look at, and how each model is trained on such data.
 *
 *     etth      hourly, 30-day months (ETTh1, ETTh2): look-back 336, season 24
 *     ettm      a quarter of an hour (ETTm1, ETTm2): look-back 336, season 96
 *     weather   ten minutes, shares 0.7,0.1,0.2: look-back 336, season 144
 *     price     price-like series (exchange_rate, candles), shares 0.7,0.1,0.2: look-back 336, no season
 *
 * PatchTST and its learning rates as in the scripts of Nie et al. 2023, DLinear and NLinear as in those of Zeng et al.
 * 2023; LSTM is our own choice, no paper's. Pure. */

#include "forecast/train.h"

typedef struct Preset {
    const char *name, *words;
    const char *split;
    size_t look_back, season;
} Preset;

const Preset *preset_at(size_t i);   /* NULL past the last */
const Preset *preset_find(Str name); /* NULL when there is none */

/* Settings of a model under a preset; shape as chosen by the caller. */
void preset_train(const Preset *p, ModelKind kind, const ForecastShape *shape, uint64_t seed, TrainSettings *out);
