#!/usr/bin/env python3
"""What the news service says of itself, held against what it does: every answer of news, jobs and search against the JSON
schema of its operation, every bound of a request from both sides (NWS-15), and the jobs of the service through every verb
of their router (NWS-02)."""
import json
import pathlib
import re
import sys
import urllib.parse

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "tools")]
sys.dont_write_bytecode = True
import openapi_lint  # noqa: E402
import platform_rig as rig  # noqa: E402
import test_news  # noqa: E402
from platform_rig import check, equal, wait_for  # noqa: E402

INSTANT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
OURS = re.compile(r"^/api/v1/(news|jobs)\b")


class Contract:
    """The document that the server gives, and the rules of JSON Schema that it uses."""

    def __init__(self, server):
        self.doc = server.get("/openapi.json").json
        self.lint = openapi_lint.Lint(self.doc)
        self.seen = set()

    def schema(self, name):
        return self.doc["components"]["schemas"][name]

    def operation(self, method, path):
        """(template, operation) of a path as it is called; the template with the fewest {names} fits best."""
        path = path.partition("?")[0]
        fits = [t for t, verbs in self.doc["paths"].items() if method.lower() in verbs and
                re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", t), path)]
        check(fits, f"{method} {path} is not in the document")
        template = min(fits, key=lambda t: t.count("{"))
        return template, self.doc["paths"][template][method.lower()]

    def instants(self, schema, value, where):
        """`format` is not looked at by the lint: times are instants of UTC, and no object has what its schema has not."""
        schema = self.lint.resolve(schema["$ref"]) if "$ref" in schema else schema
        if isinstance(value, str) and schema.get("format") == "date-time":
            check(INSTANT.match(value), f"{where}: {value!r} is no instant")
        if isinstance(value, dict) and "properties" in schema:
            strange = set(value) - set(schema["properties"])
            equal(strange, set(), f"{where} has what its schema has not")
            for key, v in value.items():
                self.instants(schema["properties"][key], v, f"{where}.{key}")
        if isinstance(value, list) and "items" in schema:
            for v in value:
                self.instants(schema["items"], v, where + "[]")

    def answer(self, method, path, reply):
        template, operation = self.operation(method, path)
        answers = operation["responses"]
        answer = answers.get(str(reply.status)) or answers.get(f"{reply.status // 100}XX") or answers.get("default")
        check(answer, f"{method} {template}: {reply.status} is not told")
        answer = self.lint.resolve(answer["$ref"]) if "$ref" in answer else answer
        schema = answer["content"]["application/json"]["schema"]
        why = self.lint.fits(schema, reply.json)
        check(why is None, f"{method} {template} {reply.status}: {why}")
        self.instants(schema, reply.json, f"{method} {template}")
        self.seen.add((method, template))


def beyond(schema):
    """(value within, value beyond) for every limit of a field that has one."""
    kind = schema.get("type")
    if "enum" in schema:
        yield schema["enum"][-1], "none-of-these"
    elif kind == "integer":
        if "minimum" in schema:
            yield schema["minimum"], schema["minimum"] - 1
        if "maximum" in schema:
            yield schema["maximum"], schema["maximum"] + 1
    elif kind == "string" and "pattern" in schema:
        yield "a" * 8, "*"
    elif kind == "string" and "maxLength" in schema:
        yield None, "a" * (schema["maxLength"] + 1)  # what is short enough may still mean nothing
    elif kind == "array":
        yield None, ["a"] * (schema["maxItems"] + 1)


class Cases(test_news.Cases):
    def ask(self, method, path, body=None):
        reply = self.server.request(method, path, json.dumps(body) if body is not None else None,
                                    {"X-API-Key": self.key(), "Content-Type": "application/json"}, timeout=60)
        self.contract.answer(method, path, reply)
        return reply

    def told(self, method, path, body=None, want=200):
        reply = self.ask(method, path, body)
        equal(reply.status, want, f"{method} {path}: {reply.body[:300]!r}")
        return reply.json

    def open(self):
        self.server = self.begin()
        self.contract = Contract(self.server)

    def over(self, job, count):
        """The runs of a job, when `count` of them have ended."""
        def look():
            runs = self.told("GET", f"/api/v1/jobs/runs?job={job}")["runs"]
            ended = [r for r in runs if r["state"] in ("succeeded", "failed", "cancelled", "canceled")]
            return runs if len(ended) >= count else None
        return wait_for(look, 60, f"{count} runs of {job}")

    def told_events(self, kind):
        return self.call(self.server, "GET", f"/api/v1/events?limit=1000&event_type={kind}")["events"]

    # --- cases ---

    def test_every_answer_of_news_jobs_and_search_fits_its_schema(self):
        self.open()
        self.told("POST", "/api/v1/news/collect", {"max_articles": 1000})
        wait_for(lambda: self.told("GET", "/api/v1/news/status")["scored"] == 3, 60, "3 scores")
        page = self.told("GET", "/api/v1/news/search?q=bitcoin&content=true")
        article = page["articles"][0]["id"]
        equal(page["articles"][0]["sentiment"][0]["label"], "positive")
        for path in ("", "?limit=1", f"/{article}", f"/{article}/copies", f"/{article}/sentiment", "/sources", "/status",
                     "/articles", f"/articles/{article}"):
            self.told("GET", "/api/v1/news" + path)
        self.told("GET", "/api/v1/news/" + "0" * 32, want=404)
        self.told("GET", "/api/v1/news/search?q=(", want=422)
        self.ask("POST", "/api/v1/news/search/web", {"q": "bitcoin"})  # no key of Tavily's is configured: a typed refusal
        self.told("PUT", "/api/v1/jobs/fetch", {"kind": "operation", "params": {"operation": "news.collect", "in": {}}})
        run = self.told("POST", "/api/v1/jobs/run", {"job": "fetch"})
        self.over("fetch", 1)
        for path in ("", "/fetch", "/runs", f"/runs/{run['run']['run']}", "/kinds", "/health"):
            self.told("GET", "/api/v1/jobs" + path)
        self.told("DELETE", "/api/v1/jobs/fetch")
        self.told("DELETE", f"/api/v1/news/{article}")
        self.told("POST", "/api/v1/news/retain", {"older_than": "3650d"})
        told = {(m.upper(), p) for p, verbs in self.contract.doc["paths"].items() if OURS.match(p) for m in verbs}
        left = told - self.contract.seen - {("POST", "/api/v1/jobs/start"), ("POST", "/api/v1/jobs/stop"),
                                            ("POST", "/api/v1/jobs/submit")}
        equal(left, set(), "operations that were not asked")

    def test_requests_are_taken_up_to_their_bounds_and_no_further(self):
        self.open()
        tried = 0
        for method, path, name in (("POST", "/api/v1/news/collect", "NewsCollectRequest"),
                                   ("PUT", "/api/v1/jobs/bounds", "JobDefineRequestBody"),
                                   ("POST", "/api/v1/news/search/web", "NewsWebQuery")):
            schema = self.contract.schema(name)
            base = {"kind": "operation", "params": {"operation": "news.status"}} if "kind" in schema["properties"] else \
                   {"q": "bitcoin"} if "q" in schema["properties"] else {}
            for field in schema.get("required", []):
                without = {k: v for k, v in base.items() if k != field}
                equal(self.ask(method, path, without).status, 422, f"{name} without {field}")
            equal(self.ask(method, path, {**base, "no_such_field": 1}).status, 422, f"{name} with another field")
            for field, rule in schema["properties"].items():
                for good, bad in beyond(rule):
                    check(self.contract.lint.fits(rule, bad) is not None, f"{name}.{field}: {bad!r} fits the schema")
                    refused = self.ask(method, path, {**base, field: bad})
                    check(refused.status in (413, 422), f"{name}.{field} = {str(bad)[:40]}: {refused.status}")
                    if refused.status == 422:
                        check(field in json.dumps(refused.json), f"{name}.{field} is not named: {refused.json}")
                    if good is not None and field != "kind":
                        check(self.ask(method, path, {**base, field: good}).status != 422, f"{name}.{field} = {good!r}")
                    tried += 1
        check(tried > 12, "hardly a bound was tried", tried)
        for parameter in self.contract.operation("GET", "/api/v1/news/search")[1]["parameters"]:
            for good, bad in beyond(parameter["schema"]):
                if isinstance(bad, list):
                    continue
                query = {"q": "bitcoin", parameter["name"]: bad}
                equal(self.ask("GET", "/api/v1/news/search?" + urllib.parse.urlencode(query)).status, 422,
                      f"search {parameter['name']}={str(bad)[:40]}")
                tried += 1

    def test_the_jobs_of_the_service_through_every_verb_of_their_router(self):
        """JobRouter -> JobManagementService -> NewsService (NWS-02, NWS-19)."""
        self.open()
        kinds = self.told("GET", "/api/v1/jobs/kinds")
        check("operation" in json.dumps(kinds), kinds)
        define = {"kind": "operation", "schedule": "@every 1h",
                  "params": {"operation": "news.collect", "in": {"source": "coindesk"}}}
        made = self.told("PUT", "/api/v1/jobs/coindesk", define)
        equal((made["success"], made["job"]["state"], made["job"]["armed"]), (True, "stopped", False))
        equal(self.told("GET", "/api/v1/jobs/coindesk")["params"]["in"], {"source": "coindesk"})
        started = self.told("POST", "/api/v1/jobs/start", {"job": "coindesk"})
        check(started["job"]["armed"] and started["job"]["next_fire"], started)
        self.told("POST", "/api/v1/jobs/start", {"job": "coindesk"}, want=409)
        equal(self.told("GET", "/api/v1/news/status")["articles"], 0, "an hour has not passed")

        run = self.told("POST", "/api/v1/jobs/run", {"job": "coindesk"})["run"]["run"]
        self.over("coindesk", 1)
        equal(self.told("GET", f"/api/v1/jobs/runs/{run}")["state"], "succeeded")
        equal(self.told("GET", "/api/v1/news/status")["articles"], 2, "the run collected of its source alone")
        again = self.told("POST", "/api/v1/jobs/run", {"job": "coindesk"})["run"]["run"]
        self.over("coindesk", 2)
        check(again != run)
        equal(self.told("GET", "/api/v1/news/status")["articles"], 2, "a second run stores nothing twice")
        done = wait_for(lambda: self.told_events("news_collection_completed"), 60, "the end of the first run")
        equal((len(done), done[0]["payload"]["articles_count"]), (1, 2), f"a run that finds nothing tells nothing: {done}")

        self.feeds.fail.add("coindesk")
        self.told("PUT", "/api/v1/jobs/failing", {**define, "schedule": "", "retries": 0,
                  "params": {"operation": "news.collect", "in": {"source": "no-such-source"}}})
        self.told("POST", "/api/v1/jobs/run", {"job": "failing"})
        failed = self.over("failing", 1)[0]
        equal(failed["state"], "failed")
        check("no-such-source" in json.dumps(failed), failed)

        self.told("PUT", "/api/v1/jobs/no-operation", {"kind": "operation", "params": {"operation": "news.invent"}},
                  want=422)
        self.told("POST", "/api/v1/jobs/run", {"job": "nobody"}, want=404)
        stopped = self.told("POST", "/api/v1/jobs/stop", {"job": "coindesk"})
        equal((stopped["job"]["state"], stopped["job"]["armed"]), ("stopped", False))
        for alias in ("/jobs", "/jobs/list", "/jobs/status/coindesk", "/jobs/coindesk", "/jobs/runs", f"/jobs/runs/{run}",
                      "/jobs/health"):
            self.told("GET", alias)
        equal({j["job"] for j in self.told("GET", "/jobs")["jobs"]} >= {"coindesk", "failing"}, True)
        self.told("DELETE", "/api/v1/jobs/coindesk")
        self.told("GET", "/api/v1/jobs/coindesk", want=404)

    def test_the_schedule_of_the_configuration_collects_by_itself_and_outlives_a_restart(self):
        self.begin().stop()
        self.server = self.serve(*self.flags, "--news.interval", "1s")
        self.contract = Contract(self.server)
        wait_for(lambda: self.told("GET", "/api/v1/news/status")["articles"] == 3, 60, "the first round")
        job = self.told("GET", "/api/v1/jobs/news")
        equal((job["kind"], job["armed"], job["params"]["operation"]), ("operation", True, "news.collect"))
        self.server.stop()
        self.feeds.items["coindesk"].insert(0, test_news.coindesk_item(7, "Miners shut down", "as costs rise", 0.5))
        self.server = self.serve(*self.flags, "--news.interval", "1s")
        wait_for(lambda: self.told("GET", "/api/v1/news/status")["articles"] == 4, 60, "the round after the restart")
        check(len(self.told("GET", "/api/v1/jobs/runs?job=news&limit=1000")["runs"]) >= 2)


if __name__ == "__main__":
    rig.main(Cases)
