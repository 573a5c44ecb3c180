#pragma once

/* services/forecast/internal.h - shared by the files of this folder only. */

#include "services/forecast/forecast.h"

typedef struct TrainJob { /* a request on its way: table, data, fitted models */
    const TrainRequest *q;
    const Preset *preset;
    ForecastShape shape;
    ForecastTable table; /* the chosen columns, the target first */
    ForecastData data;
    ForecasterOptions options; /* points into this struct: it does not move */
    TrainSettings train;
    Nn nn;
    Forecaster *members[ARTIFACT_MEMBERS];
    double weights[ARTIFACT_MEMBERS];
    size_t n_members;
    Forecaster *whole; /* the ensemble, or the one member */
} TrainJob;

void job_init(TrainJob *j, const TrainRequest *q);
void job_done(TrainJob *j);
int job_table(TrainJob *j, Ctx *cx);                            /* preset, shape, columns */
int job_data(TrainJob *j, Ctx *cx, const ForecastSplit *split); /* NULL: the request's */
int job_fit(TrainJob *j, Ctx *cx, TrainReport *report);         /* every member, and the ensemble's weights */
void job_forget(TrainJob *j);                                   /* the fitted models alone */

/* The artifact's columns of the table, in its order, as scaled data. */
int data_of_artifact(Ctx *cx, const Artifact *a, const ForecastTable *t, const ForecastSplit *split, ForecastData *out);
