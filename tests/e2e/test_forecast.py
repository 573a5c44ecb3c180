#!/usr/bin/env python3
"""train, evaluate, predict as a person and a script meet them: one JSON line at the end, words for what is wrong, the
same weights after a kill (PRI-12), a changed model refused (PRD-08), naive beside every figure (PRD-18)."""
import json
import math
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import platform_rig as rig  # noqa: E402
from platform_rig import Skip, check, equal  # noqa: E402

SHARED = pathlib.Path(os.environ.get("FINSIGHT_SHARED") or pathlib.Path(__file__).resolve().parents[2] / ".." / "shared")


def write_waves(path, rows, columns=3, spoil=None, seed=1):
    """Hourly waves with noise; spoil(row) may return cells to write instead."""
    rng = random.Random(seed)
    with open(path, "w") as f:
        f.write("date," + ",".join(f"c{c}" for c in range(columns)) + "\n")
        for i in range(rows):
            cells = [f"{10 + c + math.sin(i * math.tau / 24 + c) + rng.gauss(0, 0.3):.6f}" for c in range(columns)]
            cells = spoil(i, cells) if spoil else cells
            f.write(f"{1577836800 + 3600 * i},{','.join(cells)}\n")
    return path


SMALL = ["--look-back", "48", "--horizon", "12", "--split", "0.6,0.2,0.2", "--season", "24", "--epochs", "4"]


class Cases(rig.Suite):
    def waves(self, name="waves.csv", rows=1200, **more):
        self.data.mkdir(exist_ok=True)
        return write_waves(self.data / name, rows, **more)

    def train(self, *args, **more):
        done = self.cli("train", *args, "--json", **more)
        return json.loads(done.stdout.splitlines()[-1])

    def test_the_last_line_tells_all(self):
        told = self.train("--csv", self.waves(), "--model", "dlinear", "--preset", "etth", "--seed", "7", *SMALL)
        for key in ("test_mse", "test_mae", "naive_mse", "naive_mae", "vs_naive", "epochs", "seconds", "weights_sha256"):
            check(key in told, key, told)
        check(0 < told["test_mse"] < told["naive_mse"] and told["beats_naive"], told)
        equal(told["epochs"], 4)
        check(0.8 < told["interval_adaptive"]["coverage"] < 0.97, told["interval_adaptive"])

    def test_the_same_seed_gives_the_same_weights(self):
        a, b, c = (self.train(self.waves(), "--model", "nlinear", "--seed", seed, "--threads", threads, *SMALL)
                   for seed, threads in (("7", "1"), ("7", "2"), ("8", "1")))
        equal(a["weights_sha256"], b["weights_sha256"], "whatever the number of threads")
        check(a["weights_sha256"] != c["weights_sha256"], "another seed")

    def test_a_killed_run_goes_on_to_the_same_weights(self):
        data, part = self.waves(rows=9000, columns=7), self.data / "run.part"
        args = [data, "--model", "dlinear", "--preset", "etth", "--look-back", "96", "--horizon", "48", "--split",
                "0.6,0.2,0.2", "--batch", "8", "--epochs", "6", "--json"]
        whole = self.train(*args[:-1])
        kills = 0
        while kills < 3:
            run = subprocess.Popen([self.binary, "train", *map(str, args), "--checkpoint", str(part), "--data-dir",
                                    str(self.data)], env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            before = part.stat().st_mtime_ns if part.exists() else 0
            deadline = time.monotonic() + 120
            while time.monotonic() < deadline and run.poll() is None:
                if part.exists() and part.stat().st_mtime_ns != before:
                    break  # one more epoch is kept
                time.sleep(0.001)
            if run.poll() is not None:
                run.communicate()
                break  # it was faster than we are
            run.send_signal(signal.SIGKILL)
            run.communicate()
            kills += 1
        check(kills > 0, "never killed: the run is too short for this machine")
        check(not list(self.data.glob("run.part?*")) or part.exists(), "the checkpoint is whole")
        done = self.train(*args[:-1], "--checkpoint", part) if part.exists() else None
        if done:
            equal(done["weights_sha256"], whole["weights_sha256"], f"after {kills} kills")
            equal(done["test_mse"], whole["test_mse"])
            check(not part.exists(), "the checkpoint is taken away at the end")

    def test_ctrl_c_keeps_the_run(self):
        data, part = self.waves(rows=9000, columns=7), self.data / "c.part"
        run = subprocess.Popen([self.binary, "train", str(data), "--model", "dlinear", "--look-back", "96", "--horizon", "48",
                                "--epochs", "500", "--patience", "0", "--checkpoint", str(part), "--data-dir", str(self.data)],
                               env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 60
        while not part.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=60)
        equal(run.returncode, 130, err)
        check("goes on from it" in err and part.exists(), err)

    def test_what_cannot_be_learned_from_is_said(self):
        def holes(i, cells):
            return ["NaN", *cells[1:]] if i == 700 else cells

        rows = [
            (self.waves("nan.csv", spoil=holes), 3, "line 702, column c0: 'NaN' is not a number"),
            (self.waves("still.csv", spoil=lambda i, c: ["5", *c[1:]]), 3, "column c0 is 5 in all"),
            (self.waves("short.csv", rows=80), 3, "the series is too short"),
            (self.data / "nowhere.csv", 4, "nowhere.csv"),
        ]
        for path, status, words in rows:
            done = self.cli("train", path, *SMALL, status=status)
            check(words in done.stderr, path.name, done.stderr)
        done = self.cli("train", self.waves(), "--model", "magic", *SMALL, status=3)
        check('no model "magic"' in done.stderr and "patchtst" in done.stderr, done.stderr)
        done = self.cli("train", status=2)
        check("say what to read" in done.stderr, done.stderr)

    def test_changed_checkpoints_and_models_are_refused(self):
        data, model, part = self.waves(), self.data / "a.model", self.data / "a.part"
        self.train(data, "--model", "dlinear", *SMALL, "--out", model)
        whole = model.read_bytes()
        for at in (5, 30, len(whole) // 2, len(whole) - 3):
            model.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
            done = self.cli("predict", model, data, status=9)
            check("a.model: this is no whole forecaster" in done.stderr, done.stderr)
        model.write_bytes(whole[:len(whole) // 2])
        check("its end is missing" in self.cli("evaluate", model, data, status=9).stderr)
        part.write_bytes(whole)
        done = self.cli("train", data, *SMALL, "--checkpoint", part, status=9)
        check("no whole checkpoint" in done.stderr, done.stderr)
        self.train(data, *SMALL, "--checkpoint", part, "--fresh")

    def test_a_kept_model_judges_and_forecasts(self):
        data, model = self.waves(), self.data / "e.model"
        told = self.train(data, "--model", "nlinear+theta+seasonal_naive", *SMALL, "--out", model)
        weights = {m["model"]: m["weight"] for m in told["members"]}
        check(abs(sum(weights.values()) - 1) < 1e-6 and "naive" in weights, weights)
        check(told["val_mse"] <= min(m["val_mse"] for m in told["members"]) * (1 + 1e-6), told)  # PRD-11
        judged = json.loads(self.cli("evaluate", model, data, "--json").stdout)
        equal(judged["test_mse"], told["test_mse"], "the same model on the same rows")
        check(judged["same_data"])
        forecast = json.loads(self.cli("predict", model, data, "--json").stdout)
        rows = forecast["forecasts"]
        equal(len(rows), 12 * 3)
        for row in rows:
            check(row["low"] < row["value"] < row["high"] and "naive" in row, row)
        equal(rows[0]["time"], "2020-02-20T00:00:00Z")
        check("column" in self.cli("predict", model, write_waves(self.data / "x.csv", 100, columns=1), status=3).stderr)

    def test_on_a_terminal_it_shows_how_far_it_is(self):
        text = self.cli("train", self.waves(), "--model", "dlinear", *SMALL).stdout
        check("last value" in text and "directi" in text and "% covered" in text, text)

    def test_a_server_trains_in_a_child(self):
        data, model, server = self.waves(), self.data / "job.model", self.serve()
        headers = {"X-API-Key": self.key(), "Content-Type": "application/json"}

        def call(method, path, body=None):
            reply = server.request(method, path, json.dumps(body) if body else None, headers)
            equal(reply.status, 200, f"{method} {path}: {reply.body[:300]!r}")
            return reply.json

        args = ["train", str(data), "--model", "dlinear", *SMALL, "--out", str(model), "--json"]
        call("PUT", "/api/v1/jobs/learn", {"kind": "command", "params": {"args": args}})
        call("POST", "/jobs/run", {"job": "learn"})
        deadline = time.monotonic() + 120
        while call("GET", "/jobs/learn").get("last_state") != "succeeded":
            check(time.monotonic() < deadline, call("GET", "/jobs/learn"))
            time.sleep(0.1)
        server.stop()
        told = self.train(data, "--model", "dlinear", *SMALL, "--out", self.data / "here.model")
        equal(model.read_bytes(), (self.data / "here.model").read_bytes(), "the same command, the same model")
        check(told["beats_naive"])

    def test_walking_and_tuning(self):
        data = self.waves()
        walked = self.train(data, "--model", "nlinear", *SMALL, "--folds", "3", "--purge", "12")
        check(len(walked["folds"]) == 3 and walked["test_mse"] < walked["naive_mse"], walked)
        small = [a for a in SMALL if a not in ("--season", "24")]
        tuned = json.loads(self.cli("tune", data, "--model", "nlinear", *small, "--trials", "5", "--json").stdout)
        check(tuned["trials"] == 5 and 1e-5 <= tuned["rate"] <= 3e-2 and tuned["epochs"] >= 5, tuned)

    def test_exchange_rates_promote_nothing_that_is_worse(self):
        rates = SHARED / "data/ett/exchange_rate.csv"
        if not rates.exists():
            raise Skip("no exchange_rate.csv here")
        for model in ("drift", "theta", "nlinear+drift+theta"):
            told = self.train("--csv", rates, "--model", model, "--preset", "price", "--horizon", "96", "--epochs", "2")
            check(not told["beats_naive"] or told["vs_naive"] <= 1.01, model, told["vs_naive"])


sys.exit(rig.main(Cases))
