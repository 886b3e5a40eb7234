"""The decoded record of a query over fitted records: a struct of columns, one for each path that is decoded."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ocsf_pipe.engine.sql import column, decoded_fields, structure_of
from ocsf_pipe.ops.sql_text import text_literal
from ocsf_pipe.plan.nodes import Node, Path, Plan, Read, Shape
from ocsf_pipe.plan.passes.consumed import children


def cell_paths(shape: Shape, above: Path = ()) -> Iterator[tuple[Path, Shape]]:
    """The paths that a record is decoded into, with what stands there; an object before what is in it."""
    for name, inner in decoded_fields(shape):
        path = (*above, name)
        yield path, inner
        if inner.kind == "object":
            yield from cell_paths(inner, path)


class Cells:
    """Which paths of a plan are columns, and the struct `r` that they make up."""

    def __init__(self, plan: Plan) -> None:
        """Number the paths as `cell_paths` gives them."""
        paths = list(cell_paths(plan.shape))
        self._shape = plan.shape
        self._number = {path: number for number, (path, _) in enumerate(paths)}
        self._asked = _objects_asked_for(plan)
        self.numbers = tuple(
            number
            for number, (path, shape) in enumerate(paths)
            if shape.kind != "object" or path in self._asked or not decoded_fields(shape)
        )

    def sql(self) -> str:
        """The SQL of the decoded record."""
        return self._object(self._shape, ())

    def _object(self, shape: Shape, path: Path) -> str:
        fields = decoded_fields(shape)
        parts = [f"{text_literal(name)}: {self._cell(inner, (*path, name))}" for name, inner in fields]
        whole = "{" + ", ".join(parts or [f"{text_literal('none')}: null::varchar"]) + "}"
        if path in self._asked or not fields:
            return f"(case when {self._column(path)} is not null then {whole} end)" if path else whole
        return whole

    def _cell(self, shape: Shape, path: Path) -> str:
        if shape.kind == "object":
            return self._object(shape, path)
        if shape.kind == "list":
            return f"try(from_json({self._column(path)}, {text_literal(json.dumps(structure_of(shape)))}))"
        return self._column(path)

    def _column(self, path: Path) -> str:
        return column("p", str(self._number[path]))


def _objects_asked_for(plan: Plan) -> set[Path]:
    """The objects whose being there is asked for."""
    found = set()
    for node in _nodes(plan):
        if isinstance(node, Read) and node.type.kind == "object":
            found.add(tuple(str(step) for step in node.steps))
    return found


def _nodes(plan: Plan) -> Iterator[Node]:
    tops: list[Node | None] = [plan.recognise, *(node for _, node in plan.lets), *(node for _, node in plan.drops)]
    for route in plan.routes:
        tops += [route.when, route.for_each[1] if route.for_each else None, *(node for _, node in route.locals)]
        tops += [node for assign in (*route.assigns, *route.derived) for node in (assign.value, assign.failed)]
    for top in tops:
        if top is not None:
            yield from _below(top)


def _below(node: Node) -> Iterator[Node]:
    yield node
    for child in children(node):
        yield from _below(child)
