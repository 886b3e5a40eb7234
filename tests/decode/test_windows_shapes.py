"""What JSON shapes of Windows events become; one test a trap."""

from __future__ import annotations

from typing import Any

import pytest

from ocsf_pipe.decode.windows_shapes import named

OBJECT = {"Name": "Updater", "Type": "Command Line", "Destination": "cmd.exe"}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (OBJECT, OBJECT),
        ({"Name": "Updater", "Operation": "Created"}, {"Name": "Updater", "Operation": "Created"}),
        ({"#attributes": {"Name": "data"}, "Image": "a.exe", "Name": "b"}, {"Image": "a.exe", "Name": "b"}),
        ({"@Name": "Image", "#text": "a.exe"}, {"Image": "a.exe"}),
        ({"#attributes": {"Name": "Image"}, "#text": "a.exe"}, {"Image": "a.exe"}),
        ({"Name": "Image", "Value": "a.exe"}, {"Image": "a.exe"}),
        ([{"Name": "Name", "Value": "Updater"}, {"@Name": "Image"}], {"Name": "Updater", "Image": None}),
        ({"Data": [{"@Name": "Name", "#text": "Updater"}]}, {"Name": "Updater"}),
    ],
)
def test_a_value_called_name_is_told_from_the_name_of_a_value(written: Any, expected: dict[str, Any]) -> None:
    """EventData of a WMI consumer has a value `Name`; it does not make the whole EventData one value of that name."""
    assert named(written) == expected
