"""Where the OCSF schema comes from: the releases in the `ocsf-json-schema` package, or a file a server exported.

An export has one of two shapes. Up to 1.7 the data types lie in `types`, the dictionary in `dictionary_attributes`,
and an attribute names at most one `profile`; since 1.8 both lie in `dictionary` and an attribute lists `profiles`.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from ocsf_pipe.errors import SchemaError, nearest

DEFAULT_VERSION = "1.8.0"

Raw = dict[str, Any]


@lru_cache(maxsize=1)
def versions() -> tuple[str, ...]:
    """Return the OCSF releases at hand, oldest first; a release candidate comes before its release."""
    from ocsf_json_schema import get_packaged_versions

    return tuple(sorted(get_packaged_versions(), key=_release))


def _release(version: str) -> tuple[tuple[int, ...], bool, str]:
    number, _, candidate = version.partition("-")
    return tuple(int(part) for part in re.findall(r"\d+", number)), not candidate, candidate


class Place(NamedTuple):
    """Which export: a packaged release, or a file as it was at one time."""

    version: str = ""
    path: str = ""
    modified: int = 0


def locate(version: str | Path) -> Place:
    """Find an export by release number or path; SchemaError naming the nearest when there is none."""
    if version in versions():
        return Place(version=str(version))
    path = Path(version)
    if path.is_file():
        return Place(path=str(path.resolve()), modified=path.stat().st_mtime_ns)
    raise _unknown(str(version))


@lru_cache(maxsize=4)
def read(place: Place) -> Raw:
    """Read an export, each once; SchemaError when the file is no export. Nobody may change what this returns."""
    if place.path:
        return _mended(_exported(Path(place.path)))
    from ocsf_json_schema import get_ocsf_schema

    return _mended(get_ocsf_schema(place.version))


def _exported(path: Path) -> Raw:
    hint = "export one from an OCSF server, at `/export/schema`"
    try:
        raw: Raw = json.loads(path.read_bytes())
    except (ValueError, OSError) as error:
        raise SchemaError(f"`{path}` is not readable as JSON: {error}", hint) from error
    if not _is_export(raw):
        raise SchemaError(f"`{path}` is not an exported OCSF schema: expected version, classes, objects, types", hint)
    return raw


def _is_export(raw: object) -> bool:
    if not isinstance(raw, dict) or not isinstance(raw.get("version"), str):
        return False
    parts = [raw.get("classes"), raw.get("objects"), raw.get("types", raw.get("dictionary"))]
    return all(isinstance(part, dict) for part in parts)


def _mended(raw: Raw) -> Raw:
    """1.0.0 writes a colon of its date pattern as `%3A`, and so matches no date at all."""
    datetime = types(raw).get("datetime_t", {})
    if "%3A" in datetime.get("regex", ""):
        datetime["regex"] = datetime["regex"].replace("%3A", ":")
    return raw


def _unknown(version: str) -> SchemaError:
    if "/" in version or version.endswith(".json"):
        return SchemaError(f"there is no schema file `{version}`")
    known = nearest(version, versions())
    hint = f"did you mean `{known}`?" if known else f"known versions: {', '.join(versions())}"
    return SchemaError(f"there is no OCSF version `{version}`", hint)


def types(raw: Raw) -> Raw:
    """Return the data types of an export, by name."""
    found: Raw = raw["dictionary"]["types"]["attributes"] if "dictionary" in raw else raw["types"]
    return found


def dictionary(raw: Raw) -> Raw:
    """Return the dictionary of an export: what an attribute is wherever it is used, by name."""
    found: Raw = raw["dictionary"]["attributes"] if "dictionary" in raw else raw.get("dictionary_attributes", {})
    return found


def profiles_of(attribute: Raw) -> tuple[str, ...]:
    """Return the profiles that bring an attribute in; none means that it is always there."""
    if "profiles" in attribute:
        return tuple(attribute["profiles"] or ())
    return (attribute["profile"],) if attribute.get("profile") else ()
