"""What an SQS message says about objects: S3's own events, as they are or wrapped by SNS, and EventBridge's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

import orjson

_WRAPPINGS = 3


@dataclass(frozen=True, slots=True)
class Notice:
    """An object that was written. Empty `etag` and `version`, and a `size` of None, are not told."""

    bucket: str
    key: str
    etag: str = ""
    version: str = ""
    size: int | None = None


def notices(body: str) -> list[Notice] | None:
    """Return the objects that a message says were written, maybe none; None where the message makes no sense."""
    try:
        return list(_found(orjson.loads(body), _WRAPPINGS))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _found(told: Any, wrappings: int) -> Iterator[Notice]:
    if told.get("Event") == "s3:TestEvent":  # sent once when notifications are set up
        return
    if isinstance(told.get("Message"), str) and wrappings:  # SNS
        yield from _found(orjson.loads(told["Message"]), wrappings - 1)
    elif "Records" in told:
        for record in told["Records"]:
            yield from _of_record(record)
    elif told.get("source") == "aws.s3":  # EventBridge; its keys are not encoded
        if told["detail-type"] == "Object Created":
            detail = told["detail"]
            yield _notice(detail["bucket"]["name"], detail["object"]["key"], detail["object"], "etag", "version-id")
    elif "s3Bucket" in told:  # CloudTrail's own notification
        for key in told["s3ObjectKey"]:
            yield _notice(told["s3Bucket"], key, {}, "", "")
    else:
        raise ValueError


def _of_record(record: Any) -> Iterator[Notice]:
    named = record["eventName"].removeprefix("s3:")
    thing, bucket = record["s3"]["object"], record["s3"]["bucket"]["name"]
    if named.startswith("ObjectCreated:"):
        yield _notice(bucket, unquote_plus(thing["key"]), thing, "eTag", "versionId")


def _notice(bucket: Any, key: Any, thing: dict[str, Any], etag: str, version: str) -> Notice:
    if not (isinstance(bucket, str) and isinstance(key, str) and bucket and key):
        raise TypeError
    size = thing.get("size")
    told = str(thing.get(version) or "")
    return Notice(
        bucket,
        key,
        str(thing.get(etag) or "").strip('"'),
        "" if told == "null" else told,
        size if isinstance(size, int) and size >= 0 else None,
    )
