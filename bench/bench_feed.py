#!/usr/bin/env python3
"""Reading feeds beside python3-feedparser, by CPU time, in one run: a line of JSON for each.

usage: bench_feed.py BENCH_FEED GOLDEN_FEEDS

The feed is made here, 5 MB of RSS 2.0 with HTML in its items. First both readers' results are compared: figures of a
reader that reads something else would mean nothing."""
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

try:
    import feedparser  # noqa: F401
except ImportError:  # Debian's package is of Debian's Python
    if os.path.exists("/usr/bin/python3") and "BENCH_AGAIN" not in os.environ:
        os.environ["BENCH_AGAIN"] = "1"
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])
    feedparser = None
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "peers"))

SIZE = 5_000_000
WORDS = """bitcoin price rises while the market waits for a decision of the central bank on interest rates and traders look
at volumes exchanges funds miners reserves holders on chain data analysts said on Monday that 24 hours support""".split()


def make_feed():
    r = random.Random(5)
    say = lambda n: " ".join(r.choice(WORDS) for _ in range(n)).capitalize() + "."
    out, size, i = ['<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" '
                    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
                    'xmlns:media="http://search.yahoo.com/mrss/"><channel><title>Big</title>'], 0, 0
    while size < SIZE:
        body = "".join(f'<p>{say(25)} <a href="https://big.example/{r.randrange(10**6)}?x=1&amp;y=2">{say(3)}</a> '
                       f"{say(r.randint(20, 40))}</p>\n" for _ in range(r.randint(3, 8)))
        body += (f'<ul><li>{say(8)}</li><li>{say(9)}</li></ul><img src="https://img.example/{i}.jpg" alt="{say(4)}" />'
                 f"<br/>It&#8217;s &nbsp;{say(10)}")
        out.append(f"<item>\n<title>{say(9)}</title>\n<link>https://big.example/a/{i}</link>\n"
                   f'<guid isPermaLink="false">id-{i}</guid>\n'
                   f"<pubDate>Thu, 24 Sep 2026 10:{i // 60 % 60:02}:{i % 60:02} +0000</pubDate>\n"
                   f"<dc:creator><![CDATA[{r.choice(WORDS).title()}]]></dc:creator>\n"
                   f"<description><![CDATA[<p>{say(30)}</p>]]></description>\n"
                   f"<content:encoded><![CDATA[{body}]]></content:encoded>\n"
                   f'<media:content url="https://img.example/{i}.jpg" medium="image"/>\n'
                   f"<category>Markets</category><category>{r.choice(WORDS)}</category>\n</item>\n")
        size += len(out[-1])
        i += 1
    return "".join(out) + "</channel></rss>"


def main(bench, golden):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "big.xml")
        path.write_text(make_feed())
        ours = json.loads(subprocess.run([bench, path], stdout=subprocess.PIPE, check=True).stdout)
        if feedparser is None:
            print(json.dumps(ours))
            return
        import feed_oracle
        body = path.read_bytes()
        began = time.process_time()
        feedparser.parse(body)
        rival_ms = (time.process_time() - began) * 1000
        bad = feed_oracle.differences(feed_oracle.theirs(body), feed_oracle.ours(golden, folder, ["big.xml"])["big.xml"])
        if bad:
            sys.exit("bench_feed: the readers differ: " + bad[0][:200])
        ours["feedparser_cpu_ms"] = round(rival_ms, 1)
        ours["times"] = round(rival_ms / ours["cpu_ms"], 1)
        ours["mb"] = round(len(body) / 1e6, 2)
        print(json.dumps(ours))


main(*sys.argv[1:3])
