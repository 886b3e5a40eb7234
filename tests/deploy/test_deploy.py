"""What is deployed is what the program understands."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ocsf_pipe.run.pipeline import load_pipeline

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def manifests() -> dict[str, Any]:
    """The Kubernetes objects by kind."""
    text = (DEPLOY / "kubernetes" / "ocsf-pipe.yaml").read_text()
    return {found["kind"]: found for found in yaml.safe_load_all(text)}


def test_the_pods_have_nothing_they_do_not_need() -> None:
    """Not root, no capability, a root file system that nobody writes, no token of the cluster."""
    pod = manifests()["StatefulSet"]["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    for container in [*pod["initContainers"], *pod["containers"]]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {mount["name"] for mount in container["volumeMounts"]} == {
            *(volume["name"] for volume in pod["volumes"]),
            *(claim["metadata"]["name"] for claim in manifests()["StatefulSet"]["spec"]["volumeClaimTemplates"]),
        }


def test_the_pipeline_of_the_pods_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is said about the file in the ConfigMap, where the secret it names is there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "token").write_text("of-these-tests")
    said = manifests()["ConfigMap"]["data"]["pipeline.yaml"].replace(
        "/run/secrets/ocsf-pipe/http-token", str(tmp_path / "token")
    )
    path = tmp_path / "pipeline.yaml"
    path.write_text(said)
    pipeline = load_pipeline(path)
    ports = {port["port"] for port in manifests()["Service"]["spec"]["ports"]}
    assert pipeline.metrics is not None
    assert ports == {pipeline.metrics.port, int(pipeline.sources[0].settings["listen"].rpartition(":")[2])}


def test_a_stop_has_time_to_finish_a_batch() -> None:
    """Both give two minutes between SIGTERM and SIGKILL."""
    assert manifests()["StatefulSet"]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 120
    unit = (DEPLOY / "systemd" / "ocsf-pipe@.service").read_text()
    assert "TimeoutStopSec=120" in unit
    assert "KillSignal=SIGTERM" in unit


def test_the_image_does_not_run_as_root() -> None:
    """The last user is a number, so that `runAsNonRoot` can be checked; the entry point is the program."""
    lines = (DEPLOY / "docker" / "Dockerfile").read_text().splitlines()
    assert [line for line in lines if line.startswith("USER")][-1] == "USER 10001:10001"
    assert 'ENTRYPOINT ["ocsf-pipe"]' in lines


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_the_unit_is_one(tmp_path: Path) -> None:
    """Systemd understands every line, and finds little to hold against the sandbox."""
    text = (DEPLOY / "systemd" / "ocsf-pipe@.service").read_text().replace("/opt/ocsf-pipe/bin/ocsf-pipe", "/bin/true")
    unit = tmp_path / "ocsf-pipe@edge.service"
    unit.write_text(text)
    told = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=60, check=False)
    assert [line for line in told.stderr.splitlines() if "ocsf-pipe" in line] == []
    looked = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", unit], capture_output=True, text=True, timeout=60, check=False
    )
    found = re.search(r"exposure level for \S+: ([0-9.]+)", looked.stdout + looked.stderr)
    assert found, looked.stderr
    assert float(found[1]) <= 2.0
