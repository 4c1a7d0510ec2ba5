"""The plan of SynAlign: rows a place, and rows a shard."""

from __future__ import annotations

from typing import Any

import pytest

from lookalike.errors import OptionError
from lookalike.prompting.arms import Place
from lookalike.prompting.planned import checked_growth, dealt, share_of
from lookalike.prompting.work import Work


def works(*wanted: int) -> list[Work]:
    return [Work(number, Place("a", number), count, size=10) for number, count in enumerate(wanted)]


def test_shards_bring_all_rows_and_share_the_spare_places() -> None:
    some = works(10, 0, 9, 8, 0, 7, 6)
    assert dealt(some, 3, "real") == [17, 15, 8]
    parts = [[one.number for one in share_of(some, shard, 3)] for shard in range(3)]
    assert parts == [[0, 1, 5], [2, 4, 6], [3]]


@pytest.mark.parametrize(
    ("shards", "grow", "words"),
    [(3, "real", "3 shards cannot share 2 demonstrations"), (2, "errors", "grow='errors' looks at all rows")],
)
def test_shards_that_cannot_be_dealt(shards: int, grow: str, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        dealt(works(5, 0, 5), shards, grow)


@pytest.mark.parametrize(
    ("grow", "method", "label", "words"),
    [
        ("coverage", "zero-shot", "a", "asks near real rows, which the method zero-shot does not"),
        ("errors", "synalign", None, "name the label"),
    ],
)
def test_growth_that_does_not_go_with_the_rest(grow: Any, method: str, label: Any, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        checked_growth(grow, 0.5, method, label)
