"""What guards the content of one lake: its keys, what seals records, what encrypts what waits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ocsf_pipe.content.cipher import Cipher, is_sealed
from ocsf_pipe.content.keys import Keyring
from ocsf_pipe.content.libraries.installed import installed
from ocsf_pipe.content.libraries.library import Library
from ocsf_pipe.content.seal import Sealer
from ocsf_pipe.plan.nodes import Plan


@dataclass(slots=True)
class Waiting:
    """Seals what waits on local disk to be mapped, where it may hold content; reads it whether or not it was sealed."""

    vault: Vault
    sealing: bool

    def seal(self, plain: bytes, about: bytes) -> bytes:
        """Return the sealed form of some bytes."""
        return self.vault.cipher.seal(plain, about) if self.sealing else plain

    def open(self, sealed: bytes, about: bytes) -> bytes:
        """Return the bytes again; raises ValueError where they are not what was sealed."""
        return self.vault.cipher.open(sealed, about) if is_sealed(sealed) else sealed


@dataclass
class Vault:
    """The guard of a lake. `fetch` gives its keys, when they are first needed and once.

    store: texts are kept in a table of their own. encrypt: encrypted there. libraries: what looks for sensitive data
    in them beside our own detectors.
    """

    fetch: Callable[[], Keyring] = Keyring.fresh
    store: bool = False
    encrypt: bool = False
    libraries: Sequence[Library] = field(default_factory=installed)

    @cached_property
    def keyring(self) -> Keyring:
        """The keys; raises UsageError where they cannot be had."""
        return self.fetch()

    @cached_property
    def sealer(self) -> Sealer:
        """What seals records."""
        return Sealer(self.keyring, self.store, self.libraries)

    def digest(self, plan: Plan) -> str:
        """Name what a plan gives here: equal names, equal events. Of content, libraries have a say in them."""
        said = [one.title for one in self.libraries] if plan.content else []
        return " ".join([plan.digest, *said])

    @cached_property
    def cipher(self) -> Cipher:
        """What encrypts bytes on disk."""
        return Cipher(self.keyring)
