"""What the program needs at run time is found in a checkout, and the wheel is told to carry it."""

import re
import tomllib
from importlib.util import find_spec

from ocsf_pipe.bundled import mappings_dir, schemas_dir
from tests.architecture.sources import ROOT


def test_the_shipped_mappings_are_found() -> None:
    """In a checkout they are the top-level folder."""
    assert list(mappings_dir().glob("*/*/mapping.yaml"))


def test_the_shipped_schemas_are_found() -> None:
    """The JSON Schema of a mapping file is among them."""
    assert list(schemas_dir().glob("*.schema.json"))


def test_the_wheel_carries_every_data_folder_that_bundled_looks_for() -> None:
    """Each is forced into the package under the name by which ocsf_pipe.bundled asks for it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    carried = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert carried == {name: f"ocsf_pipe/_data/{name}" for name in ("mappings", "schemas", "detections")}


def test_every_ignored_lint_rule_is_explained() -> None:
    """The reason stands beside the rule."""
    text = (
        (ROOT / "pyproject.toml")
        .read_text("utf-8")
        .split("[tool.ruff.lint]")[1]
        .split("[tool.ruff.lint.pydocstyle]")[0]
    )
    rules = [line for line in text.splitlines() if line.strip().startswith('"') and "=" not in line]
    assert rules
    assert [line for line in rules if "#" not in line] == []


def test_every_module_that_a_recipe_runs_is_there() -> None:
    """And runs as a program."""
    modules = re.findall(r"python -m ([\w.]+)", (ROOT / "justfile").read_text("utf-8"))
    assert modules
    for module in modules:
        spec = find_spec(module)
        assert spec is not None, module
        assert "__main__" in (spec.loader.get_source(module) or ""), module  # type: ignore[union-attr]
