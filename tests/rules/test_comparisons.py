from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.codec import RecordCodec
from lookalike.rules import Plan, find_rules
from lookalike.rules.holds import support
from lookalike.rules.values import Values
from lookalike.table.rule import Function
from lookalike.table.rule_words import read_rule
from tests.rules.test_choose import kept_apart

ROWS = 600


def scores() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"a": rng.integers(0, 60, ROWS), "b": rng.integers(0, 60, ROWS)})
    table["due"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, ROWS), "D")
    table["arrival"] = table["due"] + pd.to_timedelta(rng.integers(-9, 5, ROWS), "D")
    return table


@pytest.mark.parametrize(
    ("made", "rule"),
    [
        (lambda t: t.a > t.b, "a > b -> x"),
        (lambda t: (t.a >= t.b).astype(int), "a >= b -> x"),
        (lambda t: np.where(t.a < t.b, "yes", "no"), "b > a -> x"),
        (lambda t: np.where(t.arrival > t.due, "late", "not late"), "arrival > due -> x"),
        (lambda t: np.where(t.arrival <= t.due, "Y", "N"), "due >= arrival -> x"),
        (lambda t: np.select([t.a > t.b, t.a < t.b], ["home", "away"], "draw"), "sign of a - b -> x"),
    ],
)
def test_a_flag_of_a_comparison_is_found_and_kept(made: Callable[[pd.DataFrame], object], rule: str) -> None:
    table = scores()
    table["x"] = made(table)
    _, drawn, _ = kept_apart(table, rule)
    assert (drawn["x"].to_numpy() == np.asarray(made(drawn))).all()


@pytest.mark.parametrize(
    ("made", "rule"),
    [
        (lambda t: t.a > 1.1 * t.c, "a > 1.1 * c -> x"),
        (lambda t: np.where(t.a >= 3 * t.c, "large", "usual"), "a >= 3 * c -> x"),
        (lambda t: np.where(t.a < 0.2 * t.c, "low", "ok"), "a >= 0.2 * c -> x"),
        (lambda t: (t.a > t.c + 200).astype(int), "a > c + 200 -> x"),
        (lambda t: t.arrival > t.due + pd.Timedelta("15min"), "arrival > due + 15 minutes -> x"),
    ],
)
def test_a_flag_by_a_factor_or_a_distance_is_found_and_kept(
    made: Callable[[pd.DataFrame], object], rule: str
) -> None:
    rng = np.random.default_rng(8)
    table = pd.DataFrame({"a": rng.gamma(2, 200, 900).round(), "c": rng.gamma(2, 200, 900).round()})
    table.loc[:29, "a"], table.loc[30:59, "a"] = 3 * table["c"], (table["c"] / 5).round()
    table["due"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 90_000, 900), "min")
    table["arrival"] = table["due"] + pd.to_timedelta(rng.integers(-90, 90, 900), "min")
    table["x"] = made(table)
    _, drawn, plan = kept_apart(table, rule)
    assert (drawn["x"].to_numpy() == np.asarray(made(drawn))).all()
    assert read_rule(rule, plan.schema) == plan.steps[-1].rule


def test_no_factor_is_found_where_one_number_tells_it_or_chance_does() -> None:
    rng = np.random.default_rng(9)
    table = pd.DataFrame({"a": rng.gamma(2, 200, 900).round(1), "c": rng.gamma(2, 200, 900).round(1)})
    table["near"] = rng.normal(500, 3, 900).round(1)
    table["x"] = table["a"] > 250
    table["y"] = rng.permutation(table["a"] > 3 * table["c"])
    assert [rule.words for rule in find_rules(table)] == ["a cut at 250.3 -> x"]


def test_a_flag_is_empty_where_a_part_is() -> None:
    table = scores()
    table["x"] = np.where(table.a > table.b, "over", "under")
    table.loc[:59, ["b", "x"]] = None
    (rule,) = (one for one in find_rules(table) if isinstance(one, Function))
    assert rule.words == "a > b -> x"
    codec = RecordCodec.fit(table, lookalike.infer(table))
    plan = Plan.fit(table, codec, [rule])
    assert plan is not None
    made = plan.back(plan.forward(table), np.random.default_rng(0))
    pd.testing.assert_frame_equal(made, table)


def test_chance_and_one_number_alone_are_no_comparison() -> None:
    table, rng = scores(), np.random.default_rng(4)
    table["random"] = rng.random(ROWS) < 0.5
    table["small"] = np.arange(ROWS) % 7 + 100.5  # hardly varies beside a
    table["a"] = table["a"] * 5
    table["above"] = table["a"] > 103  # one row in a hundred lies between
    table["mostly"] = (table["a"] > table["b"]) ^ (rng.random(ROWS) < 0.03)
    found = [one for one in find_rules(table) if isinstance(one, Function)]
    assert [one.words for one in found] == ["a cut at 105 -> above"]


def test_fresh_rows_keep_what_is_found() -> None:
    table = scores()
    table["x"] = table["a"] > table["b"]
    schema = lookalike.infer(table)
    half = table[:300].reset_index(drop=True), table[300:].reset_index(drop=True)
    (rule,) = find_rules(half[0], schema)
    assert support(rule, Values(half[1], schema), Values(half[0], schema)) == 1


def test_a_flag_that_one_column_tells_alone_is_no_comparison() -> None:
    rng = np.random.default_rng(2)
    month = np.arange(1, 201)
    table = pd.DataFrame({"month": month, "squared": month * month, "law": (month > 140).astype(int)})
    table["paid"] = np.where(rng.random(200) < 0.4, 0.0, rng.gamma(2, 90, 200).round(2))
    table["heads"] = rng.integers(1, 9, 200)
    table["any"] = (table["paid"] > 0).astype(int)  # as if: paid > 0 * heads
    found = [rule.words for rule in find_rules(table) if isinstance(rule, Function) and rule.than is not None]
    assert found == []
