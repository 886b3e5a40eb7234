"""What is said of a text in its place: length, words, a keyed hash, hashes of its shingles, what it holds."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from ocsf_pipe.content.detectors import classes
from ocsf_pipe.content.keys import Keyring, key_id

SHINGLE = 4
"""Words in a row that make one shingle."""
SKETCH = 16
"""So many of the smallest shingle hashes are kept: two texts share as many as they are alike."""
LONGEST = 1 << 18
"""So many characters of a text go into its sketch."""
REMEMBERED = 4096
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Summary:
    """What is known of one text.

    hmac: 128 bits of HMAC-SHA-256 of its UTF-8 under the lake's key, as hexadecimal digits. algorithm: that, with the
    name of the key, for hashes compare under one key only. length: characters.
    words: runs of letters and digits. shingles: the 16 smallest keyed 64-bit hashes of its four words in a row, letter
    case aside. classes: of secrets and personal data in it.
    """

    hmac: str
    algorithm: str
    length: int
    words: int
    shingles: tuple[str, ...]
    classes: tuple[str, ...]

    def token(self) -> dict[str, Any]:
        """What stands in the place of the text."""
        return {"sealed": {"hmac": self.hmac, "length": self.length, "classes": list(self.classes)}}

    def details(self) -> dict[str, Any]:
        """What is told of it beside its hash."""
        return {
            "length": self.length,
            "words": self.words,
            "classes": list(self.classes),
            "shingles": list(self.shingles),
        }


@dataclass(slots=True)
class Summaries:
    """Summarises texts under one key; what was said before in a conversation is not looked at again."""

    keyring: Keyring
    _hmac: bytes = field(init=False)
    _shingle: bytes = field(init=False)
    _algorithm: str = field(init=False)
    _known: OrderedDict[str, Summary] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        """Derive the keys once."""
        self._hmac, self._shingle = self.keyring.derived("hmac")[0], self.keyring.derived("shingles")[0]
        self._algorithm = f"HMAC-SHA-256-128 {key_id(self._hmac).hex()}"

    def of(self, text: str) -> Summary:
        """Summarise one text."""
        digest = self.hmac(text)
        found = self._known.get(digest)
        if found is None:
            words = _WORD.findall(text[:LONGEST].lower())
            count = len(words) if len(text) <= LONGEST else sum(1 for _ in _WORD.finditer(text))
            found = Summary(digest, self._algorithm, len(text), count, self._sketch(words), classes(text))
            self._known[digest] = found
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return found

    def hmac(self, text: str) -> str:
        """The keyed hash of a text."""
        return hmac.digest(self._hmac, text.encode("utf-8", "surrogatepass"), "sha256")[:16].hex()

    def _sketch(self, words: list[str]) -> tuple[str, ...]:
        last = max(1, len(words) - SHINGLE + 1)
        texts = {" ".join(words[i : i + SHINGLE]) for i in range(last)} - {""}
        key = self._shingle
        hashes = {hashlib.blake2b(text.encode(), digest_size=8, key=key).hexdigest() for text in texts}
        return tuple(sorted(hashes)[:SKETCH])
