"""The JSON dialects of Windows events, each rewritten to one shape by a small pure function.

The shape: System, EventData (values are text), UserData, RenderingInfo, and Other, which holds whatever else the source
said, unchanged. A dialect takes what it knows out of its own copy of the record and leaves the rest to Other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import orjson

Event = dict[str, Any]

_ZONE = re.compile(r"(Z|[+-]\d\d:?\d\d)$")
_DATE = re.compile(r"^/Date\((-?\d+)\)/$")


def text(value: Any) -> str | None:
    """Spell a value of EventData as text; null stays null, lists and objects become JSON text."""
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def number(value: Any) -> Any:
    """Read a decimal or 0x number; anything else is returned as it is."""
    if isinstance(value, str):
        try:
            return int(value.strip(), 16 if value.strip().lower().startswith("0x") else 10)
        except ValueError:
            return value
    return value


def iso(value: Any) -> Any:
    """Spell a time as ISO 8601; one without a zone is taken as UTC."""
    if not isinstance(value, str) or _DATE.match(value):
        return value
    joined = value.strip().removesuffix(" UTC").replace(" ", "T", 1)
    return joined if _ZONE.search(joined) else joined + "Z"


def kept(thing: Event) -> Event:
    """Leave out what is null or empty."""
    return {key: value for key, value in thing.items() if value is not None and value != {}}


def shape(system: Event, data: Event, user: Any, rendering: Event, other: Event) -> Event:
    """Put the five parts together; numbers and times of System get one spelling."""
    for key in ("EventID", "Version", "Level", "Task", "Opcode", "EventRecordID"):
        if key in system:
            system[key] = number(system[key])
    if "Execution" in system:
        system["Execution"] = {key: number(value) for key, value in system["Execution"].items()}
    if "TimeCreated" in system:
        system["TimeCreated"] = iso(system["TimeCreated"])
    parts = {"UserData": user, "RenderingInfo": rendering, "Other": other}
    return {"System": kept(system), "EventData": {key: text(v) for key, v in data.items()}, **kept(parts)}


def attributes(element: Any) -> Event:
    """Return the attributes of an element that became JSON, however the converter marked them."""
    if not isinstance(element, dict):
        return {}
    plain = {**element, **element.get("#attributes", {})}
    return {key.lstrip("@"): value for key, value in plain.items() if key not in ("#attributes", "#text")}


def content(element: Any) -> Any:
    """Return the text of an element that became JSON with or without attributes."""
    return element.get("#text") if isinstance(element, dict) else element


def _one_value(data: Event) -> bool:
    """Whether an object is one `Data` element rather than EventData, which may have a value called Name of its own."""
    told = "Value" in data or "#text" in data or "@Name" in data or "#attributes" in data
    known = {key.lstrip("@") for key in data} <= {"Name", "Type", "Value", "#text", "#attributes"}
    return told and known and bool(attributes(data).get("Name"))


def named(data: Any) -> Event:
    """Flatten EventData: an object, a list of {Name, Value} or {@Name, #text}, or unnamed values (param1, param2 …)."""
    if isinstance(data, dict) and "Data" in data and not isinstance(data["Data"], str):
        rest = {k: v for k, v in data.items() if k not in ("Data", "#attributes")}
        return named(data["Data"]) | rest
    if isinstance(data, dict) and "#text" in data and not attributes(data).get("Name"):
        return named(data["#text"])
    if isinstance(data, dict) and not _one_value(data):
        return {k: v for k, v in data.items() if k != "#attributes"}
    out: Event = {}
    for i, item in enumerate(data if isinstance(data, list) else [data] if data is not None else []):
        about = attributes(item)
        name = about.get("Name") or about.get("name") or f"param{i + 1}"
        out[name if name not in out else f"{name}_{i + 1}"] = about.get("Value", content(item))
    return out


def rendered(record: Event) -> Event | None:
    """`{"Event": {"System": …, "EventData": …}}` as evtx_dump and XML converters write it, or without the outer key."""
    event = record.get("Event", record)
    if not isinstance(event, dict) or not isinstance(event.get("System"), dict):
        return None
    source = dict(event["System"])
    system: Event = {}
    for key in ("Provider", "Correlation", "Execution", "Security"):
        system[key] = attributes(source.pop(key, None)) | (source.pop(f"{key}_attributes", None) or {})
    time = source.pop("TimeCreated", None)
    about = attributes(time) | (source.pop("TimeCreated_attributes", None) or {})
    system["TimeCreated"] = about.get("SystemTime", content(time))
    qualifiers = attributes(source.get("EventID")).get("Qualifiers")
    system |= {key: content(value) for key, value in source.items()} | {"Qualifiers": qualifiers}
    known = ("System", "EventData", "UserData", "RenderingInfo", "#attributes", "@xmlns", "xmlns")
    other = {k: v for k, v in event.items() if k not in known}
    other |= {k: v for k, v in record.items() if k != "Event"} if event is not record else {}
    return shape(system, named(event.get("EventData")), event.get("UserData"), event.get("RenderingInfo") or {}, other)


def winlogbeat(record: Event) -> Event | None:
    """Elastic's winlogbeat and agent: everything under `winlog`, the message outside."""
    if not isinstance(record.get("winlog"), dict):
        return None
    other = dict(record)
    log = dict(other.pop("winlog"))
    code = log.pop("event_id", None) or (record.get("event") or {}).get("code")
    process = log.pop("process", None) or {}
    level, user = log.pop("level", None) or (record.get("log") or {}).get("level"), log.pop("user", None) or {}
    time = log.pop("time_created", None) or record.get("@timestamp")
    system = {
        "Provider": kept({"Name": log.pop("provider_name", None), "Guid": log.pop("provider_guid", None)}),
        "EventID": code,
        "Version": log.pop("version", None),
        "TimeCreated": time,
        "EventRecordID": log.pop("record_id", None),
        "Correlation": kept(
            {"ActivityID": log.pop("activity_id", None), "RelatedActivityID": log.pop("related_activity_id", None)}
        ),
        "Execution": kept({"ProcessID": process.get("pid"), "ThreadID": (process.get("thread") or {}).get("id")}),
        "Channel": log.pop("channel", None),
        "Computer": log.pop("computer_name", None),
        "Security": kept({"UserID": user.get("identifier")}),
    }
    words = {"Task": log.pop("task", None), "Opcode": log.pop("opcode", None), "Level": level}
    system |= {key: value for key, value in words.items() if isinstance(number(value), int)}
    rendering = kept({"Message": other.pop("message", None), "Keywords": log.pop("keywords", None)} | words)
    data, more = log.pop("event_data", None) or {}, log.pop("user_data", None)
    left = kept({**log, "user": {k: v for k, v in user.items() if k != "identifier"}})
    return shape(system, data, more, rendering, other | ({"winlog": left} if left else {}))


# What winlogbeat up to 6 wrote at the top, and where it stands since 7.
_OLD_WINLOGBEAT = {
    "log_name": "channel", "source_name": "provider_name", "provider_guid": "provider_guid", "event_id": "event_id",
    "version": "version", "record_number": "record_id", "activity_id": "activity_id",
    "related_activity_id": "related_activity_id", "computer_name": "computer_name", "keywords": "keywords",
    "task": "task", "opcode": "opcode", "level": "level", "user": "user", "event_data": "event_data",
    "user_data": "user_data",
}  # fmt: skip


def old_winlogbeat(record: Event) -> Event | None:
    """Elastic's winlogbeat up to 6: the same, side by side at the top."""
    if "event_id" not in record or "log_name" not in record:
        return None
    left = dict(record)
    log = {new: left.pop(old) for old, new in _OLD_WINLOGBEAT.items() if old in left}
    log["process"] = {"pid": left.pop("process_id", None), "thread": {"id": left.pop("thread_id", None)}}
    return winlogbeat({**left, "winlog": log})


# Name in System (or RenderingInfo) and the names that flat dialects give it, the surest first.
_FLAT: dict[str, tuple[str, ...]] = {
    "EventID": ("EventID",), "Version": ("Version",), "Level": ("Level", "LevelValue"), "Task": ("Task", "TaskValue"),
    "Opcode": ("OpcodeValue", "Opcode"), "Keywords": ("Keywords",), "Channel": ("Channel",),
    "EventRecordID": ("EventRecordID", "RecordNumber", "RecordID"),
    "Computer": ("Computer", "Hostname", "ComputerName"),
    "Provider.Name": ("SourceName", "ProviderName", "Provider"), "Provider.Guid": ("ProviderGuid",),
    "Correlation.ActivityID": ("ActivityID",), "Correlation.RelatedActivityID": ("RelatedActivityID",),
    "Execution.ProcessID": ("ExecutionProcessID", "ProcessID"), "Execution.ThreadID": ("ExecutionThreadID", "ThreadID"),
    "Security.UserID": ("UserID",),
}  # fmt: skip
# What collectors add to a flat event, which is no part of EventData.
_COLLECTOR = frozenset({
    "@timestamp", "@version", "EventTime", "EventReceivedTime", "SourceModuleName", "SourceModuleType",
    "Severity", "SeverityValue", "EventType", "EventTypeOrignal", "EventTypeOriginal", "Category", "Opcode",
    "OpcodeValue", "AccountName", "AccountType", "Domain", "host", "port", "tags", "type", "timestamp",
    "TimeGenerated", "TenantId", "SourceSystem", "MG", "ManagementGroupName", "_ResourceId", "input", "log",
    "agent", "ecs", "event",
})  # fmt: skip


def _is_of_system(name: str, record: Event) -> bool:
    """A `ProcessID` without a thread beside it is a value of the event, as in those of the filtering platform."""
    return name != "ProcessID" or "ThreadID" in record or "ExecutionThreadID" in record


def flat(record: Event) -> Event | None:
    """NXLog, Windows Event Forwarding to JSON, OTRF data sets: System and EventData side by side at the top.

    NXLog's EventTime is local time without a zone, so `@timestamp` (arrival, UTC) is taken where that is all there is.
    Sysmon has an EventType of its own (SetValue …); NXLog's is moved to EventTypeOrignal there.
    """
    if "EventID" not in record:
        return None
    left = dict(record)
    system: Event = {}
    for target, names in _FLAT.items():
        found = next((name for name in names if left.get(name) is not None and _is_of_system(name, left)), None)
        if found:
            group, _, key = target.rpartition(".")
            (system.setdefault(group, {}) if group else system)[key] = left.pop(found)
    time = next((k for k in ("TimeCreated", "SystemTime", "UtcTimeCreated") if left.get(k)), None)
    own = left.get("EventTime")
    zoned = isinstance(own, str) and _ZONE.search(own)
    system["TimeCreated"] = left.pop(time) if time else own if zoned else left.get("@timestamp") or own
    rendering = kept({"Message": left.pop("Message", None)})
    sysmon_type = "EventTypeOrignal" in left or "EventTypeOriginal" in left
    nested, user = left.pop("EventData", None), left.pop("UserData", None)
    if isinstance(nested, dict | list):
        return shape(system, named(nested), user, rendering, left)
    other = {k: left.pop(k) for k in list(left) if k in _COLLECTOR and not (k == "EventType" and sysmon_type)}
    return shape(system, left if nested is None else left | {"EventData": nested}, user, rendering, other)


DIALECTS: tuple[Callable[[Event], Event | None], ...] = (rendered, winlogbeat, old_winlogbeat, flat)


def events(document: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the events of a document: itself, or those of a list or an `events` wrapper; else raises ValueError."""
    wrapped = document.get("events") if isinstance(document, dict) else document
    if isinstance(wrapped, list):
        for one in wrapped:
            yield one, next(events(one))[1]
        return
    for dialect in DIALECTS:
        if (found := dialect(document)) is not None:
            yield None, found
            return
    raise ValueError("no Windows event: there is neither Event.System nor winlog nor EventID")
