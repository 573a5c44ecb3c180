/* Engine ta4j equals ta4j 0.17 itself: positions and criteria printed by tests/peers/ta4j over the same made-up
 * candles. `make peers` runs it again where Maven can be reached. */

#include "backtest/ta4j/ta4j.h"
#include "test.h"

enum { ROWS = 500 };

typedef struct Wanted {
    size_t entry, exit;
    double entry_price, exit_price, profit;
} Wanted;

typedef struct WantedCriterion {
    const char *name;
    double value;
} WantedCriterion;

/* --- what ta4j printed --- */

/* clang-format off */
static const Wanted next_open[] = {
    { 41, 56, 81.93, 78.2, -11.670389999999998 },
    { 64, 71, 82.54, 78.29, -13.23249 },
    { 78, 92, 80.06, 80.24, 0.059099999999963626 },
    { 118, 126, 73.35, 69.32, -12.518010000000004 },
    { 141, 144, 64.01, 61.87, -6.797640000000045 },
    { 150, 151, 64.29, 63.02, -4.191930000000002 },
    { 154, 191, 65.1, 69.84, 13.815180000000026 },
    { 197, 198, 72.64, 71.2, -4.751519999999993 },
    { 232, 254, 62.57, 68.23, 16.58759999999999 },
    { 258, 280, 71.71, 72.78, 2.776530000000008 },
    { 287, 315, 73.96, 85.28, 33.48228000000001 },
    { 320, 326, 88.04, 87.14, -3.225539999999989 },
    { 332, 360, 88.07, 94.91, 19.971060000000037 },
    { 362, 370, 96.39, 94.44, -6.422490000000023 },
    { 377, 391, 96.93, 98.83, 5.112719999999989 },
    { 404, 416, 99.91, 97.13, -8.931120000000032 },
    { 428, 440, 99.09, 98.5, -2.3627699999999816 },
    { 443, 445, 98.43, 96.38, -6.734430000000034 },
    { 453, 462, 99.4, 95.3, -12.884100000000068 },
};
static const WantedCriterion next_open_criteria[] = {
    { "Return", 1.0539469653604272 },
    { "EnterAndHoldReturn", 0.8428110506150434 },
    { "VersusEnterAndHold", 1.250513937366278 },
    { "AverageReturnPerBar", 1.0001960719485414 },
    { "Profit", 91.80447000000001 },
    { "ProfitGross", 95.13000000000002 },
    { "Loss", -93.72243000000017 },
    { "LossGross", -87.69000000000017 },
    { "ProfitLoss", -1.9179600000001322 },
    { "ProfitLossPercentage", 4.140690535364821 },
    { "ProfitLossRatio", 1.6792041289216588 },
    { "AverageProfit", 13.114924285714286 },
    { "AverageLoss", -7.810202500000014 },
    { "NumberOfPositions", 19.0 },
    { "NumberOfWinningPositions", 7.0 },
    { "NumberOfLosingPositions", 12.0 },
    { "NumberOfBreakEvenPositions", 0.0 },
    { "WinningPositionsRatio", 0.3684210526315789 },
    { "LosingPositionsRatio", 0.631578947368421 },
    { "NumberOfConsecutiveWinningPositions", 3.0 },
    { "NumberOfConsecutiveLosingPositions", 4.0 },
    { "NumberOfBars", 268.0 },
    { "MaximumDrawdown", 0.2266260806926371 },
    { "ReturnOverMaxDrawdown", 4.650598740176991 },
    { "ValueAtRisk", -0.019331819416555172 },
    { "ExpectedShortfall", -0.023330015986017996 },
    { "Expectancy", -0.012924794607810042 },
    { "Sqn", -0.03547959301702907 },
    { "Average", -0.1009452631579017 },
    { "Variance", 153.8042127767305 },
    { "StandardDeviation", 12.401782645117214 },
    { "StandardError", 2.845164066832762 },
    { "RelativeStandardDeviation", -122.85650913325138 },
};

static const Wanted present_close[] = {
    { 40, 55, 82.27, 78.21, -12.180000000000007 },
    { 63, 70, 82.13, 78.54, -10.769999999999982 },
    { 77, 91, 80.43, 80.52, 0.2699999999999818 },
    { 117, 125, 73.2, 69.57, -10.890000000000043 },
    { 140, 143, 63.7, 62.27, -4.2900000000000205 },
    { 149, 150, 64.14, 62.78, -4.0800000000000125 },
    { 153, 190, 65.34, 70.22, 14.639999999999986 },
    { 196, 197, 72.5, 71.13, -4.110000000000014 },
    { 231, 253, 62.49, 67.84, 16.05000000000001 },
    { 257, 279, 71.48, 73.03, 4.650000000000006 },
    { 286, 314, 73.78, 85.56, 35.34 },
    { 319, 325, 88.43, 86.71, -5.160000000000025 },
    { 331, 359, 88.44, 95.36, 20.75999999999999 },
    { 361, 369, 96.14, 94.16, -5.939999999999998 },
    { 376, 390, 97.03, 98.49, 4.379999999999939 },
    { 403, 415, 99.63, 97.36, -6.810000000000002 },
    { 427, 439, 98.88, 98.59, -0.8700000000000045 },
    { 442, 444, 98.73, 96.43, -6.899999999999977 },
    { 452, 461, 99.31, 94.95, -13.079999999999984 },
};
static const WantedCriterion present_close_criteria[] = {
    { "Return", 1.0734314953404167 },
    { "EnterAndHoldReturn", 0.8428110506150434 },
    { "VersusEnterAndHold", 1.273632440577372 },
    { "AverageReturnPerBar", 1.000264439890873 },
    { "Profit", 96.08999999999992 },
    { "ProfitGross", 96.08999999999992 },
    { "Loss", -85.08000000000007 },
    { "LossGross", -85.08000000000007 },
    { "ProfitLoss", 11.009999999999849 },
    { "ProfitLossPercentage", 9.789770362958409 },
    { "ProfitLossRatio", 1.936127342333263 },
    { "AverageProfit", 13.727142857142846 },
    { "AverageLoss", -7.090000000000006 },
    { "NumberOfPositions", 19.0 },
    { "NumberOfWinningPositions", 7.0 },
    { "NumberOfLosingPositions", 12.0 },
    { "NumberOfBreakEvenPositions", 0.0 },
    { "WinningPositionsRatio", 0.3684210526315789 },
    { "LosingPositionsRatio", 0.631578947368421 },
    { "NumberOfConsecutiveWinningPositions", 3.0 },
    { "NumberOfConsecutiveLosingPositions", 4.0 },
    { "NumberOfBars", 268.0 },
    { "MaximumDrawdown", 0.20017102035064696 },
    { "ReturnOverMaxDrawdown", 5.362571932041147 },
    { "ValueAtRisk", -0.019077373115205312 },
    { "ExpectedShortfall", -0.023101062644891576 },
    { "Expectancy", 0.0817311261227811 },
    { "Sqn", 0.2027468328478745 },
    { "Average", 0.5794736842105184 },
    { "Variance", 155.20756288088643 },
    { "StandardDeviation", 12.45823273505863 },
    { "StandardError", 2.858114605643731 },
    { "RelativeStandardDeviation", 21.499220887022453 },
};

static const Wanted short_borrowing[] = {
    { 56, 64, 78.2, 82.54, -14.440619999999981 },
    { 71, 78, 78.29, 80.06, -6.607095000000003 },
    { 92, 118, 80.24, 73.35, 17.07986999999999 },
    { 126, 141, 69.32, 64.01, 13.97030999999995 },
    { 144, 150, 61.87, 64.29, -8.195310000000019 },
    { 151, 154, 63.02, 65.1, -6.907949999999981 },
    { 191, 197, 69.84, 72.64, -9.456000000000007 },
    { 198, 232, 71.2, 62.57, 21.857490000000013 },
    { 254, 258, 68.23, 71.71, -11.269199999999998 },
    { 280, 287, 72.78, 73.96, -4.744409999999992 },
    { 315, 320, 85.28, 88.04, -9.43956 },
    { 326, 332, 87.14, 88.07, -4.099889999999964 },
    { 360, 362, 94.91, 96.39, -5.2986299999999975 },
    { 370, 377, 94.44, 96.93, -9.035730000000028 },
    { 391, 404, 98.83, 99.91, -5.763405000000009 },
    { 416, 428, 97.13, 99.09, -8.216999999999995 },
    { 440, 443, 98.5, 98.43, -0.8240400000000205 },
    { 445, 453, 96.38, 99.4, -10.80390000000006 },
};
static const WantedCriterion short_borrowing_criteria[] = {
    { "Return", 0.8684790035520509 },
    { "EnterAndHoldReturn", 0.8428110506150434 },
    { "VersusEnterAndHold", 1.0304551689471517 },
    { "AverageReturnPerBar", 0.9992581076061231 },
    { "Profit", 52.90766999999995 },
    { "ProfitGross", 62.69999999999993 },
    { "Loss", -115.10274000000005 },
    { "LossGross", -95.37000000000003 },
    { "ProfitLoss", -62.1950700000001 },
    { "ProfitLossPercentage", -24.270629811190314 },
    { "ProfitLossRatio", 2.298280214702097 },
    { "AverageProfit", 17.635889999999986 },
    { "AverageLoss", -7.673516000000004 },
    { "NumberOfPositions", 18.0 },
    { "NumberOfWinningPositions", 3.0 },
    { "NumberOfLosingPositions", 15.0 },
    { "NumberOfBreakEvenPositions", 0.0 },
    { "WinningPositionsRatio", 0.16666666666666666 },
    { "LosingPositionsRatio", 0.8333333333333334 },
    { "NumberOfConsecutiveWinningPositions", 2.0 },
    { "NumberOfConsecutiveLosingPositions", 10.0 },
    { "NumberOfBars", 190.0 },
    { "MaximumDrawdown", 0.2601380853290513 },
    { "ReturnOverMaxDrawdown", 3.3385307747364363 },
    { "ValueAtRisk", -0.017396213799131827 },
    { "ExpectedShortfall", -0.02432547694613742 },
    { "Expectancy", -0.4502866308829838 },
    { "Sqn", -1.4702456358032303 },
    { "Average", -3.4552816666666724 },
    { "Variance", 99.4167631075722 },
    { "StandardDeviation", 9.970795510267584 },
    { "StandardError", 2.3501390397115305 },
    { "RelativeStandardDeviation", -2.8856679345294767 },
};

/* clang-format on */

/* --- the candles of Peer.java --- */

static int64_t next(int64_t *state, int64_t n) {
    *state = (*state * 1103515245 + 12345) % (INT64_C(1) << 31);
    return (*state >> 8) % n;
}

static void make_candles(Arena *arena, Candles *cs) {
    int64_t state = 42, price = 10000;
    candles_init(cs, arena, ROWS);
    for (int i = 0; i < ROWS; i++) {
        int64_t open = price + next(&state, 101) - 50, close = open + next(&state, 401) - 200;
        close = MAX(close, 1000);
        int64_t above = next(&state, 50), below = next(&state, 50);
        int64_t high = MAX(open, close) + above, low = MIN(open, close) - below;
        candles_push(cs, &(Candle){ .open_time = time_ms(INT64_C(1704067200000) + (int64_t)i * MS_PER_DAY),
                                    .open = (double)open / 100,
                                    .high = (double)high / 100,
                                    .low = (double)low / 100,
                                    .close = (double)close / 100,
                                    .volume = 1000 });
        price = close;
    }
}

typedef struct Rig {
    TestCtx t;
    Candles cs;
    MarketAsset asset;
    Ta4jOptions opt;
    StrategyConfig config;
    BacktestRequest req;
    BacktestResult r;
} Rig;

static const StrategyValue buys[] = {
    { .name = STR_INIT("entry"), .is_text = true, .text = STR_INIT("crossover(sma(close, 5), sma(close, 15))") },
    { .name = STR_INIT("exit"), .is_text = true, .text = STR_INIT("crossunder(sma(close, 5), sma(close, 15))") },
};
static const StrategyValue sells[] = {
    { .name = STR_INIT("short"), .is_text = true, .text = STR_INIT("crossunder(sma(close, 5), sma(close, 15))") },
    { .name = STR_INIT("cover"), .is_text = true, .text = STR_INIT("crossover(sma(close, 5), sma(close, 15))") },
};

static void rig_init(Rig *rig, const StrategyValue *rules) {
    memset(rig, 0, sizeof *rig);
    test_ctx_init(&rig->t);
    make_candles(&rig->t.arena, &rig->cs);
    rig->asset = (MarketAsset){ .timeframe = { UNIT_DAY, 1 }, .candles = &rig->cs };
    symbol_parse(S("MADE"), &rig->asset.symbol);
    rig->config = (StrategyConfig){ .strategy_type = S("rules"),
                                    .parameters = rules,
                                    .n_parameters = 2,
                                    .has_sizing = true,
                                    .position_sizing = SIZING_FIXED,
                                    .position_size = 3 };
    rig->req = (BacktestRequest){ .assets = &rig->asset,
                                  .n_assets = 1,
                                  .strategy = &rig->config,
                                  .broker = broker_config_standard(),
                                  .ta4j = &rig->opt };
}

static void check_positions(Rig *rig, const Wanted *wanted, size_t n) {
    void **state_ = NULL;
    CHECK_OK(&rig->t.cx, backtest_run(&backtest_ta4j, &rig->t.cx, &rig->req, &rig->r));
    CHECK_EQ(rig->r.n_closed, n);
    for (size_t i = 0; i < n; i++) {
        const Trade *t = &rig->r.trades[rig->r.closings[i]];
        CHECK_EQ(t->entry_step, wanted[i].entry);
        CHECK_EQ(t->exit_step, wanted[i].exit);
        CHECK_NEAR(t->entry_price, wanted[i].entry_price, 1e-9);
        CHECK_NEAR(t->exit_price, wanted[i].exit_price, 1e-9);
        CHECK_NEAR(t->pnl_net, wanted[i].profit, 1e-9);
    }
    const BacktestResult *r = &rig->r;
    CHECK_NEAR(r->initial_cash + r->realised_pnl - r->fees - r->costs + r->open_mark, r->final_value, 0.005);
}

static void check_criteria(Rig *rig, const WantedCriterion *wanted, size_t n) {
    const Ta4jCriterion *got;
    size_t n_got = ta4j_criteria(&rig->r, &rig->cs, rig->opt.borrowing, &rig->t.arena, &got), n_found = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n_got; k++) {
            if (strcmp(wanted[i].name, got[k].name) != 0)
                continue;
            double want = wanted[i].value;
            if (!(fabs(got[k].value - want) <= 1e-9 * fmax(1, fabs(want))) && !(isnan(want) && isnan(got[k].value)))
                FAIL("%s is %.15g, not %.15g", got[k].name, got[k].value, want);
            n_found++;
        }
    if (n_found != n)
        FAIL("%zu of %zu criteria are there", n_found, n);
}

TEST(purchases_at_the_next_open_equal_ta4j) {
    Rig rig;
    UNUSED(state_);
    rig_init(&rig, buys);
    check_positions(&rig, next_open, ARRAY_LEN(next_open));
    check_criteria(&rig, next_open_criteria, ARRAY_LEN(next_open_criteria));
    test_ctx_done(&rig.t);
}

TEST(purchases_at_the_present_close_equal_ta4j) {
    Rig rig;
    UNUSED(state_);
    rig_init(&rig, buys);
    rig.req.broker.commission_rate = 0;
    rig.req.broker.cheat_on_close = true;
    check_positions(&rig, present_close, ARRAY_LEN(present_close));
    check_criteria(&rig, present_close_criteria, ARRAY_LEN(present_close_criteria));
    test_ctx_done(&rig.t);
}

TEST(short_positions_with_borrowing_equal_ta4j) {
    Rig rig;
    UNUSED(state_);
    rig_init(&rig, sells);
    rig.opt = (Ta4jOptions){ .sells_first = true, .borrowing = 0.0005 };
    check_positions(&rig, short_borrowing, ARRAY_LEN(short_borrowing));
    check_criteria(&rig, short_borrowing_criteria, ARRAY_LEN(short_borrowing_criteria));
    test_ctx_done(&rig.t);
}

TEST(what_ta4j_has_not_is_refused_with_words) {
    Rig rig;
    rig_init(&rig, buys);
    rig.req.broker.leverage = 2;
    CHECK_EQ(backtest_run(&backtest_ta4j, &rig.t.cx, &rig.req, &rig.r), ERR_UNSUPPORTED);
    rig.req.broker.leverage = 1;
    rig.req.broker.slippage.kind = SLIPPAGE_FIXED;
    CHECK_EQ(backtest_run(&backtest_ta4j, &rig.t.cx, &rig.req, &rig.r), ERR_UNSUPPORTED);
    rig.req.broker.slippage.kind = SLIPPAGE_NONE;
    rig.opt.borrowing = 1;
    CHECK_EQ(backtest_run(&backtest_ta4j, &rig.t.cx, &rig.req, &rig.r), ERR_INVALID);
    rig.opt.borrowing = 0;
    /* a purchase where positions are sales */
    rig.opt.sells_first = true;
    CHECK_OK(&rig.t.cx, backtest_run(&backtest_ta4j, &rig.t.cx, &rig.req, &rig.r));
    CHECK_EQ(rig.r.n_trades, 0);
    CHECK(rig.r.counts.by_reason[ORDER_BECAUSE_POSITION] > 0 && rig.r.explanation.n > 0);
    test_ctx_done(&rig.t);
}

TESTS(T(purchases_at_the_next_open_equal_ta4j), T(purchases_at_the_present_close_equal_ta4j),
      T(short_positions_with_borrowing_equal_ta4j), T(what_ta4j_has_not_is_refused_with_words))
