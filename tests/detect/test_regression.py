"""Real events that rules were written for: each fires from its file, through mapping, lake and query."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from ocsf_pipe.detect.backtest import Backtest
from ocsf_pipe.detect.rules import load_rules
from ocsf_pipe.lake import Lake
from ocsf_pipe.mapping.catalogue import sigma_plans
from ocsf_pipe.run.ingest import Ingest

FEW = 12


def _folder() -> Path:
    """The folder of Sigma's rules: OCSF_PIPE_SIGMA, else beside the checkout; it need not be there."""
    checkout = Path(__file__).parents[2]
    found = Path(os.environ.get("OCSF_PIPE_SIGMA") or checkout.parent / "shared" / "sigma")
    if not (found / "regression").is_dir():
        pytest.skip("no regression cases here")
    return found


def _cases(folder: Path) -> dict[str, tuple[Path, int]]:
    """The cases by the id of their rule: the folder of the case, and how many of its events must fire at least."""
    found = {}
    for file in sorted(folder.rglob("regression/**/info.yml")):
        info: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        tests = info.get("regression_tests_info") or []
        if any(test["type"] == "evtx" for test in tests):
            found[info["rule_metadata"][0]["id"]] = (
                file.parent,
                max(int(test.get("match_count", 1)) for test in tests),
            )
    return found


def _silent(cases: dict[str, tuple[Path, int]], form: str, place: Path) -> list[str]:
    """The rules that fire less often on their own case than they must, or are blind to it."""
    lake = Lake(place, create=True)
    Ingest(lake).run([file for case, _ in cases.values() for file in sorted(case.glob(f"*.{form}"))])
    rules = [rule for rule in load_rules(sorted(_folder().glob("rules*"))) if rule.id in cases]
    plans = sigma_plans()
    outcomes = Backtest(lake.connect(), plans).run(rules)
    assert {one.rule.id for one in outcomes} == set(cases)
    return [one.rule.title for one in outcomes if one.fires < cases[one.rule.id][1]]


@pytest.mark.parametrize("form", ["evtx", "json"])
def test_some_cases_fire(form: str, tmp_path: Path) -> None:
    """Cases from all over the set fire, from the log file and from its JSON."""
    cases = _cases(_folder())
    some = dict(list(cases.items())[:: max(1, len(cases) // FEW)])
    assert _silent(some, form, tmp_path / "lake") == []


@pytest.mark.heavy
@pytest.mark.parametrize("form", ["evtx", "json"])
def test_every_case_fires(form: str, tmp_path: Path) -> None:
    """A rule that is silent on its own case would be blind and not say so."""
    cases = _cases(_folder())
    assert len(cases) > 100
    assert _silent(cases, form, tmp_path / "lake") == []
