#!/usr/bin/env python3
"""The generated OpenAPI document lints clean (MDS-07), and the diff gate sees each kind of breaking change (GOV-03).

usage: test_openapi.py PRINT_OPENAPI TOOLS_DIR; speaks TAP.
"""
import copy
import html.parser
import json
import subprocess
import sys

sys.path.insert(0, sys.argv[2])
sys.dont_write_bytecode = True
import openapi_diff  # noqa: E402
import openapi_lint  # noqa: E402

DOC = json.loads(subprocess.run([sys.argv[1]], check=True, capture_output=True).stdout)
CANDLES = "/api/v1/demo/candles"
PLAN = "/api/v1/demo/jobs/{id}/plan"
count = 0


def check(what, ok, why=""):
    global count
    count += 1
    print(f"{'ok' if ok else 'not ok'} {count} - {what}" + (f" # {why}" if not ok else ""))
    check.failed |= not ok


check.failed = False


def changed(edit):
    doc = copy.deepcopy(DOC)
    edit(doc)
    return doc


def parameter(doc, name, path=CANDLES):
    return next(p for p in doc["paths"][path]["get"]["parameters"] if p["name"] == name)


def schema(doc, name):
    return doc["components"]["schemas"][name]


def drop_parameter(doc, name):
    op = doc["paths"][CANDLES]["get"]
    op["parameters"] = [p for p in op["parameters"] if p["name"] != name]


def test_lint():
    check("the document lints clean", openapi_lint.Lint(DOC).run() == [], str(openapi_lint.Lint(DOC).run()))
    faults = [
        ("a reference that leads nowhere", lambda d: d["components"]["schemas"].pop("DemoRisk")),
        ("an operationId twice", lambda d: d["paths"][CANDLES]["get"].update(operationId="demo.save")),
        ("a {name} without a parameter", lambda d: d["paths"].update({"/x/{y}": d["paths"][CANDLES]})),
        ("a default that does not fit", lambda d: parameter(d, "limit")["schema"].update(default=0)),
        ("an example that does not fit", lambda d: parameter(d, "symbol").update(example="A B")),
        ("an unknown type", lambda d: schema(d, "DemoRisk")["properties"]["mode"].update(type="text")),
        ("a required field that is not there", lambda d: schema(d, "DemoRisk")["required"].append("zzz")),
        ("no success", lambda d: d["paths"][CANDLES]["get"]["responses"].pop("200")),
        ("a failure of another form", lambda d: d["components"]["responses"]["E422"].update(content={})),
        ("an undeclared tag", lambda d: d["paths"][CANDLES]["get"].update(tags=["Other"])),
    ]
    for what, edit in faults:
        check(f"lint finds {what}", openapi_lint.Lint(changed(edit)).run() != [])


def test_content():
    get = DOC["paths"][CANDLES]["get"]
    check("operationId is the name", get["operationId"] == "demo.candles")
    limit = parameter(DOC, "limit")["schema"]
    check("bounds and default", (limit["minimum"], limit["maximum"], limit["default"]) == (1, 100000, 1000))
    check("choices", parameter(DOC, "order")["schema"]["enum"] == ["asc", "desc"])
    check("CSV is offered", "text/csv" in get["responses"]["200"]["content"])
    alias = DOC["paths"]["/market-data/{exchange}/{symbol}/ohlcv"]["get"]
    check("an alias is deprecated and says of what", alias["deprecated"] and alias["x-alias-of"] == CANDLES)
    where = {p["name"]: p["in"] for p in alias["parameters"]}
    check("the alias's names are in its path", where["symbol"] == where["exchange"] == "path" and
          where["timeframe"] == "query")
    check("no key for an open operation", DOC["paths"]["/api/v1/demo/jobs/active"]["get"]["security"] == [])
    check("a key for the others", get["security"] == [{"ApiKey": []}, {"Bearer": []}])
    check("a secret shows no example", "example" not in parameter(DOC, "api_token") and
          parameter(DOC, "api_token")["schema"]["format"] == "password")
    body = schema(DOC, "DemoPlanBody")
    check("the body has what travels in it", "id" not in body["properties"] and body["additionalProperties"] is False)
    check("nothing answers with 204", "204" in DOC["paths"]["/api/v1/demo/jobs/{id}"]["delete"]["responses"])


def test_diff():
    def diff(new, old=DOC, today="2026-11-21"):
        return openapi_diff.Diff(old, new, today).run()

    check("the same document is compatible", diff(DOC).breaking == [] and diff(DOC).added == [])
    risk, page = "DemoRisk", "DemoPage"
    breaking = [
        ("a path that is gone", lambda d: d["paths"].pop(CANDLES)),
        ("a method that is gone", lambda d: d["paths"][CANDLES].pop("post")),
        ("a parameter that is gone", lambda d: drop_parameter(d, "end")),
        ("a parameter that became required", lambda d: parameter(d, "start").update(required=True)),
        ("a new required parameter", lambda d: d["paths"][CANDLES]["get"]["parameters"].append(
            {"name": "x", "in": "query", "required": True, "schema": {"type": "string"}})),
        ("a narrower range", lambda d: parameter(d, "limit")["schema"].update(maximum=500)),
        ("a higher minimum", lambda d: parameter(d, "limit")["schema"].update(minimum=10)),
        ("a new pattern", lambda d: parameter(d, "start")["schema"].update(pattern="^2")),
        ("a lost choice", lambda d: parameter(d, "order")["schema"].update(enum=["asc"])),
        ("another default", lambda d: parameter(d, "limit")["schema"].update(default=10)),
        ("a narrower type", lambda d: parameter(d, "min_volume")["schema"].update(type="integer")),
        ("a body field that is gone", lambda d: schema(d, "DemoPlanBody")["properties"].pop("notes")),
        ("a body field that became required", lambda d: schema(d, risk)["required"].append("leverage")),
        ("a new required body field", lambda d: (schema(d, risk)["properties"].update(z={"type": "string"}),
                                                 schema(d, risk)["required"].append("z"))),
        ("an answer's field that is gone", lambda d: (schema(d, page)["properties"].pop("revision"),
                                                      schema(d, page)["required"].remove("revision"))),
        ("an answer's field that may be absent", lambda d: schema(d, page)["required"].remove("complete")),
        ("an answer's field that may be null", lambda d: schema(d, page)["properties"]["revision"].update(
            type=["integer", "null"])),
        ("a deep answer's field", lambda d: schema(d, "Candle")["properties"].pop("volume")),
        ("a lost media type", lambda d: d["paths"][CANDLES]["get"]["responses"]["200"]["content"].pop("text/csv")),
        ("a stricter role", lambda d: d["paths"][CANDLES]["get"].update({"x-role": "admin"})),
        ("another operationId", lambda d: d["paths"][CANDLES]["get"].update(operationId="demo.rows")),
        ("a lost success", lambda d: d["paths"][CANDLES]["get"]["responses"].pop("200")),
        ("an error field that is gone", lambda d: schema(d, "Error")["properties"]["error"]["properties"].pop("field")),
    ]
    for what, edit in breaking:
        check(f"diff refuses {what}", diff(changed(edit)).breaking != [])
    fine = [
        ("a new path", lambda d: d["paths"].update({"/new": d["paths"][CANDLES]})),
        ("a new optional parameter", lambda d: d["paths"][CANDLES]["get"]["parameters"].append(
            {"name": "x", "in": "query", "required": False, "schema": {"type": "string"}})),
        ("a wider range", lambda d: parameter(d, "limit")["schema"].update(maximum=10 ** 6)),
        ("a new choice to send", lambda d: parameter(d, "order")["schema"]["enum"].append("random")),
        ("a new field in an answer", lambda d: schema(d, page)["properties"].update(z={"type": "string"})),
        ("a new optional body field", lambda d: schema(d, risk)["properties"].update(z={"type": "string"})),
    ]
    for what, edit in fine:
        result = diff(changed(edit))
        check(f"diff allows {what}", result.breaking == [] and result.added != [] or "range" in what or
              "choice" in what and result.breaking == [], str(result.breaking))
    gone = changed(lambda d: d["paths"]["/api/v1/demo/jobs/{id}"].pop("delete"))
    check("a deprecated operation stays until its sunset", diff(gone, today="2027-10-31").breaking != [])
    check("and may go after it", diff(gone, today="2027-11-01").breaking == [])


class Html(html.parser.HTMLParser):
    """Tags in balance, ids, links, and whatever a strict Content-Security-Policy would block."""
    VOID = {"meta", "link", "br"}

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.faults, self.tags = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        attrs = dict(attrs)
        self.ids += [attrs["id"]] if "id" in attrs else []
        self.links += [attrs[k] for k in ("href", "src") if k in attrs]
        self.faults += [f"<{tag} {k}>" for k in attrs if k == "style" or k.startswith("on")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")


def test_docs():
    text = subprocess.run([sys.argv[1], "html"], check=True, capture_output=True).stdout.decode()
    page = Html(text)
    check("the page's tags are in balance", not page.open and not page.faults, str(page.faults))
    check("no script, style or frame in it", not {"script", "style", "iframe", "img"} & set(page.tags))
    check("ids are unique", len(page.ids) == len(set(page.ids)))
    inside = [link for link in page.links if link.startswith("#")]
    check("links inside lead somewhere", set(link[1:] for link in inside) <= set(page.ids) and len(inside) > 5)
    check("no other host", set(page.links) - set(inside) == {"/docs.css", "/openapi.json"}, str(page.links))
    check("every operation is there", all(op["operationId"] in page.ids for item in DOC["paths"].values()
                                          for op in item.values() if "x-alias-of" not in op))
    check("curl and fields are there", "curl -X PUT" in text and "demo/jobs/job-1/plan" in text and
          "1 to 100000" in text)


test_docs()
test_lint()
test_content()
test_diff()
print(f"1..{count}")
sys.exit(check.failed)
