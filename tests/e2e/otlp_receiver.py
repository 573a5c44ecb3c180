"""tests/e2e/otlp_receiver.py - a collector for tests: takes OTLP/HTTP JSON on a loopback port, and is as strict as the
protocol's words are (opentelemetry-proto: hex ids, 64-bit numbers as strings, enums as numbers, lowerCamelCase)."""
import gzip
import http.server
import json
import re
import threading

ID = {"traceId": 32, "spanId": 16, "parentSpanId": 16}
VALUES = {"stringValue": str, "boolValue": bool, "intValue": str, "doubleValue": float}


def whole(keys, allowed, where):
    extra = set(keys) - set(allowed)
    assert not extra, f"{where}: unknown {sorted(extra)}"


def check_attributes(attributes):
    names = [a["key"] for a in attributes]
    assert len(names) == len(set(names)), f"twice: {names}"
    for a in attributes:
        whole(a, ("key", "value"), "attribute")
        (kind, value), = a["value"].items()
        assert isinstance(value, VALUES[kind]), (kind, value)
        assert kind != "intValue" or re.fullmatch(r"-?\d+", value), value


def check_span(s):
    whole(s, ("traceId", "spanId", "parentSpanId", "name", "kind", "startTimeUnixNano", "endTimeUnixNano", "attributes",
              "status", "flags", "traceState", "events", "links"), "span")
    for key, n in ID.items():
        if key in s or key != "parentSpanId":
            assert re.fullmatch(f"[0-9a-f]{{{n}}}", s[key]) and int(s[key], 16), (key, s[key])
    assert s["name"] and s["kind"] in (1, 2, 3, 4, 5)
    start, end = s["startTimeUnixNano"], s["endTimeUnixNano"]
    assert isinstance(start, str) and isinstance(end, str) and 10**18 < int(start) <= int(end)
    assert s["status"].get("code", 0) in (0, 1, 2)
    check_attributes(s["attributes"])


class Receiver:
    """faults: answers given before the good ones, as (status, headers)."""

    def __init__(self, faults=()):
        self.spans, self.wrong, self.requests, self.faults = [], [], 0, list(faults)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers = outer.take(self.path, self.headers, body)
                answer = b"{}"
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                for k, v in headers.items():
                    self.send_header(k, v)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, path, headers, body):
        self.requests += 1
        if self.faults:
            return self.faults.pop(0)
        try:
            assert path == "/v1/traces" and headers["Content-Type"] == "application/json"
            if headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            message = json.loads(body)
            whole(message, ("resourceSpans",), "message")
            for resource in message["resourceSpans"]:
                check_attributes(resource["resource"]["attributes"])
                who = {a["key"]: a["value"]["stringValue"] for a in resource["resource"]["attributes"]}
                assert who["service.name"]
                for scope in resource["scopeSpans"]:
                    whole(scope, ("scope", "spans"), "scope")
                    for s in scope["spans"]:
                        check_span(s)
                        self.spans.append({**s, "from": who["service.instance.id"]})
        except Exception as e:  # the test looks at it
            self.wrong.append(repr(e))
            return 400, {}
        return 200, {}

    def traces(self):
        found = {}
        for s in list(self.spans):
            found.setdefault(s["traceId"], []).append(s)
        return found

    def close(self):
        self.server.shutdown()
        self.server.server_close()
