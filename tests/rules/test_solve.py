"""A number that is narrow beside its parts keeps its range, whatever a network draws: the worst one draws
every column by itself.
"""

import json

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.codec import RecordCodec
from lookalike.rules import Plan, rules_of
from lookalike.rules.holds import support
from lookalike.rules.values import Values
from lookalike.table.rule_words import read_rules
from tests.rules.test_choose import drawn_apart

ROWS = 2000


def planned(table: pd.DataFrame, *words: str) -> Plan:
    schema = lookalike.infer(table)
    schema.rules = list(words)
    codec = RecordCodec.fit(table, schema)
    plan = Plan.fit(table, codec, rules_of(table, schema))
    assert plan is not None
    facts, arrays = plan.to_dict()
    again = Plan.from_dict(json.loads(json.dumps(facts)), arrays, codec.schema)  # as a saved model has it
    assert again.steps == plan.steps
    return again


def solves(plan: Plan) -> list[str]:
    return [one.columns[0] for one in plan.steps if one.way == "solve"]


def apart(real: pd.Series, made: pd.Series) -> float:
    """The Kolmogorov-Smirnov distance."""
    both = np.sort(np.concatenate([real, made]))
    sides = [np.searchsorted(np.sort(one), both, side="right") / len(one) for one in (real, made)]
    return float(np.abs(sides[0] - sides[1]).max())


def sold(rows: int = ROWS) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"list": rng.lognormal(12, 0.7, rows).round(-3).astype(int)})
    share = np.where(rng.random(rows) < 0.2, 1, rng.normal(0.95, 0.05, rows))
    table["sale"] = (table["list"] * share.clip(0.7, 1)).round(-2).astype(int)
    table["percent"] = (100 * table["sale"] / table["list"]).round(2)
    return table


def test_a_ratio_stays_in_its_range_and_the_part_that_follows_keeps_its_digits() -> None:
    table, rule = sold(), "percent = 100 * sale / list"
    plan = planned(table, rule, "list >= sale")
    assert solves(plan) == ["sale"] or solves(plan) == ["list"]
    pd.testing.assert_frame_equal(plan.back(plan.forward(table), np.random.default_rng(0)), table)
    made = drawn_apart(plan, table, np.random.default_rng(1))
    assert made["percent"].between(table["percent"].min(), 100).all()
    assert (made["sale"] <= made["list"]).all()
    assert ((100 * made["sale"] / made["list"]).round(2) - made["percent"]).abs().max() < 0.011
    for name, most in {"percent": 0.05, "sale": 0.05, "list": 0.05}.items():
        assert apart(table[name], made[name]) < most
    assert (made["percent"] == 100).mean() == pytest.approx((table["percent"] == 100).mean(), abs=0.03)
    others = made.loc[made["percent"] != 100, "percent"].value_counts(normalize=True)
    assert others.max() < 0.02  # no spike, at no end
    for name in ("sale", "list"):
        assert (made[name] % 100 == 0).mean() > 0.9


def test_a_part_stays_on_its_grid_though_many_rows_share_a_rounded_ratio() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"list": (rng.lognormal(12.3, 0.5, ROWS) / 500).round() * 500})
    table["sale"] = (table["list"] * rng.normal(0.96, 0.04, ROWS) / 100).round() * 100
    table["percent"] = (100 * table["sale"] / table["list"]).round(1)  # 1% of the rows have 96.0
    table = table.astype({"list": int, "sale": int})
    plan = planned(table, "percent = 100 * sale / list")
    assert solves(plan) == ["sale"]
    made = drawn_apart(plan, table, np.random.default_rng(1))
    assert ((100 * made["sale"] / made["list"]).round(1) == made["percent"]).all()
    assert apart(table["percent"], made["percent"]) < 0.05
    assert (made["sale"] % 100 == 0).mean() > 0.99


def test_delays_with_exceptions_and_empty_cells_stay() -> None:
    rng = np.random.default_rng(2)
    start = pd.Timestamp("2021-03-01") + pd.to_timedelta(rng.integers(0, 700 * 288, ROWS) * 5, "min")
    table = pd.DataFrame({"planned": start, "delay": np.floor(rng.gamma(1, 30, ROWS) - 12)})
    table["came"] = start + pd.to_timedelta(table["delay"], "min")
    table.loc[:29, "delay"] += 1000  # rows that break the rule
    gone = rng.random(ROWS) < 0.1
    table.loc[gone, ["came", "delay"]] = None, np.nan
    words = "delay = came - planned in minutes", "came, delay empty together"
    plan = planned(table, *words)
    assert solves(plan) == ["came"]
    pd.testing.assert_frame_equal(plan.back(plan.forward(table), np.random.default_rng(0)), table)
    made = drawn_apart(plan, table, np.random.default_rng(1))
    rule = read_rules(words[:1], plan.schema)[0]
    share = support(rule, Values(table, plan.schema))
    assert 0.98 < share < 0.99
    assert support(rule, Values(made, plan.schema)) == pytest.approx(share, abs=0.006)
    keeps = (made["came"] - made["planned"]) / pd.Timedelta("1min") == made["delay"]
    assert made.loc[keeps, "delay"].between(-12, table.loc[30:, "delay"].max()).all()
    assert apart(table["delay"].dropna(), made["delay"].dropna()) < 0.05
    assert (made["planned"].dt.minute % 5 == 0).all()


def test_changes_from_year_to_year_follow_each_other() -> None:
    rng = np.random.default_rng(3)
    table = pd.DataFrame({"y1": rng.lognormal(9, 1.5, ROWS).round().astype(int) + 200})
    for year in (2, 3, 4):
        before = table[f"y{year - 1}"]
        table[f"y{year}"] = (before * np.exp(rng.normal(0.02, 0.05, ROWS))).round().astype(int)
        table[f"change{year}"] = (100 * table[f"y{year}"] / before - 100).round(1)
    words = [f"change{year} = 100 * y{year} / y{year - 1} - 100" for year in (2, 3, 4)]
    plan = planned(table, *words)
    assert len(solves(plan)) == 3
    same = plan.back(plan.forward(table), np.random.default_rng(0))[[*table]] == table
    assert same.to_numpy().mean() > 0.999  # a half may have been rounded in another way
    made = drawn_apart(plan, table, np.random.default_rng(1))
    for rule in read_rules(words, plan.schema):
        assert support(rule, Values(made, plan.schema)) == 1
        real, drawn = table[rule.columns[0]], made[rule.columns[0]]
        assert (real[real == 0].map(str) == "-0.0").any()  # which is a value of its own
        assert drawn.between(real.min(), real.max()).all() and apart(real, drawn) < 0.06
    for name in ("y1", "y2", "y3", "y4"):
        assert apart(table[name], made[name]) < 0.06
        assert made[name].max() <= table[name].max()


def test_what_bounds_a_part_goes_on_holding() -> None:
    rng = np.random.default_rng(4)
    table = pd.DataFrame({"kind": rng.choice(["sale", "refund"], ROWS, p=[0.8, 0.2])})
    sign = np.where(table["kind"] == "sale", 1, -1)
    table["gross"] = sign * rng.lognormal(5, 1, ROWS).round(2)
    table["net"] = (table["gross"] * rng.normal(0.8, 0.02, ROWS)).round(2)
    table["rate"] = (100 * table["net"] / table["gross"]).round(1)
    table["low"] = rng.gamma(2, 50, ROWS).round(1)
    table["high"] = (table["low"] + rng.gamma(2, 40, ROWS)).round(1)
    table["near"] = (table["high"] + rng.normal(0, 0.5, ROWS)).round(1)
    table["off"] = (table["near"] - table["high"]).round(1)
    words = "rate = 100 * net / gross", "kind -> sign of net", "kind -> sign of gross"
    plan = planned(table, *words, "high >= low", "off = near - high", "near >= low")
    assert len(solves(plan)) == 2
    made = drawn_apart(plan, table, np.random.default_rng(1))
    for rule in read_rules(plan.schema.rules, plan.schema):
        share = support(rule, Values(table, plan.schema))
        found = support(rule, Values(made, plan.schema), Values(table, plan.schema))
        assert found == pytest.approx(share, abs=0.006)
    assert made["off"].between(table["off"].min(), table["off"].max()).mean() > 0.99
    assert made["rate"].between(table["rate"].min(), table["rate"].max()).all()


def test_the_time_of_a_day_is_kept_beside_whole_days() -> None:
    rng = np.random.default_rng(5)
    day = pd.Timestamp("2019-01-01") + pd.to_timedelta(rng.integers(0, 3000, ROWS), "D")
    table = pd.DataFrame({"ordered": day + pd.to_timedelta(rng.integers(0, 86400, ROWS), "s")})
    days, hour = rng.poisson(3, ROWS) - 1, rng.choice([9, 12, 15], ROWS)
    table["sent"] = table["ordered"].dt.normalize() + pd.to_timedelta(24 * days + hour, "h")
    table["wait"] = np.floor((table["sent"] - table["ordered"]) / pd.Timedelta("1D")).astype(int)
    plan = planned(table, "wait = sent - ordered in days, rounded down")
    assert len(solves(plan)) == 1
    made = drawn_apart(plan, table, np.random.default_rng(1))
    assert made["wait"].between(table["wait"].min(), table["wait"].max()).all()
    assert apart(table["wait"], made["wait"]) < 0.05
    assert made["sent"].dt.hour.isin([9, 12, 15]).mean() > 0.99


def test_broad_numbers_follow_from_their_parts_as_they_are_drawn() -> None:
    rng = np.random.default_rng(6)
    table = pd.DataFrame({"pieces": rng.integers(1, 9, ROWS), "price": rng.gamma(2, 20, ROWS).round(2)})
    table["total"] = (table["pieces"] * table["price"]).round(2)
    table["tax"] = rng.gamma(2, 9, ROWS).round(2)
    table["gross"] = (table["total"] + table["tax"]).round(2)
    plan = planned(table, "total = pieces * price", "gross = total + tax")
    assert not solves(plan) and not any(one.aimed for one in plan.steps)
    assert [slot.column for slot in plan.codec.slots] == ["pieces", "price", "tax"]
