"""Write an Okta org's System Log, by the gigabyte.

`python -m benchmarks.okta_events FILE [--events 200000] [--seed 1]` writes NDJSON of about 2.2 KB a record in
the shape that Okta documents: parents that are null or missing, numbers written as text, JSON and `{k=v}` text
inside debugData, targets of several kinds. The same seed gives the same bytes.
"""

import argparse
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from benchmarks.okta_kinds import AGENTS, APPS, DEBUG_DATA, FAMILIES, GROUPS, KINDS, NAMES, PLACES, Kind

Json = dict[str, Any]

START = datetime(2026, 2, 9, 6, 0, tzinfo=UTC)
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class Org:
    """A seeded organisation: 2,000 users, its apps and groups, and the clock of its log."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.clock = START
        self.users = [self._user(number) for number in range(2000)]
        self.apps = [(self.ident("0oa"), name) for name in APPS]
        self.groups = [(self.ident("00g"), name) for name in GROUPS]
        self.places = [self._place(row) for row in PLACES]

    def ident(self, prefix: str) -> str:
        """Return an Okta id: a prefix for the kind of object and 17 letters and digits."""
        return prefix + "".join(self.random.choices(LETTERS, k=17))

    def event(self, kind: Kind) -> Json:
        """Return the next record of the log, a few hundred milliseconds after the one before it."""
        choose = self.random
        self.clock += timedelta(milliseconds=choose.randrange(20, 800))
        place, address, user = choose.choice(self.places), self._address(), choose.choice(self.users)
        failed = bool(kind.failures) and choose.random() < 0.15
        request = self.ident("")
        session = "102" + self.ident("") if kind.actor == "User" else None
        return {
            "actor": self._actor(kind, user, address),
            "client": self._client(kind, place, address),
            "device": self._device(kind),
            "authenticationContext": {
                "authenticationProvider": "FACTOR_PROVIDER" if "factor" in kind.debug else None,
                "credentialProvider": "OKTA_CREDENTIAL_PROVIDER" if "factor" in kind.debug else None,
                "credentialType": "OTP" if "factor" in kind.debug else None,
                "issuer": None,
                "interface": None,
                "authenticationStep": 0,
                "rootSessionId": session,
                "externalSessionId": session or "unknown",
            },
            "displayMessage": kind.message,
            "eventType": kind.event_type,
            "outcome": {
                "result": _result(kind, failed=failed),
                "reason": choose.choice(kind.failures) if failed else None,
            },
            "published": self.clock.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "securityContext": self._security(kind, place),
            "severity": "WARN" if failed else kind.severity,
            "debugContext": {"debugData": self._debug(kind, request, failed=failed)},
            "legacyEventType": kind.legacy,
            "transaction": {"type": "WEB" if kind.actor == "User" else "JOB", "id": request, "detail": {}},
            "uuid": self._uuid(),
            "version": "0",
            "request": {"ipChain": self._chain(kind, place, address)},
            "target": [self._target(name, user) for name in kind.targets] or None,
        }

    def _user(self, number: int) -> tuple[str, str, str]:
        given, family = self.random.choice(NAMES), self.random.choice(FAMILIES)
        login = f"{given}.{family}{number}".lower().replace("'", "").replace("ü", "u")
        return self.ident("00u"), f"{login}@northwind.example", f"{given} {family}"

    def _place(self, row: tuple[Any, ...]) -> tuple[Json, Json]:
        city, state, country, postal, lat, lon, number, isp, domain = row
        geo = {
            "city": city,
            "state": state,
            "country": country,
            "postalCode": postal,
            "geolocation": {"lat": lat, "lon": lon},
        }
        return geo, {"asNumber": number, "asOrg": isp, "isp": isp, "domain": domain, "isProxy": False}

    def _address(self) -> str:
        bits = self.random.getrandbits(24)
        if bits % 20 == 0:
            return f"2001:db8:{bits >> 12:x}::{bits & 0xFFF:x}"
        return f"198.{18 + bits % 2}.{bits >> 16}.{bits >> 8 & 0xFF}"

    def _uuid(self) -> str:
        text = f"{self.random.getrandbits(128):032x}"
        return f"{text[:8]}-{text[8:12]}-11f0-{text[16:20]}-{text[20:]}"

    def _actor(self, kind: Kind, user: tuple[str, str, str], address: str) -> Json:
        if kind.actor == "IP address":
            return {
                "id": address,
                "type": kind.actor,
                "alternateId": "unknown",
                "displayName": address,
                "detailEntry": None,
            }
        if kind.actor == "SystemPrincipal":
            return {
                "id": "okta",
                "type": kind.actor,
                "alternateId": "system@okta.com",
                "displayName": "Okta System",
                "detailEntry": None,
            }
        return {"id": user[0], "type": "User", "alternateId": user[1], "displayName": user[2], "detailEntry": None}

    def _client(self, kind: Kind, place: tuple[Json, Json], address: str) -> Json:
        raw, system, browser, device = AGENTS[3] if kind.actor == "SystemPrincipal" else self.random.choice(AGENTS[:3])
        return {
            "userAgent": {"rawUserAgent": raw, "os": system, "browser": browser},
            "zone": "null",
            "device": device,
            "id": None,
            # An agent that polls from inside the network has an address and no known place.
            "ipAddress": address,
            "geographicalContext": None if kind.actor == "SystemPrincipal" else place[0],
        }

    def _device(self, kind: Kind) -> Json | None:
        if "risk" not in kind.debug or self.random.random() < 0.5:
            return None
        return {
            "id": self.ident("guo"),
            "name": "NW-LT-" + str(self.random.randrange(9999)),
            "os_platform": "OSX",
            "os_version": "26.2.0",
            "managed": True,
            "registered": True,
            "device_integrator": None,
            "disk_encryption_type": "ALL_INTERNAL_VOLUMES",
            "screen_lock_type": "BIOMETRIC",
            "jailbreak": None,
            "secure_hardware_present": True,
        }

    def _security(self, kind: Kind, place: tuple[Json, Json]) -> Json:
        if kind.actor == "User":
            return place[1]
        return {"asNumber": None, "asOrg": None, "isp": None, "domain": None, "isProxy": None}

    def _chain(self, kind: Kind, place: tuple[Json, Json], address: str) -> list[Json]:
        if kind.actor == "SystemPrincipal":
            return []
        hop = {
            "ip": address,
            "geographicalContext": place[0],
            "version": "V6" if ":" in address else "V4",
            "source": None,
        }
        return [hop, {**hop, "ip": "203.0.113.9"}] if self.random.random() < 0.1 else [hop]

    def _target(self, name: str, user: tuple[str, str, str]) -> Json:
        choose = self.random
        if name in {"User", "AppUser"}:
            ident = user[0] if name == "User" else self.ident("0ua")
            return {"id": ident, "type": name, "alternateId": user[1], "displayName": user[2], "detailEntry": None}
        if name in {"AppInstance", "UserGroup"}:
            ident, label = choose.choice(self.apps if name == "AppInstance" else self.groups)
            return {"id": ident, "type": name, "alternateId": label, "displayName": label, "detailEntry": None}
        detail = {"policyType": "OktaSignOn"} if name == "PolicyEntity" else None
        return {
            "id": self.ident("00p"),
            "type": name,
            "alternateId": "unknown",
            "displayName": f"{name} {choose.randrange(40)}",
            "detailEntry": detail,
        }

    def _debug(self, kind: Kind, request: str, *, failed: bool) -> Json:
        path = kind.uri.replace("{app}", "salesforce").replace("{id}", self.ident("0oa"))
        data: Json = {
            "requestId": request,
            "requestUri": path,
            "url": path + "?",
            "threatSuspected": "true" if "threat" in kind.debug else "false",
        }
        if "behaviors" in kind.debug:
            data["dtHash"] = f"{self.random.getrandbits(256):064x}"
        for part in kind.debug:
            data.update(DEBUG_DATA[part])
        if "behaviors" in kind.debug and failed:
            data["behaviors"] = DEBUG_DATA["behaviors"]["behaviors"].replace("New IP=NEGATIVE", "New IP=POSITIVE")
        return data


def _result(kind: Kind, *, failed: bool) -> str:
    if kind.event_type.startswith("policy."):
        return "ALLOW"
    if kind.event_type.startswith("security."):
        return "DENY"
    return "FAILURE" if failed else "SUCCESS"


def okta_events(count: int, seed: int = 1) -> Iterator[bytes]:
    """Yield `count` records as JSON lines, newline included; the same seed yields the same bytes."""
    org = Org(seed)
    weights = [kind.weight for kind in KINDS]
    for _ in range(count):
        kind = org.random.choices(KINDS, weights)[0]
        yield orjson.dumps(org.event(kind), option=orjson.OPT_APPEND_NEWLINE)


def write_okta(path: Path, count: int = 200_000, seed: int = 1) -> int:
    """Write `count` records to `path` unless a file of that name is there already; return its size in bytes."""
    if not path.exists():
        unfinished = path.with_name(path.name + ".unfinished")
        with unfinished.open("wb", buffering=1 << 20) as file:
            file.writelines(okta_events(count, seed))
        unfinished.rename(path)
    return path.stat().st_size


def _main() -> None:
    parser = argparse.ArgumentParser(description="Write an Okta System Log as NDJSON.")
    parser.add_argument("path", type=Path)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    size = write_okta(wanted.path, wanted.events, wanted.seed)
    sys.stdout.write(f"{wanted.path}: {size / 1e6:.0f} MB, {size / wanted.events:.0f} bytes a record\n")


if __name__ == "__main__":
    _main()
