"""What is counted of a text, and limits learned from real ones."""

from __future__ import annotations

import pandas as pd
import pytest

from lookalike.texts.measures import ABSOLUTE, MEASURES, limits


@pytest.mark.parametrize(
    ("measure", "text", "value"),
    [
        ("length", "  four ", 4),
        ("length", "", 0),
        ("repetition", "no piece of this comes again", 0),
        ("repetition", "again and " * 20, 1 - 10 / 190),
        ("repetition", "aaaaaaaaaa", 1),
        ("repetition", "short", 0),
        ("repetition", "yessssssss", 0.8),
        ("symbols", "a!b?", 0.5),
        ("symbols", "plain words", 0),
        ("symbols", "!!!", 1),
        ("symbols", " ", 0),
        ("encoding", "caf\u00e9 \u2013 fine, na\u00efve \u00c2 la", 0),
        ("encoding", "caf\u00c3\u00a9", 1),
        ("encoding", "it\u00e2\u20ac\u2122s \ufffd\x00", 3),
        ("encoding", "a tab\tand a line\nare fine", 0),
    ],
)
def test_measures(measure: str, text: str, value: float) -> None:
    assert MEASURES[measure](text) == pytest.approx(value)


def test_limits_are_the_real_range_widened_by_half_of_its_distance_from_the_median() -> None:
    assert limits([0.0] * 10) == (0, 0)
    low, high = limits(list(range(100_001)))
    assert low == pytest.approx(100 - 0.5 * 49_900) and high == pytest.approx(99_900 + 0.5 * 49_900)


def test_real_texts_held_out_lie_inside(banking: pd.DataFrame) -> None:
    texts = banking.text.tolist()
    for measure in MEASURES.values():
        low, high = limits([measure(text) for text in texts[::2]])
        outside = [not low <= measure(text) <= high for text in texts[1::2]]
        assert sum(outside) <= 0.02 * len(outside)


def test_every_measure_has_absolute_limits() -> None:
    assert ABSOLUTE.keys() == MEASURES.keys()
