"""Grades: which side of a figure is bad, and how far from its yardstick."""

import pytest

from lookalike.evaluate.figures import FIGURES, beyond, grade
from lookalike.evaluate.section import Entry

FIGURE = {figure.key: figure for figure in FIGURES}
TWO_SIDED = {"c2st_auc", "distinct_2", "vocabulary", "self_bleu", "vendi", "unique_rows", "near_duplicates"}


def entry(value: float, reference: float | None = None, **more: object) -> Entry:
    return Entry(value, reference, **more)


def test_what_is_judged_on_both_sides() -> None:
    assert {figure.key for figure in FIGURES if figure.other is not None} == TWO_SIDED


@pytest.mark.parametrize("key", sorted(TWO_SIDED))
def test_too_much_is_as_bad_as_too_little(key: str) -> None:
    figure, middle = FIGURE[key], 0.5
    far = [figure.slack[1], figure.other[1]] if figure.up else [figure.other[1], figure.slack[1]]
    factor = max(figure.factor[1], 1)
    assert grade(figure, entry(middle, middle)) == "good"
    assert grade(figure, entry(middle - far[0] - 0.01, middle)) == "poor"
    assert grade(figure, entry(max(middle + far[1], middle * factor) + 0.01, middle)) == "poor"
    much, little = entry(5.0, middle), entry(-5.0, middle)
    assert (beyond(figure, much), beyond(figure, little)) == (figure.up, not figure.up)


def test_the_other_side_needs_a_yardstick() -> None:
    assert grade(FIGURE["unique_rows"], entry(1.0)) == "good"
    assert grade(FIGURE["unique_rows"], entry(1.0, 0.5)) == "poor"
    assert grade(FIGURE["unique_rows"], entry(0.5)) is None, "perhaps real rows repeat, too"
    assert grade(FIGURE["vocabulary"], entry(1.6, 1.0, chance=1.0)) == "poor"
    assert grade(FIGURE["vocabulary"], entry(1.0, 0.8, chance=1.0)) == "good"


def test_one_side_is_no_fault_of_the_others() -> None:
    assert grade(FIGURE["verbatim"], entry(0.0, 0.2)) == "good"
    assert grade(FIGURE["ratio"], entry(1.3, 1.0)) == "good"
    assert grade(FIGURE["dcr_share"], entry(0.3, 0.5)) == "good"


def test_what_is_allowed_stands_in_for_the_holdout() -> None:
    figure = FIGURE["identifying_values"]
    assert grade(figure, entry(0.8, 0.9, allowed=(0.1, 0.5))) == "poor"
    assert grade(figure, entry(0.4, 0.9, allowed=(0.1, 0.5))) == "fair"
    assert grade(figure, entry(0.12, None, allowed=(0.1, 0.5))) == "good"
    assert grade(figure, entry(0.3, None, allowed=(0.0, 0.0))) == "poor"
