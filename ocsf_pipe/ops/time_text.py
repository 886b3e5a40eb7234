"""Times as text: ISO 8601 in and out, milliseconds since 1970 in between."""

from __future__ import annotations

import datetime as dt
import re

_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 (UTC throughout; DuckDB TIMESTAMP has no zone either)
_YEAR = "(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?"
_ZONE = "(?:[Zz]|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)"
ISO = f"^({_YEAR}-[0-9]{{2}}-[0-9]{{2}}(?:[T ]{_CLOCK})?)(?: ?({_ZONE}))?$"
"""What is read: group 1 is the date and the clock; a zone may follow."""
FIRST, LAST = -62135596800000, 253402300799999
"""Milliseconds of 0001-01-01T00:00:00.000Z and of 9999-12-31T23:59:59.999Z."""
_MINUTE = 60_000


def from_iso(text: str) -> int | None:
    """Milliseconds of a date, or date and time, in the form `ISO`; null when it is none."""
    found = re.fullmatch(ISO[1:-1], text)
    if not found:
        return None
    local = found[1][:23]  # to the millisecond
    try:
        time = dt.datetime.fromisoformat(local[:19])
    except ValueError:
        return None
    return millis(time) + int(local[20:].ljust(3, "0")) - zone_offset(found[2] or "Z")


def to_iso(value: int) -> str | None:
    """A time as `2026-02-10T09:08:07.006Z`; null outside the years 1 to 9999."""
    if not FIRST <= value <= LAST:
        return None
    return (_EPOCH + dt.timedelta(milliseconds=value)).isoformat(timespec="milliseconds") + "Z"


def millis(time: dt.datetime) -> int:
    """Milliseconds of a zone-less time, taken as UTC; what is finer is cut off."""
    return (time - _EPOCH) // dt.timedelta(milliseconds=1)


def zone_offset(zone: str) -> int:
    """Milliseconds that a zone such as `Z`, `+01`, `+0130` or `-01:30` is ahead of UTC."""
    if zone in "Zz":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[3:].lstrip(":") or 0)
    return (-minutes if zone[0] == "-" else minutes) * _MINUTE
