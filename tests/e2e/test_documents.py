#!/usr/bin/env python3
"""The documents that are made from the program's tables: what is committed is what the program says.

usage: test_documents.py FINSIGHT SOURCE_ROOT
Out of date: FINSIGHT docs openapi > docs/openapi.json; FINSIGHT docs configuration > docs/configuration.md
"""
import copy
import gzip
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import platform_rig as rig  # noqa: E402
from platform_rig import check, equal  # noqa: E402

ROOT = pathlib.Path(sys.argv.pop(2))
CANDLES = "/api/v1/market/candles"


class Cases(rig.Suite):
    def page(self, name):
        return self.cli("docs", name).stdout

    def committed(self, name):
        return (ROOT / "docs" / name).read_text()

    def diff(self, old, new):
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for name, doc in (("old", old), ("new", new)):
                paths.append(os.path.join(folder, name + ".json"))
                with open(paths[-1], "w") as f:
                    json.dump(doc, f)
            return subprocess.run([sys.executable, ROOT / "tools" / "openapi_diff.py", *paths, "--quiet"],
                                  capture_output=True, text=True)

    # GOV-03: the contract that is committed is the one that is served
    def test_the_committed_contract_is_the_programs(self):
        equal(self.page("openapi"), self.committed("openapi.json"), "docs/openapi.json is out of date")

    # GOV-03, GOV-06: a change that breaks a client is seen before it is served
    def test_a_breaking_change_is_refused_and_another_is_not(self):
        doc = json.loads(self.committed("openapi.json"))
        equal(self.diff(doc, doc).returncode, 0)
        get = lambda d: d["paths"][CANDLES]["get"]
        parameter = lambda d, name: next(p for p in get(d)["parameters"] if p["name"] == name)
        breaking = [
            ("an operation gone", lambda d: d["paths"][CANDLES].pop("get")),
            ("an older path gone", lambda d: d["paths"].pop("/market-data/ohlcv")),
            ("a parameter now required", lambda d: parameter(d, "limit").update(required=True)),
            ("a lower limit", lambda d: parameter(d, "limit")["schema"].update(maximum=10)),
        ]
        for what, edit in breaking:
            new = copy.deepcopy(doc)
            edit(new)
            done = self.diff(doc, new)
            check(done.returncode == 1 and "BREAKING" in done.stdout, what, done.stdout, done.stderr)
        new = copy.deepcopy(doc)
        get(new)["parameters"].append({"name": "x", "in": "query", "required": False, "schema": {"type": "string"}})
        equal(self.diff(doc, new).returncode, 0, "a new optional parameter")

    # DEP-16: every option with its flag and its variable
    def test_the_committed_configuration_page_is_the_programs(self):
        equal(self.page("configuration"), self.committed("configuration.md"), "docs/configuration.md is out of date")
        for line in self.page("configuration").splitlines()[2:]:
            check("`FINSIGHT_" in line and line.rstrip("| ").count("|") >= 5, line)

    # GOV-03: what is served was made while the program was built; in every coding it is what the tables say
    def test_what_is_served_is_what_the_tables_say(self):
        server = self.serve()
        for path, made in (("/openapi.json", self.page("openapi").rstrip("\n")), ("/docs", self.page("api"))):
            equal(server.get(path).body.decode(), made, path)
            packed = server.get(path, Accept_Encoding="gzip")
            equal(packed.headers["content-encoding"], "gzip")
            equal(gzip.decompress(packed.body).decode(), made, path + " in gzip")
            packed = server.get(path, Accept_Encoding="zstd")
            equal(packed.headers["content-encoding"], "zstd")
            unpacked = subprocess.run(["zstd", "-dc"], input=packed.body, capture_output=True) if shutil.which("zstd") else None
            if unpacked:
                equal(unpacked.stdout.decode(), made, path + " in zstd")

    # another's protocol is told beside our own operations, and what is told is answered
    def test_the_contract_tells_of_eurekas_paths(self):
        server = self.serve()
        paths = {p: ops for p, ops in json.loads(self.page("openapi"))["paths"].items() if p.startswith("/eureka")}
        check({"/eureka/apps", "/eureka/apps/delta", "/eureka/apps/{app}/{id}/status", "/eureka/svips/{vip}"} <= set(paths), sorted(paths))
        for path, ops in paths.items():
            reply = server.get(path.replace("{app}", "NOBODY").replace("{id}", "x").replace("{vip}", "v"), Accept="application/json")
            want = ((200,) if "{" not in path or "vip" in path else (404,)) if "get" in ops else (404, 405)
            check(reply.status in want and b"no such path" not in reply.body, path, reply.status, reply.body)

    # GOV-06: an older name says where its successor is, and answers the same
    def test_older_names_point_at_their_successors(self):
        server = self.serve()
        for path, operation in json.loads(self.page("openapi"))["paths"].items():
            for method, op in operation.items():
                if method != "get" or "x-alias-of" not in op:
                    continue
                reply = server.get(path + "?symbol=ABC&timeframe=1h" if "candles" in str(op["x-alias-of"]) else path)
                if reply.status == 200:
                    check('rel="successor-version"' in reply.headers.get("link", ""), path, reply.headers)
        reply = server.get("/market-data/exchanges")
        equal(reply.status, 200)
        check("/api/v1/market/exchanges" in reply.headers["link"], reply.headers)


sys.exit(rig.main(Cases))
