#!/usr/bin/env python3
"""The feed simulator is read by a client that is not ours, and by ours, with the same result: python3-feedparser over
HTTP against the program that prints what our reader makes of the same bytes (NWS-07, NWS-08, NWS-09).

usage: test_feed_peer.py FINSIGHT GOLDEN_FEEDS"""
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

if importlib.util.find_spec("feedparser") is None and os.path.exists("/usr/bin/python3") and "PEER_AGAIN" not in os.environ:
    os.environ["PEER_AGAIN"] = "1"  # Debian's packages are those of Debian's Python
    os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])
if importlib.util.find_spec("feedparser") is None:
    print("1..0 # SKIP python3-feedparser is not installed")
    sys.exit(0)
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "peers"))
import feed_oracle  # noqa: E402

FEEDS = ["/coindesk/rss", "/cointelegraph/rss", "/atom", "/rdf"]


def main(finsight, golden):
    print(f"1..{len(FEEDS)}")
    server = subprocess.Popen([finsight, "feed-sim", "--port", "0", "--json"], stdout=subprocess.PIPE)
    failed = 0
    try:
        url = json.loads(server.stdout.readline())["url"]
        for n, path in enumerate(FEEDS, 1):
            with tempfile.TemporaryDirectory() as folder:
                body = urllib.request.urlopen(url + path, timeout=60).read()
                pathlib.Path(folder, "feed.xml").write_bytes(body)
                ours = feed_oracle.ours(golden, folder, ["feed.xml"])["feed.xml"]
                theirs = feed_oracle.theirs(body)
            bad = feed_oracle.differences(theirs, ours)
            ok = not bad and len(theirs["entries"]) == 25 and len(body) <= 200000
            failed += not ok
            print(f"{'ok' if ok else 'not ok'} {n} - {path}: {len(theirs['entries'])} items equal")
            for line in bad[:10]:
                print(f"# {line}")
    finally:
        server.terminate()
        server.wait(timeout=60)
    sys.exit(failed > 0)


main(*sys.argv[1:3])
