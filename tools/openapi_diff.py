#!/usr/bin/env python3
"""Compare two OpenAPI documents: a client written for the old one must still work with the new one (GOV-03).

usage: openapi_diff.py OLD NEW [--quiet]

Breaking, for what a client sends: a path, method or parameter that is gone; a parameter or body field that became
required, or is new and required; a narrower type, range, length, pattern or set of choices; a field no longer known.
Breaking, for what a client reads: a field or answer that is gone; a field that may now be absent or null; a wider
type or set of choices. Also: another default, a stricter role, a lost media type.
An operation may go when the old document already called it deprecated and its sunset has passed (x-sunset).
Exit code: 0 compatible (additions are listed), 1 breaking, 2 not readable.
"""
import datetime
import json
import sys

METHODS = ("get", "put", "post", "delete", "patch")
ROLES = {"none": 0, "read": 1, "write": 2, "admin": 3}


class Diff:
    def __init__(self, old, new, today):
        self.old, self.new, self.today = old, new, today
        self.breaking, self.added = [], []
        self.walked = set()

    def bad(self, where, what):
        self.breaking.append(f"{where}: {what}")

    def more(self, where, what):
        self.added.append(f"{where}: {what}")

    @staticmethod
    def resolve(doc, node):
        for _ in range(16):
            if not isinstance(node, dict) or "$ref" not in node:
                return node or {}
            target = doc
            for part in node["$ref"].lstrip("#/").split("/"):
                target = target.get(part, {})
            node = target
        return {}

    # --- schemas: sent = the client writes it, else the client reads it ---

    @staticmethod
    def kinds(schema):
        kinds = schema.get("type")
        if kinds is None:
            return None
        kinds = set(kinds if isinstance(kinds, list) else [kinds])
        return kinds | {"integer"} if "number" in kinds else kinds

    def ranges(self, where, a, b, sent):
        for low in ("minimum", "minLength", "minItems"):
            x, y = a.get(low, float("-inf")), b.get(low, float("-inf"))
            if (y > x) if sent else (y < x and low == "minItems"):
                self.bad(where, f"{low} {x} -> {y}")
        for high in ("maximum", "maxLength", "maxItems"):
            x, y = a.get(high, float("inf")), b.get(high, float("inf"))
            if sent and y < x:
                self.bad(where, f"{high} {x} -> {y}")
        if sent and b.get("pattern") is not None and a.get("pattern") != b.get("pattern"):
            self.bad(where, f"pattern {a.get('pattern')} -> {b['pattern']}")

    def choices(self, where, a, b, sent):
        x, y = a.get("enum"), b.get("enum")
        if x is None and y is None:
            return
        if sent and y is not None and (x is None or set(map(str, x)) - set(map(str, y))):
            gone = "any" if x is None else sorted(set(map(str, x)) - set(map(str, y)))
            self.bad(where, f"no longer accepted: {gone}")
        if not sent and x is not None and (y is None or set(map(str, y)) - set(map(str, x))):
            self.bad(where, f"may now be {'anything' if y is None else sorted(set(map(str, y)) - set(map(str, x)))}")

    def schema(self, where, a, b, sent):
        key = (where, json.dumps(a, sort_keys=True), sent)
        if key in self.walked or where.count(".") > 24:
            return
        self.walked.add(key)
        if "oneOf" in a or "oneOf" in b:
            self.one_of(where, a, b, sent)
            return
        a, b = self.resolve(self.old, a), self.resolve(self.new, b)
        x, y = self.kinds(a), self.kinds(b)
        if sent and y is not None and (x is None or x - y):
            self.bad(where, f"type {sorted(x) if x else 'any'} -> {sorted(y)}")
        if not sent and x is not None and (y is None or y - x):
            self.bad(where, f"type {sorted(x)} -> {sorted(y) if y else 'any'}")
        self.ranges(where, a, b, sent)
        self.choices(where, a, b, sent)
        if sent and "default" in a and a["default"] != b.get("default"):
            self.bad(where, f"default {a['default']} -> {b.get('default')}")
        if a.get("format") != b.get("format") and "format" in a:
            self.bad(where, f"format {a['format']} -> {b.get('format')}")
        self.members(where, a, b, sent)
        if "items" in a:
            self.schema(f"{where}[]", a["items"], b.get("items", {}), sent)

    def one_of(self, where, a, b, sent):
        def split(schema):
            parts = schema.get("oneOf", [schema])
            return [p for p in parts if p.get("type") != "null"], any(p.get("type") == "null" for p in parts)
        (xs, x_null), (ys, y_null) = split(a), split(b)
        if x_null != y_null and x_null == sent:
            self.bad(where, "null is no longer accepted" if sent else "may now be null")
        if len(xs) == len(ys) == 1:
            self.schema(where, xs[0], ys[0], sent)
        elif xs != ys:
            self.bad(where, "oneOf has changed")

    def members(self, where, a, b, sent):
        old, new = a.get("properties", {}), b.get("properties", {})
        must_old, must_new = set(a.get("required", [])), set(b.get("required", []))
        for name, field in old.items():
            if name not in new:
                if not sent or b.get("additionalProperties") is False:
                    self.bad(f"{where}.{name}", "is gone")
                continue
            if sent and name in must_new - must_old:
                self.bad(f"{where}.{name}", "is now required")
            if not sent and name in must_old - must_new:
                self.bad(f"{where}.{name}", "may now be absent")
            self.schema(f"{where}.{name}", field, new[name], sent)
        for name in new:
            if name in old:
                continue
            if sent and name in must_new:
                self.bad(f"{where}.{name}", "is new and required")
            else:
                self.more(f"{where}.{name}", "is new")

    # --- operations ---

    def media(self, where, a, b, sent):
        for kind, media in a.items():
            if kind not in b:
                self.bad(where, f"{kind} is gone")
            else:
                self.schema(where, media.get("schema", {}), b[kind].get("schema", {}), sent)
        for kind in b:
            if kind not in a:
                self.more(where, f"{kind} is new")

    def parameters(self, where, a, b):
        # By name alone: what moves between query and path moves with the path.
        old = {(p["in"], p["name"]): p for p in a.get("parameters", [])}
        new = {(p["in"], p["name"]): p for p in b.get("parameters", [])}
        for key, p in old.items():
            at = f"{where} {key[1]}"
            if key not in new:
                self.bad(at, f"{key[0]} parameter is gone")
                continue
            q = new[key]
            if q.get("required") and not p.get("required"):
                self.bad(at, "is now required")
            x = p.get("schema") or p.get("content", {}).get("application/json", {}).get("schema", {})
            y = q.get("schema") or q.get("content", {}).get("application/json", {}).get("schema", {})
            self.schema(at, x, y, True)
        for key, q in new.items():
            if key not in old:
                if q.get("required"):
                    self.bad(f"{where} {key[1]}", "is new and required")
                else:
                    self.more(f"{where} {key[1]}", "is new")

    def operation(self, where, a, b):
        self.parameters(where, a, b)
        if a.get("operationId") != b.get("operationId"):
            self.bad(where, f"operationId {a.get('operationId')} -> {b.get('operationId')}")
        if ROLES.get(b.get("x-role"), 3) > ROLES.get(a.get("x-role"), 3):
            self.bad(where, f"now needs the role {b.get('x-role')}")
        if a.get("x-idempotent") and not b.get("x-idempotent"):
            self.bad(where, "is no longer idempotent")
        x, y = a.get("requestBody"), b.get("requestBody")
        if x and not y:
            self.bad(f"{where} body", "is no longer read")
        elif y and not x and y.get("required"):
            self.bad(f"{where} body", "is new and required")
        elif x and y:
            if y.get("required") and not x.get("required"):
                self.bad(f"{where} body", "is now required")
            self.media(f"{where} body", x.get("content", {}), y.get("content", {}), True)
        for status, answer in a.get("responses", {}).items():
            if status not in b.get("responses", {}):
                if status.startswith("2"):
                    self.bad(where, f"no longer answers {status}")
                continue
            old, new = self.resolve(self.old, answer), self.resolve(self.new, b["responses"][status])
            self.media(f"{where} {status}", old.get("content", {}), new.get("content", {}), False)

    def over(self, op):
        sunset = op.get("x-sunset")
        return bool(op.get("deprecated")) and sunset is not None and sunset[:10] <= self.today

    def run(self):
        for path, item in self.old.get("paths", {}).items():
            for method in METHODS:
                if method not in item:
                    continue
                where = f"{method.upper()} {path}"
                now = self.new.get("paths", {}).get(path, {}).get(method)
                if now is not None:
                    self.operation(where, item[method], now)
                elif self.over(item[method]):
                    self.more(where, f"is gone, as announced for {item[method]['x-sunset'][:10]}")
                else:
                    self.bad(where, "is gone")
        for path, item in self.new.get("paths", {}).items():
            for method in METHODS:
                if method in item and method not in self.old.get("paths", {}).get(path, {}):
                    self.more(f"{method.upper()} {path}", "is new")
        return self


def main():
    paths = [a for a in sys.argv[1:] if not a.startswith("--")]
    if len(paths) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    try:
        old, new = (json.load(open(p, encoding="utf-8")) for p in paths)
    except (OSError, ValueError) as e:
        print(f"openapi_diff: {e}", file=sys.stderr)
        return 2
    diff = Diff(old, new, datetime.date.today().isoformat()).run()
    if "--quiet" not in sys.argv:
        for line in diff.added:
            print(f"  added     {line}")
    for line in diff.breaking:
        print(f"  BREAKING  {line}")
    print(f"{len(diff.breaking)} breaking, {len(diff.added)} additions")
    return 1 if diff.breaking else 0


if __name__ == "__main__":
    sys.exit(main())
