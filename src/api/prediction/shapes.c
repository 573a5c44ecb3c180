/* api/prediction/shapes.c - field tables of the prediction role's records. */

#include "api/prediction/prediction_api.h"

/* clang-format off */
static const char *const rungs[] = { "none", "without_sentiment", "kept_model", "kept_candles", "version", "model", "naive", NULL };
static const char *const intervals[] = { "adaptive", "split", "none", NULL };

static const Field predict_in_f[] = {
    FIELD(PredictIn, exchange, .pattern = "venue", .doc = "Where the instrument trades. Left out: the only venue it is stored of.", .example = "binance"),
    FIELD(PredictIn, symbol, .flags = F_REQUIRED, .pattern = "symbol", .doc = "The venue's own name of the instrument.", .example = "BTCUSDT"),
    FIELD(PredictIn, timeframe, .flags = F_REQUIRED, .pattern = "timeframe", .rename = "interval", .doc = "Length of a candle.", .example = "1h"),
    FIELD(PredictIn, provider, .pattern = "venue", .doc = "Who supplied the data, where that is not the venue."),
    FIELD(PredictIn, model, .max = 200, .rename = "model_name", .doc = "NAME, NAME/VERSION or NAME@ALIAS. Left out: what is best for the series.", .example = "btc-1h"),
    FIELD(PredictIn, level, .def = "0.9", .min = 0.5, .max = 0.95, .rename = "confidence", .doc = "Of the intervals: 0.5, 0.8, 0.9 or 0.95."),
    FIELD(PredictIn, step, .def = "1", .min = 1, .max = 10000, .doc = "Of a single forecast: how many candles ahead."),
    FIELD(PredictIn, steps, .has_min = true, .min = 0, .max = 10000, .doc = "Of a horizon: the first so many candles; 0: all the model forecasts."),
    FIELD(PredictIn, strict, .doc = "The model that was asked for, or an error: no rung of the ladder below it."),
    FIELD(PredictIn, candles, .max = 20000, .doc = "Candles to forecast from, instead of those stored."),
};
SHAPE(predict_in_shape, PredictIn, predict_in_f, .doc = "What to forecast, and by whom.");

static const Field batch_in_f[] = {
    FIELD(PredictBatchIn, requests, .flags = F_REQUIRED, .of = &predict_in_shape, .min = 1, .max = 100, .doc = "Forecasts wanted."),
};
SHAPE(predict_batch_in_shape, PredictBatchIn, batch_in_f, .doc = "Several forecasts.");

static const Field point_f[] = {
    FIELD(ForecastPoint, step, .doc = "Candles ahead, from 1."),
    FIELD(ForecastPoint, time, .doc = "Open time of the candle."),
    FIELD(ForecastPoint, target, .doc = "Which value of it.", .example = "close"),
    FIELD(ForecastPoint, value, .doc = "The forecast."),
    FIELD(ForecastPoint, low, .flags = F_NULLABLE, .doc = "Lower end of the interval; null where there is none."),
    FIELD(ForecastPoint, high, .flags = F_NULLABLE, .doc = "Upper end."),
    FIELD(ForecastPoint, last, .doc = "The last value: what the forecast that costs nothing says."),
};
static SHAPE(point_shape, ForecastPoint, point_f, .doc = "One value of one candle to come.");

static const Field rung_f[] = {
    FIELD(RungOut, rung, .choices = rungs, .doc = "Which rung of the ladder."),
    FIELD(RungOut, model, .flags = F_OMIT_EMPTY, .doc = "Who was asked."),
    FIELD(RungOut, version, .flags = F_OMIT_EMPTY, .doc = "In which version."),
    FIELD(RungOut, outcome, .doc = "answered, or why it did not."),
};
static SHAPE(rung_shape, RungOut, rung_f, .doc = "A rung that was tried.");

static const Field predict_out_f[] = {
    FIELD(PredictOut, exchange, .flags = F_OMIT_EMPTY, .doc = "Where it trades."),
    FIELD(PredictOut, symbol, .doc = "The venue's name."),
    FIELD(PredictOut, timeframe, .doc = "Length of a candle."),
    FIELD(PredictOut, provider, .flags = F_OMIT_EMPTY, .doc = "Who supplied the data."),
    FIELD(PredictOut, model, .doc = "Who forecast: a registered model, or naive."),
    FIELD(PredictOut, version, .flags = F_OMIT_EMPTY, .doc = "Of the model. All of the answer is of this one."),
    FIELD(PredictOut, kind, .doc = "What kind of model.", .example = "dlinear"),
    FIELD(PredictOut, sha256, .flags = F_OMIT_EMPTY, .doc = "Of its weights."),
    FIELD(PredictOut, fallback, .choices = rungs, .doc = "The rung that answered; none: what was asked for."),
    FIELD(PredictOut, ladder, .of = &rung_shape, .doc = "Every rung that was tried, in order."),
    FIELD(PredictOut, missing, .doc = "What could not be asked: market, sentiment, registry."),
    FIELD(PredictOut, horizon, .doc = "Candles that the model forecasts."),
    FIELD(PredictOut, level, .doc = "Of the intervals."),
    FIELD(PredictOut, interval, .choices = intervals, .doc = "adaptive: it follows the errors seen by now; split: those of validation."),
    FIELD(PredictOut, as_of, .doc = "Open time of the last candle looked at."),
    FIELD(PredictOut, forecasts, .of = &point_shape, .doc = "By time."),
    FIELD(PredictOut, val_vs_naive, .flags = F_NULLABLE, .doc = "Its squared error on validation over that of the last value."),
    FIELD(PredictOut, beats_naive, .doc = "Better than the last value there, and not by luck."),
    FIELD(PredictOut, simulated, .doc = "The candles came from a simulator."),
    FIELD(PredictOut, cached, .doc = "Told before, of the same version and candles."),
    FIELD(PredictOut, drifted, .doc = "Inputs or errors are no longer as they were in training."),
    FIELD(PredictOut, sentiment_score, .flags = F_NULLABLE, .doc = "How the news of the last day sounded, -1 to 1; null where there are none. No model looks at it."),
    FIELD(PredictOut, sentiment_articles, .doc = "Articles it is the mean of."),
    FIELD(PredictOut, took_ms, .doc = "In the service."),
};
SHAPE(predict_out_shape, PredictOut, predict_out_f, .doc = "A forecast (the documents' PredictionResponse).");

static const Field item_f[] = {
    FIELD(PredictItem, ok, .doc = "There is a forecast."),
    FIELD(PredictItem, error, .flags = F_OMIT_EMPTY, .doc = "Name of the error."),
    FIELD(PredictItem, message, .flags = F_OMIT_EMPTY, .doc = "Its words."),
    FIELD(PredictItem, prediction, .of = &predict_out_shape, .doc = "The one forecast, or none."),
};
static SHAPE(item_shape, PredictItem, item_f, .doc = "What became of one request.");
static const Field batch_out_f[] = {
    FIELD(PredictBatchOut, count, .doc = "Requests."),
    FIELD(PredictBatchOut, failed, .doc = "Of them without a forecast. One that fails stops no other."),
    FIELD(PredictBatchOut, results, .of = &item_shape, .doc = "In the order of the requests."),
};
SHAPE(predict_batch_out_shape, PredictBatchOut, batch_out_f, .doc = "Several forecasts.");

/* --- what is loaded --- */

static const Field loaded_f[] = {
    FIELD(LoadedModel, name, .doc = "The model."),
    FIELD(LoadedModel, version, .doc = "Its version."),
    FIELD(LoadedModel, kind, .doc = "What kind."),
    FIELD(LoadedModel, sha256, .flags = F_OMIT_EMPTY, .doc = "Of its weights."),
    FIELD(LoadedModel, bytes, .doc = "Memory, about."),
    FIELD(LoadedModel, forecasts, .doc = "Windows computed."),
    FIELD(LoadedModel, passes, .doc = "Runs of the model: fewer than windows where several were computed together."),
    FIELD(LoadedModel, holders, .doc = "Requests that use it now."),
    FIELD(LoadedModel, load_ms, .doc = "Reading, checking, opening and running it once took."),
    FIELD(LoadedModel, loaded, .doc = "When."),
    FIELD(LoadedModel, used, .doc = "Last."),
};
static SHAPE(loaded_shape, LoadedModel, loaded_f, .doc = "A model in memory.");
static const Field loaded_list_f[] = {
    FIELD(LoadedModels, count, .doc = "Models."),
    FIELD(LoadedModels, bytes, .doc = "Of all."),
    FIELD(LoadedModels, models, .of = &loaded_shape, .doc = "All of them."),
};
SHAPE(loaded_models_shape, LoadedModels, loaded_list_f, .doc = "Models that are ready.");

static const Field model_ref_f[] = {
    FIELD(ModelRef, model, .flags = F_REQUIRED, .max = 200, .doc = "NAME, NAME/VERSION or NAME@ALIAS.", .example = "btc-1h"),
};
SHAPE(model_ref_shape, ModelRef, model_ref_f, .doc = "A registered model.");
static const Field unload_f[] = {
    FIELD(UnloadIn, model, .flags = F_REQUIRED, .max = 128, .doc = "Its name.", .example = "btc-1h"),
    FIELD(UnloadIn, version, .max = 20, .doc = "Left out: every one."),
};
SHAPE(unload_in_shape, UnloadIn, unload_f, .doc = "What to let go.");

static const Field drift_f[] = {
    FIELD(DriftOut, model, .doc = "The model."),
    FIELD(DriftOut, version, .doc = "Its version."),
    FIELD(DriftOut, series, .doc = "The series it follows; empty: candles that callers sent."),
    FIELD(DriftOut, rows, .doc = "Candles seen."),
    FIELD(DriftOut, errors, .doc = "Forecasts settled."),
    FIELD(DriftOut, psi, .flags = F_NULLABLE, .doc = "Population stability index of the column that moved most; from 0.25 on it is another population."),
    FIELD(DriftOut, psi_column, .flags = F_OMIT_EMPTY, .doc = "That column."),
    FIELD(DriftOut, ks, .flags = F_NULLABLE, .doc = "Kolmogorov-Smirnov distance of the latest errors from those before."),
    FIELD(DriftOut, ks_p, .flags = F_NULLABLE, .doc = "How likely by chance; below 0.001 it is none."),
    FIELD(DriftOut, cuts, .doc = "Times that ADWIN found the mean error changed."),
    FIELD(DriftOut, cut_at, .flags = F_NULLABLE, .doc = "The last time: open time of the candle."),
    FIELD(DriftOut, inputs_drifted, .doc = "Alarm of the inputs."),
    FIELD(DriftOut, errors_drifted, .doc = "Alarm of the errors."),
};
static SHAPE(drift_shape, DriftOut, drift_f, .doc = "Whether a series is still what its model was taught with.");
static const Field drift_list_f[] = {
    FIELD(DriftList, count, .doc = "Series followed."),
    FIELD(DriftList, drifted, .doc = "Of them with an alarm."),
    FIELD(DriftList, series, .of = &drift_shape, .doc = "By model."),
};
SHAPE(drift_list_shape, DriftList, drift_list_f, .doc = "Drift of everything that is served.");

/* --- trainings --- */

static const char *const presets[] = { "price", "etth", "ettm", "weather", NULL };
static const char *const states[] = { "queued", "running", "waiting", "succeeded", "failed", "cancelled", NULL };

static const Field training_in_f[] = {
    FIELD(TrainingIn, name, .flags = F_REQUIRED, .pattern = "id", .rename = "model_name", .doc = "The model it becomes a version of.", .example = "btc-1h"),
    FIELD(TrainingIn, exchange, .pattern = "venue", .doc = "Where the instrument trades. Left out: the only venue it is stored of."),
    FIELD(TrainingIn, symbol, .flags = F_REQUIRED, .pattern = "symbol", .doc = "Candles of this symbol are learned from.", .example = "BTCUSDT"),
    FIELD(TrainingIn, timeframe, .flags = F_REQUIRED, .pattern = "timeframe", .doc = "Length of a candle.", .example = "1h"),
    FIELD(TrainingIn, provider, .pattern = "venue", .doc = "Who supplied the data, where that is not the venue."),
    FIELD(TrainingIn, model, .def = "dlinear", .max = 128, .rename = "model_type", .doc = "What kind; several with + between them are an ensemble.", .example = "nlinear+theta"),
    FIELD(TrainingIn, preset, .def = "price", .choices = presets, .doc = "Settings for such data."),
    FIELD(TrainingIn, features, .def = "close", .max = 1000, .doc = "Columns made of the candles, the first is forecast.", .example = "close,volatility:24,rsi:14"),
    FIELD(TrainingIn, target, .max = 64, .doc = "Forecast this column. Left out: the first one."),
    FIELD(TrainingIn, horizon, .def = "24", .min = 1, .max = 1000, .doc = "Candles ahead."),
    FIELD(TrainingIn, look_back, .def = "0", .has_min = true, .min = 0, .max = 10000, .doc = "Candles a forecast looks at; 0: the preset's."),
    FIELD(TrainingIn, epochs, .def = "0", .has_min = true, .min = 0, .max = 10000, .doc = "Passes at most; 0: the preset's."),
    FIELD(TrainingIn, patience, .def = "-1", .has_min = true, .min = -1, .max = 10000, .doc = "Epochs without a better validation error before it ends; -1: the preset's."),
    FIELD(TrainingIn, seed, .def = "2021", .has_min = true, .min = 0, .max = 9e15, .doc = "The same seed gives the same weights."),
    FIELD(TrainingIn, rows, .def = "100000", .min = 100, .max = 500000, .doc = "The latest so many candles."),
    FIELD(TrainingIn, max_minutes, .def = "0", .has_min = true, .min = 0, .max = 100000, .doc = "Ends after the epoch in which they are over; 0: no limit."),
    FIELD(TrainingIn, promote, .doc = "Put it to work when it is better than the last value on validation."),
    FIELD(TrainingIn, force, .doc = "With promote: also when it is not; the version says so."),
};
SHAPE(training_in_shape, TrainingIn, training_in_f, .doc = "A model to be taught (the documents' TrainingRequest).");
static const Field training_ref_f[] = {
    FIELD(TrainingRef, training, .flags = F_REQUIRED, .pattern = "id", .rename = "training_id", .doc = "Id of the training."),
};
SHAPE(training_ref_shape, TrainingRef, training_ref_f, .doc = "A training.");
static const Field training_row_f[] = {
    FIELD(TrainingRow, training, .doc = "Its id."),
    FIELD(TrainingRow, model, .doc = "The model it makes a version of."),
    FIELD(TrainingRow, state, .choices = states, .doc = "Where it is."),
    FIELD(TrainingRow, progress, .doc = "0 to 1, if all epochs are needed."),
    FIELD(TrainingRow, submitted, .flags = F_NULLABLE, .doc = "When it was asked for."),
    FIELD(TrainingRow, started, .flags = F_NULLABLE, .doc = "When it began."),
    FIELD(TrainingRow, ended, .flags = F_NULLABLE, .doc = "When it was over."),
    FIELD(TrainingRow, message, .flags = F_OMIT_EMPTY, .doc = "What came of it."),
    FIELD(TrainingRow, error, .flags = F_OMIT_EMPTY, .doc = "Why it failed."),
    FIELD(TrainingRow, settings, .doc = "What was asked for."),
};
SHAPE(training_row_shape, TrainingRow, training_row_f, .doc = "A training.");
static const Field training_list_f[] = {
    FIELD(TrainingList, count, .doc = "Trainings listed."),
    FIELD(TrainingList, trainings, .of = &training_row_shape, .doc = "By id."),
};
SHAPE(training_list_shape, TrainingList, training_list_f, .doc = "Trainings.");
static const Field training_log_f[] = {
    FIELD(TrainingLog, training, .doc = "Its id."),
    FIELD(TrainingLog, lines, .doc = "What it wrote, an epoch a line, oldest first."),
};
SHAPE(training_log_shape, TrainingLog, training_log_f, .doc = "What a training says.");
/* clang-format on */
