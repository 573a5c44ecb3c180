#!/usr/bin/env python3
"""tests/attack/watcher.py PORT - another client, in a process of its own: asks /health 50 times a second on new and kept
connections until its stdin ends, then says what it saw: {"n", "bad", "p50_ms", "p99_ms", "max_ms"}."""
import http.client
import json
import select
import sys
import time

port, took, bad = int(sys.argv[1]), [], []
kept = None
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0.02)[0]:
    begin = time.monotonic()
    try:
        if len(took) % 2 or not kept:
            kept = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        kept.request("GET", "/health")
        reply = kept.getresponse()
        reply.read()
        if reply.status != 200:
            bad.append(reply.status)
    except (OSError, http.client.HTTPException) as e:
        bad.append(type(e).__name__)
        kept = None
    took.append(1000 * (time.monotonic() - begin))
took.sort()
at = lambda q: round(took[min(len(took) - 1, int(q * len(took)))], 1) if took else None  # noqa: E731
print(json.dumps({"n": len(took), "bad": bad[:5], "p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": at(1)}), flush=True)
