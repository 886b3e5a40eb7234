"""IP addresses as text: the two grammars, which both engines share, and networks."""

from __future__ import annotations

import functools
import ipaddress
import re

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_GROUP = "[0-9A-Fa-f]{1,4}"
V4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"


def _v6() -> str:
    """RFC 4291 text of an IPv6 address, without a zone."""
    forms = [f"(?:{_GROUP}:){{7}}{_GROUP}", f"(?:{_GROUP}:){{6}}{V4}"]
    for before in range(8):
        left = f"{_GROUP}(?::{_GROUP}){{{before - 1}}}" if before else ""
        right = f"(?:{_GROUP}(?::{_GROUP}){{0,{6 - before}}})?" if before < 7 else ""
        forms.append(f"{left}::{right}")
        if before < 6:
            forms.append(f"{left}::(?:{_GROUP}:){{0,{5 - before}}}{V4}")
    return "(?:" + "|".join(forms) + ")"


V6 = _v6()
ADDRESS = f"(?:{V4}|{V6})"
PRIVATE = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
    "::1/128", "fc00::/7", "fe80::/10",
)  # fmt: skip


@functools.lru_cache(maxsize=4096)
def is_address(text: str) -> bool:
    """Whether the whole text is an IPv4 or IPv6 address."""
    return re.fullmatch(ADDRESS, text) is not None


@functools.lru_cache(maxsize=256)
def network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """The network that `text` names; raises ValueError when host bits are set or it is none."""
    return ipaddress.ip_network(text)


def in_networks(address: str, networks: tuple[str, ...]) -> bool | None:
    """Whether an address lies in one of the networks; null when it is no address."""
    if not is_address(address):
        return None
    found = ipaddress.ip_address(address)
    return any(found.version == net.version and found in net for net in map(network, networks))


def in_networks_sql(address: str, networks: tuple[str, ...]) -> str:
    """The SQL of `in_networks`: IPv4 by pattern, IPv6 by the pattern of its 32 digits."""
    four = "|".join(_v4_pattern(net) for net in map(network, networks) if isinstance(net, ipaddress.IPv4Network))
    six = "|".join(_v6_pattern(net) for net in map(network, networks) if isinstance(net, ipaddress.IPv6Network))
    whens = f"when regexp_full_match({address}, '{V4}') then "
    whens += f"regexp_full_match({address}, '{four}')" if four else "false"
    inside = f"regexp_matches({_digits_sql(address)}, '^(?:{six})')" if six else "false"
    return f"case {whens} when regexp_full_match({address}, '{V6}') then {inside} end"


def _v4_pattern(net: ipaddress.IPv4Network) -> str:
    whole, bits = divmod(net.prefixlen, 8)
    octets = str(net.network_address).split(".")
    fixed = octets[:whole]
    if bits:
        first = int(octets[whole])
        fixed.append("(?:" + "|".join(map(str, range(first, first + (1 << (8 - bits))))) + ")")
    return r"\.".join(fixed + [_OCTET] * (4 - len(fixed)))


def _v6_pattern(net: ipaddress.IPv6Network) -> str:
    whole, bits = divmod(net.prefixlen, 4)
    digits = f"{int(net.network_address):032x}"
    if not bits:
        return digits[:whole]
    first = int(digits[whole], 16)
    return digits[:whole] + "[" + "".join(f"{n:x}" for n in range(first, first + (1 << (4 - bits)))) + "]"


def _digits_sql(address: str) -> str:
    """The 32 hexadecimal digits of an IPv6 address, an IPv4 tail and `::` written out."""
    octets = f"string_split(regexp_extract({address}, '[0-9.]+$'), '.')"
    numbers = ", ".join(f"coalesce(try_cast(o[{i}] as integer), 0)" for i in (1, 2, 3, 4))
    tail = f"list_transform([{octets}], lambda o: printf('%02x%02x:%02x%02x', {numbers}))[1]"
    head = f"regexp_extract({address}, '^(.*:)', 1)"
    hexed = f"case when contains({address}, '.') then {head} || {tail} else {address} end"
    padded = "list_transform(string_split({half}, ':'), lambda g: case when g = '' then '' else lpad(g, 4, '0') end)"
    left = f"array_to_string({padded.format(half=f'split_part(h, {_DOUBLE}, 1)')}, '')"
    right = f"array_to_string({padded.format(half=f'split_part(h, {_DOUBLE}, 2)')}, '')"
    whole = f"{left} || repeat('0', 32 - length({left}) - length({right})) || {right}"
    return f"list_transform([lower({hexed})], lambda h: {whole})[1]"


_DOUBLE = "'::'"
