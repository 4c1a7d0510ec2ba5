"""Which places a method shows, in which order, and how many rows each brings."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from lookalike.defaults import METHODS
from lookalike.embed import embedder
from lookalike.explore.explore import explore
from lookalike.prompting.alarm import Alarm
from lookalike.prompting.arms import EXPLORED, SHOWN, Place, places, places_about, quotas
from lookalike.prompting.prompts import cell, sample_of

LABELS = ["a"] * 60 + ["b"] * 39 + ["c"]


@pytest.fixture(scope="module")
def points(banking: pd.DataFrame) -> np.ndarray:
    texts = banking.text.tolist()[:100]
    return embedder(None, texts)(texts)


@pytest.mark.parametrize("method", METHODS)
def test_every_class_has_places_and_they_take_turns(method: str, points: np.ndarray) -> None:
    found, coverage = places(method, LABELS, points, 20, seed=0)
    counts = Counter(place.label for place in found)
    if method == "zero-shot":
        assert counts == {"a": 1, "b": 1, "c": 1}
    else:
        assert counts == {"a": 12, "b": 8, "c": 1}  # one more than asked for: no class is left without
        assert {place.label for place in found[:4]} >= {"a", "b"}
    assert (coverage is not None) == (method in EXPLORED)
    for place in found:
        assert all(LABELS[row] == place.label for row in [*place.shown, *([place.row] * (place.row >= 0))])


def test_synalign_shows_the_picks_of_explore_in_their_order(points: np.ndarray) -> None:
    found, coverage = places("synalign", LABELS, points, 20, seed=3)
    picks = explore(points, 20, LABELS, group=1, seed=3)
    assert [place.row for place in found[:-1]] == picks.picks.tolist()
    assert found[-1].row == 99  # the only row of the class that got no pick
    assert coverage is not None
    np.testing.assert_allclose(coverage[:-1], picks.coverage)
    assert coverage[-1] == pytest.approx(picks.coverage[-1] - 0.01, abs=1e-6)
    assert all(not place.shown for place in found)


def test_the_rows_shown_are_random_ones_or_the_nearest(points: np.ndarray) -> None:
    few, _ = places("few-shot", LABELS, None, 20, seed=0)
    assert {len(place.shown) for place in few} == {SHOWN, 1}
    assert all(len(set(place.shown)) == len(place.shown) for place in few)
    near, _ = places("nearest", LABELS, points, 20, seed=0)
    for place in near:
        assert place.shown[0] == place.row
        own = [row for row, label in enumerate(LABELS) if label == place.label]
        best = np.sort(points[own] @ points[place.row])[::-1][: len(place.shown)]
        np.testing.assert_allclose(np.sort(points[place.shown] @ points[place.row])[::-1], best, atol=1e-6)


def test_the_seed_decides(points: np.ndarray) -> None:
    for method in ("steered", "few-shot", "nearest", "attributes"):
        found = [places(method, LABELS, points, 9, seed)[0] for seed in (1, 1, 2)]
        assert found[0] == found[1] != found[2]


def test_no_more_places_than_real_rows(points: np.ndarray) -> None:
    found, _ = places("synalign", LABELS[:30], points[:30], 200, seed=0)
    assert sorted(place.row for place in found) == list(range(30))


def test_rows_are_shared_out_by_class_and_then_equally() -> None:
    some = [Place("a", row) for row in range(5)] + [Place("b", 7)]
    assert quotas(some, {"a": 26, "b": 3}, size=10) == [9, 9, 8, 0, 0, 3]
    assert quotas(some, {"a": 103, "b": 0}, size=10) == [21, 21, 21, 20, 20, 0]
    assert sum(quotas(some, {"a": 51, "b": 49}, size=10)) == 100


def test_steered_shows_the_pick_and_others_of_its_class_to_one_request_in_eight(
    points: np.ndarray,
) -> None:
    found, coverage = places("steered", LABELS, points, 20, seed=3)
    picks, left = places("synalign", LABELS, points, 20, seed=3)
    assert [place.row for place in found] == [place.row for place in picks]
    np.testing.assert_array_equal(coverage, left)
    for place in found:
        assert place.shown[0] == place.row and len(set(place.shown)) == len(place.shown)
        assert len(place.shown) == (1 if place.label == "c" else SHOWN)  # "c" has one row, which is the pick
    shares = [bool(place.seen(sample_of(number, 1))) for number, place in enumerate(found * 20)]
    assert 0.08 < np.mean(shares) < 0.17
    assert found[0].seen(5) == found[0].seen(5) and all(place.seen(3) == [] for place in picks)


@pytest.mark.parametrize("method", ["synalign", "steered", "nearest"])
def test_more_places_are_about_the_rows_that_have_none(method: str, points: np.ndarray) -> None:
    some, _ = places(method, LABELS, points, 10, 0)
    has = {place.row for place in some}
    rows = [*sorted(has)[:3], *(row for row in range(len(LABELS)) if row not in has)][:8]
    more = places_about(method, LABELS, points, rows, some)
    assert [place.row for place in more] == [row for row in rows if row not in has]
    assert [place.label for place in more] == [LABELS[place.row] for place in more]
    for place in more:
        assert {LABELS[row] for row in place.shown} <= {place.label}
        assert bool(place.shown) == (method != "synalign")
        assert (place.row in place.shown) == (method != "synalign")


def test_a_cell_takes_one_value_of_each_attribute() -> None:
    grid = {"topic": ["a", "b", "c"], "tone": ["d", "e"]}
    found = [tuple(cell(grid, draw).values()) for draw in range(200)]
    assert set(found) == {(a, b) for a in "abc" for b in "de"}
    assert cell(grid, 5) == cell(grid, 5)


def test_the_alarm_sounds_once_a_reason_and_names_a_fix(capsys: pytest.CaptureFixture[str]) -> None:
    alarm = Alarm(progress=True)
    for _ in range(9):
        alarm.heard(10, 0, Counter(copy=10))
    assert alarm.said == []  # too soon
    alarm.heard(10, 0, Counter(copy=10))
    alarm.heard(10, 0, Counter(copy=10))
    assert len(alarm.said) == 1
    assert (
        "0% were accepted" in alarm.said[0] and "'copy'" in alarm.said[0] and "temperature" in alarm.said[0]
    )
    assert capsys.readouterr().err.count("warning: the model collapses") == 1


def test_the_alarm_sounds_when_acceptance_falls_to_half_of_what_it_was() -> None:
    alarm = Alarm(progress=False)
    for good in [10] * 20 + [6] * 30:
        alarm.heard(10, good, Counter(duplicate=10 - good) + Counter({"": good}))
    assert alarm.said == []
    for _ in range(20):
        alarm.heard(10, 4, Counter({"duplicate": 6, "": 4}))
    assert len(alarm.said) == 1 and "'duplicate'" in alarm.said[0] and "(at first 100%)" in alarm.said[0]
