#!/usr/bin/env python3
"""Check an OpenAPI 3.1 document (a file, or standard input) for what a client generator stumbles over.

Every reference resolves; operation ids are unique; every {name} of a path is a required path parameter and the
other way round; parameters are unique; schemas use known types, and their examples and defaults fit them; every
operation has a summary, a tag that is declared, one success and error answers of the one Error schema.
Prints each fault with its place; the exit code says whether there was one.
"""
import json
import re
import sys

METHODS = {"get", "put", "post", "delete", "patch", "head", "options"}
TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict,
         "null": type(None)}


class Lint:
    def __init__(self, doc):
        self.doc = doc
        self.faults = []

    def fault(self, where, what):
        self.faults.append(f"{where}: {what}")

    def resolve(self, ref):
        node = self.doc
        if not ref.startswith("#/"):
            return None
        for part in ref[2:].split("/"):
            node = node.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(node, dict) else None
            if node is None:
                return None
        return node

    def fits(self, schema, value):
        """The reason why value does not fit schema, or None. The keywords are those that our tables can produce."""
        if "$ref" in schema:
            return self.fits(self.resolve(schema["$ref"]) or {}, value)
        if "oneOf" in schema:
            reasons = [self.fits(s, value) for s in schema["oneOf"]]
            return None if reasons.count(None) == 1 else f"fits {reasons.count(None)} of oneOf ({reasons})"
        kinds = schema.get("type", list(TYPES))
        kinds = kinds if isinstance(kinds, list) else [kinds]
        if not any(isinstance(value, TYPES.get(k, ())) and not (isinstance(value, bool) and k in ("integer", "number"))
                   for k in kinds):
            return f"{value!r} is no {'/'.join(kinds)}"
        if "enum" in schema and value not in schema["enum"]:
            return f"{value!r} is none of {schema['enum']}"
        if isinstance(value, str):
            if "pattern" in schema and not re.search(schema["pattern"], value):
                return f"{value!r} does not match {schema['pattern']}"
            if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 1 << 30):
                return f"{value!r} has the wrong length"
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
                return f"{value!r} is out of range"
        if isinstance(value, list):
            if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 1 << 30):
                return f"has {len(value)} items"
            return next((r for r in (self.fits(schema.get("items", {}), v) for v in value) if r), None)
        if isinstance(value, dict):
            missing = [k for k in schema.get("required", []) if k not in value]
            if missing:
                return f"lacks {missing}"
            known = schema.get("properties", {})
            if schema.get("additionalProperties") is False and set(value) - set(known):
                return f"has unknown {sorted(set(value) - set(known))}"
            return next((f"{k}: {r}" for k, v in value.items() if k in known for r in [self.fits(known[k], v)] if r),
                        None)
        return None

    def schema(self, where, schema):
        kinds = schema.get("type", [])
        for kind in kinds if isinstance(kinds, list) else [kinds]:
            if kind not in TYPES:
                self.fault(where, f"unknown type {kind}")
        if "pattern" in schema:
            try:
                re.compile(schema["pattern"])
            except re.error as e:
                self.fault(where, f"pattern: {e}")
        if "default" in schema:
            reason = self.fits({k: v for k, v in schema.items() if k != "default"}, schema["default"])
            if reason:
                self.fault(where, f"its default does not fit: {reason}")
        for name in schema.get("required", []):
            if name not in schema.get("properties", {}):
                self.fault(where, f"requires {name}, which it does not have")
        for name, sub in schema.get("properties", {}).items():
            self.schema(f"{where}.{name}", sub)
        if "items" in schema:
            self.schema(f"{where}[]", schema["items"])

    def refs(self, where, node):
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str) and self.resolve(node["$ref"]) is None:
                self.fault(where, f"{node['$ref']} leads nowhere")
            for key, value in node.items():
                self.refs(f"{where}/{key}", value)
        elif isinstance(node, list):
            for i, value in enumerate(node):
                self.refs(f"{where}[{i}]", value)

    def media(self, where, content):
        for kind, media in content.items():
            self.schema(f"{where} {kind}", media.get("schema", {}))
            if "example" in media and "schema" in media:
                reason = self.fits(media["schema"], media["example"])
                if reason:
                    self.fault(f"{where} {kind}", f"its example does not fit: {reason}")

    def operation(self, where, path, op, ids):
        if op.get("operationId") in ids:
            self.fault(where, f"operationId {op['operationId']} is not unique")
        ids.add(op.get("operationId"))
        if not op.get("summary") or not op.get("operationId"):
            self.fault(where, "lacks a summary or an operationId")
        declared = {t["name"] for t in self.doc.get("tags", [])}
        if not op.get("tags") or set(op["tags"]) - declared:
            self.fault(where, "lacks a tag, or names one that is not declared")
        seen = set()
        for p in op.get("parameters", []):
            key = (p["in"], p["name"])
            if key in seen:
                self.fault(where, f"parameter {key} twice")
            seen.add(key)
            if p["in"] == "path" and not p.get("required"):
                self.fault(where, f"path parameter {p['name']} is not required")
            if ("schema" in p) == ("content" in p):
                self.fault(where, f"parameter {p['name']} has neither or both of schema and content")
            self.schema(f"{where} {p['name']}", p.get("schema", {}))
            reason = self.fits(p["schema"], p["example"]) if "example" in p else None
            if reason:
                self.fault(f"{where} {p['name']}", f"its example does not fit: {reason}")
        if {n for i, n in seen if i == "path"} != set(re.findall(r"{([^}]+)}", path)):
            self.fault(where, "path parameters and {names} of the path differ")
        if "requestBody" in op:
            self.media(f"{where} body", op["requestBody"]["content"])
        answers = op.get("responses", {})
        good = [s for s in answers if s.startswith("2")]
        bad = [s for s in answers if s[0] in "45"]
        if len(good) != 1 or not bad:
            self.fault(where, f"answers {sorted(answers)}: wants one success and some failures")
        for status in good:
            self.media(f"{where} {status}", answers[status].get("content", {}))
        for status in bad:
            answer = answers[status]
            answer = self.resolve(answer["$ref"]) if "$ref" in answer else answer
            schema = ((answer or {}).get("content", {}).get("application/json", {}).get("schema", {}))
            if schema.get("$ref") != "#/components/schemas/Error":
                self.fault(where, f"{status} is not of the Error schema")

    def run(self):
        if not str(self.doc.get("openapi", "")).startswith("3.1."):
            self.fault("openapi", "is not 3.1")
        self.refs("#", self.doc)
        ids = set()
        for path, item in self.doc.get("paths", {}).items():
            if not path.startswith("/"):
                self.fault(path, "does not begin with /")
            for method, op in item.items():
                if method not in METHODS:
                    self.fault(path, f"unknown method {method}")
                else:
                    self.operation(f"{method.upper()} {path}", path, op, ids)
        shapes = [re.sub(r"{[^}]+}", "{}", p) for p in self.doc.get("paths", {})]
        for shape in {s for s in shapes if shapes.count(s) > 1}:
            self.fault(shape, "two paths differ only in the names of their parameters")
        for name, schema in self.doc.get("components", {}).get("schemas", {}).items():
            self.schema(name, schema)
        return self.faults


def main():
    text = open(sys.argv[1], encoding="utf-8").read() if len(sys.argv) > 1 else sys.stdin.read()
    doc = json.loads(text)
    faults = Lint(doc).run()
    for fault in faults:
        print(fault)
    count = sum(len(item) for item in doc.get("paths", {}).values())
    print(f"{count} operations, {len(doc.get('components', {}).get('schemas', {}))} schemas, {len(faults)} faults")
    return 1 if faults or not count else 0


if __name__ == "__main__":
    sys.exit(main())
