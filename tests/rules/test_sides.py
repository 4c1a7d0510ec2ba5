"""An amount with a sign, and a column for each side."""

import numpy as np
import pandas as pd
import pytest

from lookalike import find_rules

RNG = np.random.default_rng(0)
AMOUNT = np.round(RNG.lognormal(3, 1, 600), 2) * RNG.choice([-1, -1, 1], 600)
SIDES = {"debit": np.where(AMOUNT < 0, -AMOUNT, np.nan), "credit": np.where(AMOUNT > 0, AMOUNT, np.nan)}
ONE = "exactly one of debit, credit filled"


def words(table: pd.DataFrame) -> list[str]:
    return [rule.words for rule in find_rules(table)]


def test_an_amount_is_the_sum_of_its_sides() -> None:
    table = pd.DataFrame({"amount": AMOUNT, **SIDES})
    assert words(table) == ["amount = credit - debit, empty as 0", ONE]
    assert words(table.assign(debit=-table.debit)) == ["amount = debit + credit, empty as 0", ONE]
    back = pd.DataFrame({**SIDES, "amount": AMOUNT})
    assert words(back) == ["amount = -debit + credit, empty as 0", ONE]


def test_three_ways_to_pay_are_copies() -> None:
    total, way = np.abs(AMOUNT), RNG.integers(3, size=600)
    ways = {name: np.where(way == at, total, np.nan) for at, name in enumerate(("cash", "card", "check"))}
    found = words(pd.DataFrame({"total": total, **ways}))
    assert {"cash = total", "card = total", "check = total"} <= {*found}


@pytest.mark.parametrize("names", [["amount", "debit"], ["amount", "credit"]])
def test_a_side_alone_is_a_copy(names: list[str]) -> None:
    (rule,) = words(pd.DataFrame({"amount": AMOUNT, **SIDES})[names])
    assert rule == f"{names[1]} = {'-' if names[1] == 'debit' else ''}amount"


def test_sides_that_overlap_are_copies() -> None:
    debit = np.where(RNG.random(600) < 0.5, -AMOUNT, np.nan)
    found = words(pd.DataFrame({"amount": AMOUNT, "debit": debit, "credit": SIDES["credit"]}))
    assert {"debit = -amount", "credit = amount"} <= {*found}
