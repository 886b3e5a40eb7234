"""What JSON shapes of Windows events become; one test a trap."""

from __future__ import annotations

from typing import Any

import pytest

from ocsf_pipe.decode.windows_shapes import flat, named

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


def test_the_provider_of_a_flat_event_is_its_source_where_the_event_has_a_provider_of_its_own() -> None:
    """5447 tells of a provider of the filtering platform; the provider of the event stands in SourceName."""
    record = {"EventID": 5447, "SourceName": "Microsoft-Windows-Security-Auditing", "ProviderName": "Contoso"}
    found = flat(record)
    assert found is not None
    assert found["System"]["Provider"]["Name"] == "Microsoft-Windows-Security-Auditing"
    assert found["EventData"] == {"ProviderName": "Contoso"}


@pytest.mark.parametrize(
    ("beside", "execution", "data"),
    [({}, None, "2348"), ({"ThreadID": 320}, {"ProcessID": 2348, "ThreadID": 320}, None)],
)
def test_a_process_of_a_flat_event_without_a_thread_is_a_value_of_the_event(
    beside: dict[str, Any], execution: dict[str, Any] | None, data: str | None
) -> None:
    """5156 has a value ProcessID; it is the writer of the event only where a thread stands beside it."""
    found = flat({"EventID": 5156, "ProcessID": "2348", **beside})
    assert found is not None
    assert found["System"].get("Execution") == execution
    assert found["EventData"].get("ProcessID") == data
