"""The lake's own guard of content, and the table of texts where a lake keeps them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from ocsf_pipe.content.keys import Keyring, from_file
from ocsf_pipe.content.vault import Vault
from ocsf_pipe.engine.outcome import Outcome
from ocsf_pipe.errors import UsageError
from ocsf_pipe.lake import Lake
from ocsf_pipe.run.pipeline import Tier

KEY, KEY_FILE = "OCSF_PIPE_CONTENT_KEY", "OCSF_PIPE_CONTENT_KEY_FILE"
KEY_PLACE = "_keys/content.key"
SCHEMA = pa.schema(
    [
        ("event_uid", pa.string()),
        ("event_class", pa.string()),
        ("source", pa.string()),
        ("path", pa.string()),
        ("kind", pa.string()),
        ("hmac", pa.string()),
        ("text", pa.string()),
        ("sealed", pa.binary()),
        ("time", pa.int64()),
    ]
)
"""`event_uid` is `metadata.uid` of the event; `text`, or `sealed` where texts are encrypted, is what was said."""


def vault_of(lake: Lake, tier: Tier = "seal", key_file: str | None = None) -> Vault:
    """The guard of a lake; its keys are looked for when they are first needed."""
    return Vault(partial(keyring_of, lake, key_file, make=True), tier != "seal", tier == "store")


def reading_vault(lake: Lake, key_file: str | None = None) -> Vault:
    """The guard of a lake for reading: it makes no key."""
    return Vault(partial(keyring_of, lake, key_file, make=False))


def keyring_of(lake: Lake, key_file: str | None = None, *, make: bool) -> Keyring:
    """The keys of a lake: of the file that is named, of the environment, or of the lake itself.

    Raises UsageError where they cannot be read. A lake that has none yet is given one where `make` says so.
    """
    named = key_file or os.environ.get(KEY_FILE)
    if named is not None:
        return from_file(Path(named), make=make)
    if (text := os.environ.get(KEY)) is not None:
        return Keyring.parse(text, KEY)
    if "://" not in lake.where:
        return from_file(Path(lake.where) / KEY_PLACE, make=make)
    if make:
        lake.store.put_new(KEY_PLACE, Keyring.fresh().text().encode())
    found = lake.store.get(KEY_PLACE)
    if found is None:
        raise UsageError(f"the lake `{lake.where}` has no key", f"name it by {KEY_FILE} or {KEY}")
    return Keyring.parse(found.decode("ascii", "replace"), f"{lake.where}/{KEY_PLACE}")


def text_table(outcome: Outcome, vault: Vault) -> pa.Table | None:
    """The texts of a batch, each beside the id of its event; None where none is kept."""
    rows = list(_rows(outcome, vault)) if outcome.texts else []
    return pa.Table.from_pylist(rows, schema=SCHEMA) if rows else None


def _rows(outcome: Outcome, vault: Vault) -> Iterator[dict[str, Any]]:
    for name, table in outcome.tables.items():
        lists = [key for key in ("content_list", "enrichments") if key in table.column_names]
        if not lists:
            continue
        columns = [table[key] for key in ("metadata", "time", lists[0], "source")]
        for metadata, time, told, source in zip(*(column.to_pylist() for column in columns), strict=True):
            about = {"event_uid": metadata["uid"], "event_class": name, "source": source, "time": time}
            found = [_told(one) for one in told or ()]
            yield from (_row({**about, **one}, outcome.texts[one["hmac"]], vault)
                        for one in found if one["hmac"] in outcome.texts)  # fmt: skip


def _told(one: dict[str, Any]) -> dict[str, Any]:
    """What an event says of one sealed text, by the names of this table."""
    if "fingerprint" in one:
        hmac = (one["fingerprint"] or {}).get("value")
        return {"path": one["source_path"], "kind": one["content_part"], "hmac": hmac}
    return {"path": one["name"], "kind": one["type"], "hmac": one["value"]}


def _row(row: dict[str, Any], text: str, vault: Vault) -> dict[str, Any]:
    if vault.encrypt:
        return {**row, "sealed": vault.cipher.seal(text.encode("utf-8", "surrogatepass"), about_of(row))}
    return {**row, "text": text}


def about_of(row: dict[str, Any]) -> bytes:
    """What an encrypted text is bound to: its event."""
    return f"{row['event_class']}/{row['event_uid']}".encode()


def text_of(row: dict[str, Any], vault: Vault) -> str:
    """The text of a row; raises ValueError where its key is not here."""
    if row["sealed"] is None:
        text: str = row["text"]
        return text
    return vault.cipher.open(row["sealed"], about_of(row)).decode("utf-8", "surrogatepass")
