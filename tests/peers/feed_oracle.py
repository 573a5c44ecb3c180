"""What python3-feedparser makes of a feed, in the layout of tests/golden/golden_feeds.py, and what ours makes of it."""
import calendar
import importlib.util
import pathlib
import warnings

import feedparser

_golden = pathlib.Path(__file__).resolve().parent.parent / "golden" / "golden_feeds.py"
_spec = importlib.util.spec_from_file_location("golden_feeds", _golden)
golden = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(golden)
warnings.simplefilter("ignore")


def seconds(parsed):
    return None if parsed is None else calendar.timegm(parsed)


def entry(e):
    return {"id": e.get("id") or None, "title": golden.normal(e.get("title")), "link": e.get("link") or None,
            "published": seconds(e.get("published_parsed")),
            "updated": seconds(e.get("updated_parsed")) if "updated_parsed" in e else None,
            "author": e.get("author") or None, "summary": golden.normal(e.get("summary")),
            "content": golden.normal(e.content[0].value) if e.get("content") else None,
            "tags": [t.get("term") for t in e.get("tags", [])]}


def theirs(body):
    d = feedparser.parse(body)
    f = d.feed
    return {"version": d.get("version") or None,
            "feed": {"title": golden.normal(f.get("title")), "link": f.get("link") or None,
                     "language": f.get("language") or None},
            "entries": [entry(e) for e in d.entries]}


def ours(program, folder, names):
    return golden.read(program, folder, names)[0]


def differences(want, have):
    """Lines of words; none if both are equal."""
    return [f"{name}: they {a!r}, we {b!r}" for name, a, b in golden.compare(want, have, {})]
