"""One batch of one partition, as the checkpoint and every Delta commit name it."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from urllib.parse import quote

_LONGEST_NAME = 120  # file systems end at 255 bytes; the digest and suffixes need room


@dataclass(frozen=True, slots=True)
class Txn:
    """A range of one partition and the plan that maps it; `start` is included, `end` is not; `clock` is epoch ms.

    `batch` counts from 0 within the partition, without gaps. Two transactions are equal only when one was read from
    the other's intent: the nonce tells apart two workers that read the same range on their own.
    """

    pipeline: str
    source: str
    partition: str
    batch: int
    plan: str
    start: int
    end: int
    clock: int
    nonce: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def app_id(self) -> str:
        """Return the Delta application id; two different partitions never share one."""
        return app_id(self.pipeline, self.source, self.partition)

    def to_json(self) -> str:
        """Return the transaction as one JSON object."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @staticmethod
    def from_json(text: str | bytes) -> Txn:
        """Return the transaction that `to_json` wrote."""
        return Txn(**json.loads(text))


@dataclass(frozen=True, slots=True)
class State:
    """Where a partition stands: the next batch, the first position not yet in the lake, and a batch left half done.

    When `pending` is there, it is batch `next_batch` and must be run again, exactly as it says, before any other.
    """

    next_batch: int
    offset: int
    pending: Txn | None = None


class Commits(dict[str, int]):
    """Rows of one batch by table; `implausible` counts the rows filed under the day of arrival for want of a time."""

    implausible: int = 0


def app_id(pipeline: str, source: str, partition: str) -> str:
    """Return the three names as one, joined by `/`; no name can contain the separator unescaped."""
    return "/".join(safe_name(name) for name in (pipeline, source, partition))


def safe_name(name: str) -> str:
    """Return the name as one path segment, never empty, `.` or `..`, nor too long; different names stay different."""
    quoted = quote(name, safe="") or "%"
    if quoted.startswith("."):
        quoted = "%2E" + quoted[1:]
    if len(quoted) <= _LONGEST_NAME:
        return quoted
    return f"{quoted[: _LONGEST_NAME - 33]}-{sha256(name.encode()).hexdigest()[:32]}"
