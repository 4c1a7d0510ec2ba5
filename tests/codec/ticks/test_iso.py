"""Datetimes as ISO text: exactly those of a range match."""

import re

import numpy as np
import pytest

from lookalike.codec.ticks.iso import pattern, read_iso, write_iso

SPANS = {"year": 80, "day": 3000, "second": 10**8}


@pytest.mark.parametrize("resolution", SPANS)
def test_a_range_matches_exactly_its_ticks(resolution: str) -> None:
    rng, span = np.random.default_rng(0), SPANS[resolution]
    for _ in range(15):
        low, high = sorted(rng.integers(-span, span, 2).tolist())
        expression = re.compile(pattern([(low, high)], resolution, {}))
        ends = [low - 1, low, high, high + 1]
        ticks = np.concatenate([rng.integers(-span, span, 100), ends])
        texts = write_iso(ticks, resolution)
        for tick, text in zip(ticks.tolist(), texts, strict=True):
            assert bool(expression.fullmatch(text)) == (low <= tick <= high), (text, low, high)
        assert (read_iso(texts, resolution) == ticks).all()


def test_only_dates_that_exist() -> None:
    expression = re.compile(pattern([(-np.inf, np.inf)], "day", {}))
    for text, exists in [
        ("2016-02-29", True),
        ("2015-02-29", False),
        ("1900-02-29", False),
        ("2000-02-29", True),
    ]:
        assert bool(expression.fullmatch(text)) is exists
    assert not any(
        expression.fullmatch(f"2015-{part}") for part in ("13-01", "00-10", "04-31", "12-32", "1-1")
    )


def test_several_ranges_and_parts_that_never_change() -> None:
    expression = re.compile(pattern([(0, 24), (48, 50)], "hour", {"hour": 0}))
    matching = [text for text in write_iso(np.arange(72), "hour") if expression.fullmatch(text)]
    assert matching == ["1970-01-01T00", "1970-01-02T00", "1970-01-03T00"]
    assert pattern([(1, 5)], "hour", {"hour": 0}) == ""  # no tick of the range has that hour


def test_times_of_one_day() -> None:
    expression = re.compile(pattern([(615, 750)], "minute", {"day": 0}, time_only=True))
    texts = write_iso(np.arange(1440), "minute", time_only=True)
    assert [i for i, text in enumerate(texts) if expression.fullmatch(text)] == list(range(615, 751))
    assert read_iso(["10:15"], "minute", 0).tolist() == [615]


def test_fractions_of_a_second() -> None:
    expression = re.compile(pattern([(1500, 61_000)], "ms", {}))
    texts = write_iso(np.array([1500, 30_001, 61_000, 62_000, -1]), "ms")
    assert [bool(expression.fullmatch(text)) for text in texts] == [True, True, True, False, False]
