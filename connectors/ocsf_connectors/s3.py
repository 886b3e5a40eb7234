"""The `s3` connector: objects of S3 or of what speaks its language, told by a queue, found by listing, or both.

One partition, `objects`, that one worker reads at a time; others wait (s3_lease.py). Every object version (bucket, key,
etag) is written into the lake's ledger before it is read (s3_manifest.py), so it is read once however often it is told
of. An SQS message is deleted when the objects it names are in the lake. An object that is overwritten is a new version
and is read as a whole; one that is gone or in cold storage is a record in the quarantine. Where access is refused (403)
or the far end is busy (503) the source waits and says so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ocsf_connectors.s3_client import Bucket, Queue, clients
from ocsf_connectors.s3_intake import Inbox, Listing, Wanted
from ocsf_connectors.s3_lease import Lease
from ocsf_connectors.s3_manifest import DAY_MS, Manifest
from ocsf_connectors.s3_partition import ID, S3Partition
from ocsf_pipe.errors import SourceError
from ocsf_pipe.source import Context, Offset

_FOREVER = (1 << 62) - 1
START = Offset()


def _text(description: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "description": description, **more}


def _texts(description: str) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string"}, "description": description}


def _number(description: str, least: float, default: float, most: float | None = None) -> dict[str, Any]:
    limit = {} if most is None else {"maximum": most}
    kind = "integer" if isinstance(default, int) else "number"
    return {"type": kind, "minimum": least, **limit, "default": default, "description": description}


def _flag(description: str) -> dict[str, Any]:
    return {"type": "boolean", "default": False, "description": description}


SETTINGS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "anyOf": [{"required": ["queue_url"]}, {"required": ["bucket"]}],
    "properties": {
        "queue_url": _text(
            "URL of the SQS queue that gets the bucket's notifications, as S3 sends them or through SNS or EventBridge."
        ),
        "bucket": _text("Bucket to list, for what was there before the notifications or where there are none."),
        "prefixes": _texts(
            "Beginnings of the keys to list; all keys if left out. Does not limit what the queue tells."
        ),
        "include": _texts("Patterns such as `*/CloudTrail/*.json.gz`; a key has to fit one of them."),
        "exclude": _texts("Patterns of keys that are not read."),
        "since": _text("List only objects written at this time or later: `2026-02-01` or `2026-02-01T12:00:00Z`."),
        "until": _text("List only objects written before this time."),
        "poll_seconds": _number("Pause between two listings; at least twice as long as a listing takes.", 0, 60.0),
        "once": _flag("End when everything was listed and read once; for a backfill without a queue."),
        "remember_days": _number(
            "How long an object that was read is known by its etag. Not less than the queue keeps messages. Listing "
            "leaves out objects that are older than this and were there at an earlier listing.",
            1,
            15,
        ),
        "unreadable_messages": {
            "enum": ["leave", "delete"],
            "default": "leave",
            "description": "What becomes of a message that names no object, once it is in the quarantine: `leave` it, "
            "so that the queue moves it to its dead letters, or `delete` it.",
        },
        "visibility_seconds": _number(
            "How long a message is hidden from others; extended while it is in hand.", 10, 300, 43_200
        ),
        "readers": _number("How many small objects are fetched at a time.", 1, 8, 64),
        "region": _text("Region, if the environment does not name it."),
        "endpoint_url": _text("Where S3 and SQS are, for other stores than Amazon's, such as `http://127.0.0.1:9000`."),
        "path_style": _flag("Put the bucket into the path of the URL, not into its host."),
        "profile": _text("Profile of the AWS configuration files."),
        "role_arn": _text("Role to take on."),
        "external_id": _text("External id that the role asks for."),
        "access_key_id": _text("Access key; else the environment, the profile or the machine gives credentials."),
        "secret_access_key": _text("Secret of the access key.", format="secret"),
        "session_token": _text("Session token of a temporary access key.", format="secret"),
    },
}


def connect(settings: Mapping[str, Any], context: Context) -> S3Source:
    """Return the source of a queue, a bucket or both; raises SourceError where the settings do not fit."""
    if not settings.get("queue_url") and not settings.get("bucket"):
        raise SourceError("neither `queue_url` nor `bucket` is given", "name a queue, a bucket to list, or both")
    if settings.get("once") and settings.get("queue_url"):
        raise SourceError("`once` and `queue_url` do not go together", "a queue never ends; leave out one of them")
    if bool(settings.get("access_key_id")) != bool(settings.get("secret_access_key")):
        raise SourceError("`access_key_id` and `secret_access_key` go together", "give both or none")
    since, until = _time(settings, "since", 0), _time(settings, "until", _FOREVER)
    if since >= until:
        raise SourceError("`since` is not before `until`", "nothing is between them")
    bucket, queue = clients(settings)
    return S3Source(settings, context, bucket, queue, since, until, Lease(context.ledger, context.state))


def _time(settings: Mapping[str, Any], name: str, default: int) -> int:
    """Read a setting as milliseconds since 1970; UTC where it names no zone."""
    if not settings.get(name):
        return default
    try:
        at = dt.datetime.fromisoformat(settings[name])
    except ValueError:
        raise SourceError(f"`{name}` is no time: `{settings[name]}`", "write it like `2026-02-01T12:00:00Z`") from None
    return int((at if at.tzinfo else at.replace(tzinfo=dt.UTC)).timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class S3Source:
    """The objects that a queue and a listing tell of, as one partition."""

    settings: Mapping[str, Any]
    context: Context
    bucket: Bucket
    queue: Queue | None
    since: int
    until: int
    lease: Lease

    def partitions(self) -> Sequence[str]:
        """Return the one partition if this worker has the lease, else none."""
        return [ID] if self.lease.held() else []

    def open(self, partition: str, offset: Offset = START) -> S3Partition:
        """Open the partition where the lake stands; SourceError where the ledger does not know that place."""
        if partition != ID:
            raise SourceError(f"no partition `{partition}`", f"there is only `{ID}`")
        return S3Partition(
            self.bucket,
            self.context.decoder,
            Manifest(self.context.ledger),
            self._inbox(),
            self._listing(),
            once=bool(self.settings.get("once")),
            remember_ms=self._remember(),
            readers=int(self.settings.get("readers", 8)),
            at=offset.position,
        )

    def close(self) -> None:
        """Give the lease back."""
        self.lease.close()

    def _inbox(self) -> Inbox | None:
        if self.queue is None:
            return None
        delete = self.settings.get("unreadable_messages") == "delete"
        return Inbox(self.queue, self.bucket, self._wanted(), delete)

    def _listing(self) -> Listing | None:
        if not self.settings.get("bucket"):
            return None
        return Listing(
            self.bucket,
            self.settings["bucket"],
            tuple(self.settings.get("prefixes") or [""]),
            self._wanted(),
            self.since,
            self.until,
            float(self.settings.get("poll_seconds", 60)),
            self._remember(),
        )

    def _wanted(self) -> Wanted:
        return Wanted(tuple(self.settings.get("include", ())), tuple(self.settings.get("exclude", ())))

    def _remember(self) -> int:
        return int(self.settings.get("remember_days", 15)) * DAY_MS
