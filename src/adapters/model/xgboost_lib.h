#pragma once

/* adapters/model/xgboost_lib.h - the functions of XGBoost's C API that are used, bound by name. Since 1.6, which Debian 12
 * ships (1.7.4) and later ones keep. All answer 0, or -1 with get_last_error. Private to the folder. */

#include "base/str.h"

typedef void *XgbMatrix, *XgbBooster;
typedef uint64_t XgbSize;

typedef struct XgbLib {
    void *library;
    const char *(*get_last_error)(void);
    int (*matrix_create)(const float *data, XgbSize rows, XgbSize columns, float missing, XgbMatrix *out);
    int (*matrix_set_floats)(XgbMatrix m, const char *field, const float *v, XgbSize n);
    int (*matrix_free)(XgbMatrix m);
    int (*booster_create)(const XgbMatrix m[], XgbSize n, XgbBooster *out);
    int (*booster_free)(XgbBooster b);
    int (*set_param)(XgbBooster b, const char *name, const char *value);
    int (*update)(XgbBooster b, int round, XgbMatrix train);
    int (*eval)(XgbBooster b, int round, XgbMatrix m[], const char *names[], XgbSize n, const char **out);
    int (*predict_dense)(XgbBooster b, const char *array, const char *config, XgbMatrix proxy, const XgbSize **shape,
                         XgbSize *dim, const float **out);
    int (*save)(XgbBooster b, const char *config, XgbSize *n, const char **out);
    int (*load)(XgbBooster b, const void *bytes, XgbSize n);
} XgbLib;

/* NULL, or why not. */
const char *xgb_lib_open(XgbLib *x);
void xgb_lib_close(XgbLib *x);
