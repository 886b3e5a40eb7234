"""Which classes of secrets and personal data a text holds; never what they are.

Patterns of tokens that say themselves what they are, so that a hit means something: an issuer's prefix, a check digit,
a key's armour. What they cannot tell (a password without a name) they do not guess at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ocsf_pipe.content.libraries.library import Hit, Library

LONGEST = 1 << 20
"""So many characters of a text are looked at."""
_SHAPES = bytes(
    0x30 if chr(sign).isdecimal() else 0x41 if chr(sign).isupper() else 0x61 if chr(sign).islower() else sign
    for sign in range(0x80)
) + bytes(range(0x80, 0x100))
_RUNS = bytes(0x78 if chr(sign).isalnum() or chr(sign) in "_-" else 0x20 for sign in range(0x80)) + b" " * 0x80
_LEAST = b"x" * 14
_RUN = re.compile(_LEAST + b"x*")


@dataclass(frozen=True, slots=True)
class Text:
    """A text made ready to be looked at: as it is, in lower case, its tokens, its shape.

    tokens: where 14 letters, digits, `_` and `-` or more stand in a row, as in every token of an issuer; in lower case
    with blanks between them. shape: its UTF-8 with every ASCII letter as `A` or `a` and every digit as `0`.
    """

    text: str
    low: str
    tokens: str
    shape: bytes


def ready(text: str) -> Text:
    """Make a text ready for all detectors at once."""
    encoded = text.encode("utf-8", "surrogatepass")
    return Text(text, text.lower(), _tokens(encoded), encoded.translate(_SHAPES))


def _tokens(encoded: bytes) -> str:
    runs = encoded.translate(_RUNS)
    if _LEAST not in runs:
        return ""
    return b" ".join(encoded[run.start() : run.end()] for run in _RUN.finditer(runs)).decode("ascii").lower()


@dataclass(frozen=True, slots=True)
class Detector:
    """One class: a pattern, and what is asked before it, for a pattern costs a hundred times what a search does.

    hints: one of them stands in every text with a hit, in lower case; prefixes: likewise in a token of it; shapes:
    likewise in its shape. sieve: found in the lower case of every text with a hit. test: what a hit must pass.
    """

    name: str
    pattern: re.Pattern[str]
    hints: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    shapes: tuple[bytes, ...] = ()
    sieve: re.Pattern[str] | None = None
    test: Callable[[str], bool] = lambda _hit: True

    def hits(self, looked: Text) -> Iterator[re.Match[str]]:
        """Yield every hit."""
        if self.may_hit(looked):
            yield from (hit for hit in self.pattern.finditer(looked.text) if self.test(hit[0]))

    def may_hit(self, looked: Text) -> bool:
        """Whether a text is worth the pattern."""
        if self.prefixes and not (looked.tokens and any(one in looked.tokens for one in self.prefixes)):
            return False
        if self.hints and not any(hint in looked.low for hint in self.hints):
            return False
        if self.shapes and not any(shape in looked.shape for shape in self.shapes):
            return False
        return self.sieve is None or self.sieve.search(looked.low) is not None

    def found(self, looked: Text) -> bool:
        """Whether there is a hit."""
        return self.may_hit(looked) and any(self.test(hit[0]) for hit in self.pattern.finditer(looked.text))


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


def _token(name: str, pattern: str, *prefixes: str) -> Detector:
    """A token of 14 signs or more that says by its prefix whose it is."""
    return Detector(name, re.compile(pattern, re.ASCII), prefixes=prefixes)


def _hinted(name: str, pattern: str, *hints: str) -> Detector:
    """What stands beside or begins with words of its own."""
    return Detector(name, re.compile(pattern, re.ASCII), hints)


def _named(name: str, pattern: str, sieve: str, *hints: str) -> Detector:
    """What the words before it name. A letter may be two in lower case, so what a sieve limits it limits widely."""
    return Detector(name, re.compile(pattern, re.ASCII | re.IGNORECASE), hints, sieve=re.compile(sieve, re.ASCII))


def _shaped(name: str, pattern: str, *shapes: bytes, test: Callable[[str], bool] = lambda _hit: True) -> Detector:
    """Digits and letters in an order of their own."""
    return Detector(name, re.compile(pattern, re.ASCII), shapes=shapes, test=test)


DETECTORS = (
    _hinted("private_key", r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----", "private key"),
    _token("aws_access_key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b", "akia", "asia", "abia", "acca"),
    _named(
        "aws_secret_key",
        r"aws.{0,20}?(?:secret|key).{0,20}?[^A-Za-z0-9/+]([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])",
        r"aws.{0,60}?(?:secret|key)",
        "aws",
    ),
    _token(
        "github_token",
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{60,255})\b",
        *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    ),
    _token("gitlab_token", r"\bgl(?:pat|dt|rt|ptt)-[A-Za-z0-9_-]{20,}", "glpat-", "gldt-", "glrt-", "glptt-"),
    _hinted(
        "slack_token",
        r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}|hooks\.slack\.com/services/T[A-Z0-9/]{20,}",
        *("xox", "hooks.slack.com/"),
    ),
    _token("openai_key", r"\bsk-(?!ant-)(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,}", "sk-"),
    _token("anthropic_key", r"\bsk-ant-[A-Za-z0-9_-]{20,}", "sk-ant-"),
    _token("google_api_key", r"\bAIza[A-Za-z0-9_-]{35}", "aiza"),
    _token("huggingface_token", r"\bhf_[A-Za-z0-9]{30,}\b", "hf_"),
    _token("stripe_key", r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}", "k_live_", "k_test_"),
    _token("npm_token", r"\bnpm_[A-Za-z0-9]{36}\b", "npm_"),
    _token("pypi_token", r"\bpypi-[A-Za-z0-9_-]{60,}", "pypi-"),
    _hinted("sendgrid_key", r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}", "sg."),
    _hinted("azure_storage_key", r"(?i)AccountKey=[A-Za-z0-9+/=]{80,}", "accountkey="),
    _hinted("jwt", r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*", "eyj"),
    _named("bearer_token", r"\bbearer +[A-Za-z0-9._~+/-]{16,}=*", r"bearer +[a-z0-9._~+/-]{16}", "bearer"),
    _named(
        "url_password",
        r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{1,128}:[^\s/@]{3,128}@",
        r"://[^\s/:@]+:[^\s/@]{3,}@",
        "://",
    ),
    _named(
        "password",
        r"\b(?:password|passwd|pwd|secret|api[_-]?key|access[_-]?token)"
        r"[\"']?\s{0,3}[:=]\s{0,3}[\"']?[^\s\"',;]{4,128}",
        r"(?:password|passwd|pwd|secret|api[_-]?key|access[_-]?token)[\"']?\s{0,3}[:=]",
        *("password", "passwd", "pwd", "secret", "apikey", "api_key", "api-key"),
        *("accesstoken", "access_token", "access-token"),
    ),
    _named("email", r"\b[A-Z0-9._%+-]{1,64}@(?:[A-Z0-9-]{1,63}\.){1,8}[A-Z]{2,24}\b", r"@[a-z0-9-]+\.[a-z0-9]", "@"),
    _shaped(
        "payment_card",
        # The first digit stands before what it must not follow, for a search is quick where a first sign is known.
        r"[2-6](?<![\d.-].)(?:(?<=4)\d{3}|(?<=5)[1-5]\d\d|(?<=2)[2-7]\d\d|(?<=3)[47]\d\d|(?<=6)(?:011|5\d\d))"
        r"[ -]?\d{4}[ -]?\d{4}[ -]?\d{1,7}(?![\d.-]?\d)",
        *(b"0000" + joint + b"0000" for joint in (b"", b" ", b"-")),
        test=is_card,
    ),
    _shaped("us_ssn", r"(?<![\d-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])", b"000-00-0000"),
    _shaped(
        "iban",
        r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b",
        *(b"AA00 ", b"AA00A", b"AA000"),
        test=is_iban,
    ),
    _shaped(
        "phone_number",
        r"(?<![\w.])\+[1-9]\d{0,2}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{2,4}(?:[ .-]?\d{2,4}){1,4}(?!\w)",
        b"+0",
    ),
)
"""What is looked for, the most telling first."""


def classes(text: str, libraries: Sequence[Library] = ()) -> tuple[str, ...]:
    """Name the classes of secrets and personal data in a text, sorted."""
    looked = ready(text[:LONGEST])
    ours = {one.name for one in DETECTORS if one.found(looked)}
    return tuple(sorted(ours.union(hit.name for library in libraries for hit in library.hits(looked.text))))


def masked(text: str, libraries: Sequence[Library] = ()) -> str:
    """The text with everything that is found put as `[class]`."""
    looked = ready(text)
    for one in DETECTORS:
        hits = [Hit(one.name, *hit.span()) for hit in one.hits(looked)]
        text = _without(text, hits)
        looked = ready(text) if hits else looked
    for library in libraries:
        text = _without(text, library.hits(text))
    return text


def _without(text: str, hits: Iterable[Hit]) -> str:
    """The text with these hits put as `[class]`; hits may lie in one another."""
    left, at = "", 0
    for hit in sorted(hits, key=lambda hit: (hit.start, -hit.end)):
        if hit.end > at:
            left, at = f"{left}{text[at : hit.start]}[{hit.name}]", hit.end
    return left + text[at:]
