"""A first mapping from a sample of raw records: it compiles, and says where it guessed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ocsf_pipe.errors import Diagnostic, UsageError
from ocsf_pipe.mapping import diagnose, render
from ocsf_pipe.mapping.syntax import RULE_WORDS
from ocsf_pipe.mapping.tokens import KEYWORDS
from ocsf_pipe.schema import Attribute, EventClass, ObjectType, Schema, load
from ocsf_pipe.testing.guesses import Guess, guess, words
from ocsf_pipe.testing.source_fields import Field, Sampled

_ROUNDS = 12
_SURE = 0.9
_MISSING = frozenset({"M305", "M307"})
_SEVERITIES = {
    "Informational": "debug trace verbose info information informational notice ok",
    "Low": "low minor",
    "Medium": "warn warning medium moderate",
    "High": "error err high major",
    "Critical": "critical crit alert severe",
    "Fatal": "fatal emergency emerg panic",
}
_STATUSES = {
    "Success": "success successful succeeded ok allow allowed accept accepted pass passed granted true",
    "Failure": "failure failed fail error deny denied reject rejected block blocked false",
}
_TODO = "TODO: no field of the sample looks like it"


@dataclass(frozen=True, slots=True)
class Written:
    """One line of the table: attribute, right side as YAML, a comment, the source field that it reads."""

    attribute: str
    value: str
    comment: str = ""
    source: tuple[str, ...] = ()


def draft(sampled: Sampled, name: str, class_name: str = "base_event") -> str:
    """Return the text of a mapping called `name` (`vendor.product`) for the fields of a sample.

    Guesses that do not compile are taken out again, and what the class requires beyond them is a path that the
    record does not have, marked TODO. UsageError where that still does not compile; SchemaError for no such class.
    """
    schema = load()
    kind = schema.event_class(class_name)
    guesses = guess(sampled.fields, kind, schema)
    lines = _lines(guesses, kind, sampled.fields)
    for _ in range(_ROUNDS):
        text = _text(sampled, name, kind, lines)
        _, complaints = diagnose(text, f"{name.replace('.', '/')}/mapping.yaml")
        if not complaints:
            return text
        mended = _mended(lines, complaints, text, schema, kind)
        if mended == lines:
            raise UsageError(f"the draft does not compile:\n{render(complaints, text)}", "name another --class")
        lines = mended
    raise UsageError(f"no draft for class `{class_name}` compiles", "name another --class")


def _lines(guesses: Sequence[Guess], kind: EventClass, fields: Sequence[Field]) -> list[Written]:
    activity = "Unknown" if "0" in (kind.attributes["activity_id"].enum or {}) else "Other"
    found = [Written("activity_id", f"'{activity}'", "TODO: what happened")]
    for word, captions in (("severity", _SEVERITIES), ("status", _STATUSES)):
        if f"{word}_id" in kind.attributes:
            found += _lookup(word, captions, fields)
    if not any(line.attribute == "severity_id" for line in found):
        found.append(Written("severity_id", "'Informational'", "TODO: the source says nothing of it"))
    for one in sorted(guesses, key=lambda one: (one.attribute.count("."), one.attribute)):
        comment = "" if one.likeness >= _SURE else "guessed"
        found.append(Written(one.attribute, _value(one.field), comment, one.field.path))
    if not any(line.attribute == "time" for line in found):
        found.append(_some_time(fields))
    return found


def _some_time(fields: Sequence[Field]) -> Written:
    """Any field that holds times, the nearest to the top; a path that no record has where there is none."""
    times = sorted((one for one in fields if one.kind.startswith(("time", "epoch"))), key=lambda one: len(one.path))
    if not times:
        return Written("time", "todo.time", _TODO)
    return Written("time", _value(times[0]), "guessed", times[0].path)


def _lookup(word: str, captions: dict[str, str], fields: Sequence[Field]) -> list[Written]:
    """A lookup on the first field of that name all of whose values are words for the captions."""
    known = {one: caption for caption, listed in captions.items() for one in listed.split()}
    for field in fields:
        if word in words(field.path[-1:]) and all(value.lower() in known for value in field.values):
            arms = ", ".join(f"{_yaml(value)}: {known[value.lower()]}" for value in sorted(field.values))
            subject = written_path(field.path)
            quoted = f"'{subject}'" if '"' in subject else subject
            return [Written(f"{word}_id", f"{{case: {quoted}, of: {{{arms}}}, else: Other}}", "", field.path)]
    return []


def _value(field: Field) -> str:
    path = written_path(field.path)
    if field.kind.startswith("epoch_"):
        path = f"to_timestamp({path}, '{field.kind.removeprefix('epoch_')}')"
    # a plain scalar of YAML may not begin with a quote
    return f">-\n      {path}" if path.startswith('"') else path


def written_path(path: Sequence[str]) -> str:
    """Return a path as an expression: keys that are no plain words are quoted."""
    return ".".join(_key(name) for name in path)


def _key(name: str) -> str:
    if re.fullmatch(r"[A-Za-z_$][\w$]*", name, re.ASCII) and name.lower() not in KEYWORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


def _yaml(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _mended(
    lines: list[Written], complaints: Sequence[Diagnostic], text: str, schema: Schema, kind: EventClass
) -> list[Written]:
    """The lines without those complained about, and with a placeholder for each requirement that is not met."""
    rows = text.split("\n")
    faulty = [one.span for one in complaints if one.span is not None and one.code not in _MISSING]
    wrong = {_attribute_of(rows, span.line) for span in faulty}
    kept = [line for line in lines if line.attribute not in wrong or line.comment == _TODO]
    there = {line.attribute for line in kept}
    for complaint in complaints:
        for name in _wanted(complaint, schema, kind):
            if name not in there:
                there.add(name)
                kept.append(_placeholder(name, schema, kind))
    return kept


def _attribute_of(rows: Sequence[str], line: int) -> str:
    """The attribute whose right side a line, counted from 1, belongs to."""
    heads = (row for row in reversed(rows[:line]) if re.match(r" {4}\S", row))
    return next(heads, "").strip().split(":")[0]


def _wanted(complaint: Diagnostic, schema: Schema, kind: EventClass) -> list[str]:
    """The attributes that would satisfy a complaint about something that is missing."""
    if complaint.code not in _MISSING:
        return []
    names = re.findall(r"`([\w.]+)`", f"{complaint.hint or ''} {complaint.message}")
    for name in names:
        if name.split(".")[0] in kind.attributes:
            return [_leaf(name, schema, kind)]
    return []


def _leaf(name: str, schema: Schema, kind: EventClass) -> str:
    """A single value or a list inside an object."""
    attribute = schema.attribute(kind.name, name)
    while (
        not attribute.is_array and attribute.object_type is not None and schema.object(attribute.object_type).attributes
    ):
        name = f"{name}.{_asked(schema.object(attribute.object_type))[0]}"
        attribute = schema.attribute(kind.name, name)
    return name


def _asked(inner: ObjectType) -> list[str]:
    """What an object asks for; where that is nothing, its name or uid or first attribute."""
    asked = [one.name for one in inner.attributes.values() if one.requirement == "required" and not one.profiles]
    one_of = [*inner.constraints.at_least_one[:1], *inner.constraints.just_one[:1]]
    known = [name for name in ("name", "uid", *inner.attributes) if name in inner.attributes]
    return [*asked, *one_of] or known[:1]


def _placeholder(name: str, schema: Schema, kind: EventClass) -> Written:
    return Written(name, _side(schema.attribute(kind.name, name), name, schema), _TODO)


def _side(attribute: Attribute, path: str, schema: Schema) -> str:
    """A right side of the attribute's shape, of paths that the record does not have."""
    inner = schema.object(attribute.object_type) if attribute.object_type is not None else None
    if inner is not None and inner.attributes:
        parts = (f"{name}: {_side(inner.attributes[name], f'{path}_{name}', schema)}" for name in _asked(inner))
        side = "{" + ", ".join(parts) + "}"
    elif attribute.enum and attribute.sibling and "0" in attribute.enum:
        side = "'Unknown'"
    else:
        side = f"todo.{path.replace('.', '_')}"
    return f"[{side}]" if attribute.is_array else side


def _text(sampled: Sampled, name: str, kind: EventClass, lines: Sequence[Written]) -> str:
    used = {line.source for line in lines}
    unused = [field for field in sampled.fields if field.path not in used]
    vendor, _, product = name.partition(".")
    every = [f"    {line.attribute}: {_commented(line)}" for line in lines if line.attribute in RULE_WORDS]
    head = [
        f"mapping: {name}",
        f"title: {vendor} {product}",
        "ocsf: 1.8.0",
        f"product: {{vendor_name: {_yaml(vendor)}, name: {_yaml(product)}}}",
        "",
        "input:",
        f"  format: {sampled.format}",
        *([f"  records: {written_path(sampled.envelope)}[*]"] if sampled.envelope else []),
        *_recognise(sampled),
        "",
        *(["every:    # what on a rule would be a word of the language", *every, ""] if every else []),
        "events:",
        f"  - class: {kind.name}    # add rules with a `when:` above this one; the last takes every other record",
    ]
    table = [f"    {line.attribute}: {_commented(line)}" for line in lines if line.attribute not in RULE_WORDS]
    rest = [f"# {written_path(field.path)}: {field.kind}, in {field.records} records" for field in unused]
    tail = ["", f"# Not mapped, of {sampled.records} records; all of it stays in `unmapped`:", *rest] if rest else []
    return "\n".join([*head, *table, *tail]) + "\n"


def _commented(line: Written) -> str:
    if not line.comment:
        return line.value
    first, newline, rest = line.value.partition("\n")
    return f"{first}    # {line.comment}{newline}{rest}"


def _recognise(sampled: Sampled) -> list[str]:
    """A test for fields that every record has; long names near the top tell one source from another."""
    always = [field for field in sampled.fields if field.records == sampled.records]
    telling = sorted(always, key=lambda field: (len(field.path), -len(field.path[-1]), field.path))[:3]
    test = " and ".join(f"{written_path(field.path)} is not null" for field in telling)
    return ["  recognise: >-", f"    {test}"] if test else []
