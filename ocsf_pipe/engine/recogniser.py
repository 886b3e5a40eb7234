"""Which records a mapping recognises, told in plain Python of the few that a file begins with.

Says what `evaluate` says of the plan's condition. Only what the condition reads is decoded, and most mappings are ruled
out by the keys of a record before that: what is not there is null, and few conditions hold for nulls.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ocsf_pipe.engine.evaluate import Row, decode, is_true
from ocsf_pipe.engine.once import once_for_each
from ocsf_pipe.engine.sql import decoded_fields
from ocsf_pipe.ops import OPS
from ocsf_pipe.plan.nodes import Call, Const, Convert, Get, LetRef, Node, Plan, Read
from ocsf_pipe.plan.passes.consumed import children

_MOST = 1_000
"""Sets of keys that are remembered."""


class Recogniser:
    """The condition of one plan, and what it needs."""

    def __init__(self, plan: Plan) -> None:
        """Find out what the condition reads."""
        self._condition = plan.recognise
        self._lets = dict(plan.lets)
        keys = {str(step) for step in _first_steps(self._condition, self._lets)}
        fields = tuple(field for field in decoded_fields(plan.shape) if field[0] in keys)
        self._shape = replace(plan.shape, fields=fields)
        self._known: dict[frozenset[str], bool] = {}

    def takes(self, whole: Mapping[str, Any], *, columnar: bool) -> bool:
        """Whether the record is recognised; `columnar`: it has columns of text, which have no parts."""
        if self._condition is None or not self._may(frozenset(whole)):
            return False
        names = (name for name, _ in self._shape.fields)
        decoded = {name: whole.get(name) for name in names} if columnar else decode(whole, self._shape)
        return is_true(self._condition, Row(whole, decoded, self._shape, columnar, self._lets, {"clock": 0}))

    def _may(self, keys: frozenset[str]) -> bool:
        if keys not in self._known:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[keys] = self.possible(keys)
        return self._known[keys]

    def possible(self, keys: Collection[str]) -> bool:
        """Whether a record with no other keys may be recognised: yes too often, and never no where it is."""
        return self._condition is not None and self._true(self._condition, keys)

    def _true(self, node: Node, keys: Collection[str]) -> bool:
        """Whether the node may be true."""
        match node:
            case Const(value=value):
                return value is True
            case Call(op="and_", args=args):
                return all(self._true(arg, keys) for arg in args)
            case Call(op="or_", args=args):
                return any(self._true(arg, keys) for arg in args)
            case Call(op="is_not_null", args=(inner,)):
                return self._some(inner, keys)
            case LetRef(name=name):
                return self._true(self._lets[name], keys)
            case _:
                return self._some(node, keys)

    def _some(self, node: Node, keys: Collection[str]) -> bool:
        """Whether the node may be anything but null."""
        match node:
            case Const(value=value):
                return value is not None
            case Read(steps=(str(key), *_)) if key != "*":
                return key in keys
            case LetRef(name=name):
                return self._some(self._lets[name], keys)
            case Convert(value=inner) | Get(of=inner):
                return self._some(inner, keys)
            case Call(op="coalesce", args=args):
                return any(self._some(arg, keys) for arg in args)
            case Call(op="in_", args=(subject, *_)):
                return self._some(subject, keys)
            case Call(op=op, args=args) if OPS[op].strict:
                return all(self._some(arg, keys) for arg in args)
            case _:
                return True


recogniser_of = once_for_each(Recogniser)


def _first_steps(condition: Node | None, lets: Mapping[str, Node]) -> Iterator[str | int]:
    """The first step of everything that a condition reads, through the lets that it uses."""
    pending = [] if condition is None else [condition]
    seen: set[str] = set()
    while pending:
        node = pending.pop()
        if isinstance(node, Read):
            yield from node.steps[:1]
        elif isinstance(node, LetRef):
            if node.name not in seen:
                seen.add(node.name)
                pending.append(lets[node.name])
        else:
            pending.extend(children(node))
