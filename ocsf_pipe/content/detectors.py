"""Which classes of secrets and personal data a text holds; never what they are.

Patterns of tokens that say themselves what they are, so that a hit means something: an issuer's prefix, a check digit,
a key's armour. What they cannot tell (a password without a name) they do not guess at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

LONGEST = 1 << 20
"""So many characters of a text are looked at."""


@dataclass(frozen=True, slots=True)
class Detector:
    """One class: a pattern, `hints` of which one stands in every hit (lower case), and a test of what was hit."""

    name: str
    pattern: re.Pattern[str]
    hints: tuple[str, ...]
    test: Callable[[str], bool] = lambda _hit: True

    def hits(self, text: str, low: str) -> Iterator[re.Match[str]]:
        """Yield every hit; `low` is the text in lower case."""
        if any(hint in low for hint in self.hints):
            yield from (hit for hit in self.pattern.finditer(text) if self.test(hit[0]))


def is_card(text: str) -> bool:
    """Whether digits pass the check that every payment card number passes (Luhn)."""
    digits = [int(c) for c in text if c.isdigit()]
    doubled = [d if i % 2 == 0 else (2 * d - 9 if d > 4 else 2 * d) for i, d in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0 and len(set(digits)) > 1


def is_iban(text: str) -> bool:
    """Whether a text passes the check of ISO 13616."""
    plain = text.replace(" ", "").upper()
    number = "".join(str(int(c, 36)) for c in plain[4:] + plain[:4])
    return int(number) % 97 == 1


def _of(name: str, pattern: str, *hints: str, test: Callable[[str], bool] = lambda _hit: True) -> Detector:
    return Detector(name, re.compile(pattern, re.ASCII), hints, test)


_DIGITS = tuple("0123456789")
DETECTORS = (
    _of("private_key", r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----", "private key"),
    _of("aws_access_key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b", "akia", "asia", "abia", "acca"),
    _of(
        "aws_secret_key",
        r"(?i)aws.{0,20}?(?:secret|key).{0,20}?[^A-Za-z0-9/+]([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])",
        "aws",
    ),
    _of("github_token", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{60,255})\b", "gh"),
    _of("gitlab_token", r"\bgl(?:pat|dt|rt|ptt)-[A-Za-z0-9_-]{20,}", "gl"),
    _of("slack_token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}|hooks\.slack\.com/services/T[A-Z0-9/]{20,}", "xox", "slack"),
    _of("openai_key", r"\bsk-(?!ant-)(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,}", "sk-"),
    _of("anthropic_key", r"\bsk-ant-[A-Za-z0-9_-]{20,}", "sk-ant-"),
    _of("google_api_key", r"\bAIza[A-Za-z0-9_-]{35}", "aiza"),
    _of("huggingface_token", r"\bhf_[A-Za-z0-9]{30,}\b", "hf_"),
    _of("stripe_key", r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}", "k_live_", "k_test_"),
    _of("npm_token", r"\bnpm_[A-Za-z0-9]{36}\b", "npm_"),
    _of("pypi_token", r"\bpypi-[A-Za-z0-9_-]{60,}", "pypi-"),
    _of("sendgrid_key", r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}", "sg."),
    _of("azure_storage_key", r"(?i)AccountKey=[A-Za-z0-9+/=]{80,}", "accountkey="),
    _of("jwt", r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*", "eyj"),
    _of("bearer_token", r"(?i)\bbearer +[A-Za-z0-9._~+/-]{16,}=*", "bearer"),
    _of("url_password", r"(?i)\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{1,128}:[^\s/@]{3,128}@", "://"),
    _of(
        "password",
        r"(?i)\b(?:password|passwd|pwd|secret|api[_-]?key|access[_-]?token)"
        r"[\"']?\s{0,3}[:=]\s{0,3}[\"']?[^\s\"',;]{4,128}",
        *("pass", "pwd", "secret", "key", "token"),
    ),
    _of("email", r"\b[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b", "@"),
    _of(
        "payment_card",
        r"(?<![\d.-])(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|3[47]\d\d|6(?:011|5\d\d))"
        r"[ -]?\d{4}[ -]?\d{4}[ -]?\d{1,7}(?![\d.-]?\d)",
        *_DIGITS,
        test=is_card,
    ),
    _of("us_ssn", r"(?<![\d-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])", "-"),
    _of("iban", r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b", *_DIGITS, test=is_iban),
    _of(
        "phone_number",
        r"(?<![\w.])\+[1-9]\d{0,2}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{2,4}(?:[ .-]?\d{2,4}){1,4}(?!\w)",
        "+",
    ),
)
"""What is looked for, the most telling first."""


def classes(text: str) -> tuple[str, ...]:
    """Name the classes of secrets and personal data in a text, sorted."""
    looked = text[:LONGEST]
    low = looked.lower()
    return tuple(sorted(one.name for one in DETECTORS if next(one.hits(looked, low), None) is not None))


def masked(text: str) -> str:
    """The text with everything that is found put as `[class]`."""
    low = text.lower()
    for one in DETECTORS:
        hits = list(one.hits(text, low))
        for hit in reversed(hits):
            text = f"{text[: hit.start()]}[{one.name}]{text[hit.end() :]}"
        low = text.lower() if hits else low
    return text
