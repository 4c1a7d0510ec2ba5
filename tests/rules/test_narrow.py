"""Formulas whose numbers are narrow beside their parts, told from others by the real rows."""

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.rules.narrow import Solved, broad_parts, solved_by
from lookalike.rules.values import Values
from lookalike.table.rule_words import read_rules

ROWS = 1000


@pytest.fixture(scope="module")
def values() -> Values:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"list": rng.lognormal(12, 0.6, ROWS).round(-3).astype(int)})
    share = np.where(rng.random(ROWS) < 0.2, 1, np.clip(rng.normal(0.95, 0.05, ROWS), 0.6, 1.1))
    table["sale"] = (table["list"] * share).round(-2).astype(int)
    table["percent"] = (100 * table["sale"] / table["list"]).round(2)
    table["cut"] = table["list"] - table["sale"]
    table["pieces"], table["price"] = rng.integers(1, 9, ROWS), rng.gamma(2, 20, ROWS).round(2)
    table["total"] = (table["pieces"] * table["price"]).round(2)
    table["both"] = (table["price"] + table["total"]).round(2)
    planned = pd.Timestamp("2021-03-01") + pd.to_timedelta(rng.integers(0, 700 * 24, ROWS), "h")
    table["planned"] = planned
    table["delay"] = (rng.gamma(1, 30, ROWS) - 12).round().astype(int)
    table["came"] = planned + pd.to_timedelta(table["delay"], "min")
    return Values(table, lookalike.infer(table))


@pytest.mark.parametrize(
    ("rule", "parts"),
    [
        ("percent = 100 * sale / list", ["sale", "list"]),
        ("cut = list - sale", ["sale", "list"]),
        ("delay = came - planned in minutes", ["came", "planned"]),
        ("total = pieces * price", []),
        ("both = price + total", []),
    ],
)
def test_numbers_that_are_narrow_beside_their_parts_are_told(
    values: Values, rule: str, parts: list[str]
) -> None:
    found = broad_parts(read_rules([rule], values.schema)[0], values)
    assert found == parts  # round numbers, and full hours, come last: others follow more easily


def test_what_a_part_may_move_by_is_read_from_real_rows(values: Values) -> None:
    numbers = values.numbers("percent")
    found = solved_by(numbers, "sale", values, (70.0, 105.0), 5)
    assert found.usual == (100.0,) and found.ends == (70.0, 105.0)
    assert 0.3 < found.slack < 1.5
    assert found.grids[-1] == 5 and 500 in found.grids
    assert list(found.grids) == sorted(found.grids, reverse=True)
    assert solved_by(numbers, "price", values, (), 5).grids == ()  # its digits are those of chance
    assert Solved.of({"slack": 1, "usual": [2.0], "ends": [], "grids": [5.0]}) == Solved(
        1.0, (2.0,), (), (5.0,)
    )
