"""A JSON Schema violation → lines that a mapping author understands: path, fact, what was expected."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from jsonschema.exceptions import ValidationError

from ocsf_pipe.errors import SchemaError, did_you_mean
from ocsf_pipe.schema.model import Attribute
from ocsf_pipe.schema.schema import Schema


def complaints(schema: Schema, class_name: str, error: ValidationError) -> Iterator[str]:
    """Word one violation; several lines where it is about several attributes."""
    where = _place(error.absolute_path)
    if error.validator == "required":
        yield from (_line(where, name, "is required and missing") for name in _wanted(error) if _lacks(error, name))
    elif error.validator == "additionalProperties":
        yield from (_line(where, name, _stranger(schema, class_name, error, name)) for name in _strangers(error))
    else:
        word = _WORDS.get(str(error.validator), _as_told)
        yield _line(where, "", word(error, _attribute(schema, class_name, error.absolute_path)))


def _line(where: str, name: str, fact: str) -> str:
    path = ".".join(part for part in (where, name) if part)
    return f"{path or 'the event'}: {fact}"


def _place(path: Iterable[str | int]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def _attribute(schema: Schema, class_name: str, path: Iterable[str | int]) -> Attribute | None:
    names = ".".join(part for part in path if isinstance(part, str))
    try:
        return schema.attribute(class_name, names)
    except SchemaError:
        return None


def _wanted(error: ValidationError) -> Any:
    return error.validator_value


def _lacks(error: ValidationError, name: str) -> bool:
    return isinstance(error.instance, dict) and name not in error.instance


def _known(error: ValidationError) -> Iterable[str]:
    known: dict[str, Any] = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
    return known


def _strangers(error: ValidationError) -> Iterator[str]:
    if isinstance(error.instance, dict):
        yield from (name for name in error.instance if name not in _known(error))


def _stranger(schema: Schema, class_name: str, error: ValidationError, name: str) -> str:
    attribute = _attribute(schema, class_name, [*error.absolute_path, name])
    if attribute is not None and attribute.profiles:
        wanted = " or ".join(f"`{profile}`" for profile in attribute.profiles)
        return f"is there only with profile {wanted}, expected it in metadata.profiles"
    hint = did_you_mean(name, _known(error))
    return "is no attribute here" + (f", {hint}" if hint else "")


def _type(error: ValidationError, attribute: Attribute | None) -> str:
    wanted = _wanted(error) if isinstance(_wanted(error), str) else " or ".join(_wanted(error))
    scalar = f" ({attribute.type})" if attribute is not None and not attribute.is_array else ""
    return f"is {_show(error.instance)}, expected {wanted}{scalar}"


def _one_of_enum(error: ValidationError, _attribute: Attribute | None) -> str:
    allowed = _wanted(error)
    values = sorted(allowed, key=lambda value: (str(type(value)), value)) if isinstance(allowed, list) else [allowed]
    listed = ", ".join(str(value) for value in values[:12]) + (" …" if len(values) > 12 else "")
    return f"is {_show(error.instance)}, expected {'one of ' if len(values) > 1 else ''}{listed}"


def _pattern(error: ValidationError, attribute: Attribute | None) -> str:
    wanted = f"text that matches {error.validator_value}" if attribute is None else f"the form of {attribute.type}"
    return f"is {_show(error.instance)}, expected {wanted}"


def _length(error: ValidationError, _attribute: Attribute | None) -> str:
    size = len(error.instance) if isinstance(error.instance, str) else 0
    return f"has {size} characters, expected at most {error.validator_value}"


def _bound(error: ValidationError, _attribute: Attribute | None) -> str:
    return f"is {_show(error.instance)}, expected {_BOUNDS[str(error.validator)]} {error.validator_value}"


def _constraint(error: ValidationError, _attribute: Attribute | None) -> str:
    names = [branch["required"][0] for branch in _wanted(error)]
    there = [name for name in names if isinstance(error.instance, dict) and name in error.instance]
    wanted = "exactly one" if error.validator == "oneOf" else "at least one"
    return f"has {' and '.join(there) or 'none'}, expected {wanted} of {', '.join(names)}"


def _as_told(error: ValidationError, _attribute: Attribute | None) -> str:
    return str(error.message)


def _show(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}…"


_BOUNDS = {"minimum": "at least", "maximum": "at most"}

_WORDS: dict[str, Callable[[ValidationError, Attribute | None], str]] = {
    "type": _type,
    "enum": _one_of_enum,
    "const": _one_of_enum,
    "pattern": _pattern,
    "maxLength": _length,
    "minimum": _bound,
    "maximum": _bound,
    "anyOf": _constraint,
    "oneOf": _constraint,
}
