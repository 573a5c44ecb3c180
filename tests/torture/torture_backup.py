#!/usr/bin/env python3
"""torture_backup.py FINSIGHT [ROUNDS] - backups on a disk that fills up, and backups that are killed.

Each round stores candles, backs them up onto a disk of a few MB until that is full, kills a backup at some
moment, and restores what is said to be there. Nothing half may be visible: every backup that is listed restores, with all
that was acknowledged before it began; a full disk is told in words. One PASS or FAIL line; SKIP and status 77 where no
small disk can be mounted."""

import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

FINSIGHT = str(pathlib.Path(sys.argv[1]).resolve())
ROUNDS = int((sys.argv[2:] or [12])[0])
MB = 1 << 20
SKIPPED = 77  # tools/torture counts it as such


def command(*args, wait=True):
    p = subprocess.Popen([FINSIGHT, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if not wait:
        return p
    out, err = p.communicate(timeout=120)
    return p.returncode, out, err


def write_rows(path, start, n, rng):
    with open(path, "w") as f:
        f.write("ts,open,high,low,close,volume\n")
        for i in range(start, start + n):
            p = rng.random() * 1000 + 1
            f.write(f"{1_600_000_000_000 + i * 60_000},{p!r},{p + 1!r},{p - 1!r},{p!r},{rng.random()!r}\n")


class Failed(Exception):
    pass


def backups(data, where):
    rc, out, err = command("--data-dir", data, "--backup-dir", where, "backup", "--list", "--json")
    if rc:
        raise Failed(f"list: {err}")
    return json.loads(out)["backups"]


def check_restores(root, data, where, acked):
    for b in backups(data, where):
        to = root / "restored"
        shutil.rmtree(to, ignore_errors=True)
        rc, out, err = command("--backup-dir", where, "restore", b["id"], "--to", to)
        if rc:
            raise Failed(f"backup {b['id']} is listed and does not restore: {err}")
        if "with the weights that were registered" not in out:
            raise Failed(f"backup {b['id']}: models without their weights: {out}")
        rc, out, err = command("--data-dir", to, "list", "--json")
        n = json.loads(out)["series"][0]["candles"]
        if n < acked.get(b["id"], 0):
            raise Failed(f"backup {b['id']} has {n} candles; {acked[b['id']]} were acknowledged before it began")
        shutil.rmtree(to)


def run(root, disk):
    rng = random.Random(int(os.environ.get("PROP_SEED", "1")))
    data, n, full, killed, acked = root / "data", 0, 0, 0, {}
    for round_ in range(ROUNDS):
        write_rows(root / "rows.csv", n, 20000, rng)
        rc, _, err = command("--data-dir", data, "import", root / "rows.csv", "--symbol", "T", "--exchange", "test", "--timeframe", "1m")
        if rc:
            raise Failed(f"import: {err}")
        n += 20000
        rc, _, err = command("--data-dir", data, "train", root / "rows.csv", "--model", "naive", "--look-back", "48", "--horizon", "4",
                             "--split", "0.7,0.1,0.2", "--seed", round_, "--register", "m", "--quiet")  # fmt: skip
        if rc:
            raise Failed(f"train: {err}")
        known = {b["id"] for b in backups(data, disk)}
        if round_ % 3 == 2:
            p = command("--data-dir", data, "--backup-dir", disk, "backup", wait=False)
            time.sleep(rng.random() * 0.3)
            p.send_signal(signal.SIGKILL)
            p.communicate()
            killed += 1
        else:
            rc, _, err = command("--data-dir", data, "--backup-dir", disk, "backup", "--whole" if round_ % 2 else "--skip-verify")
            if rc and "space" not in err:
                raise Failed(f"backup: status {rc}: {err}")
            full += rc != 0
            if rc and rc != 9:
                raise Failed(f"a full disk ended with status {rc}")
        fresh = [b["id"] for b in backups(data, disk) if b["id"] not in known]
        for b in fresh:
            acked[b] = n
        check_restores(root, data, disk, acked)
        if full >= 2 and round_ % 4 == 3:  # an operator makes room
            shutil.rmtree(disk / "objects")
    if full == 0:
        raise Failed("the disk never filled up: nothing was shown")
    return full, killed, n


def main():
    if len(sys.argv) > 3 and sys.argv[3] == "inside":
        root, disk = pathlib.Path(sys.argv[4]), pathlib.Path(sys.argv[4]) / "disk"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(disk)], check=True)
        try:
            full, killed, n = run(root, disk)
        except Failed as e:
            print(f"FAIL backup: {e}")
            return 1
        print(f"PASS backup: {ROUNDS} rounds, {full} full disks, {killed} kills, {n:,} candles; every backup listed restores")
        return 0
    # not only whether it is allowed: whether a small disk can be mounted then
    probe = ["unshare", "-rm", "mount", "-t", "tmpfs", "-o", "size=64k", "none", "/mnt"]
    if not shutil.which("unshare") or subprocess.run(probe, capture_output=True).returncode != 0:
        print("SKIP backup: this system lets no one mount a small disk (unshare -rm)")
        return SKIPPED
    root = tempfile.mkdtemp(prefix="finsight-backup-")
    inside = ["unshare", "-rm", sys.executable, __file__, FINSIGHT, str(ROUNDS), "inside", root]
    rc = subprocess.run(inside).returncode
    shutil.rmtree(root, ignore_errors=True)
    return rc


sys.exit(main())
