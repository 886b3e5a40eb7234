"""Each pass: one case before and after, and the same results with and without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ocsf_pipe.engine.reference import interpret, pruned
from ocsf_pipe.mapping import compile_text
from ocsf_pipe.ops.conversion import Scalar
from ocsf_pipe.ops.types import BOOLEAN, INTEGER, TEXT
from ocsf_pipe.plan import passes
from ocsf_pipe.plan.nodes import Call, Case, Const, Convert, Each, LetRef, Lookup, Node, Plan, Read, Var
from ocsf_pipe.plan.passes.canonical import canonical, renamed
from ocsf_pipe.plan.passes.constants import computed, constants
from ocsf_pipe.plan.passes.digest import digest
from ocsf_pipe.plan.passes.failures import failure
from ocsf_pipe.plan.passes.fold import fold, folded
from ocsf_pipe.source import Records
from ocsf_pipe.testing.mappings import RECORDS, mapping_text
from ocsf_pipe.testing.near import as_records, near_texts

KIND = Read(("kind",), TEXT)
TRUE, FALSE = Const(value=True, type=BOOLEAN), Const(value=False, type=BOOLEAN)


def both(one: Node, two: Node, op: str = "and_") -> Call:
    """A condition of two."""
    return Call(op, (one, two), BOOLEAN)


IS_LOGIN = Call("eq", (KIND, Const("login", TEXT)), BOOLEAN)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Call("upper", (Const("a", TEXT),), TEXT), Const("A", TEXT)),
        (Call("upper", (KIND,), TEXT), Call("upper", (KIND,), TEXT)),
        (Call("upper", (LetRef("word", TEXT),), TEXT), Const("A", TEXT)),
        (Convert(Const("7", TEXT), Scalar("integer_t", "integer_t"), INTEGER), Const(7, INTEGER)),
        (Case(((FALSE, Const("a", TEXT)), (IS_LOGIN, KIND)), None, TEXT), Case(((IS_LOGIN, KIND),), None, TEXT)),
        (
            Case(((IS_LOGIN, KIND), (TRUE, Const("b", TEXT))), KIND, TEXT),
            Case(((IS_LOGIN, KIND),), Const("b", TEXT), TEXT),
        ),
        (Case(((FALSE, KIND),), None, TEXT), Const(None, TEXT)),
        (Lookup(TRUE, (("false", Const("no", TEXT)), ("true", KIND)), None, TEXT), KIND),
        (Lookup(Const(None, TEXT), (("a", KIND),), Const("else", TEXT), TEXT), Const("else", TEXT)),
    ],
)
def test_what_is_constant_is_computed(before: Node, after: Node) -> None:
    """Calls of constants and choices by constants are replaced by their values; what reads the record stays."""
    assert computed(before, {"word": Const("a", TEXT)}) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (both(TRUE, IS_LOGIN), IS_LOGIN),
        (both(IS_LOGIN, FALSE), FALSE),
        (both(FALSE, IS_LOGIN, "or_"), IS_LOGIN),
        (both(IS_LOGIN, TRUE, "or_"), TRUE),
        (Call("not_", (FALSE,), BOOLEAN), TRUE),
        (both(both(TRUE, TRUE), IS_LOGIN), IS_LOGIN),
    ],
)
def test_constant_conditions_are_folded(before: Node, after: Node) -> None:
    """Neutral parts go, an absorbing part takes the whole."""
    assert folded(before) == after


def test_variables_are_named_by_depth() -> None:
    """Two loops that differ in the name of their variable alone become the same node."""
    items = Read(("items",), TEXT)
    loops = [Each(items, name, None, None, Var(name, TEXT), first=False, type=TEXT) for name in ("$x7", "$x12")]
    assert renamed(loops[0], {}, 0) == renamed(loops[1], {}, 0)
    assert loops[0] != loops[1]


def test_text_that_must_be_a_number_fails_where_it_is_none() -> None:
    """Something was there and nothing came of it; text that stays text never fails."""
    number = Convert(KIND, Scalar("integer_t", "integer_t"), INTEGER)
    assert failure(number) == both(Call("ne", (KIND, Const("", TEXT)), BOOLEAN), Call("is_null", (number,), BOOLEAN))
    assert failure(Convert(KIND, Scalar("string_t", "string_t"), TEXT)) is None


def test_the_digest_names_what_is_computed() -> None:
    """Titles and places do not change it, a value does."""
    plan = compiled("message: kind")
    assert digest(replace(plan, title="other", file="other")).digest == plan.digest
    assert compiled("message: upper(kind)").digest != plan.digest


def compiled(line: str) -> Plan:
    """A small mapping with one line of its own."""
    text = f"""\
mapping: some.source
product: {{vendor_name: Some, name: Source}}
input: {{format: json}}
every:
  time: at
  {line}
events:
  - class: base_event
    activity_id: 'Other'
    severity_id: 'Informational'
"""
    return compile_text(text, "mappings/some/source/mapping.yaml")


@pytest.mark.parametrize("left_out", [constants, fold, canonical])
@pytest.mark.parametrize("seed", range(3))
def test_a_plan_means_the_same_without_one_of_its_passes(
    left_out: Callable[[Plan], Plan], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The events, rejects and failures of a made-up mapping do not depend on any pass."""
    records = as_records([*RECORDS, *near_texts(RECORDS, seed=seed, count=40)])
    text = next(found for found in (mapping_text(seed * 1000 + i) for i in range(100)) if compiles(found))
    with_all = told(compile_text(text, "mappings/some/source/mapping.yaml"), records)
    monkeypatch.setattr(passes, "PASSES", tuple(one for one in passes.PASSES if one is not left_out))
    assert told(compile_text(text, "mappings/some/source/mapping.yaml"), records) == with_all


def compiles(text: str) -> bool:
    """Whether the compiler takes the text."""
    from ocsf_pipe.mapping import diagnose

    return diagnose(text, "mappings/some/source/mapping.yaml")[0] is not None


def told(plan: Plan, records: Records) -> object:
    """What the reference interpreter says of the records."""
    made = interpret(plan, records, clock=5)
    return pruned(made.events), made.faults, made.dropped, made.failed, made.written
