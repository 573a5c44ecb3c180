"""A data folder backed up by its server and brought back elsewhere, as a person does it.

Jobs, the audit, backtests, datasets and models with their weights come back with the candles, the admin key does not (MDS-40, RES-18); a restore
that is killed at any moment leaves a folder that no server takes for whole, and the next restore goes on with it."""
import json
import random
import signal
import subprocess
import time

import platform_rig as rig
from platform_rig import check, equal

N = 3000


class Cases(rig.Suite):
    def json(self, *args, **more):
        return json.loads(self.cli(*args, "--json", **more).stdout)

    def at(self, folder, *args, status=0):
        """A command on another data folder."""
        had, self.data = self.data, folder
        try:
            return self.cli(*args, status=status)
        finally:
            self.data = had

    def fill(self):
        rng = random.Random(7)
        rows = ["ts,open,high,low,close,volume\n"]
        for i in range(N):
            p = 100 + rng.random() * 10
            rows.append(f"{1_600_000_000_000 + i * 60_000},{p!r},{p + 1!r},{p - 1!r},{p!r},{rng.random()!r}\n")
        (self.root / "rows.csv").write_text("".join(rows))
        self.cli("import", self.root / "rows.csv", "--symbol", "T", "--exchange", "test", "--timeframe", "1m")
        self.cli("upload", "T", "1m", "--format", "csv")
        self.cli("backtest", "T", "1m", "--id", "kept")
        self.cli("train", self.root / "rows.csv", "--model", "naive", "--look-back", "48", "--horizon", "4", "--register", "kept", "--quiet")
        self.weights = self.exported(self.data)

    def exported(self, folder):
        out = self.root / "exported.model"
        out.unlink(missing_ok=True)
        self.at(folder, "models", "export", "kept", "1", "--out", out)
        return out.read_bytes()

    def check_restored(self, folder):
        check(self.exported(folder) == self.weights, "other weights than were registered")
        equal(json.loads(self.at(folder, "list", "--json").stdout)["series"][0]["candles"], N)
        equal(json.loads(self.at(folder, "datasets", "--json").stdout)["dataset"], "test/T/1m.csv.zst")
        self.at(folder, "datasets", "--load", "test/T/1m.csv.zst")
        equal(json.loads(self.at(folder, "show", "kept", "--json").stdout)["backtest_id"], "kept")

    def restore_killed(self, folder, after_s):
        argv = [self.binary, "--data-dir", str(self.data), "restore", "--to", str(folder)]
        p = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=self.environment())
        time.sleep(after_s)
        p.send_signal(signal.SIGKILL)
        p.wait()

    def test_all_of_it_comes_back_elsewhere_MDS_40_RES_18(self):
        self.fill()
        server = self.serve()
        self.cli("jobs", "define", "nightly", "--kind", "retention", "--schedule", "30 3 * * *", "--params", '{"rules":"1m=90d"}')
        self.cli("jobs", "start", "nightly")
        made = self.json("backup")
        again = self.json("backup")  # in the same second, more likely than not
        check(made["id"] < again["id"] and again["parent"] == made["id"], made, again)
        equal([p["name"] for p in made["parts"]], ["control.db", "backtest.db", "news.db", "training.db", "models.db", "market.db", "bus.db", "objects", "models"])
        check("control.db, backtest.db, news.db, training.db, models.db, market.db, bus.db, 2 objects, 3 models" in self.cli("backup", "--list").stdout)
        check("every sum right" in self.cli("backup", made["id"], "--verify").stdout)
        reply = server.request("POST", "/api/v1/storage/backups/verify", json.dumps({"id": again["id"]}),
                               {"X-API-Key": self.key(), "Content-Type": "application/json"})  # fmt: skip
        equal((reply.status, reply.json["sha256"]), (200, again["sha256"]))
        self.cli("backup", "20000101T000000.000Z", "--verify", status=4)
        server.stop()
        folder, key = self.root / "elsewhere", self.key()
        said = self.cli("restore", "--to", folder).stdout
        check("admin.key" in said and "1 version of models with the weights that were registered" in said, said)
        check(not (folder / "admin.key").exists(), "a secret was in the backup")
        self.check_restored(folder)
        jobs = json.loads(self.at(folder, "jobs", "--json").stdout)["jobs"]
        equal((jobs[0]["job"], jobs[0]["state"]), ("nightly", "scheduled"))
        check("never over it" in self.cli("restore", "--to", folder, status=5).stderr)
        self.data = folder
        self.serve()  # takes it, and makes a key of its own
        check(self.key() != key, "the key is the old one")

    def test_a_killed_restore_is_not_taken_for_whole_and_gone_on_with(self):
        self.fill()
        made = self.json("backup")
        rng = random.Random(3)
        start = time.monotonic()
        self.cli("restore", "--to", self.root / "first")
        took, half = time.monotonic() - start, 0
        for i in range(15):
            folder = self.root / f"r{i}"
            self.restore_killed(folder, rng.random() * took)
            if (folder / ".restoring").exists():
                half += 1
                check("restore" in self.at(folder, "list", status=5).stderr)
            elif (folder / "market.db").exists():
                self.check_restored(folder)
                continue
            self.cli("restore", made["id"], "--to", folder)
            self.check_restored(folder)
            check(not (folder / ".restoring").exists())
        print(f"# {half} of 15 were killed half-way")

    def test_a_move_cut_short_is_gone_on_with_and_only_with_its_own_backup(self):
        self.fill()
        made = self.json("backup")
        folder = self.root / "cut"
        self.cli("restore", "--to", folder)
        stage = folder / ".restoring"  # as a kill in the middle of the move leaves it
        stage.mkdir()
        (stage / "placing").write_text(made["id"])
        (folder / "market.db").rename(stage / "market.db")
        check(made["id"] in self.cli("restore", "20000101T000000.000Z", "--to", folder, status=5).stderr)
        self.at(folder, "list", status=5)
        check(not (folder / "market.db").exists(), "a store was made in a folder that is not whole")
        self.cli("restore", "--to", folder)
        self.check_restored(folder)


    def test_weights_that_were_spoiled_before_are_told_of_and_keep_nothing_back(self):
        self.fill()
        [weights] = (p for p in (self.data / "models").rglob("*") if p.is_file() and p.read_bytes() == self.weights)
        spoiled = bytearray(self.weights)
        spoiled[-1] ^= 1
        weights.write_bytes(spoiled)
        self.cli("backup")
        folder = self.root / "elsewhere"
        check("1 version of models (the first: kept/1)" in self.cli("restore", "--to", folder).stdout)
        check("not those that were registered" in self.at(folder, "models", "export", "kept", "1", "--out", self.root / "x", status=9).stderr)


if __name__ == "__main__":
    raise SystemExit(rig.main(Cases))
