"""The program's own log: one JSON object a line, or text for eyes; no secret of the pipeline is ever in it."""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import quote

if TYPE_CHECKING:
    from ocsf_pipe.run.pipeline import LogSpec, Pipeline

ROOT = "ocsf_pipe"
HIDDEN = "***"
SHORTEST = 4
"""Characters that a secret has at least to be hidden: shorter ones are part of every other word."""
_STANDARD = frozenset({*logging.makeLogRecord({}).__dict__, "message", "asctime", "event", "taskName"})
_LEADING = ("source", "partition")
_HANDLER = "ocsf_pipe"


def without(value: Any, secrets: Sequence[str]) -> Any:
    """A value with every secret in its texts as asterisks; keys are ours and stay."""
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, HIDDEN)
        return value
    if isinstance(value, Mapping):
        return {str(without(str(key), secrets)): without(inner, secrets) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [without(inner, secrets) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return without(str(value), secrets)


class JsonLines(logging.Formatter):
    """A record as one JSON object: `ts`, `level`, `event`, `logger`, `message`, then whatever the call had as extra."""

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        """Take the texts that no line may hold."""
        super().__init__()
        self._secrets = tuple(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """One line, without a line end."""
        fields: dict[str, Any] = {
            "ts": _when(record).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "event": event_of(record),
            "logger": record.name,
            "message": record.getMessage(),
            "program": "ocsf-pipe",
            "process": record.process,
        }
        fields |= _extra(record)
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(without(fields, self._secrets), ensure_ascii=False, allow_nan=True)


class TextLines(logging.Formatter):
    """A record as one line for eyes: time, level, event, source, then `name=value`."""

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        """Take the texts that no line may hold."""
        super().__init__()
        self._secrets = tuple(secrets)

    def format(self, record: logging.LogRecord) -> str:
        """One line, without a line end; a traceback follows it."""
        fields = _extra(record)
        leading = [str(fields.pop(name)) for name in _LEADING if name in fields]
        fields.pop("pipeline", None)
        words = [_when(record).strftime("%H:%M:%S"), f"{record.levelname:<7}", event_of(record), *leading]
        if "event" not in record.__dict__:
            words.append(record.getMessage())
        words += [f"{name}={_flat(value)}" for name, value in fields.items()]
        text = " ".join(words).replace("\n", "\\n")
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        shown: str = without(text, self._secrets)
        return shown


def event_of(record: logging.LogRecord) -> str:
    """The name of what happened: as the call says, else our message's first words, else `log` for other libraries."""
    named = record.__dict__.get("event")
    if isinstance(named, str):
        return named
    if not (record.name == ROOT or record.name.startswith(f"{ROOT}.")):
        return "log"
    words = re.split(r"[:%]", str(record.msg), maxsplit=1)[0]
    return re.sub(r"\W+", "_", words.lower()).strip("_")[:60] or "log"


def start_logging(
    spec: LogSpec, secrets: Sequence[str] = (), stream: TextIO | None = None, *, silent: bool = False
) -> None:
    """Let the program's log go to standard error (or `stream`) from now on, or nowhere; may be called again.

    Other libraries' warnings go the same way. `secrets` are what `secrets_of` gives.
    """
    out = stream if stream is not None else sys.stderr
    text = spec.format == "text" or (spec.format == "auto" and out.isatty())
    handler: logging.Handler = logging.NullHandler() if silent else logging.StreamHandler(out)
    handler.set_name(_HANDLER)
    handler.setFormatter(TextLines(secrets) if text else JsonLines(secrets))
    root = logging.getLogger()
    for old in [one for one in root.handlers if one.get_name() == _HANDLER]:
        root.removeHandler(old)
    root.addHandler(handler)
    logging.captureWarnings(True)
    logging.getLogger(ROOT).setLevel(spec.level.upper())


def secrets_of(pipeline: Pipeline) -> list[str]:
    """The texts of all secrets of a pipeline, for those who have to keep them out of what is shown."""
    from ocsf_pipe.run.pipeline_secrets import Secret

    def found(value: Any) -> Iterator[str]:
        if isinstance(value, Secret):
            yield value.reveal()
        elif isinstance(value, Mapping):
            for inner in value.values():
                yield from found(inner)
        elif isinstance(value, list | tuple):
            for inner in value:
                yield from found(inner)

    targets = pipeline.detect.targets if pipeline.detect is not None else ()
    settings = [one.settings for one in pipeline.sources] + [one.settings for one in targets]
    return forms({text for one in settings for text in found(one)})


def forms(secrets: Iterable[str]) -> list[str]:
    """Secrets as they are and as Python, JSON and URLs write them, the longest first; very short ones are left out."""
    texts = [secret for secret in secrets if len(secret) >= SHORTEST]
    written = {
        form for text in texts for form in (text, repr(text)[1:-1], json.dumps(text)[1:-1], quote(text, safe=""))
    }
    return sorted(written, key=lambda form: (-len(form), form))


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in record.__dict__.items() if name not in _STANDARD}


def _when(record: logging.LogRecord) -> dt.datetime:
    return dt.datetime.fromtimestamp(record.created, dt.UTC)


def _flat(value: Any) -> str:
    if isinstance(value, Mapping):
        return ",".join(f"{key}:{inner}" for key, inner in value.items()) or "-"
    text = str(value)
    return f'"{text}"' if " " in text else text
