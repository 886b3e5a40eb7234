"""The oracle: Sigma evaluated natively, rule by rule and record by record, on the raw records.

It is plain and slow, knows no mapping, and shares nothing with the program but pySigma's parser. `Windows` says which
records a logsource means, in the words of Windows: channels and event ids.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sigma import conditions as c
from sigma import types as t
from sigma.rule import SigmaRule

SYSMON = ("microsoft-windows-sysmon/operational", "microsoft-windows-sysmon")
SECURITY = ("security", "microsoft-windows-security-auditing")
_REGISTRY: dict[str, tuple[str, ...]] = {"registry_add": ("CreateKey", "AddKey", "CreateValue", "AddValue")}
_REGISTRY |= {"registry_delete": ("DeleteKey", "DeleteValue")}
CATEGORIES: dict[str, tuple[tuple[str, ...], frozenset[int]]] = {
    name: (SYSMON, frozenset(ids))
    for name, ids in {
        "process_creation": (1,), "file_change": (2,), "network_connection": (3,), "sysmon_status": (4, 16),
        "process_termination": (5,), "driver_load": (6,), "image_load": (7,), "create_remote_thread": (8,),
        "raw_access_thread": (9,), "process_access": (10,), "file_event": (11,), "registry_add": (12,),
        "registry_delete": (12,), "registry_event": (12, 13, 14), "registry_set": (13,), "registry_rename": (14,),
        "create_stream_hash": (15,), "pipe_created": (17, 18), "wmi_event": (19, 20, 21), "dns_query": (22,),
        "file_delete": (23, 26), "clipboard_capture": (24,), "process_tampering": (25,), "file_delete_detected": (26,),
        "file_block_executable": (27,), "file_block_shredding": (28,), "file_executable_detected": (29,),
        "sysmon_error": (255,),
    }.items()
}  # fmt: skip
_W = "Microsoft-Windows"
# The channels of each service. Where a collector leaves the channel out, the provider tells: the last of each line.
SERVICES: dict[str, tuple[str, ...]] = {
    "security": SECURITY,
    "sysmon": SYSMON,
    **{
        service: (*(part.strip().lower() for part in names.split("|")),)
        for service, names in {
            "powershell": f"{_W}-PowerShell/Operational|PowerShellCore/Operational|{_W}-PowerShell",
            "powershell-classic": "Windows PowerShell|PowerShell",
            "windefend": f"{_W}-Windows Defender/Operational|{_W}-Windows Defender",
            "system": "System|Service Control Manager",
            "application": "Application|Application Error",
            "taskscheduler": f"{_W}-TaskScheduler/Operational|{_W}-TaskScheduler",
            "wmi": f"{_W}-WMI-Activity/Operational|{_W}-WMI-Activity",
            "applocker": (
                f"{_W}-AppLocker/MSI and Script|"
                f"{_W}-AppLocker/EXE and DLL|"
                f"{_W}-AppLocker/Packaged app-Deployment|"
                f"{_W}-AppLocker/Packaged app-Execution|"
                f"{_W}-AppLocker"
            ),
            "bits-client": f"{_W}-Bits-Client/Operational|{_W}-Bits-Client",
            "codeintegrity-operational": f"{_W}-CodeIntegrity/Operational|{_W}-CodeIntegrity",
            "dns-client": f"{_W}-DNS Client Events/Operational|{_W}-DNS-Client/Operational|{_W}-DNS-Client",
            "dns-server": f"DNS Server|{_W}-DNS-Server-Service",
            "dns-server-analytic": f"{_W}-DNS-Server/Analytical|{_W}-DNS-Server",
            "dns-server-audit": f"{_W}-DNS-Server/Audit|{_W}-DNS-Server-Audit",
            "firewall-as": (
                f"{_W}-Windows Firewall With Advanced Security/Firewall|{_W}-Windows Firewall With Advanced Security"
            ),
            "ntlm": f"{_W}-NTLM/Operational|{_W}-NTLM",
            "printservice-admin": f"{_W}-PrintService/Admin|-",
            "printservice-operational": f"{_W}-PrintService/Operational|-",
            "smbclient-security": f"{_W}-SmbClient/Security|-",
            "smbclient-connectivity": f"{_W}-SmbClient/Connectivity|-",
            "smbserver-connectivity": f"{_W}-SMBServer/Connectivity|-",
            "smbserver-security": f"{_W}-SMBServer/Security|-",
            "terminalservices-localsessionmanager": (
                f"{_W}-TerminalServices-LocalSessionManager/Operational|{_W}-TerminalServices-LocalSessionManager"
            ),
            "terminalservices-remoteconnectionmanager": (
                f"{_W}-TerminalServices-RemoteConnectionManager/Operational|"
                f"{_W}-TerminalServices-RemoteConnectionManager"
            ),
            "appxdeployment-server": (
                f"{_W}-AppXDeploymentServer/Operational|"
                f"{_W}-AppXDeployment-Server/Operational|"
                f"{_W}-AppXDeployment-Server"
            ),
            "appxpackaging-om": f"{_W}-AppxPackaging/Operational|{_W}-AppxPackagingOM",
            "appmodel-runtime": f"{_W}-AppModel-Runtime/Admin|{_W}-AppModel-Runtime",
            "shell-core": f"{_W}-Shell-Core/Operational|{_W}-Shell-Core",
            "driver-framework": f"{_W}-DriverFrameworks-UserMode/Operational|{_W}-DriverFrameworks-UserMode",
            "ldap": f"{_W}-LDAP-Client/Debug|{_W}-LDAP-Client",
            "ldap_debug": f"{_W}-LDAP-Client/Debug|{_W}-LDAP-Client",
            "openssh": "OpenSSH/Operational|OpenSSH",
            "diagnosis-scripted": f"{_W}-Diagnosis-Scripted/Operational|{_W}-Diagnosis-Scripted",
            "security-mitigations": (
                f"{_W}-Security-Mitigations/KernelMode|"
                f"{_W}-Security-Mitigations/UserMode|"
                f"{_W}-Security-Mitigations/Kernel Mode|"
                f"{_W}-Security-Mitigations/User Mode|"
                f"{_W}-Security-Mitigations"
            ),
            "lsa-server": f"{_W}-LSA/Operational|-",
            "iis-configuration": (
                f"Microsoft-IIS-Configuration/Operational|{_W}-IIS-Configuration/Operational|{_W}-IIS-Configuration"
            ),
            "msexchange-management": "MSExchange Management|MSExchange CmdletLogs",
            "capi2": f"{_W}-CAPI2/Operational|{_W}-CAPI2",
            "certificateservicesclient-lifecycle-system": (
                f"{_W}-CertificateServicesClient-Lifecycle-System/Operational|"
                f"{_W}-CertificateServicesClient-Lifecycle-System"
            ),
            "certificateservicesclient-lifecycle-user": (
                f"{_W}-CertificateServicesClient-Lifecycle-User/Operational|"
                f"{_W}-CertificateServicesClient-Lifecycle-User"
            ),
            "microsoft-servicebus-client": (
                "Microsoft-ServiceBus-Client/Admin|Microsoft-ServiceBus-Client/Operational|Microsoft-ServiceBus-Client"
            ),
            "servicebus-client": (
                "Microsoft-ServiceBus-Client/Admin|Microsoft-ServiceBus-Client/Operational|Microsoft-ServiceBus-Client"
            ),
            "dhcp": f"{_W}-DHCP-Server/Operational|-",
            "bitlocker": f"{_W}-BitLocker/BitLocker Management|{_W}-BitLocker-API",
            "vhdmp": f"{_W}-VHDMP/Operational|{_W}-VHDMP-Operational|{_W}-VHDMP",
            "kernel-shimengine": (
                f"{_W}-Kernel-ShimEngine/Operational|{_W}-Kernel-ShimEngine/Diagnostic|{_W}-Kernel-ShimEngine"
            ),
            "application-experience": (
                f"{_W}-Application-Experience/Program-Telemetry|"
                f"{_W}-Application-Experience/Program-Compatibility-Assistant|"
                f"{_W}-Application-Experience"
            ),
            "ntfs": f"{_W}-Ntfs/Operational|{_W}-Ntfs",
            "hyper-v-worker": f"{_W}-Hyper-V-Worker|{_W}-Hyper-V-Worker-Admin|-",
            "kernel-event-tracing": f"{_W}-Kernel-EventTracing|{_W}-Kernel-EventTracing/Admin|{_W}-Kernel-EventTracing",
            "sense": f"{_W}-SENSE/Operational|{_W}-SENSE",
        }.items()
    },
}
OF_POWERSHELL = {"ps_module": 4103, "ps_script": 4104}
OF_CLASSIC = {"ps_classic_start": 400, "ps_classic_provider_start": 600, "ps_classic_script": 800}
CATEGORIES |= {name: (SERVICES["powershell"], frozenset({code})) for name, code in OF_POWERSHELL.items()}
CATEGORIES |= {name: (SERVICES["powershell-classic"], frozenset({code})) for name, code in OF_CLASSIC.items()}
# Process creation in the Security log: the same facts under other names.
AUDIT_NAMES = {
    "Image": "NewProcessName", "ParentImage": "ParentProcessName", "User": "SubjectUserName",
    "LogonId": "SubjectLogonId", "IntegrityLevel": "MandatoryLabel", "ProcessId": "NewProcessId",
    "ParentProcessId": "ProcessId",
}  # fmt: skip
# What Defender has found: the field names of the category `antivirus` are nobody's own.
FOUND = frozenset({1006, 1007, 1008, 1009, 1010, 1011, 1012, 1017, 1018, 1019, 1115, 1116})
FOUND_NAMES = {"Signature": "Threat Name", "Filename": "Path"}
_PATTERNS: dict[int, tuple[t.SigmaString, re.Pattern[str] | None]] = {}
_PARSED: dict[int, tuple[SigmaRule, list[Any]]] = {}
_UNNAMED = re.compile(r"param\d+")
_SYSTEM = {"Provider_Name": ("Provider", "Name")}


@dataclass(frozen=True, slots=True)
class Windows:
    """One Windows event as the decoder gives it: System, EventData, UserData."""

    record: Mapping[str, Any]

    @property
    def code(self) -> int | None:
        """The event id."""
        code = self.record.get("System", {}).get("EventID")
        return code if isinstance(code, int) else None

    @property
    def channel(self) -> Any:
        """The log that the event stands in."""
        return self.record.get("System", {}).get("Channel")

    def is_of(self, channel: tuple[str, ...]) -> bool:
        """Whether the event stands in the channel, or comes from its provider."""
        *names, provider = channel
        if str(self.channel).lower() in names:
            return True
        alone = self.channel is None or channel in (SYSMON, SECURITY)
        return alone and str(self.value("Provider_Name")).lower() == provider

    def value(self, name: str) -> Any:
        """The value of a field, None for none: EventData, then System, then UserData.

        `Data` is all values without a name, `Message` the rendered text; Sigma leaves out the blanks of names.
        """
        data = self.record.get("EventData") or {}
        if name in data:
            return data[name]
        if name == "Data":
            return [value for key, value in data.items() if _UNNAMED.fullmatch(key)] or None
        if name == "Message":
            return (self.record.get("RenderingInfo") or {}).get("Message")
        squeezed = next((key for key in data if " " in key and _squeezed(key) == _squeezed(name)), None)
        if squeezed is not None:
            return data[squeezed]
        at: Any = self.record.get("System", {})
        for key in _SYSTEM.get(name, (name,)):
            at = at.get(key) if isinstance(at, dict) else None
        return at if at is not None and not isinstance(at, dict) else _inside(self.record.get("UserData"), name)

    def all_texts(self) -> Iterator[str]:
        """Every value of the event as text."""
        yield from _texts(self.record)


def _squeezed(name: str) -> str:
    return name.replace(" ", "").replace("_", "")


def _inside(part: Any, name: str) -> Any:
    if not isinstance(part, dict):
        return None
    found = (_inside(value, name) for value in part.values())
    return part[name] if name in part else next((one for one in found if one is not None), None)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif value is not None:
        yield _text(value)


def serves(rule: SigmaRule, event: Windows) -> Mapping[str, str] | None:
    """The names of fields to use where the event is of the rule's logsource; None where it is not."""
    source = rule.logsource
    if source.product not in (None, "windows"):
        return None
    if source.category is not None:
        channel, codes = CATEGORIES.get(source.category, ((), frozenset()))
        if channel and event.is_of(channel) and event.code in codes:
            kinds = _REGISTRY.get(source.category)
            return {} if kinds is None or event.value("EventType") in kinds else None
        if source.category == "process_creation" and event.is_of(SECURITY) and event.code == 4688:
            return AUDIT_NAMES
        if source.category == "antivirus" and event.is_of(SERVICES["windefend"]) and event.code in FOUND:
            return FOUND_NAMES
        return None
    if source.service is None:
        return {}
    channel = SERVICES.get(source.service, ())
    return {} if channel and event.is_of(channel) else None


def fires(rule: SigmaRule, event: Windows) -> bool:
    """Whether the rule fires on the event."""
    names = serves(rule, event)
    return names is not None and asks(rule, event, names)


def asks(rule: SigmaRule, event: Any, names: Mapping[str, str]) -> bool:
    """Whether the rule's condition holds for an event of its logsource."""
    if id(rule) not in _PARSED:
        _PARSED[id(rule)] = (rule, [one.parsed for one in rule.detection.parsed_condition])
    return any(holds(one, event, names) for one in _PARSED[id(rule)][1])


def holds(condition: Any, event: Any, names: Mapping[str, str]) -> bool:
    """Whether a parsed condition holds."""
    match condition:
        case c.ConditionAND(args=args):
            return all(holds(arg, event, names) for arg in args)
        case c.ConditionOR(args=args):
            return any(holds(arg, event, names) for arg in args)
        case c.ConditionNOT(args=args):
            return not holds(args[0], event, names)
        case c.ConditionFieldEqualsValueExpression(field=field, value=value):
            return _field(event, field, value, names)
        case c.ConditionValueExpression(value=value):
            return any(_keyword(text, value) for text in event.all_texts())
    raise TypeError(condition)


def _field(event: Any, field: str, value: Any, names: Mapping[str, str]) -> bool:
    found = event.value(names.get(field, field))
    if isinstance(value, t.SigmaExpansion):
        return any(_field(event, field, one, names) for one in value.values)
    if isinstance(value, t.SigmaNull):
        return found is None
    if isinstance(value, t.SigmaExists):
        return (found is not None) == bool(value)
    if isinstance(value, t.SigmaFieldReference):
        other = event.value(names.get(value.field, value.field))
        return found is not None and other is not None and _refers(_text(found).lower(), _text(other).lower(), value)
    items = found if isinstance(found, list) else [found]
    return any(matches(_text(item), value) for item in items if item is not None)


def _refers(one: str, two: str, value: t.SigmaFieldReference) -> bool:
    if value.starts_with and value.ends_with:
        return two in one
    return one.startswith(two) if value.starts_with else one.endswith(two) if value.ends_with else one == two


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _keyword(text: str, value: Any) -> bool:
    if isinstance(value, t.SigmaString):
        pattern = _pattern(value)
        return pattern is not None and pattern.search(text) is not None
    return matches(text, value)


def matches(text: str, value: Any) -> bool:
    """Whether a text is what a Sigma value asks for."""
    match value:
        case t.SigmaString():
            pattern = _pattern(value)
            return pattern is not None and pattern.fullmatch(text) is not None
        case t.SigmaTimestampPart():
            return _part(text, value)
        case t.SigmaNumber():
            return text == str(value.number) or _number(text) == value.number
        case t.SigmaBool():
            return text.lower() == str(value).lower()
        case t.SigmaRegularExpression():
            options = 0
            for flag in value.flags:
                options |= value.sigma_to_python_flags[flag]
            return _regex(str(value.regexp), options).search(text) is not None
        case t.SigmaCIDRExpression():
            return _in_network(text, str(value.network))
        case t.SigmaCompareExpression():
            return _compares(_number(text), value)
    raise TypeError(value)


@functools.cache
def _regex(pattern: str, flags: int) -> re.Pattern[str]:
    return re.compile(pattern, flags)


def _pattern(value: t.SigmaString) -> re.Pattern[str] | None:
    """The text with its wildcards; None for one with a placeholder, which nothing is."""
    if id(value) not in _PATTERNS:
        flags = re.DOTALL if isinstance(value, t.SigmaCasedString) else re.DOTALL | re.IGNORECASE
        pattern = None if value.contains_placeholder() else re.compile(_spelled(value), flags)
        _PATTERNS[id(value)] = (value, pattern)
    return _PATTERNS[id(value)][1]


def _spelled(value: t.SigmaString) -> str:
    return "".join(
        re.escape(part) if isinstance(part, str) else ".*" if part == t.SpecialChars.WILDCARD_MULTI else "."
        for part in value.s
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _compares(number: float | None, value: t.SigmaCompareExpression) -> bool:
    if number is None:
        return False
    wanted = value.number.number
    return {
        "LT": number < wanted, "LTE": number <= wanted, "GT": number > wanted, "GTE": number >= wanted,
        "NEQ": number != wanted,
    }[value.op.name]  # fmt: skip


def _in_network(text: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(text) in ipaddress.ip_network(network)
    except ValueError:
        return False


def _part(text: str, value: t.SigmaTimestampPart) -> bool:
    moment = datetime.fromisoformat(text)
    part = value.timestamp_part.name.lower()
    return (moment.isocalendar().week if part == "week" else getattr(moment, part)) == value.number


def all_fires(rules: Iterable[SigmaRule], events: Iterable[Windows]) -> Iterator[tuple[str, int]]:
    """Every (rule, position of the event) that fires."""
    kept = list(rules)
    for i, event in enumerate(events):
        for rule in kept:
            if fires(rule, event):
                yield str(rule.id), i
