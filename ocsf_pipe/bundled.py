"""Where the files that ship with the program are, in a wheel and in a checkout."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def mappings_dir() -> Path:
    """Return the folder of the shipped mappings: `<vendor>/<product>/mapping.yaml` below it."""
    return _data("mappings")


def schemas_dir() -> Path:
    """Return the folder of the shipped schemas: JSON Schemas of our files and our OCSF extension."""
    return _data("schemas")


def detections_dir() -> Path:
    """Return the folder of the shipped rules: `<area>/<name>/rule.yml` or `rule.sql` below it."""
    return _data("detections")


def _data(name: str) -> Path:
    # A wheel carries the folder inside the package; a checkout (and an editable install) beside it.
    shipped = _PACKAGE / "_data" / name
    return shipped if shipped.is_dir() else _PACKAGE.parent / name
