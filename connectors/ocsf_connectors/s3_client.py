"""The far end: S3 and SQS calls, with errors that say what to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ocsf_pipe.errors import SourceError

PAGE = 1000
_BATCH = 10
"""What SQS takes and gives at once."""
_HINTS = {
    403: "check the credentials and that their policy allows {needs}; if the object is encrypted, the key's too",
    404: "check the name, the account and the region",
    429: "it is tried again; lower `readers` if it goes on",
    503: "it is tried again; lower `readers` if it goes on",
}


class GoneError(Exception):
    """The object, or this version of it, is not there any more."""


class ChangedError(Exception):
    """The object was overwritten since it was listed."""


class ArchivedError(Exception):
    """The object is in cold storage and has to be restored before it can be read."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as a listing shows it; `modified` in ms since 1970."""

    key: str
    etag: str
    size: int
    modified: int


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the queue; `receipt` is what deletes it."""

    id: str
    receipt: str
    body: str


@contextmanager
def _asking(what: str, needs: str) -> Iterator[None]:
    """Turn what the client library raises into SourceError; `what` is what was asked, `needs` the permission."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

    try:
        yield
    except ClientError as error:
        raise _told(error, what, needs) from error
    except NoCredentialsError as error:
        raise SourceError(f"cannot {what}: there are no credentials", "set them, a profile or a role") from error
    except BotoCoreError as error:
        raise SourceError(
            f"cannot {what}: {error}", "check the network and `endpoint_url`; it is tried again"
        ) from error


def _told(error: Any, what: str, needs: str) -> SourceError:
    told, status = error.response.get("Error", {}), _status(error)
    code = str(told.get("Code", status))
    if code in ("AccessDenied", "AccessDeniedException", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"):
        status = 403
    if code in ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "NoSuchBucket"):
        status = 404
    hint = _HINTS.get(status, "it is tried again").format(needs=needs)
    return SourceError(f"cannot {what}: {status} {code}: {told.get('Message') or 'no message'}", hint)


def _status(error: Any) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


@dataclass(frozen=True, slots=True)
class Bucket:
    """The S3 calls; may be used by many threads."""

    client: Any

    def page(self, bucket: str, prefix: str, after: str) -> tuple[list[Listed], bool]:
        """List up to a thousand objects behind a key, in order of key, and whether there are more."""
        with _asking(f"list `s3://{bucket}/{prefix}`", "s3:ListBucket"):
            told = self.client.list_objects_v2(Bucket=bucket, Prefix=prefix, StartAfter=after, MaxKeys=PAGE)
        found = [
            Listed(one["Key"], one["ETag"].strip('"'), one["Size"], _ms(one["LastModified"]))
            for one in told.get("Contents", [])
        ]
        return found, bool(told.get("IsTruncated"))

    def head(self, bucket: str, key: str, version: str) -> tuple[str, int]:
        """Return the etag and size of an object as it is now, or of one version; GoneError where there is none."""
        from botocore.exceptions import ClientError

        with _asking(f"look at `s3://{bucket}/{key}`", "s3:GetObject"):
            try:
                told = self.client.head_object(Bucket=bucket, Key=key, **({"VersionId": version} if version else {}))
            except ClientError as error:
                if _status(error) in (404, 405):
                    raise GoneError from error
                raise
        return told["ETag"].strip('"'), int(told["ContentLength"])

    def get(self, bucket: str, key: str, etag: str, version: str, span: tuple[int, int] | None) -> bytes:
        """Return the bytes of one version of an object, all or a span; raises what became of it where it is gone."""
        from botocore.exceptions import ClientError

        asked: dict[str, Any] = {"Bucket": bucket, "Key": key, "IfMatch": f'"{etag}"'}
        if version:
            asked["VersionId"] = version
        if span is not None:
            asked["Range"] = f"bytes={span[0]}-{span[1] - 1}"
        with _asking(f"read `s3://{bucket}/{key}`", "s3:GetObject"):
            try:
                return bytes(self.client.get_object(**asked)["Body"].read())
            except ClientError as error:
                became = _became(error)
                if became is None:
                    raise
                raise became from error


def _became(error: Any) -> Exception | None:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code in ("NoSuchKey", "NoSuchVersion", "MethodNotAllowed"):
        return GoneError()
    if code in ("PreconditionFailed", "412", "InvalidRange"):
        return ChangedError()
    if code == "InvalidObjectState":
        return ArchivedError()
    return None


def _ms(at: dt.datetime) -> int:
    return int(at.timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Queue:
    """The SQS calls of one queue."""

    client: Any
    url: str
    visibility: int

    def receive(self, wait: int) -> list[Message]:
        """Return up to ten messages, hidden from others for a while; waits up to `wait` seconds for the first."""
        with _asking(f"receive from `{self.url}`", "sqs:ReceiveMessage"):
            told = self.client.receive_message(
                QueueUrl=self.url, MaxNumberOfMessages=_BATCH, WaitTimeSeconds=wait, VisibilityTimeout=self.visibility
            )
        return [Message(one["MessageId"], one["ReceiptHandle"], one["Body"]) for one in told.get("Messages", [])]

    def delete(self, receipts: Sequence[str]) -> set[str]:
        """Delete messages; returns the receipts of those that are not deleted."""
        with _asking(f"delete from `{self.url}`", "sqs:DeleteMessage"):
            return self._each(receipts, self.client.delete_message_batch, {})

    def hide(self, receipts: Sequence[str]) -> set[str]:
        """Hide messages from others anew; returns the receipts of those that are not."""
        with _asking(f"hold messages of `{self.url}`", "sqs:ChangeMessageVisibility"):
            more = {"VisibilityTimeout": self.visibility}
            return self._each(receipts, self.client.change_message_visibility_batch, more)

    def _each(self, receipts: Sequence[str], call: Any, more: Mapping[str, Any]) -> set[str]:
        left: set[str] = set()
        for first in range(0, len(receipts), _BATCH):
            some = receipts[first : first + _BATCH]
            entries = [{"Id": str(number), "ReceiptHandle": one, **more} for number, one in enumerate(some)]
            told = call(QueueUrl=self.url, Entries=entries)
            left |= {some[int(one["Id"])] for one in told.get("Failed", [])}
        return left


def clients(settings: Mapping[str, Any]) -> tuple[Bucket, Queue | None]:
    """Return the clients that the settings ask for; SourceError where boto3 is missing or the settings do not fit."""
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        raise SourceError("the s3 connector needs boto3", "pip install 'ocsf-pipe[s3]'") from error
    style = {"addressing_style": "path" if settings.get("path_style") else "auto"}
    config = Config(
        retries={"mode": "standard", "total_max_attempts": 3},
        connect_timeout=5,
        read_timeout=30,
        max_pool_connections=max(10, int(settings.get("readers", 8)) + 2),
        s3=style,
    )
    with _asking("sign in", "sts:AssumeRole"):
        session = boto3.Session(
            aws_access_key_id=settings.get("access_key_id"),
            aws_secret_access_key=settings.get("secret_access_key"),
            aws_session_token=settings.get("session_token"),
            region_name=settings.get("region"),
            profile_name=settings.get("profile"),
        )
        if settings.get("role_arn"):
            session = _as_role(session, settings)
        common = {"config": config, "endpoint_url": settings.get("endpoint_url")}
        bucket = Bucket(session.client("s3", **common))
        if not settings.get("queue_url"):
            return bucket, None
        visibility = int(settings.get("visibility_seconds", 300))
        return bucket, Queue(session.client("sqs", **common), settings["queue_url"], visibility)


def _as_role(session: Any, settings: Mapping[str, Any]) -> Any:
    """Return a session whose credentials are those of the role, renewed as they run out."""
    import boto3
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

    inner = session._session  # noqa: SLF001 - boto3 has no public way to a refreshing role
    more = {"RoleSessionName": "ocsf-pipe"}
    if settings.get("external_id"):
        more["ExternalId"] = settings["external_id"]
    fetcher = AssumeRoleCredentialFetcher(
        inner.create_client, inner.get_credentials(), settings["role_arn"], extra_args=more
    )
    renewed = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
    inner._credentials = renewed  # noqa: SLF001 - the same
    return boto3.Session(botocore_session=inner, region_name=session.region_name)
