"""What a JSON Schema says of settings, in words: a place, a fact about what is written there, what to do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from jsonschema import ValidationError

from ocsf_pipe.errors import did_you_mean, nearest

Path = tuple[str | int, ...]
_KINDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "empty",
}


@dataclass(frozen=True, slots=True)
class Misfit:
    """One thing that does not fit: where, what, and the remedy; `at_key` where the key is meant, not its value."""

    code: str
    path: Path
    fact: str
    hint: str | None
    at_key: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """One error of the validator with what its words need; `private` are places whose values are not told."""

    error: ValidationError
    what: str
    private: Collection[Path]

    @property
    def path(self) -> Path:
        """The place of the value."""
        return tuple(self.error.absolute_path)

    @property
    def name(self) -> str:
        """The place as people write it, or the connector for the whole."""
        return f"`{dotted(self.path)}`" if self.path else self.what

    @property
    def value(self) -> Any:
        """What is written there."""
        return self.error.instance

    @property
    def rule(self) -> Any:
        """What the schema's word asks for."""
        return self.error.validator_value

    @property
    def hint(self) -> str | None:
        """What the schema says that this setting is."""
        schema = self.error.schema
        text = schema.get("description") if isinstance(schema, dict) else None
        return f"{self.name}: {_phrase(text)}" if text else None

    def is_private(self) -> bool:
        """Whether the value, or something that holds it, is not to be told."""
        return any(self.path[:length] in self.private for length in range(1, len(self.path) + 1))

    def got(self) -> str:
        """The value as people see it."""
        value = self.value
        if isinstance(value, dict | list):
            return "a mapping" if isinstance(value, dict) else "a list"
        if value is None:
            return "nothing"
        if self.is_private():
            return "something else"
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return f"`{text[:80]}`"

    def misfit(self, fact: str, hint: str | None = None, code: str = "P202") -> Misfit:
        """A misfit of this value."""
        return Misfit(code, self.path, fact, hint or self.hint)


def dotted(path: Path) -> str:
    """A path as people write it: `tls.certificates[0]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _phrase(description: str) -> str:
    """A description as the end of a line: no capital, unless a word of them, and no full stop."""
    text = str(description).strip().removesuffix(".")
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def misfits(error: ValidationError, what: str, private: Collection[Path]) -> Iterator[Misfit]:
    """One error of the validator in words; `what` names the connector."""
    seen = Seen(error, what, private)
    yield from _WORDS.get(str(error.validator), _other)(seen)


def _unknown(seen: Seen) -> Iterator[Misfit]:
    known = sorted(seen.error.schema.get("properties", {})) if isinstance(seen.error.schema, dict) else []
    for key in seen.value:
        if key not in known:
            hint = did_you_mean(key, known) or "known keys: " + ", ".join(known)
            yield Misfit("P102", (*seen.path, key), f"unknown key `{key}` in {seen.name}", hint, at_key=True)


def _missing(seen: Seen) -> Iterator[Misfit]:
    """A key that is not there; one that was misspelt is complained about as unknown."""
    schema = seen.error.schema if isinstance(seen.error.schema, dict) else {}
    known = schema.get("properties", {})
    misspelt = {nearest(key, known) for key in seen.value if key not in known}
    for key in seen.rule:
        # The validator names one missing key an error: the one that its message begins with.
        if key in seen.value or key in misspelt or not seen.error.message.startswith(repr(key)):
            continue
        description = known.get(key, {}).get("description")
        hint = f"add `{key}: …`, {_phrase(description)}" if description else f"add `{key}:`"
        yield seen.misfit(f"`{key}` is missing in {seen.name}", hint, "P103")


def _type(seen: Seen) -> Iterator[Misfit]:
    wanted = seen.rule
    kinds = [wanted] if isinstance(wanted, str) else list(wanted)
    words = " or ".join(_KINDS.get(kind, kind) for kind in kinds)
    yield seen.misfit(f"{seen.name} must be {words}, got {seen.got()}", _type_hint(seen, kinds), "P104")


def _type_hint(seen: Seen, kinds: list[str]) -> str | None:
    value = seen.value
    if isinstance(value, dict) and set(value) <= {"env", "file"}:
        return "only secrets are fetched from `{env: …}` or `{file: …}`: write the value itself"
    if "string" in kinds and isinstance(value, bool | int | float):
        return "quote it"
    if kinds == ["boolean"]:
        return "write `true` or `false`"
    if kinds == ["array"]:
        return "start each item with `- `"
    if kinds == ["integer"] and isinstance(value, str) and value.isdigit():
        return "take the quotes away"
    return None


def _enum(seen: Seen) -> Iterator[Misfit]:
    words = [str(value) for value in seen.rule]
    near = did_you_mean(str(seen.value), words) if not seen.is_private() else None
    yield seen.misfit(f"{seen.name} cannot be {seen.got()}", near or "one of: " + ", ".join(words))


def _const(seen: Seen) -> Iterator[Misfit]:
    yield seen.misfit(f"{seen.name} cannot be {seen.got()}", f"write `{seen.rule}`")


def _pattern(seen: Seen) -> Iterator[Misfit]:
    fact = "has a form that it cannot have" if seen.is_private() else f"cannot be {seen.got()}"
    yield seen.misfit(f"{seen.name} {fact}", seen.hint or f"it matches {seen.rule}")


def _bound(words: str) -> Callable[[Seen], Iterator[Misfit]]:
    def say(seen: Seen) -> Iterator[Misfit]:
        yield seen.misfit(f"{seen.name} must be {words} {seen.rule}, got {seen.got()}")

    return say


def _count(words: str, of: str) -> Callable[[Seen], Iterator[Misfit]]:
    def say(seen: Seen) -> Iterator[Misfit]:
        wanted = seen.rule
        yield seen.misfit(f"{seen.name} must have {words} {wanted} {of}{'s' * (wanted != 1)}")

    return say


def _twice(seen: Seen) -> Iterator[Misfit]:
    yield seen.misfit(f"{seen.name} names something twice", "keep one of them", "P105")


def _needs(seen: Seen) -> Iterator[Misfit]:
    for key, needed in seen.rule.items():
        lacking = [word for word in needed if word not in seen.value]
        if key in seen.value and lacking:
            names = " and ".join(f"`{word}`" for word in lacking)
            yield Misfit(
                "P103", (*seen.path, key), f"`{key}` needs {names} beside it", f"add `{lacking[0]}:`", at_key=True
            )


def _choice(seen: Seen) -> Iterator[Misfit]:
    """`anyOf` and `oneOf`: what all alternatives lack, what excludes one another, or the nearest alternative's own."""
    alternatives = [one for one in seen.rule if isinstance(one, dict)]
    wanted = [key for one in alternatives for key in one.get("required", ())]
    if not seen.error.context:
        yield _exclusive(seen, wanted)
        return
    if all(inner.validator == "required" and not inner.path for inner in seen.error.context):
        names = " or ".join(f"`{key}`" for key in dict.fromkeys(wanted))
        yield seen.misfit(f"{seen.name} needs {names}", f"add `{wanted[0]}:`", "P103")
        return
    if all(inner.validator == "type" and not inner.path for inner in seen.error.context):
        words = " or ".join(_KINDS.get(str(inner.validator_value), "something") for inner in seen.error.context)
        yield seen.misfit(f"{seen.name} must be {words}, got {seen.got()}", None, "P104")
        return
    best = max(
        seen.error.context, key=lambda inner: (len(inner.absolute_path), inner.validator not in {"type", "const"})
    )
    yield from misfits(best, seen.what, seen.private)


def _exclusive(seen: Seen, wanted: list[str]) -> Misfit:
    there = [key for key in dict.fromkeys(wanted) if key in seen.value]
    names = " and ".join(f"`{key}`" for key in there) or "these settings"
    fact = f"{names} exclude one another in {seen.name}"
    return Misfit("P202", (*seen.path, there[-1]) if there else seen.path, fact, "keep one of them", at_key=bool(there))


def _not(seen: Seen) -> Iterator[Misfit]:
    refused = seen.rule
    required = refused.get("required", []) if isinstance(refused, dict) else []
    if required:
        yield _exclusive(seen, list(required))
    else:
        yield seen.misfit(f"{seen.name} cannot be {seen.got()}")


def _other(seen: Seen) -> Iterator[Misfit]:
    yield seen.misfit(f"{seen.name} does not fit the connector's `{seen.error.validator}`", seen.hint or "see its page")


_WORDS: dict[str, Callable[[Seen], Iterator[Misfit]]] = {
    "additionalProperties": _unknown,
    "unevaluatedProperties": _unknown,
    "required": _missing,
    "type": _type,
    "enum": _enum,
    "const": _const,
    "pattern": _pattern,
    "minimum": _bound("at least"),
    "maximum": _bound("at most"),
    "exclusiveMinimum": _bound("more than"),
    "exclusiveMaximum": _bound("less than"),
    "minLength": _count("at least", "character"),
    "maxLength": _count("at most", "character"),
    "minItems": _count("at least", "item"),
    "maxItems": _count("at most", "item"),
    "minProperties": _count("at least", "key"),
    "maxProperties": _count("at most", "key"),
    "uniqueItems": _twice,
    "dependentRequired": _needs,
    "anyOf": _choice,
    "oneOf": _choice,
    "not": _not,
}
