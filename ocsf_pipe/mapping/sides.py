"""YAML nodes → right sides. The style of a scalar decides: quoted is a constant, plain is an expression."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from ocsf_pipe.errors import Span
from ocsf_pipe.mapping.reader import NULLS, Reader
from ocsf_pipe.mapping.syntax import (
    CaseSide,
    ConstantSide,
    EachSide,
    Entry,
    EraseSide,
    ExprSide,
    ListSide,
    ObjectSide,
    Side,
)
from ocsf_pipe.mapping.table_file import rows_of

CASE_WORDS = ("case", "of", "table", "key", "value", "else")
EACH_WORDS = ("each", "first", "as", "at", "where", "set")


def side_of(reader: Reader, node: yaml.Node) -> Side:
    """Read one right side; complaints go to the reader."""
    if isinstance(node, yaml.ScalarNode):
        return _scalar(reader, node)
    if isinstance(node, yaml.SequenceNode):
        return ListSide(tuple(side_of(reader, item) for item in node.value), reader.span(node))
    words = {key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)}
    if "case" in words and words <= set(CASE_WORDS):
        return _case(reader, node)
    if "each" in words or ("first" in words and words <= set(EACH_WORDS)):
        return _each(reader, node)
    return ObjectSide(entries_of(reader, node, "an object"), reader.span(node))


def _scalar(reader: Reader, node: yaml.ScalarNode) -> Side:
    if node.style in {"'", '"'}:
        return ConstantSide(node.value, reader.span(node))
    if node.value in NULLS:
        return EraseSide(reader.span(node))
    return ExprSide(reader.expression(node, "a right side"), reader.span(node), node.value)


def _case(reader: Reader, node: yaml.Node) -> Side:
    found = reader.known(node, "`case`", CASE_WORDS)
    arms: list[tuple[str, Span, Side]] = []
    if "table" in found:
        arms += rows_of(reader, node, found)
    else:
        reader.missing(found, ("of",), "`case`", node)
    for key, span, value in reader.entries(found["of"], "`of`") if "of" in found else ():
        arms.append((key, span, _caption_or_side(reader, value)))
    otherwise = _caption_or_side(reader, found["else"]) if "else" in found else None
    return CaseSide(reader.expression(found["case"], "`case`"), tuple(arms), otherwise, reader.span(node))


def _caption_or_side(reader: Reader, node: yaml.Node) -> Side:
    """A plain scalar here may be a caption of several words (`Logon Failed`), which is no expression."""
    if not isinstance(node, yaml.ScalarNode) or node.style in {"'", '"'} or node.value in NULLS:
        return side_of(reader, node)
    before = len(reader.complaints)
    expr = reader.expression(node, "a right side")
    if len(reader.complaints) > before:
        complaint = reader.complaints.pop()
        if not _reads_as_caption(node.value):
            reader.complaints.append(complaint)
        return ConstantSide(node.value, reader.span(node), plain=True)
    return ExprSide(expr, reader.span(node), node.value)


def _reads_as_caption(text: str) -> bool:
    return text[:1].isalnum() and not any(sign in text for sign in "='\"<>|[]*+")


def _each(reader: Reader, node: yaml.Node) -> Side:
    found = reader.known(node, "`each`", EACH_WORDS)
    first = "first" in found
    if first and "each" in found:
        hint = "keep `each` for all matches, `first` for one"
        reader.complain("M104", "`each` and `first` exclude each other", reader.span(node), hint)
        return EraseSide(reader.span(node))
    return EachSide(
        items=reader.expression(found["first" if first else "each"], "the list"),
        name=reader.text(found["as"], "`as`") if "as" in found else None,
        at=reader.text(found["at"], "`at`") if "at" in found else None,
        where=reader.expression(found["where"], "`where`") if "where" in found else None,
        value=side_of(reader, found["set"]) if "set" in found else None,
        first=first,
        span=reader.span(node),
    )


def entries_of(reader: Reader, node: yaml.Node, what: str, leave_out: Sequence[str] = ()) -> tuple[Entry, ...]:
    """The lines of a table: attribute paths, dotted or not, with their right sides."""
    return tuple(
        Entry(tuple(key.split(".")), side_of(reader, value), span)
        for key, span, value in reader.entries(node, what)
        if key not in leave_out
    )
