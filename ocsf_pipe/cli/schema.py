"""`ocsf-pipe schema …`: what OCSF says."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocsf_pipe.cli.output import print_json, print_table

if TYPE_CHECKING:
    from ocsf_pipe.schema import Attribute, EventClass, ObjectType, Schema

app = typer.Typer(name="schema", no_args_is_help=True, help="Look things up in OCSF.")

_RANK = {"required": 0, "recommended": 1, "optional": 2}


@app.callback()
def group() -> None:
    """Look things up in OCSF."""


@app.command()
def show(
    name: Annotated[
        str | None, typer.Argument(metavar="[CLASS|OBJECT]", help="A class, an object, or a path: authentication.user.")
    ] = None,
    version: Annotated[str, typer.Option("--version", help="OCSF release, or an exported schema file.")] = "1.8.0",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Print the attributes of a class or object with type, requirement and enum captions; all classes without a name.

    Example: [bold]ocsf-pipe schema show authentication[/bold]
    """
    from ocsf_pipe.schema import load

    schema = load(version)
    if name is None:
        _classes(schema, as_json)
        return
    found = _find(schema, name)
    attributes = sorted(found.attributes.values(), key=lambda a: (_RANK.get(a.requirement, 3), a.name))
    if as_json:
        print_json(asdict(attribute) for attribute in attributes)
        return
    _head(found)
    print_table(("attribute", "type", "requirement", "profiles", "values"), [_row(one) for one in attributes])


@app.command()
def export(
    version: Annotated[str, typer.Option("--version", help="OCSF release, or an exported schema file.")] = "1.8.0",
    plain: Annotated[bool, typer.Option("--plain", help="OCSF alone, without the shipped extension.")] = False,
) -> None:
    """Print a whole schema as an OCSF server exports it, our extension in it, for validators of others.

    Example: [bold]ocsf-pipe schema export > ocsf-1.8.0-with-ai_audit.json[/bold]
    """
    import json
    import sys

    from ocsf_pipe.schema.export import locate, read
    from ocsf_pipe.schema.extension import complete

    place = locate(version)
    json.dump(read(place) if plain else complete(place), sys.stdout)
    sys.stdout.write("\n")


def _classes(schema: Schema, as_json: bool) -> None:
    found = sorted(schema.classes.values(), key=lambda one: one.uid)
    names = ("name", "uid", "category", "caption")
    rows = [(one.name, one.uid, one.category_name, one.caption) for one in found]
    if as_json:
        print_json(dict(zip(names, row, strict=True)) for row in rows)
    else:
        print_table(names, rows)


def _find(schema: Schema, name: str) -> EventClass | ObjectType:
    """The class or object of this name, or the object that the attribute at this path holds."""
    from ocsf_pipe.errors import SchemaError, did_you_mean

    if name in schema.classes:
        return schema.classes[name]
    if name in schema.objects:
        return schema.objects[name]
    if "." not in name:
        hint = did_you_mean(name, [*schema.classes, *schema.objects])
        raise SchemaError(f"there is no class or object `{name}` in OCSF {schema.version}", hint)
    owner, _, path = name.partition(".")
    attribute = schema.attribute(owner, path)
    if attribute.object_type is None:
        raise SchemaError(f"`{name}` is a {attribute.type} and has no attributes", _values(attribute) or None)
    return schema.object(attribute.object_type)


def _head(found: Any) -> None:
    uid = f" ({found.uid})" if hasattr(found, "uid") else ""
    typer.echo(f"{found.name}{uid}: {found.caption}")
    if found.deprecated:
        typer.echo(f"deprecated: {found.deprecated}")
    for words, names in (
        ("at least one of", found.constraints.at_least_one),
        ("exactly one of", found.constraints.just_one),
    ):
        if names:
            typer.echo(f"{words}: {', '.join(names)}")


def _row(attribute: Attribute) -> tuple[str, str, str, str, str]:
    kind = (attribute.object_type or attribute.type) + ("[]" if attribute.is_array else "")
    requirement = "deprecated" if attribute.deprecated else attribute.requirement
    return attribute.name, kind, requirement, ", ".join(attribute.profiles), _values(attribute)


def _values(attribute: Attribute) -> str:
    return ", ".join(f"{key} {caption}" for key, caption in (attribute.enum or {}).items())
