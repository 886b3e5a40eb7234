"""A rule over the lake fires on the records on which Sigma, evaluated natively, does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sigma.collection import SigmaCollection
from sigma.rule import SigmaRule

from tests.detect.events import Event, lake, outcomes, process, rule_text, security, sysmon, written
from tests.detect.oracle import Windows, fires

LONG = "powershell.exe -nop -w hidden -enc SQBFAFgA"
PROCESSES: list[Event] = [
    process(LONG, image="C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe", User="CORP\\ann"),
    process("net user 100%_sure /add", image="C:\\Windows\\System32\\net.exe", User="NT AUTHORITY\\SYSTEM"),
    process("", image="C:\\Tools\\a.exe", ParentImage="-", ParentCommandLine=None),
    process(None, image="C:\\Tools\\b.exe", ParentImage="C:\\Windows\\explorer.exe", IntegrityLevel="S-1-16-12288"),
    process("ÄPFEL.exe /x", image="c:\\tools\\äpfel.exe", IntegrityLevel="Low", CurrentDirectory="C:\\Tools\\"),
    process("a?b*c\nsecond line", Hashes="SHA1=AB,MD5=00112233445566778899AABBCCDDEEFF", OriginalFileName="X.EXE"),
    process("copy x", image="C:\\Tools\\c.exe", ParentImage="C:\\Tools\\c.exe", User="ann", LogonId="0x3e7"),
    process("rundll32 /s –enc", Company="-", Description="?", Hashes="IMPHASH=00000000000000000000000000000000"),
]
DETECTIONS = {
    "contains": "s: {CommandLine|contains: '-ENC '}\ncondition: s",
    "percent and underscore are letters": "s: {CommandLine|contains: '100%_s'}\ncondition: s",
    "underscore is no wildcard": "s: {CommandLine|contains: 'net_user'}\ncondition: s",
    "a wildcard inside": "s: {CommandLine: 'net*100%_*add'}\ncondition: s",
    "a single character": "s: {CommandLine: 'cop? x'}\ncondition: s",
    "an escaped wildcard": "s: {CommandLine|startswith: 'a\\?b\\*'}\ncondition: s",
    "startswith": "s: {CommandLine|startswith: POWERSHELL}\ncondition: s",
    "endswith": "s: {Image|endswith: '\\A.EXE'}\ncondition: s",
    "all": "s: {CommandLine|contains|all: ['-nop', 'hidden']}\ncondition: s",
    "umlauts ignore case": "s: {CommandLine|contains: 'äpfel'}\ncondition: s",
    "cased": "s: {CommandLine|contains|cased: 'SQBF'}\ncondition: s",
    "cased, in the other case": "s: {CommandLine|contains|cased: 'sqbf'}\ncondition: s",
    "regex": "s: {CommandLine|re: '^net\\s+user'}\ncondition: s",
    "regex minds case": "s: {CommandLine|re: 'NET'}\ncondition: s",
    "regex with a flag": "s: {CommandLine|re|i: 'NET\\s'}\ncondition: s",
    "regex over lines": "s: {CommandLine|re|m: '^second'}\ncondition: s",
    "dot over lines": "s: {CommandLine|re|s: 'c.second'}\ncondition: s",
    "windash": "s: {CommandLine|contains|windash: ' -enc'}\ncondition: s",
    "base64offset": "s: {CommandLine|wide|base64offset|contains: 'IEX'}\ncondition: s",
    "empty": "s: {CommandLine: ''}\ncondition: s",
    "null": "s: {CommandLine: null}\ncondition: s",
    "a dash that the mapping takes for none": "s: {ParentImage: '-'}\ncondition: s",
    "anything": "s: {ParentImage: '*'}\ncondition: s",
    "not, where the field is missing": "s: {Image|contains: exe}\nf: {ParentImage|endswith: explorer.exe}\n"
    "condition: s and not f",
    "not of a null": "s: {Image|contains: exe}\nf: {User|contains: SYSTEM}\ncondition: s and not f",
    "not not": "f: {User|contains: SYSTEM}\ncondition: not (not f)",
    "one of, and not all of": "s1: {Image|endswith: net.exe}\ns2: {User: '*'}\nf1: {CommandLine: x}\n"
    "f2: {CommandLine: y}\ncondition: 1 of s* and not all of f*",
    "exists": "s: {User|exists: true}\ncondition: s",
    "exists not": "s: {User|exists: false}\ncondition: s",
    "a field of its own": "s: {Image|fieldref: ParentImage}\ncondition: s",
    "domain and name together": "s: {User: 'CORP\\ann'}\ncondition: s",
    "a name without a domain": "s: {User: ann}\ncondition: s",
    "an enum by its source's word": "s: {IntegrityLevel: ['Low', 'S-1-16-12288']}\ncondition: s",
    "an enum by a word of the same caption": "s: {IntegrityLevel: High}\ncondition: s",
    "hashes as the text that they were": "s: {Hashes|contains: 'MD5=00112233445566778899AABBCCDDEEFF'}\ncondition: s",
    "a hash that the mapping leaves out": "s: {Hashes|contains: 'IMPHASH=0000000000'}\ncondition: s",
    "a number and a text": "s: {ProcessId: 42}\ncondition: s",
    "compared": "s: {ProcessId|gte: 42, ParentProcessId|lt: 8}\ncondition: s",
    "a field that the mapping does not know": "s: {Unheard: x}\ncondition: s",
    "not an unknown field": "s: {Image|endswith: net.exe}\nf: {Unheard: x}\ncondition: s and not f",
    "keywords": "keywords: ['100%_sure', 'hidden -enc']\ncondition: keywords",
    "the event id": "s: {EventID: 1, Image|endswith: net.exe}\ncondition: s",
    "another event id": "s: {EventID: 3, Image|endswith: net.exe}\ncondition: s",
}


def same(folder: Path, text: str, mapping: str, events: list[Event]) -> None:
    """The rule fires on as many of the events as the oracle says."""
    (rule,) = written(folder, text)
    native = SigmaCollection.from_yaml(text).rules[0]
    assert isinstance(native, SigmaRule)
    wanted = sum(fires(native, Windows(_parsed(event))) for event in events)
    (outcome,) = outcomes(lake(mapping, events), [rule])
    assert (outcome.fires, outcome.error) == (wanted, None)


def _parsed(event: Event) -> Any:
    from tests.detect.events import parsed

    return parsed(event)


@pytest.mark.parametrize("detection", DETECTIONS.values(), ids=DETECTIONS.keys())
def test_processes(detection: str, tmp_path: Path) -> None:
    """Every way to ask, over events that miss fields, hold empty ones, and ones that the mapping takes for none."""
    same(tmp_path, rule_text(detection), "microsoft.sysmon", PROCESSES)


REGISTRY = [
    sysmon(
        13,
        Image="C:\\a.exe",
        ProcessId="1",
        EventType="SetValue",
        TargetObject="HKLM\\Run\\x",
        Details="DWORD (0x00000001)",
    ),
    sysmon(
        13,
        Image="C:\\a.exe",
        ProcessId="1",
        EventType="SetValue",
        TargetObject="HKLM\\Run\\(Default)",
        Details="evil.exe",
    ),
    sysmon(13, Image="C:\\a.exe", ProcessId="1", EventType="SetValue", TargetObject="HKLM\\Bin", Details="Binary Data"),
    sysmon(
        13,
        Image="C:\\a.exe",
        ProcessId="1",
        EventType="SetValue",
        TargetObject="HKLM\\Q\\q",
        Details="QWORD (0x00000001-0x0000000a)",
    ),
    sysmon(13, Image="C:\\a.exe", ProcessId="1", EventType="SetValue", TargetObject="HKLM\\E\\e", Details="(Empty)"),
]


@pytest.mark.parametrize(
    "detection",
    [
        "s: {TargetObject: 'HKLM\\Run\\X'}\ncondition: s",
        "s: {TargetObject|endswith: '\\Run\\(Default)'}\ncondition: s",
        "s: {Details: 'DWORD (0x00000001)'}\ncondition: s",
        "s: {Details: ['Binary Data', 'QWORD (0x00000001-0x0000000A)']}\ncondition: s",
        "s: {TargetObject|contains: HKLM}\nf: {Details: '(Empty)'}\ncondition: s and not f",
        "s: {TargetObject|contains: HKLM}\nf: {Details|endswith: .exe}\ncondition: s and not f",
    ],
)
def test_registry_values(detection: str, tmp_path: Path) -> None:
    """The key and the value's name are one text again; data of every type reads as Sysmon wrote it."""
    same(tmp_path, rule_text(detection, category="registry_set"), "microsoft.sysmon", REGISTRY)


CONNECTIONS = [
    sysmon(
        3,
        Image="C:\\a.exe",
        ProcessId="1",
        Protocol="tcp",
        Initiated="true",
        SourceIp="10.1.2.3",
        DestinationIp="203.0.113.9",
        DestinationPort="443",
    ),
    sysmon(
        3,
        Image="C:\\b.exe",
        ProcessId="2",
        Protocol="tcp",
        Initiated="false",
        SourceIp="2001:db8::1",
        DestinationIp="fe80::1",
        DestinationPort="8080",
    ),
    sysmon(
        3,
        Image="C:\\c.exe",
        ProcessId="3",
        Protocol="udp",
        Initiated="true",
        SourceIp="127.0.0.1",
        DestinationIp="127.0.0.1",
        DestinationPort="53",
    ),
]


@pytest.mark.parametrize(
    "detection",
    [
        "s: {DestinationIp|cidr: '203.0.113.0/24'}\ncondition: s",
        "s: {DestinationIp|cidr: ['10.0.0.0/8', 'fe80::/10']}\ncondition: s",
        "s: {Image|contains: exe}\nf: {DestinationIp|cidr: '127.0.0.0/8'}\ncondition: s and not f",
        "s: {Initiated: 'true'}\ncondition: s",
        "s: {Initiated: true, DestinationPort: [443, 53]}\ncondition: s",
        "s: {DestinationPort|gt: 500}\ncondition: s",
    ],
)
def test_connections(detection: str, tmp_path: Path) -> None:
    """Networks of both families, ports as numbers, an enum that came from two fields."""
    same(tmp_path, rule_text(detection, category="network_connection"), "microsoft.sysmon", CONNECTIONS)


def test_processes_of_the_security_log(tmp_path: Path) -> None:
    """The same rule serves both logs, under the names that each uses."""
    events = [
        security(4688, NewProcessName="C:\\Tools\\nc.exe", CommandLine="nc -l", NewProcessId="0x1a", ProcessId="0x4")
    ]
    events += [security(4688, NewProcessName="C:\\Tools\\ok.exe", NewProcessId="0x1b", ProcessId="0x4", record=2)]
    same(tmp_path, rule_text("s: {Image|endswith: '\\NC.exe'}\ncondition: s"), "microsoft.windows_security", events)
