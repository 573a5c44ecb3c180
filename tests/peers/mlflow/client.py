#!/usr/bin/env python3
"""MLflow's own client drives the registry of a running server, by its own calls, files included.

usage: client.py FINSIGHT
"""
import math
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "2"

import mlflow  # noqa: E402
from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import Metric, Param, RunTag, ViewType  # noqa: E402
from mlflow.exceptions import MlflowException, RestException  # noqa: E402


class Server:
    def __init__(self, finsight, data):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen([finsight, "serve", "--data.dir", data, "--server.port", str(self.port), "--roles",
                                         "gateway,prediction"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(self.url + "/api/2.0/mlflow/experiments/get?experiment_id=0", timeout=5).read()
                break
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise SystemExit("the server did not come up")
                time.sleep(0.1)
        os.environ["MLFLOW_TRACKING_TOKEN"] = pathlib.Path(data, "admin.key").read_text().strip()

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def raises(code, fn, *args, **kw):
    try:
        fn(*args, **kw)
    except (RestException, MlflowException) as e:
        assert e.error_code == code, (e.error_code, code, str(e))
        return
    raise AssertionError(f"{fn} did not fail with {code}")


def experiments(c):
    e = c.create_experiment("ett", tags={"team": "quant"})
    raises("RESOURCE_ALREADY_EXISTS", c.create_experiment, "ett")
    assert c.get_experiment(e).name == "ett"
    assert c.get_experiment_by_name("ett").tags == {"team": "quant"}
    assert c.get_experiment_by_name("nobody") is None
    c.set_experiment_tag(e, "k", "v")
    c.rename_experiment(e, "etth")
    assert [x.name for x in c.search_experiments(filter_string="name LIKE 'ett%' AND tags.k = 'v'")] == ["etth"]
    c.delete_experiment(e)
    assert c.get_experiment(e).lifecycle_stage == "deleted"
    assert [x.name for x in c.search_experiments(view_type=ViewType.DELETED_ONLY)] == ["etth"]
    c.restore_experiment(e)
    return e


def runs(c, e):
    run = c.create_run(e, run_name="first", tags={"who": "me"})
    at = int(time.time() * 1000)
    c.log_batch(run.info.run_id, metrics=[Metric("rmse", 0.5 - i / 10, at + i, i) for i in range(4)],
                params=[Param("lr", "0.1"), Param("model", "patchtst")], tags=[RunTag("a b", "it's")])
    c.log_metric(run.info.run_id, "odd", math.nan)
    c.log_metric(run.info.run_id, "top", math.inf)
    c.log_param(run.info.run_id, "depth", 3)
    raises("INVALID_PARAMETER_VALUE", c.log_param, run.info.run_id, "lr", "0.2")
    c.set_tag(run.info.run_id, "gone", "soon")
    c.delete_tag(run.info.run_id, "gone")
    c.set_terminated(run.info.run_id, "FINISHED")
    got = c.get_run(run.info.run_id)
    assert got.info.status == "FINISHED" and got.info.run_name == "first"
    assert abs(got.data.metrics["rmse"] - 0.2) < 1e-15 and math.isnan(got.data.metrics["odd"])
    assert got.data.metrics["top"] == 1.7976931348623157e308
    assert got.data.params == {"lr": "0.1", "model": "patchtst", "depth": "3"}
    assert got.data.tags["a b"] == "it's" and "gone" not in got.data.tags
    assert [m.step for m in c.get_metric_history(run.info.run_id, "rmse")] == [0, 1, 2, 3]
    second = c.create_run(e, run_name="second")
    c.log_metric(second.info.run_id, "rmse", 0.9)
    find = "metrics.rmse < 1 and params.model = 'patchtst' and tags.`a b` ILIKE '%IT%'"
    assert [r.info.run_name for r in c.search_runs([e], find)] == ["first"]
    assert [r.info.run_name for r in c.search_runs([e], order_by=["metrics.rmse DESC"])] == ["second", "first"]
    page = c.search_runs([e], max_results=1)
    assert page.token and len(c.search_runs([e], max_results=1, page_token=page.token)) == 1
    c.delete_run(second.info.run_id)
    assert len(c.search_runs([e])) == 1 and len(c.search_runs([e], run_view_type=ViewType.ALL)) == 2
    c.restore_run(second.info.run_id)
    raises("RESOURCE_DOES_NOT_EXIST", c.get_run, "0" * 32)
    raises("INVALID_PARAMETER_VALUE", c.search_runs, [e], "metrics.rmse ! 1")
    return run.info.run_id


def artifacts(c, run, work):
    blob = os.urandom(3 << 20)
    there = pathlib.Path(work, "model")
    there.mkdir()
    (there / "weights").write_bytes(blob)
    (there / "a b.txt").write_text("words")
    c.log_artifacts(run, str(there), "model")
    c.log_text(run, "# card", "card.md")
    c.log_dict(run, {"a": 1}, "deep/er/card.json")
    assert sorted(f.path for f in c.list_artifacts(run)) == ["card.md", "deep", "model"]
    assert {f.path: f.file_size for f in c.list_artifacts(run, "model")} == {"model/a b.txt": 5, "model/weights": 3 << 20}
    back = pathlib.Path(c.download_artifacts(run, "model", str(pathlib.Path(work))))
    assert (back / "weights").read_bytes() == blob and (back / "a b.txt").read_text() == "words"
    assert mlflow.artifacts.load_text(f"runs:/{run}/card.md") == "# card"


def models(c, run):
    c.create_registered_model("btc-1h", tags={"k": "v"}, description="words")
    raises("RESOURCE_ALREADY_EXISTS", c.create_registered_model, "btc-1h")
    first = c.create_model_version("btc-1h", f"runs:/{run}/model", run)
    second = c.create_model_version("btc-1h", f"runs:/{run}/model", run, tags={"beats": "naive"})
    assert (str(first.version), str(second.version), second.status) == ("1", "2", "READY")
    c.set_registered_model_alias("btc-1h", "champion", "2")
    assert str(c.get_model_version_by_alias("btc-1h", "champion").version) == "2"
    assert c.get_registered_model("btc-1h").aliases == {"champion": "2"} or \
        {k: str(v) for k, v in c.get_registered_model("btc-1h").aliases.items()} == {"champion": "2"}
    c.transition_model_version_stage("btc-1h", "1", "Production")
    c.transition_model_version_stage("btc-1h", "2", "Production", archive_existing_versions=True)
    assert c.get_model_version("btc-1h", "1").current_stage == "Archived"
    assert [str(v.version) for v in c.get_latest_versions("btc-1h", ["Production"])] == ["2"]
    c.set_model_version_tag("btc-1h", "1", "k", "v")
    c.delete_model_version_tag("btc-1h", "1", "k")
    c.update_model_version("btc-1h", "1", "old")
    assert {str(v.version) for v in c.search_model_versions("name='btc-1h'")} == {"1", "2"}
    assert len(c.search_model_versions(f"run_id='{run}'")) == 2
    assert [m.name for m in c.search_registered_models("name ILIKE 'BTC%'")] == ["btc-1h"]
    assert c.get_model_version_download_uri("btc-1h", "2").endswith("/artifacts/model")
    assert pathlib.Path(mlflow.artifacts.download_artifacts("models:/btc-1h@champion"), "weights").exists()
    c.rename_registered_model("btc-1h", "btc-hour")
    raises("RESOURCE_DOES_NOT_EXIST", c.get_registered_model, "btc-1h")
    c.delete_registered_model_alias("btc-hour", "champion")
    c.delete_model_version("btc-hour", "2")
    c.delete_registered_model_tag("btc-hour", "k")
    c.delete_registered_model("btc-hour")
    raises("RESOURCE_DOES_NOT_EXIST", c.get_registered_model, "btc-hour")


def fluent(work):
    """The way most notebooks go."""
    mlflow.set_experiment("notebook")
    with mlflow.start_run(run_name="quick") as run:
        mlflow.log_params({"lr": 0.01, "epochs": 3})
        for step in range(3):
            mlflow.log_metric("loss", 1 / (step + 1), step=step)
        path = pathlib.Path(work, "note.txt")
        path.write_text("note")
        mlflow.log_artifact(str(path))
    assert mlflow.get_run(run.info.run_id).info.status == "FINISHED"
    assert abs(mlflow.get_run(run.info.run_id).data.metrics["loss"] - 1 / 3) < 1e-15


def main():
    with tempfile.TemporaryDirectory() as work:
        server = Server(sys.argv[1], str(pathlib.Path(work, "data")))
        try:
            mlflow.set_tracking_uri(server.url)
            c = MlflowClient(server.url)
            e = experiments(c)
            run = runs(c, e)
            artifacts(c, run, work)
            models(c, run)
            fluent(work)
        finally:
            server.stop()
    print(f"mlflow {mlflow.__version__}: experiments, runs, files, models and the fluent calls: PASS")


if __name__ == "__main__":
    main()
