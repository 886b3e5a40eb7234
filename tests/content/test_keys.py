"""Keys are made once, readable by their owner alone, and shown nowhere."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ocsf_pipe.content.cipher import Cipher, is_sealed, plain_size
from ocsf_pipe.content.keys import Keyring, from_file
from ocsf_pipe.errors import UsageError

ONE, TWO = Keyring((b"1" * 32,)), Keyring((b"2" * 32,))


def test_a_key_is_made_on_first_use_and_then_stays(tmp_path: Path) -> None:
    """For its owner alone, in a folder that may not be there yet; no draft is left."""
    path = tmp_path / "keys" / "content.key"
    made = from_file(path, make=True)
    assert from_file(path, make=True) == made == from_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["content.key"]


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """With what to do about it."""
    path = tmp_path / "content.key"
    path.write_text(ONE.text())
    path.chmod(0o644)
    with pytest.raises(UsageError) as error:
        from_file(path)
    assert error.value.hint == f"chmod 600 {path}"


@pytest.mark.parametrize("text", ["", "\n", "short", ONE.text() + "junk", "é"])
def test_what_is_no_key_is_not_shown(tmp_path: Path, text: str) -> None:
    """The complaint names the file."""
    path = tmp_path / "content.key"
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    with pytest.raises(UsageError) as error:
        from_file(path)
    assert str(path) in str(error.value)
    assert "junk" not in str(error.value)


def test_a_key_that_is_not_there_is_told(tmp_path: Path) -> None:
    """It is not made where it is only to be read."""
    with pytest.raises(UsageError):
        from_file(tmp_path / "content.key")


def test_a_keyring_does_not_show_its_keys() -> None:
    """Neither in tracebacks nor in logs."""
    assert "1111" not in repr(ONE)
    assert "MTEx" not in repr(ONE)


def test_every_use_has_a_key_of_its_own() -> None:
    """And none of them is the key."""
    assert len({ONE.derived("a"), ONE.derived("b"), TWO.derived("a"), ONE.keys}) == 4


def test_what_is_sealed_can_be_opened_with_its_key_and_purpose_alone() -> None:
    """Any change is noticed, and the same bytes are sealed differently each time."""
    sealed = Cipher(ONE).seal(b"plain", b"about")
    assert Cipher(ONE).open(sealed, b"about") == b"plain"
    assert is_sealed(sealed)
    assert plain_size(sealed) == 5
    assert Cipher(ONE).seal(b"plain", b"about") != sealed
    for cipher, found, about in (
        (Cipher(TWO), sealed, b"about"),
        (Cipher(ONE), sealed, b"other"),
        (Cipher(ONE), sealed[:-1] + b"x", b"about"),
        (Cipher(ONE), b"plain", b"about"),
    ):
        with pytest.raises(ValueError, match="sealed"):
            cipher.open(found, about)


def test_a_new_key_goes_before_the_old_ones() -> None:
    """What the old one sealed can still be opened; what is sealed now is sealed with the new one."""
    both = Keyring((*TWO.keys, *ONE.keys))
    assert Cipher(both).open(Cipher(ONE).seal(b"old")) == b"old"
    assert Cipher(TWO).open(Cipher(both).seal(b"new")) == b"new"
    assert Keyring.parse(both.text(), "here") == both
