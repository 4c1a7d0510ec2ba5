from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from lookalike.rules import find_rules
from lookalike.rules.holds import support
from lookalike.rules.values import Values
from tests.rules.test_choose import kept_apart

ROWS = 600


def amounts() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    table = pd.DataFrame({"a": rng.gamma(3, 200, ROWS).round(2), "b": rng.gamma(3, 180, ROWS).round(2)})
    table["c"] = rng.gamma(2, 300, ROWS).round(2)
    table["due"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, ROWS), "D")
    table["paid"] = table["due"] + pd.to_timedelta(rng.integers(-20, 20, ROWS), "D")
    return table


@pytest.mark.parametrize(
    ("made", "rule"),
    [
        (lambda t: (t.a - t.b).clip(lower=0).round(2), "x = max(a - b, 0)"),
        (lambda t: (0.8 * (t.a - t.b)).clip(lower=0).round(2), "x = max(0.8 * a - 0.8 * b, 0)"),
        (lambda t: (t.a - 400).clip(lower=0).round(2), "x = max(a - 400, 0)"),
        (lambda t: (0.1 * t.a).clip(upper=80).round(2), "x = min(0.1 * a, 80)"),
        (lambda t: (t.paid - t.due).dt.days.clip(lower=0), "x = max(paid - due in days, 0)"),
        (lambda t: t[["a", "b"]].min(axis=1), "x = min(a, b)"),
        (lambda t: t[["a", "b", "c"]].max(axis=1), "x = max(a, b, c)"),
        (lambda t: t[["due", "paid"]].max(axis=1), "x = max(due, paid)"),
        (lambda t: ((t.a + 2 * t.b) / 3).round(2), "x = (a + 2 * b) / 3"),
        (lambda t: ((t.a + 2 * t.b + 3 * t.c) / 6).round(2), "x = (a + 2 * b + 3 * c) / 6"),
    ],
)
def test_a_formula_with_an_end_is_found_and_kept(
    made: Callable[[pd.DataFrame], pd.Series], rule: str
) -> None:
    table = amounts()
    table["x"] = made(table)
    found, drawn, plan = kept_apart(table, rule)
    assert support(found, Values(drawn, plan.schema)) == 1


def test_a_weighted_mean_is_found_beside_years_that_hardly_vary() -> None:
    table, rng = amounts()[["a", "b"]].round(), np.random.default_rng(8)
    table["birth"] = rng.integers(1940, 1990, ROWS)
    table["hired"] = table["birth"] + rng.integers(18, 40, ROWS)
    table["x"] = ((table["a"] + 2 * table["b"]) / 3).round(1)
    assert "x = (a + 2 * b) / 3" in [one.words for one in find_rules(table)]


def test_a_difference_that_is_never_below_0_has_no_end() -> None:
    table, rng = amounts(), np.random.default_rng(7)
    more = np.where(np.arange(ROWS) % 3 > 0, rng.gamma(3, 180, ROWS), 0)
    table["whole"] = (table["a"] + more).round(2)
    table["rest"] = (table["whole"] - table["a"]).round(2)
    assert [one.words for one in find_rules(table)] == ["whole = a + rest"]


def test_what_lies_below_two_columns_is_not_the_smallest() -> None:
    table, rng = amounts(), np.random.default_rng(6)
    lowest = table[["a", "b"]].min(axis=1)
    table["x"] = np.where(rng.random(ROWS) < 0.5, lowest, (lowest * rng.random(ROWS)).round(2))
    assert not any("min(" in one.words for one in find_rules(table))
