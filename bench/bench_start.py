#!/usr/bin/env python3
"""From exec to the first 200, and memory at rest, of the whole platform in one process (RES-21).

usage: bench_start.py FINSIGHT...    (a release build, a default one)
All roles, on loopback, on folders of its own: new ones, then one that has its databases. Time is wall time from before fork and
exec until /health has answered 200, as a client sees it; CPU of the process by then is beside it, because cores may be
shared. Memory is measured a second later: Rss counts the libraries whole (the promise of 40 MB is of it), Pss the share of
them that is ours, private what nobody shares. A batch of eight readings in one request and the same in eight show by their
p99 what putting them together is worth. One JSON line a figure, then the table.
"""

import json
import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import time

import servers

ROUNDS, READY_MS, RSS_MB, BATCHES = 11, 100, 40, 300
SAME = [{"name": f"r{i}", "path": "/api/v1/market/series"} for i in range(8)]


def say(bench, **fields):
    row = {"bench": bench, **{k: round(v, 3) if isinstance(v, float) else v for k, v in fields.items()}}
    print(json.dumps(row), flush=True)
    return row


def memory(pid):
    """Rss, Pss, private in MB; a process that is not dumpable shows the last two to root alone."""
    kb = {}
    try:
        lines = open(f"/proc/{pid}/smaps_rollup").read().splitlines()
    except PermissionError:
        lines = open(f"/proc/{pid}/status").read().replace("VmRSS:", "Rss:").splitlines()
    for line in lines:
        words = line.split()
        if words and words[-1] == "kB":
            kb[words[0].rstrip(":")] = int(words[1]) / 1024
    private = kb["Private_Clean"] + kb["Private_Dirty"] if "Private_Dirty" in kb else None
    return {"rss_mb": kb["Rss"], "pss_mb": kb.get("Pss"), "private_mb": private}


def start(binary, folder, root):
    env = {k: v for k, v in os.environ.items() if not k.startswith("FINSIGHT_")} | {"HOME": str(root)}
    return servers.Process([binary, "serve", "--data-dir", str(folder), "--port", "{port}", "--json", "--access-log=false",
                            "--log-level", "warning"], root, env)  # fmt: skip


def measure_start(name, binary, root):
    rows = []
    for folder in ("new", "stored"):
        ready, cpu = [], []
        for i in range(ROUNDS):
            server = start(binary, root / (f"{name}-{i}" if folder == "new" else f"{name}-0"), root)
            ready.append(server.ready_s * 1e3)
            cpu.append(server.cpu_s() * 1e3)
            if i + 1 < ROUNDS:
                server.stop()
        time.sleep(1)
        rows.append(say("start", build=name, folder=folder, rounds=ROUNDS, median_ms=statistics.median(ready), best_ms=min(ready),
                        worst_ms=max(ready), cpu_ms=statistics.median(cpu), load=os.getloadavg()[0], **memory(server.pid)))  # fmt: skip
        server.stop()
    return rows


def post(client, path, body):
    client.s.sendall(f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    got = b""
    while b"\r\n\r\n" not in got:
        got += client.s.recv(1 << 20)
    head, _, rest = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), got[:300]
    size = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(rest) < size:
        rest += client.s.recv(1 << 20)
    return rest


def measure_batch(name, binary, root):
    server = start(binary, root / f"{name}-0", root)
    client, body = servers.Client(server.port), json.dumps({"requests": SAME})
    ways = {
        "one batch of eight": lambda: post(client, "/api/v1/batch", body),
        "eight, one after the other": lambda: [client.get(r["path"]) for r in SAME],
    }
    answer = json.loads(post(client, "/api/v1/batch", body))
    assert answer["complete"] and len(answer["results"]) == len(SAME), answer
    rows = []
    for way, ask in ways.items():
        took = []
        for _ in range(BATCHES):
            t = time.perf_counter()
            ask()
            took.append((time.perf_counter() - t) * 1e3)
        took.sort()
        rows.append(say("batch", build=name, which=way, rounds=BATCHES, p50_ms=took[BATCHES // 2], p99_ms=took[BATCHES * 99 // 100]))
    server.stop()
    return rows


def main():
    root = pathlib.Path(tempfile.mkdtemp(prefix="finsight-bench-"))
    missed = False
    lines = []
    try:
        for binary in sys.argv[1:]:
            name = pathlib.Path(binary).resolve().parents[2].name
            for r in measure_start(name, binary, root):
                met = r["median_ms"] <= READY_MS and r["rss_mb"] <= RSS_MB
                missed |= not met
                lines.append(f"| {name} | {r['folder']} | {r['median_ms']:.0f} (best {r['best_ms']:.0f}) | {r['cpu_ms']:.0f} | {READY_MS} | "
                             f"{r['rss_mb']:.1f} / {r['pss_mb'] or 0:.1f} / {r['private_mb'] or 0:.1f} | {RSS_MB} | {'yes' if met else 'no'} |")
            for r in measure_batch(name, binary, root):
                lines.append(f"| {name} | {r['which']} | p50 {r['p50_ms']:.2f}, p99 {r['p99_ms']:.2f} | | | | | |")
    finally:
        servers.stop_all()
        shutil.rmtree(root, ignore_errors=True)
    print("\n| build | folder | ready, ms | CPU, ms | must | resident / Pss / private, MB | must | met |\n|---|---|---|---|---|---|---|---|")
    print("\n".join(lines))
    return int(missed)


sys.exit(main())
