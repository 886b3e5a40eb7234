"""What is said of a text in its place: length, words, a keyed hash, hashes of its shingles, what it holds."""

from __future__ import annotations

import hmac
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ocsf_pipe.content.detectors import classes
from ocsf_pipe.content.keys import Keyring, key_id
from ocsf_pipe.content.libraries.library import Library
from ocsf_pipe.content.sketch import sketch, words

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
    case aside. classes: of secrets and personal data in it. libraries: what looked for them beside our own detectors.
    """

    hmac: str
    algorithm: str
    length: int
    words: int
    shingles: tuple[str, ...]
    classes: tuple[str, ...]
    libraries: tuple[str, ...] = ()

    def token(self) -> dict[str, Any]:
        """What stands in the place of the text."""
        return {"sealed": {"hmac": self.hmac, "length": self.length, "classes": list(self.classes)}}

    @property
    def told(self) -> str:
        """What is told of it beside its place, as members of a JSON object; nothing in it needs an escape."""
        shingles, found, libraries = (
            ",".join(f'"{one}"' for one in several) for several in (self.shingles, self.classes, self.libraries)
        )
        looked = f',"libraries":[{libraries}]' if libraries else ""
        details = f'"length":{self.length},"words":{self.words},"classes":[{found}],"shingles":[{shingles}]{looked}'
        return f'"hmac":"{self.hmac}","algorithm":"{self.algorithm}","seal":{{{details}}}'


@dataclass(slots=True)
class Summaries:
    """Summarises texts under one key; what was said before in a conversation is not looked at again.

    `libraries` look for sensitive data beside our own detectors.
    """

    keyring: Keyring
    libraries: Sequence[Library] = ()
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
            found = self._known[digest] = self._summary(text, digest)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return found

    def _summary(self, text: str, digest: str) -> Summary:
        some = words(text[:LONGEST])
        count = len(some) if len(text) <= LONGEST else sum(1 for _ in _WORD.finditer(text))
        found, looked = classes(text, self.libraries), tuple(one.title for one in self.libraries)
        return Summary(digest, self._algorithm, len(text), count, sketch(some, self._shingle), found, looked)

    def hmac(self, text: str) -> str:
        """The keyed hash of a text."""
        return hmac.digest(self._hmac, text.encode("utf-8", "surrogatepass"), "sha256")[:16].hex()
