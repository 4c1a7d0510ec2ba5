"""Two columns of the same values that are never equal in a row."""

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.codec import RecordCodec
from lookalike.errors import ConditionError
from lookalike.rules import Plan, find_rules
from lookalike.rules.conditions import translated
from lookalike.rules.holds import support
from lookalike.rules.values import Values
from tests.rules.test_choose import drawn_apart

CITIES = ["FRA", "JFK", "LHR", "MUC", "CDG"]


def flights(rows: int = 1500) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    share = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
    pairs = [rng.choice(5, 2, replace=False, p=share) for _ in range(rows)]
    table = pd.DataFrame({"origin": [CITIES[a] for a, _ in pairs], "to": [CITIES[b] for _, b in pairs]})
    table["country"] = table["to"].map(dict(zip(CITIES, ["DE", "US", "GB", "DE", "FR"], strict=True)))
    return table


def words(table: pd.DataFrame) -> list[str]:
    return [rule.words for rule in find_rules(table)]


def test_what_is_never_equal_is_found_where_chance_would_make_it_equal() -> None:
    rng, table = np.random.default_rng(1), flights()[["origin", "to"]]
    assert words(table) == ["origin != to"]
    assert words(table.apply(lambda cells: cells.map(CITIES.index) + 30)) == ["origin != to"]
    assert words(table.assign(to=rng.permutation(table["to"]))) == []
    assert words(table.assign(to=table["to"].str.lower())) == []  # no value of both
    rare = pd.DataFrame({name: rng.integers(0, 150, 300) + 11_000 for name in "ab"})
    assert words(rare[rare["a"] != rare["b"]].astype(str)) == []  # chance makes hardly a row equal
    low = rng.integers(0, 9, 1500)
    assert not any(
        "!=" in one for one in words(pd.DataFrame({"low": low, "high": low + rng.integers(1, 9, 1500)}))
    )


def test_exceptions_stay_and_values_keep_their_shares() -> None:
    table = flights()
    table.loc[:14, "to"] = table["origin"][:15]
    table.loc[20:80, "origin"] = None
    table["country"] = table["to"].map(dict(zip(CITIES, ["DE", "US", "GB", "DE", "FR"], strict=True)))
    rules = find_rules(table)
    rule = next(one for one in rules if one.words == "origin != to")
    assert rule.support == pytest.approx(1 - 15 / table["origin"].notna().sum())
    codec = RecordCodec.fit(table, lookalike.infer(table))
    plan = Plan.fit(table, codec, rules)
    assert plan is not None
    made = drawn_apart(plan, table, np.random.default_rng(2))
    assert support(rule, Values(made, plan.schema)) == pytest.approx(rule.support, abs=0.01)
    shares = [one["to"].value_counts(normalize=True)[CITIES] for one in (table, made)]
    assert np.abs(shares[0] - shares[1]).max() < 0.12


def test_a_condition_on_one_leaves_the_other_what_remains() -> None:
    table = flights()
    codec = RecordCodec.fit(table, lookalike.infer(table))
    plan = Plan.fit(table, codec, find_rules(table))
    assert plan is not None and {one.way for one in plan.steps} == {"unlike", "lookup"}
    inner, rest = translated(plan, codec, {"to": "FRA"})
    assert {*inner["origin"].values} == {*CITIES} - {"FRA"}
    assert {*rest} == {"to"}
    inner, rest = translated(plan, codec, {"country": "DE"})
    assert {*inner["to"].values} == {"FRA", "MUC"} and {*rest} == {"country"}
    with pytest.raises(ConditionError, match="all the conditions at once"):
        translated(plan, codec, {"to": "FRA", "origin": "FRA"})
