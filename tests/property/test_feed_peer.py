#!/usr/bin/env python3
"""Feeds made from a seed are read by us as by python3-feedparser, field by field in the normal form (NWS-09).

usage: test_feed_peer.py GOLDEN_FEEDS [COUNT]       PROP_SEED=n tries others

Where feedparser itself fails on a feed there is nothing to compare; ours must still end well. Known differences are
named in feed_variants.py and docs/feeds.md, and are not made."""
import importlib.util
import os
import pathlib
import signal
import sys
import tempfile

if importlib.util.find_spec("feedparser") is None and os.path.exists("/usr/bin/python3") and "PEER_AGAIN" not in os.environ:
    os.environ["PEER_AGAIN"] = "1"  # Debian's packages are those of Debian's Python
    os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])
if importlib.util.find_spec("feedparser") is None:
    print("1..0 # SKIP python3-feedparser is not installed")
    sys.exit(0)
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "peers"))
import feed_oracle  # noqa: E402
import feed_variants  # noqa: E402


class TooLong(Exception):
    pass


def stop(*_):
    raise TooLong


def theirs(data):
    signal.alarm(60)
    try:
        return feed_oracle.theirs(data)
    except Exception:  # whatever it is: its reader, not ours
        return None
    finally:
        signal.alarm(0)


def main(golden, count=400):
    signal.signal(signal.SIGALRM, stop)
    seed = int(os.environ.get("PROP_SEED", "20261121"))
    feeds = {f"{i:05}.xml": feed_variants.variant(seed + i) for i in range(count)}
    with tempfile.TemporaryDirectory() as folder:
        for name, data in feeds.items():
            pathlib.Path(folder, name).write_bytes(data)
        ours = feed_oracle.ours(golden, folder, list(feeds))
    compared = bad = 0
    for i, (name, data) in enumerate(feeds.items()):
        want = theirs(data)
        if want is None:
            continue
        compared += 1
        found = feed_oracle.differences(want, ours[name])
        bad += bool(found)
        for line in found[:3]:
            print(f"# seed {seed + i}: {line}"[:400])
    print("1..2")
    print(f"{'ok' if len(ours) == count else 'not ok'} 1 - {count} feeds are read")
    ok = compared >= count * 3 // 4 and bad == 0
    print(f"{'ok' if ok else 'not ok'} 2 - {compared - bad} of {compared} are equal to feedparser's reading")
    sys.exit(not ok or len(ours) != count)


main(sys.argv[1], *[int(a) for a in sys.argv[2:3]])
