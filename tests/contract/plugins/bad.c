/* Libraries that must be refused: one for each CASE_x that the build defines. */

#include <finsight/strategy.h>

#ifdef CASE_NO_ENTRY
int nothing_here;
#else

static void next(void *state, const FinsightHost *host) {
    (void)state;
    (void)host;
}

#if defined(CASE_PARAM) || defined(CASE_PARAMS)
static const FinsightParam params[] = { { "n", 5, 1, 2, 0, "outside" } };
#endif

static const FinsightStrategy bad = {
    .abi = FINSIGHT_STRATEGY_ABI,
    .size = sizeof(FinsightStrategy),
    .name = "bad",
    .words = "is refused",
    .next = next,
#if defined(CASE_ABI)
    .abi = 99,
#elif defined(CASE_SIZE)
    .size = 16,
#elif defined(CASE_NEXT)
    .next = 0,
#elif defined(CASE_NAME)
    .name = "Not a name",
#elif defined(CASE_TAKEN)
    .name = "rsi",
#elif defined(CASE_PARAM)
    .params = params,
    .n_params = 1,
#elif defined(CASE_PARAMS)
    .params = params,
    .n_params = 99,
#elif defined(CASE_STATE)
    .state_size = 1ul << 40,
#endif
};

const FinsightStrategy *finsight_strategy(unsigned index) {
#ifdef CASE_NONE
    (void)index;
    (void)bad;
    return 0;
#else
    return index == 0 ? &bad : 0;
#endif
}
#endif
