#!/usr/bin/env python3
"""The MLflow adapter's contract on our own MLflow-compatible server (PRD-07), and a platform whose registry is another one of
ours: what it is told is there.

usage: test_mlflow_adapter.py FINSIGHT TEST_MODEL_REGISTRY_MLFLOW"""
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request

KEY = "an-admin-key-of-the-test-0123456789"


def serve(finsight, folder, **options):
    env = dict(os.environ, FINSIGHT_DATA_DIR=folder, FINSIGHT_AUTH_ADMIN_KEY=KEY,
               **{"FINSIGHT_" + k.upper(): v for k, v in options.items()})
    process = subprocess.Popen([finsight, "serve", "--port", "0", "--json"], env=env, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    for line in process.stdout:
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        if found:
            threading.Thread(target=process.stdout.read, daemon=True).start()  # or it would stop at a full pipe
            return process, found.group(0)
    raise AssertionError("the server does not come up")


def call(url, method, path, body=None):
    request = urllib.request.Request(url + path, method=method, data=None if body is None else json.dumps(body).encode(),
                                     headers={"Authorization": "Bearer " + KEY, "Content-Type": "application/json"})
    return json.load(urllib.request.urlopen(request, timeout=60))


def contract(program, url):
    done = subprocess.run([program], env=dict(os.environ, FINSIGHT_TEST_MLFLOW=url, FINSIGHT_TEST_MLFLOW_TOKEN=KEY, CMOCKA_MESSAGE_OUTPUT="STDOUT"),
                          capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    passed = done.stdout.count("[       OK ]")
    assert passed >= 20, done.stdout[-2000:]


def through(finsight, url, folder):
    """models.registry: mlflow; a chain of two: REST → port → REST → port → SQLite."""
    process, front = serve(finsight, folder, models_registry="mlflow", models_mlflow_url=url, models_mlflow_token=KEY)
    try:
        call(front, "POST", "/api/2.0/mlflow/registered-models/create", {"name": "through"})
        run = call(front, "POST", "/api/2.0/mlflow/runs/create", {"experiment_id": "0", "start_time": 1})["run"]["info"]
        call(front, "POST", "/api/2.0/mlflow/runs/log-batch",
             {"run_id": run["run_id"], "metrics": [{"key": "mse", "value": 0.1 + 0.2, "timestamp": 1, "step": 0}]})
        behind = call(url, "GET", "/api/2.0/mlflow/runs/get?run_id=" + run["run_id"])["run"]
        assert behind["data"]["metrics"][0]["value"] == 0.1 + 0.2, behind
        assert call(url, "GET", "/api/2.0/mlflow/registered-models/get?name=through")["registered_model"]["name"] == "through"
        try:
            call(front, "GET", "/api/2.0/mlflow/registered-models/get?name=none")
            raise AssertionError("there is no such model")
        except urllib.error.HTTPError as e:
            assert e.code == 404 and json.load(e)["error_code"] == "RESOURCE_DOES_NOT_EXIST", e.code
    finally:
        process.terminate()
        process.wait(timeout=60)


def main(finsight, program):
    print("1..2")
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        process, url = serve(finsight, folder + "/behind")
        try:
            for n, (name, case) in enumerate([("the contract on our own server", lambda: contract(program, url)),
                                              ("a registry behind a registry", lambda: through(finsight, url, folder + "/front"))], 1):
                try:
                    case()
                    print(f"ok {n} - {name}")
                except Exception as e:  # noqa: BLE001: a test reports everything
                    failed += 1
                    print(f"not ok {n} - {name}\n" + "\n".join("# " + line for line in f"{type(e).__name__}: {e}".splitlines()))
        finally:
            process.terminate()
            process.wait(timeout=60)
    sys.exit(failed > 0)


main(*(os.path.abspath(p) for p in sys.argv[1:3]))
