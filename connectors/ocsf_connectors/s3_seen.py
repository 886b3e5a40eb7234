"""Which object versions were taken in, in twelve bytes each: 12 MB in memory and in the ledger for a million."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np

WIDTH = 12
_AT_ONCE = 50_000


def digest(*parts: str) -> bytes:
    """Name something by twelve bytes: among a billion, two alike are as likely as one in ten billion."""
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=WIDTH).digest()


class Seen:
    """A set of digests by the day on which they came, so that old days can be forgotten."""

    def __init__(self) -> None:
        """Begin with none."""
        self._sorted: dict[str, Any] = {}
        self._fresh: dict[str, set[bytes]] = {}

    def add(self, day: str, digests: Iterable[bytes]) -> None:
        """Remember digests; `day` is `YYYYMMDD`."""
        fresh = self._fresh.setdefault(day, set())
        fresh.update(digests)
        if len(fresh) > _AT_ONCE:
            before = self._sorted.get(day, np.array([], f"S{WIDTH}"))
            self._sorted[day] = np.union1d(before, np.array(list(fresh), f"S{WIDTH}"))
            self._fresh[day] = set()

    def __contains__(self, one: bytes) -> bool:
        """Whether a digest came on a day that is not forgotten."""
        return any(one in fresh for fresh in self._fresh.values()) or any(_holds(m, one) for m in self._sorted.values())

    def forget_before(self, day: str) -> None:
        """Forget the days before this one."""
        for held in (self._sorted, self._fresh):
            for old in [each for each in held if each < day]:
                del held[old]


def _holds(many: Any, one: bytes) -> bool:
    wanted = np.array(one, many.dtype)
    place = int(np.searchsorted(many, wanted))
    return place < len(many) and bool(many[place] == wanted)


def split(data: bytes) -> list[bytes]:
    """Cut the content of a ledger file into its digests."""
    return [data[at : at + WIDTH] for at in range(0, len(data) - WIDTH + 1, WIDTH)]
