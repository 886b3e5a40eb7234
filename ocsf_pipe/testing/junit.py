"""The outcome of tests as JUnit XML, which build servers read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from ocsf_pipe.testing.detections import Ran

# What XML 1.0 cannot hold, not even escaped.
_BAD = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 65534, 65535), "�")


def write_junit(ran: Sequence[Ran], path: Path) -> None:
    """Write one suite a rule, one case a test."""
    root = Element("testsuites", {"name": "ocsf-pipe detect test", **_counts(ran)})
    for file in dict.fromkeys(one.file for one in ran):
        mine = [one for one in ran if one.file == file]
        suite = SubElement(root, "testsuite", {"name": mine[0].title.translate(_BAD), "file": file, **_counts(mine)})
        for one in mine:
            case = SubElement(suite, "testcase", name=one.name.translate(_BAD), classname=file, time=_time([one]))
            if one.problem is not None:
                failure = SubElement(case, "failure", message=one.problem.translate(_BAD))
                failure.text = "\n".join((one.problem, *one.told)).translate(_BAD)
    indent(root)
    ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _counts(ran: Sequence[Ran]) -> dict[str, str]:
    failures = sum(one.problem is not None for one in ran)
    return {"tests": str(len(ran)), "failures": str(failures), "errors": "0", "time": _time(ran)}


def _time(ran: Sequence[Ran]) -> str:
    return f"{sum(one.seconds for one in ran):.3f}"
