"""The rules of Kingfisher (MongoDB) for the secrets of some three hundred services, matched by Vectorscan in one pass.

Only its scanner is used: it works offline. What tries secrets out is another class of the package. Its compiled rules,
and nothing else, are kept in the user's cache folder (`KF_RULE_CACHE_DIR` names another).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from threading import Lock
from typing import Any

from ocsf_pipe.content.libraries.library import Hit

PACKAGE, MODULE = "kingfisher-secret-scanner", "kingfisher_sdk"
_NUMBER, _OTHER = re.compile(r"\.\d+$"), re.compile(r"[^a-z0-9]+")
_OURS = (
    ("aws_access_token", "aws_access_key"),
    ("azure_storage_account_key", "azure_storage_key"),
    ("anthropic_", "anthropic_key"),
    ("openai_", "openai_key"),
    ("gcp_api_key", "google_api_key"),
    ("gcp_gemini_api", "google_api_key"),
    ("github_", "github_token"),
    ("gitlab_", "gitlab_token"),
    ("huggingface_", "huggingface_token"),
    ("jwt", "jwt"),
    ("npm", "npm_token"),
    ("pypi_", "pypi_token"),
    ("private_key", "private_key"),
    ("sendgrid", "sendgrid_key"),
    ("slack", "slack_token"),
    ("stripe_", "stripe_key"),
)
"""How names of its rules begin, and what we call the same."""
_LOADING = Lock()


@dataclass(slots=True)
class Kingfisher:
    """The scanner, made when the first text is looked at: that takes half a second, and eight the first time ever."""

    title: str = field(default_factory=lambda: f"{PACKAGE} {version(PACKAGE)}")

    def hits(self, text: str) -> Iterator[Hit]:
        """Yield what is found; what it found only to understand something else is left out."""
        encoded = text.encode("utf-8", "replace")
        for found in _scanner().scan(encoded):
            if found.visible:
                start, end = (_characters(encoded, found.location[key]) for key in ("start_offset", "end_offset"))
                yield Hit(class_of(found.rule_id), start, end)


def _characters(encoded: bytes, offset: int) -> int:
    return len(encoded[:offset].decode("utf-8", "ignore"))


@cache
def class_of(rule_id: str) -> str:
    """What we call what a rule finds: `betterleaks.shopify-access-token` is `shopify_access_token`."""
    last = _NUMBER.sub("", rule_id).rpartition("/")[2].rpartition(".")[2]
    name = _OTHER.sub("_", last.lower())
    return next((ours for begins, ours in _OURS if name.startswith(begins)), name)


def _scanner() -> Any:
    with _LOADING:
        return _made()


@cache
def _made() -> Any:
    from kingfisher_sdk import Rules, Scanner

    return Scanner(Rules(confidence="medium"))
