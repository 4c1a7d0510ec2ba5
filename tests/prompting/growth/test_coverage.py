"""Coverage: accepted rows are counted where they fall."""

from __future__ import annotations

import numpy as np
import pytest

from lookalike.prompting.growth.coverage import Coverage, nearest
from tests.prompting.growth.places import embed, known, places, row

ANGLES = [0.0, 1.0, 2.0, 90.0, 180.0, 0.0]  # three rows in the east, one north, one west; one of class b
LABELS = ["a", "a", "a", "a", "a", "b"]


def coverage(n: int = 12) -> Coverage:
    return Coverage(known(ANGLES, list(LABELS), n))


def test_the_deficit_is_what_the_share_of_the_real_rows_lacks() -> None:
    some = [place for place in places(LABELS) if place.row in (1, 3, 4, 5)]  # east, north, west; b
    found = coverage()
    assert found.weights(some, [], 0).tolist() == [1.5, 0.5, 0.5, 0.5]  # 6, 2, 2, 2 rows at half a chance
    east = [row(some[1], f"{angle} degrees") for angle in range(6)]  # asked for in the north
    weights = found.weights(some, east, 0)
    assert weights[0] == 0 and weights[1] == pytest.approx(2 / 64) and weights[2] == 0.5
    assert found.share(some, east) == pytest.approx(6 / 12)


def test_the_last_rows_of_a_full_territory_give_way() -> None:
    some = [place for place in places(LABELS) if place.row in (1, 3, 4, 5)]
    accepted = [row(some[1], f"{90 + at} degrees") for at in range(4)]  # 2 are wanted in the north
    accepted += [row(some[0], f"{at} degrees") for at in range(7)]  # 6 in the east
    crowded = coverage().crowded(some, accepted)
    assert crowded == [3, 2, 10]  # the north is twice as full as it should be
    assert coverage().crowded(some, accepted[:2]) == []


def test_a_class_has_its_own_territories() -> None:
    some = places(["a", "b"])
    real = embed(["0 degrees", "180 degrees"])
    points = embed(["179 degrees", "1 degrees"])
    assert nearest(some, real, ["a", "b"], points).tolist() == [0, 1]
    assert nearest(some, real, [], np.zeros((0, 2))).tolist() == []


def test_what_is_kept_at_the_end_lies_as_the_real_rows_do() -> None:
    some = places(LABELS)
    rows = [row(some[0], f"{at / 10} degrees") for at in range(6)]  # accepted, all of them in the east
    rows += [row(some[0], f"{angle} degrees") for angle in (89, 90, 179, 181)] + [row(some[5], "3 degrees")]
    kept = coverage().chosen(rows, {"a": 5, "b": 1}, 0)
    angles = [float(rows[at].record["text"].split()[0]) for at in kept[:-1]]
    assert kept[-1] == 10  # the only row of its class
    assert sorted(round(angle / 90) for angle in angles) == [
        0,
        0,
        0,
        1,
        2,
    ]  # three fifths of a are in the east
