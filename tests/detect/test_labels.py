"""Records that another team labelled: where a rule of Sigma means the same as theirs, it says the same."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from ocsf_pipe.detect.backtest import Backtest, tables_of
from ocsf_pipe.detect.convert import Converter
from ocsf_pipe.detect.fieldmap import FieldMap
from ocsf_pipe.detect.rules import Rule, load_rules
from ocsf_pipe.detect.scan import compiled, fires
from ocsf_pipe.lake import Lake
from ocsf_pipe.mapping.catalogue import catalogue
from ocsf_pipe.plan.nodes import Plan
from ocsf_pipe.run.ingest import Ingest

SHARED = Path(__file__).parents[3] / "shared"
CORPORA = Path(os.environ.get("OCSF_PIPE_CORPORA") or SHARED / "corpora")
SIGMA = Path(os.environ.get("OCSF_PIPE_SIGMA") or SHARED / "sigma")
AWS = {
    "AWS.CloudTrail.Stopped": ("AWS CloudTrail Important Change",),
    "AWS.ConfigService.DisabledDeleted": ("AWS Config Disabling Channel/Recorder",),
    "AWS.Console.GetSigninToken.Abuse": ("AWS Console GetSigninToken Potential Abuse",),
    "AWS.EC2.NetworkACLModified": ("New Network ACL Entry Added",),
    "AWS.EC2.RouteTableModified": ("New Network Route Added",),
    "AWS.EC2.SecurityGroupModified": ("Ingress/Egress Security Group Modification",),
    "AWS.STS.GetCallerIdentity.TruffleHog": ("AWS STS GetCallerIdentity Enumeration Via TruffleHog",),
    "AWS.Bedrock.GuardrailUpdateDelete": ("AWS Bedrock Guardrail Deleted", "AWS Bedrock Guardrail Updated"),
    "AWS.RDS.MasterPasswordUpdated": ("AWS RDS Master Password Change",),
    "AWS.RDS.PublicRestore": ("Restore Public AWS RDS Instance",),
    "AWS.SecurityHub.Finding.Evasion": ("AWS SecurityHub Findings Evasion",),
    "AWS.STS.GetSessionToken.Misuse": ("AWS STS GetSessionToken Misuse",),
    "AWS.VPCFlow.LogsDeleted": ("AWS VPC Flow Logs Deleted",),
}
OKTA = {
    "Okta.AdminRoleAssigned": ("Okta Admin Role Assigned to an User or Group",),
    "Okta.Group.Admin.Role.Assigned": ("Okta Admin Role Assigned to an User or Group",),
    "Okta.APIKeyCreated": ("Okta API Token Created",),
    "Okta.APIKeyRevoked": ("Okta API Token Revoked",),
    "Okta.App.Unauthorized.Access.Attempt": ("Okta Unauthorized Access to App",),
    "Okta.Identity.Provider.Created.Modified": ("Okta Identity Provider Created",),
    "Okta.Phishing.Attempt.Blocked.FastPass": ("Okta FastPass Phishing Detection",),
    "Okta.User.MFA.Reset.All": ("Okta MFA Reset or Deactivated",),
}
"""Rules that mean the same: theirs, and the titles of Sigma's that say it together."""
SUCCESSFUL = {
    "AWS.CloudTrail.Stopped",
    "AWS.ConfigService.DisabledDeleted",
    "AWS.EC2.NetworkACLModified",
    "AWS.EC2.RouteTableModified",
    "AWS.EC2.SecurityGroupModified",
    "AWS.STS.GetSessionToken.Misuse",
}
"""Theirs that leave out calls that failed, about which Sigma's rule says nothing."""


@dataclass(frozen=True, slots=True)
class Case:
    """A record, the rule of theirs that it tests, and whether that fires."""

    rule: str
    test: str
    record: str
    expected: bool


def cases(source: str) -> Iterator[Case]:
    """Every labelled record of a source, as canonical JSON."""
    folder = CORPORA / source
    if not (folder / "panther.ndjson").is_file() or not SIGMA.is_dir():
        pytest.skip("there are no labelled records here")
    lines = (folder / "panther.ndjson").read_text().splitlines()
    for label in map(json.loads, (folder / "expected" / "panther.detections.ndjson").read_text().splitlines()):
        record = lines[label["line"]]
        if label["rule"] not in SUCCESSFUL or not json.loads(record).get("errorCode"):
            yield Case(label["rule"], label["test"], canonical(record), label["detection_expected"])


def canonical(record: str) -> str:
    """The record however it was spaced and ordered."""
    return json.dumps(json.loads(record), sort_keys=True)


def fired(lake: Lake, plan: Plan, rules: list[Rule]) -> Mapping[str, set[str]]:
    """The records on which each rule fires, by its title."""
    connection = lake.connect()
    run = Backtest(connection, [plan])
    run.tables = tables_of(connection)
    found: dict[str, set[str]] = defaultdict(set)
    for table, scan in compiled(rules, Converter(FieldMap([plan]), run.tables, None)).items():
        for row in fires(connection, scan, run.relation(table), ("raw_data",)).to_pylist():
            found[rules[row["rule"]].title].add(canonical(row["x0"]))
    return found


@pytest.mark.parametrize(
    ("source", "mapping", "folder", "same"),
    [("aws_cloudtrail", "aws.cloudtrail", "cloud/aws", AWS), ("okta", "okta.system_log", "identity/okta", OKTA)],
    ids=["cloudtrail", "okta"],
)
def test_rules_agree_with_labels(
    source: str, mapping: str, folder: str, same: Mapping[str, tuple[str, ...]], tmp_path: Path
) -> None:
    """On every record that the mapping takes; what it refuses has no time or no actor, as no real record lacks."""
    labelled = [case for case in cases(source) if case.rule in same]
    path = tmp_path / "records.ndjson"
    path.write_text("\n".join(case.record for case in labelled))
    lake = Lake(tmp_path / "lake", create=True)
    report = Ingest(lake, mapping).run([path])
    refused = {canonical(row["raw"]) for row in _refused(lake)} if report.quarantined else set()
    titles = {title for several in same.values() for title in several}
    rules = [rule for rule in load_rules(sorted(SIGMA.glob(f"rules*/{folder}"))) if rule.title in titles]
    found = fired(lake, catalogue()[mapping].plan, rules)
    wrong = [
        (case.rule, case.test)
        for case in labelled
        if case.record not in refused and any(case.record in found[title] for title in same[case.rule]) != case.expected
    ]
    taken = {case.rule for case in labelled if case.expected and case.record not in refused}
    assert (wrong, taken) == ([], set(same)), "each rule of theirs was put to the test by a record that fires"


def _refused(lake: Lake) -> list[Mapping[str, str]]:
    return list(lake.sql("select decode(raw) raw from _quarantine").to_pylist())
