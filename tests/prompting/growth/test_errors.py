"""Errors: rows are asked for at steering rows that a model of the accepted rows gets wrong."""

from __future__ import annotations

from collections import Counter

import numpy as np

from lookalike.prompting.growth.errors import ALL, Errors, steering_rows
from tests.prompting.growth.places import known, places, row

LABELS = ["a", "a", "b", "b", "b"]
ANGLES = [0.0, 10.0, 180.0, 170.0, 5.0]  # the last one is of class b among those of a


def test_places_about_rows_that_are_told_wrong_have_weight() -> None:
    some = places(LABELS)
    errors = Errors(known(ANGLES, list(LABELS), 20, (0, 1, 2, 3, 4)))
    accepted = [row(some[at % 2], f"{at} degrees") for at in range(10)]
    accepted += [row(some[2 + at % 2], f"{175 + at} degrees") for at in range(10)]
    weights = errors.weights(some, accepted, 0)
    assert weights[:4].max() < ALL + 0.2 and weights[4] > ALL + 0.8
    unseen = Errors(known(ANGLES, list(LABELS), 20, (0, 1, 2, 3))).weights(some, accepted, 0)
    assert unseen.tolist() == [*weights[:4], 0.0]  # the row does not steer


def test_without_two_classes_the_places_of_a_fixed_plan_have_equal_weights() -> None:
    some = places(LABELS)
    errors = Errors(known(ANGLES, list(LABELS), 20, (0, 4)))
    assert errors.weights(some, [], 0).tolist() == [1.0] * 5
    assert errors.weights(some, [row(some[0], "1 degrees")], 0).tolist() == [1.0] * 5


def test_a_class_of_which_nothing_was_accepted_is_wrong_altogether() -> None:
    labels = ["a", "b", "c"]
    errors = Errors(known([0.0, 180.0, 90.0], list(labels), 9, (0, 1, 2)))
    some = places(labels)
    accepted = [row(some[0], "0 degrees"), row(some[1], "180 degrees")] * 3
    weights = errors.weights(some, accepted, 0)
    assert weights[:2].max() < ALL + 0.2 and weights[2] == ALL + 1.0


def test_rows_that_steering_rows_place_in_another_class_are_doubtful() -> None:
    labels = ["a", "b"] * 40
    angles = [at / 4 if at % 2 == 0 else 180 - at / 4 for at in range(80)]
    some, steering = places(labels), tuple(range(80))
    accepted = [row(some[0], f"{angle} degrees") for angle in (5, 170, 15, 179)]  # all asked for as a
    errors = Errors(known(angles, list(labels), 20, steering))
    assert errors.doubtful(accepted) == [1, 3] and errors.doubtful([]) == []
    few = Errors(known(angles, list(labels), 20, steering[:50]))
    assert few.doubtful(accepted) == []  # too few to judge by


def test_a_share_of_each_class_steers() -> None:
    labels = ["a"] * 40 + ["b"] * 10 + ["c"]
    rows = steering_rows(labels, 0.5, 0)
    assert Counter(labels[at] for at in rows) == {"a": 20, "b": 5, "c": 1}
    assert rows == sorted(set(rows)) == steering_rows(labels, 0.5, 0) != steering_rows(labels, 0.5, 1)
    assert steering_rows(labels, 1.0, 0) == np.arange(51).tolist()
