"""Rules over the other logs of Windows fire on the records on which Sigma, evaluated natively, does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.detect.events import Event, logged, rule_text
from tests.detect.test_against_oracle import same

CLASSIC: list[Event] = [
    logged("Windows PowerShell", "PowerShell", 400, ["Available", "None", "\tHostApplication=powershell -enc 1"]),
    logged("Windows PowerShell", "PowerShell", 400, ["Available", "None", "\tHostApplication=C:\\a.exe"], record=2),
    logged("Windows PowerShell", "PowerShell", 400, {}, record=3),
    logged("Windows PowerShell", "PowerShell", 600, ["Registry", "Started", "\tHostApplication=powershell"], record=4),
]


@pytest.mark.parametrize(
    "detection",
    [
        "s: {Data|contains: 'HostApplication=powershell'}\ncondition: s",
        "s: {Data: available}\ncondition: s",
        "s: {Data: none}\ncondition: s",
        "s: {Data|contains|all: ['-enc', Host]}\ncondition: s",
        "s: {Data: null}\ncondition: s",
        "s: {EventID: 400}\nf: {Data|contains: 'a.exe'}\ncondition: s and not f",
        "s: {Data|exists: true}\ncondition: s",
    ],
)
def test_values_without_names(detection: str, tmp_path: Path) -> None:
    """`Data` is any of the values that have no name; without values it is not there."""
    same(tmp_path, rule_text(detection, category="ps_classic_start"), "microsoft.windows_powershell", CLASSIC)
    same(tmp_path, rule_text(detection, service="powershell-classic"), "microsoft.windows_powershell", CLASSIC)


BLOCKS: list[Event] = [
    logged("Microsoft-Windows-PowerShell/Operational", "Microsoft-Windows-PowerShell", 4104, data, record=i)
    for i, data in enumerate(
        [
            {"ScriptBlockText": "IEX 100%_x", "ScriptBlockId": "1", "Path": ""},
            {"ScriptBlockText": "Get-Date\r\nIEX", "ScriptBlockId": "2", "Path": "C:\\a.ps1"},
            {"ScriptBlockText": "Get-Date", "ScriptBlockId": "3"},
        ]
    )
]


@pytest.mark.parametrize(
    "detection",
    [
        "s: {ScriptBlockText|contains: 'iex'}\nf: {Path|endswith: 'a.ps1'}\ncondition: s and not f",
        "s: {ScriptBlockText|contains: '%_X'}\ncondition: s",
        "s: {ScriptBlockText|contains: Get}\nf: {Path: ''}\ncondition: s and not f",
        "s: {Path: null}\ncondition: s",
        "s: {Path: ''}\ncondition: s",
    ],
)
def test_script_blocks(detection: str, tmp_path: Path) -> None:
    """The text of the block and its file, which may be empty."""
    same(tmp_path, rule_text(detection, category="ps_script"), "microsoft.windows_powershell", BLOCKS)


DEFENDER = ("Microsoft-Windows-Windows Defender/Operational", "Microsoft-Windows-Windows Defender")
FINDINGS: list[Event] = [
    logged(*DEFENDER, code, data, record=i)
    for i, (code, data) in enumerate(
        [
            (
                1116,
                {"Detection ID": "{1}", "Threat Name": "EICAR", "Path": "file:_C:\\a.exe", "Process Name": "C:\\p.exe"},
            ),
            (1116, {"Detection ID": "{2}", "Threat Name": "Other", "Path": "file:_C:\\a.exe; file:_D:\\b.exe"}),
            (1117, {"Detection ID": "{2}", "Threat Name": "Other", "Process Name": "Unknown"}),
            (1121, {"ID": "9E6C", "Path": "C:\\Windows\\lsass.exe", "Process Name": "C:\\p.exe", "User": "A\\b"}),
            (1121, {"ID": "9E6C", "Path": "-", "Process Name": ""}),
            (5007, {"Old Value": "", "New Value": "HKLM\\Windows Defender\\Exclusions\\x = 0x0"}),
            (5013, {"Value": "HKLM\\Windows Defender\\DisableAntiSpyware"}),
            (3002, {"Feature Name": "%%886", "Reason": "%%892"}),
        ]
    )
]


@pytest.mark.parametrize(
    "detection",
    [
        "s: {EventID: 1116, ThreatName: eicar, ProcessName|endswith: '\\P.exe'}\ncondition: s",
        "s: {Path|endswith: 'b.exe'}\ncondition: s",
        "s: {Path|startswith: 'file:_'}\nf: {ProcessName: '*'}\ncondition: s and not f",
        "s: {EventID: 1121, Path|endswith: '\\lsass.exe'}\nf: {ProcessName: 'C:\\q.exe'}\ncondition: s and not f",
        "s: {Path: '-'}\ncondition: s",
        "s: {ProcessName: [Unknown, '']}\ncondition: s",
        "s: {NewValue|contains: '\\Exclusions'}\nf: {OldValue|contains: x}\ncondition: s and not f",
        "s: {OldValue: ''}\ncondition: s",
        "s: {Value|endswith: AntiSpyware}\ncondition: s",
        "s: {EventID: 3002}\nf: {Feature_Name: '%%886', Reason: ['%%892', '%%858']}\ncondition: s and not f",
        "s: {EventID: [1116, 1117]}\ncondition: s",
    ],
)
def test_findings(detection: str, tmp_path: Path) -> None:
    """Names with blanks, parts of a list of one object, texts that the mapping takes for none."""
    same(tmp_path, rule_text(detection, service="windefend"), "microsoft.windows_defender", FINDINGS)


FOUND = [*FINDINGS, logged(*DEFENDER, 1115, {"Threat Name": "EICAR", "Path": "C:\\b.exe"}, record=20)]


@pytest.mark.parametrize(
    "detection",
    [
        "s: {Signature: eicar}\ncondition: s",
        "s: {Filename|endswith: '.exe'}\nf: {Signature: Other}\ncondition: s and not f",
        "s: {Signature: null}\ncondition: s",
    ],
)
def test_antivirus(detection: str, tmp_path: Path) -> None:
    """The category of every antivirus, under its own names; what was only acted upon is not of it."""
    text = rule_text(detection, category="antivirus").replace("    product: windows\n", "")
    same(tmp_path, text, "microsoft.windows_defender", FOUND)


WMI = ("Microsoft-Windows-WMI-Activity/Operational", "Microsoft-Windows-WMI-Activity")


def _wmi(code: int, part: str, record: int, **data: str) -> Event:
    event = logged(*WMI, code, {}, record=record)
    event["Event"]["UserData"] = {part: data}
    return event


SUBSCRIPTIONS = [
    _wmi(5858, "Operation_ClientFailure", 1, Operation="ExecQuery - select * from Win32_NTEventlogFile", User="A\\b"),
    _wmi(5859, "Operation_EssStarted", 2, Query="select * from X", User="S-1-5-32-544", Provider="SCM Event Provider"),
    _wmi(5859, "Operation_EssStarted", 3, Query="select * from X", User="A\\b", Provider="Other"),
    _wmi(5861, "Operation_ESStoConsumerBinding", 4, CONSUMER='CommandLineEventConsumer="x"', ESS="f"),
]


@pytest.mark.parametrize(
    "detection",
    [
        "s: {EventID: 5858, Operation|contains|all: [ExecQuery, NTEventlogFile]}\ncondition: s",
        "s: {EventID: 5859}\nf: {Provider: SCM*, Query: 'select * from X', User: S-1-5-32-544}\ncondition: s and not f",
        "s: {EventID: 5861}\nkeywords: [CommandLineEventConsumer]\ncondition: s and keywords",
        "s: {User: 'a\\B'}\ncondition: s",
    ],
)
def test_values_of_user_data(detection: str, tmp_path: Path) -> None:
    """What stands below an element of its own is found by its name, whichever the element."""
    same(tmp_path, rule_text(detection, service="wmi"), "microsoft.windows_channels", SUBSCRIPTIONS)


SERVICES = [
    logged("System", "Service Control Manager", 7045, {"ServiceName": "PSEXESVC", "ImagePath": "%SystemRoot%\\P.exe"}),
    logged("System", "Service Control Manager", 7036, {"param1": "Windows Defender", "param2": "stopped"}, record=2),
    logged("System", "Service Control Manager", 7023, {"param1": "Windows Defender", "param2": "%%5"}, record=3),
    logged("System", "Elsewhere", 7045, {"ServiceName": "PSEXESVC"}, record=4),
    logged("System", "Microsoft-Windows-Kernel-General", 16, {"HiveName": "\\??\\C:\\Temp\\SAM"}, record=5),
]


@pytest.mark.parametrize(
    "detection",
    [
        "s: {Provider_Name: 'Service Control Manager', EventID: 7045, ServiceName: psexesvc}\ncondition: s",
        "s: {EventID: 7045, ImagePath|contains: 'systemroot%\\'}\ncondition: s",
        "s: {EventID: 7045}\nf: {ImagePath: '*'}\ncondition: s and not f",
        "s: {EventID: 7036, param1|contains: Defender, param2: Stopped}\ncondition: s",
        "s: {param2: '%%5'}\ncondition: s",
        "s: {EventID: 16, HiveName|contains: '\\Temp\\'}\ncondition: s",
        "s: {Level: 2}\ncondition: s",
    ],
)
def test_services_and_hives(detection: str, tmp_path: Path) -> None:
    """An event id means something else in every provider, and values without a rule are read as they are."""
    same(tmp_path, rule_text(detection, service="system"), "microsoft.windows_system", SERVICES)
