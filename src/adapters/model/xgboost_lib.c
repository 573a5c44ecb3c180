/* adapters/model/xgboost_lib.c - see xgboost_lib.h. */

#include "adapters/model/xgboost_lib.h"

#include <dlfcn.h>

const char *xgb_lib_open(XgbLib *x) {
    static const char *const names[] = { "libxgboost.so.0", "libxgboost.so" };
    *x = (XgbLib){ 0 };
    const struct {
        const char *name;
        void *slot;
    } symbols[] = {
        { "XGBGetLastError", &x->get_last_error },
        { "XGDMatrixCreateFromMat", &x->matrix_create },
        { "XGDMatrixSetFloatInfo", &x->matrix_set_floats },
        { "XGDMatrixFree", &x->matrix_free },
        { "XGBoosterCreate", &x->booster_create },
        { "XGBoosterFree", &x->booster_free },
        { "XGBoosterSetParam", &x->set_param },
        { "XGBoosterUpdateOneIter", &x->update },
        { "XGBoosterEvalOneIter", &x->eval },
        { "XGBoosterPredictFromDense", &x->predict_dense },
        { "XGBoosterSaveModelToBuffer", &x->save },
        { "XGBoosterLoadModelFromBuffer", &x->load },
    };
    for (size_t i = 0; i < ARRAY_LEN(names) && !x->library; i++)
        x->library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!x->library)
        return "XGBoost is not installed: apt-get install libxgboost0, or choose another model";
    for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
        void *p = dlsym(x->library, symbols[i].name);
        if (!p) {
            xgb_lib_close(x);
            return "libxgboost.so is of a version that does not fit: 1.7 is known to";
        }
        memcpy(symbols[i].slot, &p, sizeof p);
    }
    return NULL;
}

void xgb_lib_close(XgbLib *x) {
    if (x->library)
        dlclose(x->library);
    x->library = NULL;
}
