"""The logs of Windows share a format; which of their mappings a record belongs to is never in doubt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ocsf_pipe.decode import FORMATS
from ocsf_pipe.mapping.catalogue import Listed, catalogue
from ocsf_pipe.run.recognise import hits_of, peek
from ocsf_pipe.source import Records

WINDOWS = {name: one for name, one in catalogue().items() if one.syntax.input.format == "windows_event"}


def _samples(listed: Listed) -> Iterator[tuple[Path, Records]]:
    for path in sorted((listed.path.parent / "samples").glob("*.input.*")):
        with path.open("rb") as stream:
            for run in FORMATS["windows_event"].read(stream, {}):
                yield path, run


@pytest.mark.parametrize("name", WINDOWS)
def test_samples_are_recognised_by_their_own_mapping_alone(name: str) -> None:
    """A record that two mappings claim would become events of the one that is asked first."""
    for path, run in _samples(WINDOWS[name]):
        claimed = {other: hits for other, one in WINDOWS.items() if (hits := hits_of(one, peek(run)))}
        assert claimed == {name: len(run)}, path.name
