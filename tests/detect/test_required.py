"""A literal is taken out of a regular expression only where every match contains it."""

from __future__ import annotations

import pytest

from ocsf_pipe.detect.required import required


@pytest.mark.parametrize(
    ("pattern", "flags", "text"),
    [
        ("shutdown\\s+/r /f /t 00", "", "/r /f /t 00"),
        ("net\\s+stop SuperBackupMan", "", "stop superbackupman"),
        ("abc?de", "", "ab"),
        ("abc*", "", "ab"),
        ("ab+c", "", "ab"),
        ("x{0,3}yz", "", "yz"),
        ("x{2}yz", "", "yz"),
        ("one|two", "", ""),
        ("(?:one|two)-three", "", "-three"),
        ("(optional)?tail", "", "tail"),
        ("[abc]def[^\\]x]gh", "", "def"),
        ("\\.exe\\\\x", "", ".exe\\x"),
        ("\\x41bc", "", ""),
        ("\\Qa+b\\E", "", ""),
        ("(?i)echo.*clip", "", "echo"),
        ("taskkill", "i", "ill"),
        ("ab(?i)cd", "", ""),
        ("a.b.c", "", "a"),
        ("", "", ""),
        ("ÄPFEL", "", ""),
    ],
)
def test_the_longest_literal(pattern: str, flags: str, text: str) -> None:
    """What is optional, repeated or one of several is in none; `k` and `s` are not where letter case is ignored."""
    assert required(pattern, flags) == text
