"""tests/attack/corpora.py - the refusal rules' own corpora, and ordinary requests, through the real gateway."""
import ast
import http.client
import json
import pathlib
import re
import urllib.parse

from platform_rig import check

CORPUS = pathlib.Path(__file__).resolve().parent.parent / "unit/policy/refusal_corpus.h"


def rows():
    """{list: [text]} as the C says them."""
    text = CORPUS.read_text()
    found = {}
    for name, body in re.findall(r"static const char \*const (\w+)\[\] = \{(.*?)\n\};", text, re.S):
        body = re.sub(r"/\*.*?\*/", "", body, flags=re.S) if name not in ("sql", "script", "others") else body
        found[name] = [literal(m) for m in re.findall(r'^\s*((?:"(?:[^"\\\n]|\\.)*"\s*)+),', body, re.M)]
    return found


def literal(text):
    """Neighbouring strings of C are one; the escapes used are Python's too."""
    return "".join(ast.literal_eval("b" + p).decode("latin-1") for p in re.findall(r'"(?:[^"\\\n]|\\.)*"', text))


def target(row):
    if "%" in row and " " not in row:
        return row
    return urllib.parse.quote(row.encode("latin-1"), safe="")


def through(suite):
    server = suite.serve("--limit.flood", 0, "--limit.anonymous", 0, "--limit.key", 0)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)

    def ask(path):
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.status, reply.read()

    said, passed = {}, []
    for name, list_ in rows().items():
        for row in list_:
            status, body = ask("/api/v1/news/search?q=" + target(row))
            said[name] = said.get(name, 0) + 1
            if status not in (400, 403):
                passed.append(f"{name}: {row!r} {status}")
    check(len(said) >= 4 and sum(said.values()) > 300, "the corpora", said)
    check(not passed, f"{len(passed)} let through:", *passed[:8])
    return server, ask, said


def refused(suite):
    """Through a socket: the corpora are refused, titles and queries of every day are not."""
    server, ask, said = through(suite)
    n = 0
    for symbol in ("BTCUSDT", "BTC/USDT", "BRK.B", "^GSPC", "EUR-USD", "ES=F"):
        for timeframe in ("1m", "5m", "15m", "1h", "4h", "1d", "1w"):
            for limit in range(1, 60):
                status, body = ask(f"/api/v1/market/candles?symbol={urllib.parse.quote(symbol, safe='')}&timeframe={timeframe}&limit={limit}")
                check(status in (200, 404), "an ordinary request", symbol, timeframe, status, body[:200])
                n += 1
    titles = ["Apple's earnings beat estimates", "S&P 500 drops 2% -- what now?", "L'Oréal and AT&T order new table", "Select stocks from the union of two lists",
              "Bitcoin (BTC) > $60,000; Ether < $3,000", "Fed: rates and/or jobs, where to?", "O'Reilly Automotive Q1 2024", "update: Tesla drops prices in China"]  # fmt: skip
    for i in range(100):
        for title in titles:
            status, body = ask("/api/v1/news/search?" + urllib.parse.urlencode({"q": title, "limit": i % 50 + 1}))
            check(status != 403 and b"stage\":\"refus" not in body, "an ordinary title", title, status, body[:200])
            n += 1
    return f"{sum(said.values())} of the corpora refused {json.dumps(said)}, 0 of {n} ordinary requests"
