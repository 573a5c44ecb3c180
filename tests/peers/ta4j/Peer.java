/* tests/peers/ta4j/Peer.java - runs ta4j itself over made-up candles and prints positions and criteria as C tables:
 * what tests/unit/backtest/test_ta4j.c has in it. See run.sh. */

import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.LinkedHashMap;
import java.util.Map;
import org.ta4j.core.*;
import org.ta4j.core.analysis.cost.*;
import org.ta4j.core.backtest.*;
import org.ta4j.core.criteria.*;
import org.ta4j.core.criteria.helpers.*;
import org.ta4j.core.criteria.pnl.*;
import org.ta4j.core.indicators.SMAIndicator;
import org.ta4j.core.indicators.helpers.ClosePriceIndicator;
import org.ta4j.core.num.DoubleNum;
import org.ta4j.core.rules.*;

public class Peer {
    static long state = 42;

    static long next(long n) {
        state = (state * 1103515245L + 12345L) % (1L << 31);
        return (state >> 8) % n;
    }

    static BarSeries series() {
        BarSeries s = new BaseBarSeriesBuilder().withName("made").withNumTypeOf(DoubleNum.class).build();
        ZonedDateTime t = ZonedDateTime.of(2024, 1, 1, 0, 0, 0, 0, ZoneOffset.UTC);
        long price = 10000;
        for (int i = 0; i < 500; i++) {
            long open = price + next(101) - 50, close = Math.max(open + next(401) - 200, 1000);
            long high = Math.max(open, close) + next(50), low = Math.min(open, close) - next(50);
            s.addBar(Duration.ofDays(1), t.plusDays(i + 1), open / 100.0, high / 100.0, low / 100.0, close / 100.0, 1000);
            price = close;
        }
        return s;
    }

    static void run(String name, BarSeries s, TradeExecutionModel model, double fee, double borrow, Trade.TradeType type) {
        ClosePriceIndicator close = new ClosePriceIndicator(s);
        SMAIndicator fast = new SMAIndicator(close, 5), slow = new SMAIndicator(close, 15);
        Rule up = new CrossedUpIndicatorRule(fast, slow), down = new CrossedDownIndicatorRule(fast, slow);
        Strategy strategy = new BaseStrategy(name, type == Trade.TradeType.BUY ? up : down,
                type == Trade.TradeType.BUY ? down : up, 15);
        CostModel cost = fee > 0 ? new LinearTransactionCostModel(fee) : new ZeroCostModel();
        CostModel holding = borrow > 0 ? new LinearBorrowingCostModel(borrow) : new ZeroCostModel();
        TradingRecord r = new BarSeriesManager(s, cost, holding, model).run(strategy, type, DoubleNum.valueOf(3));
        System.out.println("/* " + name + " */");
        for (Position p : r.getPositions())
            System.out.printf("{ %d, %d, %s, %s, %s },%n", p.getEntry().getIndex(), p.getExit().getIndex(),
                    p.getEntry().getPricePerAsset(), p.getExit().getPricePerAsset(), p.getProfit());
        Map<String, AnalysisCriterion> all = new LinkedHashMap<>();
        AnalysisCriterion pnl = new ProfitLossCriterion();
        all.put("Return", new ReturnCriterion());
        all.put("EnterAndHoldReturn", new EnterAndHoldCriterion(new ReturnCriterion()));
        all.put("VersusEnterAndHold", new VersusEnterAndHoldCriterion(new ReturnCriterion()));
        all.put("AverageReturnPerBar", new AverageReturnPerBarCriterion());
        all.put("Profit", new ProfitCriterion());
        all.put("ProfitGross", new ProfitCriterion(true));
        all.put("Loss", new LossCriterion());
        all.put("LossGross", new LossCriterion(true));
        all.put("ProfitLoss", pnl);
        all.put("ProfitLossPercentage", new ProfitLossPercentageCriterion());
        all.put("ProfitLossRatio", new ProfitLossRatioCriterion());
        all.put("AverageProfit", new AverageProfitCriterion());
        all.put("AverageLoss", new AverageLossCriterion());
        all.put("NumberOfPositions", new NumberOfPositionsCriterion());
        all.put("NumberOfWinningPositions", new NumberOfWinningPositionsCriterion());
        all.put("NumberOfLosingPositions", new NumberOfLosingPositionsCriterion());
        all.put("NumberOfBreakEvenPositions", new NumberOfBreakEvenPositionsCriterion());
        all.put("WinningPositionsRatio", PositionsRatioCriterion.WinningPositionsRatioCriterion());
        all.put("LosingPositionsRatio", PositionsRatioCriterion.LosingPositionsRatioCriterion());
        all.put("NumberOfConsecutiveWinningPositions", new NumberOfConsecutivePositionsCriterion(AnalysisCriterion.PositionFilter.PROFIT));
        all.put("NumberOfConsecutiveLosingPositions", new NumberOfConsecutivePositionsCriterion(AnalysisCriterion.PositionFilter.LOSS));
        all.put("NumberOfBars", new NumberOfBarsCriterion());
        all.put("MaximumDrawdown", new MaximumDrawdownCriterion());
        all.put("ReturnOverMaxDrawdown", new ReturnOverMaxDrawdownCriterion());
        all.put("ValueAtRisk", new ValueAtRiskCriterion(0.95));
        all.put("ExpectedShortfall", new ExpectedShortfallCriterion(0.95));
        all.put("Expectancy", new ExpectancyCriterion());
        all.put("Sqn", new SqnCriterion());
        all.put("Average", new AverageCriterion(pnl));
        all.put("Variance", new VarianceCriterion(pnl));
        all.put("StandardDeviation", new StandardDeviationCriterion(pnl));
        all.put("StandardError", new StandardErrorCriterion(pnl));
        all.put("RelativeStandardDeviation", new RelativeStandardDeviationCriterion(pnl));
        for (Map.Entry<String, AnalysisCriterion> e : all.entrySet())
            System.out.printf("{ \"%s\", %s },%n", e.getKey(), e.getValue().calculate(s, r));
    }

    public static void main(String[] args) {
        BarSeries s = series();
        run("next open", s, new TradeOnNextOpenModel(), 0.001, 0, Trade.TradeType.BUY);
        run("present close", s, new TradeOnCurrentCloseModel(), 0, 0, Trade.TradeType.BUY);
        run("short with borrowing", s, new TradeOnNextOpenModel(), 0.001, 0.0005, Trade.TradeType.SELL);
    }
}
