"""Rows of `_quarantine`: everything that is needed to see why a record was refused, and to map it again."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ocsf_pipe.content.cipher import Cipher, is_sealed
from ocsf_pipe.content.vault import Vault
from ocsf_pipe.engine.outcome import Fault
from ocsf_pipe.source import Records, Reject

SCHEMA = pa.schema(
    [
        ("record_uid", pa.string()),
        ("source", pa.string()),
        ("partition", pa.string()),
        ("position", pa.int64()),
        ("sub", pa.int64()),
        ("rule", pa.string()),
        ("field", pa.string()),
        ("reason", pa.string()),
        ("mapping_version", pa.string()),
        ("time", pa.int64()),
        ("raw", pa.binary()),
        ("record", pa.string()),
    ]
)
"""`record` is the decoded record as JSON text where `raw` alone does not say it (a line under a header, a span)."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The refused records of one partition: who mapped them, where they stood, when.

    With a `vault` they may hold content: they are encrypted, and nothing of them is in a reason or an id.
    """

    source: str
    partition: str
    mapping_version: str
    clock: int
    vault: Vault | None = None

    def table(self, records: Records, faults: Sequence[Fault], rejects: Sequence[Reject] = ()) -> pa.Table:
        """The rows for what an engine refused and for what could not be decoded."""
        rows = [self._fault(records, fault) for fault in faults] + [self._reject(reject) for reject in rejects]
        return pa.Table.from_pylist(rows, schema=SCHEMA)

    def _fault(self, records: Records, fault: Fault) -> dict[str, object]:
        raw = records.raw[fault.row].as_py().encode()
        position, sub = records.position[fault.row].as_py(), records.sub[fault.row].as_py()
        place = {"rule": fault.rule, "field": fault.attribute, "reason": fault.reason}
        row = {**self._row(raw, position, sub), **place}
        record = _decoded(records, fault.row)
        if record is not None and self.vault is not None:
            record = sealed_text(self.vault.cipher, record, str(row["record_uid"]))
        return {**row, "record": record}

    def _reject(self, reject: Reject) -> dict[str, object]:
        return {**self._row(reject.raw, reject.position, reject.sub), "reason": self.reason(reject.reason)}

    def reason(self, reason: str) -> str:
        """Return a reason as it may be shown: without what a decoder quotes where that may be content."""
        return reason if self.vault is None else reason.partition(": ")[0]

    def _row(self, raw: bytes, position: int, sub: int) -> dict[str, object]:
        said = raw if self.vault is None else hmac.digest(self.vault.keyring.derived("record")[0], raw, "sha256")
        uid = record_uid(self.partition, position, sub, said)
        if self.vault is not None:
            raw = self.vault.cipher.seal(raw, uid.encode())
        return {
            "record_uid": uid,
            "source": self.source,
            "partition": self.partition,
            "position": position,
            "sub": sub,
            "mapping_version": self.mapping_version,
            "time": self.clock,
            "raw": raw,
        }


def sealed_text(cipher: Cipher, text: str, uid: str) -> str:
    """The sealed form of a text as text."""
    return base64.b64encode(cipher.seal(text.encode(), uid.encode())).decode()


def opened(vault: Vault, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with `raw` and `record` as they came in; raises ValueError where its key is not here."""
    if not is_sealed(row["raw"]):
        return row
    about = row["record_uid"].encode()
    shown = {**row, "raw": vault.cipher.open(row["raw"], about)}
    if row.get("record") is not None:
        shown["record"] = vault.cipher.open(base64.b64decode(row["record"]), about).decode()
    return shown


def record_uid(partition: str, position: int, sub: int, raw: bytes) -> str:
    """The id of a record: what it says and where it stood."""
    return hashlib.sha256(f"{partition}\0{position}\0{sub}\0".encode() + raw).hexdigest()[:32]


def _decoded(records: Records, row: int) -> str | None:
    if records.json is not None:
        found: str = records.json[row].as_py()
        return found
    if records.columns is None:
        return None
    from ocsf_pipe.decode import json_text

    names = records.columns.column_names
    values = {name: records.columns[name][row].as_py() for name in names}
    return json_text.dumps({name: value for name, value in values.items() if value is not None})
