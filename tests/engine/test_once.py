"""What is remembered by identity is worked out once, and never taken for that of another object."""

from __future__ import annotations

import gc

from ocsf_pipe.engine.once import once_for_each


def test_the_same_object_is_asked_about_once() -> None:
    """An equal one is another."""
    asked: list[list[int]] = []

    @once_for_each
    def length(items: list[int]) -> int:
        asked.append(items)
        return len(items)

    one, other = [1, 2], [1, 2]
    assert [length(one), length(one), length(other)] == [2, 2, 2]
    assert len(asked) == 2


def test_an_id_that_is_used_again_is_no_other_object() -> None:
    """Objects that nobody else holds any more are held, so that their ids stay their own."""

    @once_for_each
    def total(items: list[int]) -> int:
        return sum(items)

    for number in range(1000):
        assert total([number, number]) == 2 * number
        gc.collect(0)


def test_memory_is_bounded() -> None:
    """Whatever number of objects comes, results stay right."""

    @once_for_each
    def doubled(items: list[int]) -> int:
        return items[0] * 2

    assert all(doubled([number]) == 2 * number for number in range(25_000))
