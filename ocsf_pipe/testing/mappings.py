"""Small mappings made up at random, and records that they read: two engines have to agree on any mapping that compiles.

Every mapping reads records of the shape of `RECORDS`, so that mutated ones reach its rules.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Any, TypeAlias

from ocsf_pipe.errors import MappingError
from ocsf_pipe.mapping import compile_text
from ocsf_pipe.ops import OPS
from ocsf_pipe.ops.registry import Op, fits
from ocsf_pipe.ops.types import BOOLEAN, INTEGER, IP, JSON, TEXT, TIMESTAMP, Type
from ocsf_pipe.plan.nodes import Plan

RECORDS = (
    (
        '{"kind":"login","at":"2026-02-10T09:08:07.006Z","user":{"name":"ann@acme.example","id":"u1","roles":["a","b"]},'
        '"src":{"ip":"10.0.0.1","port":"443"},"count":3,"ratio":0.25,"ok":true,"tags":["x","y",null],'
        '"doc":{"a":[1,{"b":null}],"c":"d"},"items":[{"id":"i1","kind":"file","n":"7","parts":[{"k":"p"},{"k":"q"}]},'
        '{"id":"i2","kind":"user","n":"x","parts":[]}],"a.b":{"c d":"quoted"},"text":"C:\\\\dir\\\\file.txt"}'
    ),
    (
        '{"kind":"change","at":"2026-02-10 10:08:07+01:00","user":{"name":"CORP\\\\bob","id":"","roles":[]},'
        '"count":"12","src":{"ip":"2001:db8::1","port":80},"ratio":"1e3","ok":"false","doc":"{\\"a\\":[1,2]}","items":[],'
        '"extra":{"x":1},"text":"a=1&b=%20"}'
    ),
    (
        '{"kind":"scan","at":"1601-01-01T00:00:00Z","user":null,"src":{"ip":"not an address","port":"70000"},'
        '"count":-1,"ok":null,"tags":[],"doc":[],"items":[{"id":null,"kind":"file","n":3,"parts":[{"k":null}]},{}],"a.b":{},'
        '"text":""}'
    ),
)

Tree: TypeAlias = "Expr | str | bool | dict[str, Tree] | list[Tree]"

_FIELDS = {"count": "integer", "ratio": "float", "ok": "boolean", "src.ip": "ip", "doc": "json", "at": "timestamp"}
_PATHS: dict[str, list[str]] = {
    "text": ["kind", "user.name", "user.id", "src.port", '"a.b"."c d"', "text", "user.none", "kind"],
    "integer": ["count"], "float": ["ratio"], "boolean": ["ok"], "ip": ["src.ip"], "json": ["doc"],
    "timestamp": ["at"], "list": ["tags", "user.roles", "items[*].id", "items[*].parts[*].k"],
}  # fmt: skip
_ELEMENT: dict[str, list[str]] = {"text": ["id", "kind", "n"], "list": ["parts[*].k"]}
_WORDS = ["login", "a", "", "file", "10.0.0.1", "@", "%a%", ".", "7", "é", "it''s", "2026-02-10T00:00:00Z"]
_NUMBERS = {"integer": ["0", "1", "-3", "65536", "9223372036854775807"], "float": ["0.5", "1e3", "-0.0"]}
_INFIX = {
    "eq": "=",
    "ne": "!=",
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "add": "+",
    "sub": "-",
    "mul": "*",
    "div": "/",
    "mod": "%",
    "and_": "and",
    "or_": "or",
    "concat_op": "||",
    "like": "like",
}
_ATTRIBUTES: dict[str, Type] = {
    "message": TEXT, "status_detail": TEXT, "count": INTEGER, "duration": INTEGER, "start_time": TIMESTAMP,
    "metadata.event_code": TEXT, "metadata.correlation_uid": TEXT, "metadata.labels": Type("list", item=TEXT),
}  # fmt: skip
_OF_CLASS: dict[str, dict[str, Type]] = {
    "base_event": {},
    "authentication": {"user.name": TEXT, "user.uid": TEXT, "is_mfa": BOOLEAN, "src_endpoint.ip": IP,
                       "src_endpoint.port": INTEGER, "service.name": TEXT, "logon_process.pid": INTEGER},
    "api_activity": {"actor.user.name": TEXT, "api.operation": TEXT, "api.request.data": JSON, "api.request.uid": TEXT,
                     "src_endpoint.ip": IP, "src_endpoint.hostname": TEXT},
}  # fmt: skip
_REQUIRED: dict[str, list[str]] = {
    "base_event": [],
    "authentication": ["user.uid", "service.name"],
    "api_activity": ["actor.user.name", "api.operation", "src_endpoint.ip"],
}


@dataclass(frozen=True, slots=True)
class Expr:
    """Expression text; a plain `str` of the tree is a constant."""

    text: str


def generated_plan(seed: int) -> tuple[str, Plan]:
    """The text and the plan of a mapping made up from a seed; of what the compiler refuses it tries the next one."""
    for attempt in range(100):
        text = mapping_text(seed * 1000 + attempt)
        try:
            return text, compile_text(text, "mappings/some/source/mapping.yaml")
        except MappingError:
            continue
    raise RuntimeError(f"no mapping of seed {seed} compiles")


def mapping_text(seed: int) -> str:
    """The text of a mapping made up from a seed; most of them compile."""
    return _Author(random.Random(seed)).mapping()  # noqa: S311 - repeatable, not secret


class _Author:
    """Makes up one mapping; `element` is set while it writes of an element of a list."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.element: dict[str, list[str]] = {}
        self.lets: dict[str, list[str]] = {}

    def mapping(self) -> str:
        lets = self.let()
        every = {"time": Expr("at"), **self.attributes(_ATTRIBUTES, 3)}
        rules: list[Tree] = [self.rule(number) for number in range(self.rng.randint(1, 3))]
        rules.append({"name": "rest", **self.body("base_event", {})})
        tree: dict[str, Tree] = {"every": every, "events": rules}
        if self.rng.random() < 0.4:
            tree["drop"] = [{"when": Expr(self.expr(BOOLEAN, 2)), "why": "noise"}]
        if self.rng.random() < 0.4:
            tree["leave"] = [Expr(path) for path in self.rng.sample(["extra.x", "items", "user.id", '"a.b"'], 2)]
        rest = _yaml(tree, 0)
        for name in reversed(list(lets)):  # what nothing uses or reads is an error
            if re.search(rf"\b{name}\b", rest):
                rest = _yaml({name: lets[name]}, 1) + rest
        lines = rest.split("every:")[0]
        rest = f"let:\n{rest}" if lines else rest
        word = r"(?<![\w.]){}\b(?!:)"
        read = {path: kind for path, kind in _FIELDS.items() if re.search(word.format(re.escape(path)), rest)}
        head = "mapping: some.source\nproduct: {vendor_name: Some, name: Source}\ninput:\n  format: json\n"
        return head + _yaml({"fields": {path: Expr(kind) for path, kind in read.items()}}, 1) + rest

    def let(self) -> dict[str, Tree]:
        found: dict[str, Tree] = {}
        for number in range(self.rng.randint(0, 3)):
            kind = self.rng.choice([TEXT, TEXT, INTEGER, BOOLEAN, JSON, Type("list", item=TEXT)])
            found[f"let{number}"] = Expr(self.expr(kind, 2))
            self.lets.setdefault(kind.kind, []).append(f"let{number}")
        return found

    def rule(self, number: int) -> dict[str, Tree]:
        name = self.rng.choice(list(_OF_CLASS))
        also = self.rng.random() < 0.3
        body: dict[str, Tree] = {"name": f"rule{number}", "when": Expr(self.expr(BOOLEAN, 2))}
        if also:
            body["also"] = True
        fans: dict[str, Tree] = {}
        if self.rng.random() < 0.35:
            fans = {"for_each": Expr("items as it")}
            self.element = {"text": ["it.id", "it.kind", "it.n"], "list": ["it.parts[*].k"]}
        whole = {**body, **fans, **self.body(name, _OF_CLASS[name])}
        self.element = {}
        return whole

    def body(self, name: str, attributes: dict[str, Type]) -> dict[str, Tree]:
        required = {path: attributes[path] for path in _REQUIRED[name]}
        chosen = {**self.attributes({**_ATTRIBUTES, **attributes}, 3), **self.attributes(required, len(required))}
        enums: dict[str, Tree] = {"activity_id": "Other", "severity_id": self.enum(["Informational", "High", "Low"])}
        if self.rng.random() < 0.6:
            enums["status_id"] = self.enum(["Success", "Failure"])
        if name != "base_event" and self.rng.random() < 0.5:
            chosen["resources" if name == "api_activity" else "metadata.tags"] = self.loop(name)
        if name == "authentication" and self.rng.random() < 0.4:
            chosen = {path: side for path, side in chosen.items() if not path.startswith("user.")}
            chosen["user"] = self.first()
        return {"class": name, **enums, **chosen}

    def attributes(self, choice: dict[str, Type], count: int) -> dict[str, Tree]:
        names = self.rng.sample(list(choice), min(count, len(choice)))
        return {name: self.side(choice[name]) for name in names}

    def side(self, kind: Type) -> Tree:
        if kind == TEXT and self.rng.random() < 0.15:
            return "constant"
        if kind.kind != "list" and self.rng.random() < 0.2:
            of: dict[str, Tree] = {word: Expr(self.expr(kind, 1)) for word in ("login", "scan")}
            rest: dict[str, Tree] = {"else": Expr(self.expr(kind, 1))} if self.rng.random() < 0.5 else {}
            return {"case": Expr(self.expr(TEXT, 1)), "of": of, **rest}
        return Expr(self.expr(TEXT if self.rng.random() < 0.3 and kind.kind != "list" else kind, 2))

    def enum(self, captions: list[str]) -> Tree:
        if self.rng.random() < 0.3:
            return self.rng.choice(captions)
        subject = self.rng.choice([TEXT, TEXT, INTEGER, BOOLEAN])
        keys = {"text": ["login", "scan", "x"], "integer": ["3", "-1", "12"], "boolean": ["true", "false"]}[
            subject.kind
        ]
        of: dict[str, Tree] = {key: self.rng.choice(captions) for key in keys}
        tail: dict[str, Tree] = {"else": self.rng.choice(captions)} if self.rng.random() < 0.5 else {}
        return {"case": Expr(self.expr(subject, 1)), "of": of, **tail}

    def loop(self, name: str) -> Tree:
        outer, self.element = self.element, _ELEMENT
        fields = ("uid", "name", "type") if name == "api_activity" else ("name", "value")
        found: dict[str, Tree] = {"each": Expr("items"), "set": {field: Expr(self.expr(TEXT, 2)) for field in fields}}
        if self.rng.random() < 0.5:
            found["where"] = Expr(self.expr(BOOLEAN, 1))
        self.element = outer
        return found

    def first(self) -> Tree:
        outer, self.element = self.element, _ELEMENT
        chosen: dict[str, Tree] = {"uid": Expr("id"), "name": Expr("n")}
        found: dict[str, Tree] = {"first": Expr("items"), "where": Expr(self.expr(BOOLEAN, 1)), "set": chosen}
        self.element = outer
        return found

    # expressions

    def expr(self, kind: Type, depth: int) -> str:
        """Text of an expression of one type."""
        if depth == 0 or self.rng.random() < 0.35:
            return self.leaf(kind)
        if self.rng.random() < 0.1 and kind.kind != "list":
            test, one, two = self.expr(BOOLEAN, depth - 1), self.expr(kind, depth - 1), self.expr(kind, depth - 1)
            return f"case when {test} then {one} else {two} end"
        ops = [op for op in OPS.values() if _gives(op, kind)]
        op = self.rng.choice(ops) if ops else None
        return self.leaf(kind) if op is None else self.call(op, depth)

    def call(self, op: Op, depth: int) -> str:
        """A call with the constants of one of the op's examples, the other arguments made up."""
        example = self.rng.choice(op.examples)
        args = []
        for i, value in enumerate(example.args):
            taken = op.taken(i)[0] if op.taken(i)[0].kind not in {"any", "object"} else self.rng.choice([TEXT, INTEGER])
            if i in op.constant:
                args.append(_literal(value))
            else:
                args.append(self.expr(example.types[i] if example.types else taken, depth - 1))
        if op.name in {"is_null", "is_not_null"}:
            return f"({args[0]}) {op.name.replace('_', ' ')}"
        if op.name == "in_":
            return f"({args[0]} in ({', '.join(args[1:])}))"
        if op.name in _INFIX and len(args) == 2:
            return f"({args[0]} {_INFIX[op.name]} {args[1]})"
        prefix = {"not_": "not ", "neg": "-"}.get(op.name, op.name)
        return f"{prefix}({', '.join(args)})"

    def leaf(self, kind: Type) -> str:
        """A path, a let or a literal."""
        record = [] if self.element is _ELEMENT else _PATHS.get(kind.kind, [])
        paths = [*self.element.get(kind.kind, []), *self.lets.get(kind.kind, []), *record]
        literals = {"text": [f"'{word}'" for word in _WORDS], "boolean": ["true", "false"], **_NUMBERS}.get(
            kind.kind, []
        )
        if paths and (not literals or self.rng.random() < 0.75):
            return self.rng.choice(paths)
        return self.rng.choice(literals) if literals else "null"


def _gives(op: Op, kind: Type) -> bool:
    """Whether some example of the op has this type."""
    example = op.examples[0]
    types = example.types or tuple(op.taken(i)[0] for i in range(len(example.args)))
    try:
        return fits(op.result(types), kind) and op.result(types).kind not in {"object", "null"}
    except TypeError:
        return False


def _literal(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value) if isinstance(value, (int, float)) else "'" + str(value).replace("'", "''") + "'"


def _yaml(tree: Tree, depth: int) -> str:
    """The tree as YAML in block style; expressions are folded scalars, in which nothing needs an escape."""
    indent = "  " * depth
    if isinstance(tree, dict):
        return "".join(f"{indent}{_key(key)}:{_value(value, depth)}" for key, value in tree.items())
    if isinstance(tree, list):
        return "".join(f"{indent}-{_value(item, depth)}" for item in tree)
    return ""


def _value(value: Tree, depth: int) -> str:
    if isinstance(value, (dict, list)):
        return "\n" + _yaml(value, depth + 1)
    if isinstance(value, bool):
        return f" {str(value).lower()}\n"
    if isinstance(value, Expr):
        return f" >-\n{'  ' * (depth + 2)}{value.text}\n"
    return f" '{value.replace(chr(39), chr(39) * 2)}'\n"


def _key(key: str) -> str:
    return f"'{key}'" if key in {"true", "false"} or not key[0].isalpha() else key
