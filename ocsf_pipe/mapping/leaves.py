"""A rule's attributes taken apart: one leaf for each value that an event can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ocsf_pipe.errors import Span
from ocsf_pipe.ops.types import Type
from ocsf_pipe.plan.nodes import Node, Path
from ocsf_pipe.schema import Attribute

DERIVED = frozenset(
    "class_uid class_name category_uid category_name type_uid type_name raw_data raw_data_size unmapped observables "
    "time_dt metadata.version metadata.profiles metadata.product metadata.processed_time metadata.extensions".split()
)
"""What the compiler derives, and an author may not write."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One attribute's value; `value` is None where the author took it away with `null`."""

    path: Path
    value: Node | None
    type: Type
    attribute: Attribute
    span: Span
    constant_unknown: bool = False


Leaves = dict[Path, Leaf]
Attributes = Mapping[str, Attribute]
