"""One syslog message taken apart; never fails: what is not understood is the message."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

FACILITIES = (
    "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock "
    "local0 local1 local2 local3 local4 local5 local6 local7"
).split()
SEVERITIES = "emerg alert crit err warning notice info debug".split()
_MONTHS = {
    name: f"{number:02}"
    for number, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), start=1)
}
_PRIORITY = re.compile(r"<(\d{1,3})>", re.ASCII)
_PRIORITIES = [
    {"facility": facility, "facility_code": number, "severity": severity, "severity_code": code}
    for number, facility in enumerate(FACILITIES)
    for code, severity in enumerate(SEVERITIES)
]
_BOM = "\ufeff"

# ---------------------------------------------------------------------------------------- RFC 5424

_ISO = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:[Zz]|[+-]\d\d:?\d\d))?"
_HEADER = re.compile(
    rf"([1-9]\d{{0,2}}) (-|{_ISO}|\d{{10}}(?:\.\d+)?) (\S+) (\S+)"
    r" (\S+) (\S+)(?= -(?: |$)| \[)"
)
_NAMES = ("hostname", "appname", "procid", "msgid")
# A value may hold `]` that nobody escaped: the quote that ends it is what is looked for.
_PARAMETER = r'[^\s\]="]+="[^"\\]*(?:\\.[^"\\]*)*"'
_ELEMENT = rf"\[([^\s\]=\"]+)((?: +{_PARAMETER})*) *\]"
_ELEMENTS = re.compile(rf" (-|(?:{_ELEMENT})+)(?: |$)", re.DOTALL | re.ASCII)
_ONE_ELEMENT = re.compile(_ELEMENT, re.DOTALL | re.ASCII)
_ONE_PARAMETER = re.compile(r'([^\s\]="]+)="([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL | re.ASCII)
_ESCAPED = re.compile(r'\\(["\\\]])', re.ASCII)

# ---------------------------------------------------------------------------------------- RFC 3164

_CLOCK = r"\d\d?:\d\d:\d\d(?:\.\d{1,9})?"
_BSD = (
    r"(?P<before>\d{4} )?(?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) {1,2}(?P<day>\d{1,2})"
    rf"(?P<between> \d{{4}})? (?P<clock>{_CLOCK})(?P<behind> \d{{4}}(?=[ :]))?"
    r"(?P<zone> [A-Z]{3,5}(?=:)| ?[+-]\d\d:?\d\d\b)?"
)
# Cisco counts its messages, and marks a clock that is not set or not synchronised.
_COUNTERS = (
    r"(?:(?P<counter>\d{1,10}): )?(?:(?P<origin>[A-Za-z][\w.-]*|\d+\.[\d.]+): )?(?:(?P<sequence>\d{1,10}): )?[*.]?"
)
_STAMP = re.compile(
    rf":? ?(?:{_COUNTERS})?(?:{_BSD}|(?P<iso>{_ISO})|(?P<epoch>\d{{10}}\.\d{{1,9}}))(?=:? |:?$)", re.ASCII
)
_REPEATED = r"(?!(?:last )?message repeated )"
_HOST = r"(?P<hostname>[^\s\[\]\"{}=%]*[^\s:\[\]\"{}=%])"
_WORD = r"[^\s:\[\]<>\"{}=]{1,128}"
# Only macOS has names with blanks in them, and they come with a number.
_WORDS = r"[A-Za-z][\w.() -]{0,62}(?=\[\d)"
_PID = r"(?:\[(?P<procid>[^\s\]\[]{0,64})\])?"
_CONTENT = re.compile(
    r":? +(?:<(?P<facility>[a-z0-9]+)\.(?P<severity>[a-z]+)> )?(?:Message forwarded from (?P<origin>\S+): )?"
    rf"{_REPEATED}(?:{_HOST}(?: (?: *: )? *|: +(?=%)))?(?P<appname>{_WORD}(?=[\[:])|{_WORDS}){_PID}"
    r"(?: \([^)]*\))?:(?: |$)(?P<message>.*)",
    re.DOTALL | re.ASCII,
)
_BARE = re.compile(rf":? +(?:{_REPEATED}{_HOST} +)?(?P<message>.*)", re.DOTALL | re.ASCII)
_TAGGED = re.compile(rf"(?P<appname>{_WORD}){_PID}: (?P<message>.*)", re.DOTALL | re.ASCII)
_WITH_PID = re.compile(r"(?P<appname>[^\s:\[\]]{1,128})\[(?P<procid>\d{1,10})\]: (?P<message>.*)", re.DOTALL | re.ASCII)

# Most lines are so, and are read by this one expression; what follows below would read them alike, but slower.
_PLAIN = re.compile(
    r"(?:(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ([ 0-3]\d) (\d\d:\d\d:\d\d)"
    r"|(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)))"
    r" ([A-Za-z0-9_-][\w.-]{0,254}) ([\w./()-]{1,128})(?:\[(\d+)\])?: (.*)",
    re.DOTALL | re.ASCII,
)


def record(line: str) -> dict[str, Any]:
    """Take a message apart; what it lacks is left out, `message` is always there."""
    out: dict[str, Any] = {}
    at = 0
    found = _PRIORITY.match(line)
    if found and int(found[1]) < 192:
        out, at = dict(_PRIORITIES[int(found[1])]), found.end()
    plain = _PLAIN.match(line, at)
    if plain:
        return _plain(plain, out)
    header = _HEADER.match(line, at)
    if header and _structured(line, header, out):
        return out
    return _traditional(line, at, out)


def looks_like(line: str) -> bool:
    """Whether a line has a PRI, or a time with a host or a program behind it."""
    found = _PRIORITY.match(line)
    if found:
        return int(found[1]) < 192
    header = _HEADER.match(line)
    if header:
        return _ELEMENTS.match(line, header.end()) is not None
    stamp = _STAMP.match(line)
    return stamp is not None and _CONTENT.match(line, stamp.end()) is not None


def _plain(found: re.Match[str], out: dict[str, Any]) -> dict[str, Any]:
    month, day, clock, iso, host, tag, number, message = found.groups()
    out["timestamp"] = iso or f"--{_MONTHS[month]}-{day.replace(' ', '0')}T{clock}"
    out["hostname"] = host
    out["appname"] = tag
    if number:
        out["procid"] = number
    out["message"] = message
    return out


def _structured(line: str, header: re.Match[str], out: dict[str, Any]) -> bool:
    """Read a message of RFC 5424; False where its structured data is none."""
    elements = _ELEMENTS.match(line, header.end())
    if not elements:
        return False
    version, stamp, *names = header.groups()
    out["version"] = int(version)
    if stamp != "-":
        out["timestamp"] = _iso(stamp) if "-" in stamp else _from_epoch(stamp)
    out |= {name: value for name, value in zip(_NAMES, names, strict=True) if value != "-"}
    if elements[1] != "-":
        out["structured_data"] = {}
        for element in _ONE_ELEMENT.finditer(elements[1]):
            _add_element(element, out["structured_data"])
    out["message"] = line[elements.end() :].removeprefix(_BOM)
    return True


def _add_element(element: re.Match[str], into: dict[str, Any]) -> None:
    """Add the parameters of an element; of a name that comes again all values are kept, as a list."""
    members = into.setdefault(element[1], {})
    for name, text in _ONE_PARAMETER.findall(element[2]):
        value = _ESCAPED.sub(lambda found: found[1], text) if "\\" in text else text
        if name not in members:
            members[name] = value
        elif isinstance(members[name], list):
            members[name].append(value)
        else:
            members[name] = [members[name], value]


def _traditional(line: str, at: int, out: dict[str, Any]) -> dict[str, Any]:
    """Read a message of RFC 3164, or as much of one as there is."""
    if at and line.startswith("1 ", at):  # version 1 that keeps to nothing else of it, such as Meraki's
        out["version"], at = 1, at + 2
    stamp = _STAMP.match(line, at)
    if not stamp:
        found = (_TAGGED if at else _WITH_PID).match(line, at)
        out |= _present(found) if found else {"message": line[at:].removeprefix(_BOM)}
        return out
    out["timestamp"] = _time(stamp)
    if stamp["origin"]:
        out["hostname"] = stamp["origin"]
    if stamp["counter"]:
        out["counter"] = int(stamp["counter"])
    if stamp["sequence"]:
        out["sequence"] = int(stamp["sequence"])
    content = _CONTENT.match(line, stamp.end()) or _BARE.match(line, stamp.end())
    parts = _present(content) if content else {"message": line[stamp.end() :]}
    if forwarded := parts.pop("origin", None):
        parts.setdefault("hostname", forwarded)
    return {**out, **parts}


def _present(found: re.Match[str]) -> dict[str, str]:
    """The groups that hold something; the message even where it is empty."""
    return {name: value for name, value in found.groupdict().items() if value or name == "message"}


def _time(stamp: re.Match[str]) -> str:
    """A time as ISO 8601; `--MM-DD…` where it has no year."""
    if stamp["iso"]:
        return _iso(stamp["iso"])
    if stamp["epoch"]:
        return _from_epoch(stamp["epoch"])
    year = (stamp["before"] or stamp["between"] or stamp["behind"] or "-").strip()
    clock, zone = stamp["clock"], (stamp["zone"] or "").strip()
    if zone.isalpha():  # of names only these two mean the same everywhere
        zone = "Z" if zone in ("UTC", "GMT") else ""
    padded = clock if clock[2] == ":" else f"0{clock}"
    return f"{year}-{_MONTHS[stamp['month']]}-{stamp['day']:0>2}T{padded}{zone}"


def _iso(text: str) -> str:
    return f"{text[:10]}T{text[11:]}".replace(",", ".").replace(" ", "")


def _from_epoch(text: str) -> str:
    seconds, _, fraction = text.partition(".")
    whole = dt.datetime.fromtimestamp(int(seconds), dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{fraction[:9]}Z" if fraction else f"{whole}Z"
