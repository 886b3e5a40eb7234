"""Real events that rules were written for: each fires from its file, through mapping, lake and query."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from ocsf_pipe.detect.backtest import Backtest
from ocsf_pipe.detect.rules import load_rules
from ocsf_pipe.lake import Lake
from ocsf_pipe.mapping.catalogue import catalogue
from ocsf_pipe.run.ingest import Ingest

pytestmark = pytest.mark.heavy


def _folder() -> Path:
    """The folder of Sigma's rules: OCSF_PIPE_SIGMA, else beside the checkout; it need not be there."""
    checkout = Path(__file__).parents[2]
    found = Path(os.environ.get("OCSF_PIPE_SIGMA") or checkout.parent / "shared" / "sigma")
    if not (found / "regression").is_dir():
        pytest.skip("no regression cases here")
    return found


def test_every_case_of_a_mapped_logsource_fires(tmp_path: Path) -> None:
    """A rule that is silent on its own case would be blind and not say so."""
    folder = _folder()
    cases = {yaml.safe_load(f.read_text())["rule_metadata"][0]["id"]: f for f in folder.rglob("regression/**/info.yml")}
    lake = Lake(tmp_path / "lake", create=True)
    Ingest(lake).run([file for case in cases.values() for file in case.parent.glob("*.evtx")])
    rules = [rule for rule in load_rules(sorted(folder.glob("rules*"))) if rule.id in cases]
    plans = [listed.plan for listed in catalogue().values() if listed.syntax.sigma]
    outcomes = Backtest(lake.connect(), plans).run(rules)
    mapped = [one for one in outcomes if one.judged.state != "blind"]
    assert len(mapped) > 100
    assert [one.rule.title for one in mapped if not one.fires] == []
