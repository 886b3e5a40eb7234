"""What is said of a text: enough to find it again and its likes, too little to know it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsf_pipe.content.detectors import DETECTORS, classes, masked, ready
from ocsf_pipe.content.keys import Keyring
from ocsf_pipe.content.sketch import SKETCH
from ocsf_pipe.content.summary import Summaries
from tests.content.sealing import KEY

WORDS = "the quick brown fox jumps over the lazy dog and runs away from all the hounds of the village today"
TOKEN = "Ab3dEf6hIj9lMn2pQr5tUv8xYz1bCd4fGh7j"  # 36 characters of no meaning
FOUND = {
    "private_key": "-----BEGIN RSA PRIVATE KEY-----",
    "aws_access_key": "AKIA" + "IOSFODNN7EXAMPLE".replace("8", "7").replace("9", "7").replace("0", "7"),
    "aws_secret_key": "aws_secret_access_key = " + (TOKEN + "klmn"),
    "github_token": "ghp_" + TOKEN,
    "gitlab_token": "glpat-" + TOKEN[:20],
    "slack_token": "xoxb-123456789012-" + TOKEN[:10],
    "openai_key": "sk-proj-" + TOKEN,
    "anthropic_key": "sk-ant-api03-" + TOKEN,
    "google_api_key": "AIza" + TOKEN[:35],
    "huggingface_token": "hf_" + TOKEN[:34],
    "stripe_key": "sk_live_" + TOKEN[:24],
    "npm_token": "npm_" + TOKEN,
    "pypi_token": "pypi-" + TOKEN + TOKEN,
    "sendgrid_key": "SG." + TOKEN[:22] + "." + (TOKEN + "klmnopq"),
    "azure_storage_key": "AccountKey=" + TOKEN + TOKEN + TOKEN[:16] + "==",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0xx.sig",
    "bearer_token": "Authorization: Bearer " + TOKEN,
    "url_password": "postgres://app:hunter2@db.example/x",
    "password": '"password": "hunter22"',
    "email": "ann@acme.example",
    "payment_card": "4111 1111 1111 1111",
    "us_ssn": "123-45-6789",
    "iban": "GB82 WEST 1234 5698 7654 32",
    "phone_number": "+49 30 1234567",
}


def test_a_hash_depends_on_the_text_and_the_key() -> None:
    """The same text has the same hash; nobody without the key can try texts."""
    one, two = Summaries(KEY), Summaries(Keyring((b"2" * 32,)))
    assert one.of("hello") == Summaries(KEY).of("hello")
    assert one.of("hello").hmac != one.of("hello ").hmac
    assert one.of(WORDS).hmac != two.of(WORDS).hmac
    assert not set(one.of(WORDS).shingles) & set(two.of(WORDS).shingles)


def test_texts_that_are_alike_share_shingles() -> None:
    """A changed word changes few, another text all; letter case and blanks change none."""
    of = Summaries(KEY).of
    whole = set(of(WORDS).shingles)
    assert len(whole) == SKETCH
    assert set(of(WORDS.upper().replace(" ", "  ")).shingles) == whole
    assert len(whole & set(of(WORDS.replace("hounds", "cats")).shingles)) > SKETCH / 2
    assert not whole & set(of(WORDS[::-1]).shingles)


def test_a_short_text_has_one_shingle_and_an_empty_one_none() -> None:
    """Fewer than four words are one shingle together."""
    of = Summaries(KEY).of
    assert len(of("hello there").shingles) == 1
    assert of("...").shingles == ()
    assert of("\ud800 half a sign").length == 13


def test_every_class_has_an_example() -> None:
    """No detector is without one."""
    assert set(FOUND) == {one.name for one in DETECTORS}


@pytest.mark.parametrize("name", FOUND)
def test_a_class_is_found_and_masked(name: str) -> None:
    """In the middle of a sentence."""
    text = f"look at {FOUND[name]} please"
    assert name in classes(text)
    left = masked(text)
    assert name not in classes(left)
    assert left.startswith("look at ")


@pytest.mark.parametrize(
    "text",
    [WORDS, "4111 1111 1111 1112", "version 1.2.3.4", "GB00 WEST 1234 5698 7654 32", "0000-00-0000", "a@b", "sk-short",
     "2026-02-10T09:08:07.006Z", "00000000-0000-0000-0000-000000000000", "task-management-systems-overview"],
)  # fmt: skip
def test_what_only_looks_like_it_is_not_found(text: str) -> None:
    """A check digit that is wrong, a date, an id."""
    assert classes(text) == ()


PIECES = [
    *FOUND.values(),
    "hooks.slack.com/services/T0123ABCD/B0123ABCD/x",
    "İK\u212aey = ",
    "aws ",
    "secret:",
    "\u00a0",
]
CHANGED = st.sampled_from([str, str.upper, str.title, lambda piece: piece[1:], lambda piece: piece[:-1]])
PIECE = st.one_of(st.builds(lambda piece, change: change(piece), st.sampled_from(PIECES), CHANGED), st.text(max_size=5))


@given(st.lists(PIECE, max_size=6).map("".join))
def test_what_is_asked_before_a_pattern_loses_no_hit(text: str) -> None:
    """Hints, prefixes, shapes and sieves only save the pattern where it would find nothing."""
    for one in DETECTORS:
        assert one.found(ready(text)) == any(one.test(hit[0]) for hit in one.pattern.finditer(text)), one.name
