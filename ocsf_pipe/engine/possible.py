"""Whether a plan can recognise a record at all, told from the keys that it has: most mappings can be ruled out so.

Says yes too often, and never no where `evaluate` finds it true: it asks which parts of a condition need a value, and
looks at none.
"""

from __future__ import annotations

from collections.abc import Collection

from ocsf_pipe.ops import OPS
from ocsf_pipe.plan.nodes import Call, Const, Convert, Get, LetRef, Node, Plan, Read


def may_recognise(plan: Plan, keys: Collection[str]) -> bool:
    """Whether a record with these keys, and no others, may be recognised."""
    return plan.recognise is not None and _Possible(dict(plan.lets), keys).true(plan.recognise)


class _Possible:
    """What can come of nodes for a record with these keys."""

    def __init__(self, lets: dict[str, Node], keys: Collection[str]) -> None:
        self._lets = lets
        self._keys = keys

    def true(self, node: Node) -> bool:
        """Whether the node may be true."""
        match node:
            case Const(value=value):
                return value is True
            case Call(op="and_", args=args):
                return all(map(self.true, args))
            case Call(op="or_", args=args):
                return any(map(self.true, args))
            case Call(op="is_not_null", args=(inner,)):
                return self.some(inner)
            case LetRef(name=name):
                return self.true(self._lets[name])
            case _:
                return self.some(node)

    def some(self, node: Node) -> bool:
        """Whether the node may be anything but null."""
        match node:
            case Const(value=value):
                return value is not None
            case Read(steps=(str(key), *_)) if key != "*":
                return key in self._keys
            case LetRef(name=name):
                return self.some(self._lets[name])
            case Convert(value=inner) | Get(of=inner):
                return self.some(inner)
            case Call(op="coalesce", args=args):
                return any(map(self.some, args))
            case Call(op="in_", args=(subject, *_)):
                return self.some(subject)
            case Call(op=op, args=args) if OPS[op].strict:
                return all(map(self.some, args))
            case _:
                return True
