import json

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.codec import RecordCodec
from lookalike.rules import Plan, find_rules
from lookalike.rules.holds import support
from lookalike.rules.values import Values
from lookalike.table.rule_words import read_rules


def planned(table: pd.DataFrame, *words: str) -> Plan:
    schema = lookalike.infer(table)
    codec = RecordCodec.fit(table, schema)
    rules = read_rules(words, schema) if words else find_rules(table, schema)
    plan = Plan.fit(table, codec, rules)
    assert plan is not None
    facts, arrays = plan.to_dict()
    return Plan.from_dict(json.loads(json.dumps(facts)), arrays, codec.schema)  # as a saved model has it


def there_and_back(plan: Plan, table: pd.DataFrame) -> pd.DataFrame:
    """The rows as tokens and back: every number is drawn anew within its cell."""
    rng = np.random.default_rng(0)
    tokens, cells = plan.codec.encode(plan.forward(table))
    return plan.back(plan.codec.decode(tokens, cells, rng), rng)


def test_what_follows_is_not_modelled(bookings: pd.DataFrame) -> None:
    plan = planned(bookings)
    assert [slot.column for slot in plan.codec.slots] == ["city", "start", "end (gap)", "room"]
    pd.testing.assert_frame_equal(plan.back(plan.forward(bookings), np.random.default_rng(0)), bookings)


def test_every_rule_holds_whatever_is_drawn(bookings: pd.DataFrame) -> None:
    plan = planned(bookings)
    made = there_and_back(plan, bookings)
    assert (made.dtypes == bookings.dtypes).all()
    rng = np.random.default_rng(1)
    inner = plan.forward(bookings)
    inner = pd.DataFrame({name: rng.permutation(inner[name]) for name in inner})  # as untrained as can be
    for rows in (made, plan.back(inner, rng)):
        values = Values(rows, plan.schema)
        for rule in find_rules(bookings):
            assert support(rule, values, Values(bookings, plan.schema)) == 1


def test_exceptions_stay() -> None:
    rng = np.random.default_rng(2)
    low = rng.normal(50, 20, 2000).round(1)
    table = pd.DataFrame({"low": low, "high": (low + rng.gamma(2, 9, 2000)).round(1)})
    table.loc[:39, "high"] = (low[:40] - 1 - rng.gamma(2, 9, 40)).round(1)
    table["half"] = (table.low / 2).round(1)
    table.loc[40:59, "half"] += 7
    table["key"] = rng.choice(["a", "b", "c"], 2000)
    table["value"] = table.key.str.upper()
    table.loc[60:79, "value"] = "other"
    rules = ["high >= low", "half = 0.5 * low", "key -> value"]
    plan = planned(table, *rules)
    made = there_and_back(plan, table)
    for rule, broken in zip(read_rules(rules, plan.schema), (40, 20, 20), strict=True):
        assert support(rule, Values(table, plan.schema)) == pytest.approx(1 - broken / 2000, abs=0.001)
        assert support(rule, Values(made, plan.schema)) == pytest.approx(1 - broken / 2000, abs=0.001)
    assert (made["value"] == table["value"]).all()


def test_missing_cells_stay() -> None:
    rng = np.random.default_rng(3)
    table = pd.DataFrame(
        {"a": rng.integers(0, 90, 500).astype(float), "b": rng.integers(0, 50, 500).astype(float)}
    )
    table["sum"] = table.a + table.b
    table["top"] = table.a + rng.integers(0, 9, 500)
    table.loc[rng.random(500) < 0.2, "a"] = np.nan
    table.loc[rng.random(500) < 0.1, "sum"] = np.nan
    table.loc[rng.random(500) < 0.1, "top"] = np.nan
    plan = planned(table, "sum = a + b", "top >= a")
    made = there_and_back(plan, table)
    pd.testing.assert_frame_equal(made.isna(), table.isna())
    whole = made.notna().all(axis=1)
    assert (made.a + made.b == made["sum"])[whole].all()
    assert (made.top >= made.a)[whole].all()


def test_groups_and_empty_cells_stay() -> None:
    rng = np.random.default_rng(4)
    which = rng.integers(0, 4, 400)
    table = pd.DataFrame({f"is_{k}": (which == k).astype(int) for k in range(4)})
    gone = rng.random(400) < 0.3
    table["x"], table["y"] = (np.where(gone, np.nan, rng.normal(size=400).round(2)) for _ in range(2))
    table["tested"] = np.where(rng.random(400) < 0.4, "f", "t")
    table["result"] = np.where(table.tested == "f", "?", rng.integers(100, 115, 400).astype(str))
    plan = planned(table)
    rng = np.random.default_rng(5)
    inner = plan.forward(table)
    inner = inner.apply(lambda cells: cells.dropna().sample(400, replace=True, random_state=1).to_numpy())
    made = plan.back(inner, rng)
    assert (made[[f"is_{k}" for k in range(4)]].sum(axis=1) == 1).all()
    assert (made.x.isna() == made.y.isna()).all()
    assert ((made.result == "?") == (made.tested == "f")).all()


def test_no_value_of_few_rows_is_looked_up() -> None:
    table = pd.DataFrame({"key": ["a", "b"] * 100 + ["rare"] * 3})
    table["value"] = table.key.map({"a": "A", "b": "B", "rare": "SECRET"})
    plan = planned(table, "key -> value")
    assert "SECRET" not in json.dumps(plan.to_dict()[0])


def test_round_values_are_not_lost_to_a_gap() -> None:
    rng = np.random.default_rng(6)
    table = pd.DataFrame({"cost": rng.gamma(2, 20, 800).round(2)})
    table["price"] = (np.ceil(table.cost / 50) * 50).astype(int)
    plan = planned(table, "price >= cost")
    assert [one.way for one in plan.steps] == ["clamp"]
    inner = plan.forward(table)
    made = plan.back(inner.apply(lambda cells: rng.permutation(cells)), rng)
    assert (made.price >= made.cost).all()
    assert (made.price % 50 == 0).mean() > 0.99


def test_a_derived_column_is_written_in_its_own_format() -> None:
    rng = np.random.default_rng(0)
    plain = rng.lognormal(7, 1, 300).round(2)
    table = pd.DataFrame(
        {
            "plain": plain,
            "price": [f"${value:,.2f}" for value in plain],
            "eur": [f"{value:,.2f}".translate(str.maketrans(",.", ".,")) for value in plain],
        }
    )
    plan = planned(table)
    assert len(plan.codec.slots) == 1
    pd.testing.assert_frame_equal(plan.back(plan.forward(table), np.random.default_rng(0)), table)
    made = there_and_back(plan, table)
    assert (made.price == [f"${value:,.2f}" for value in made.plain]).all()
    assert made.eur.str.fullmatch(r"\d{1,3}(\.\d{3})*,\d\d").all()


def test_a_derived_column_of_several_formats_or_with_exceptions_keeps_them() -> None:
    rng = np.random.default_rng(0)
    at = pd.date_range("2020-01-01", periods=300, freq="7h").astype(str)
    amount = rng.integers(1, 900, 300)
    table = pd.DataFrame(
        {
            "utc": [f"{one}+00:00" for one in at],
            "mixed": [f"{one}{'+02:00' if k % 2 else '+00:00'}" for k, one in enumerate(at)],
            "amount": amount,
            "said": [f"{value}" if k % 9 else "?" for k, value in enumerate(amount * 2)],
        }
    )
    plan = planned(table)
    assert {one.way for one in plan.steps} == {"formula"}
    pd.testing.assert_frame_equal(plan.back(plan.forward(table), np.random.default_rng(0)), table)
    made = there_and_back(plan, table)
    assert (made.said == "?").sum() == (table.said == "?").sum()
    told = made.said != "?"
    assert (made.said[told].astype(int) == 2 * made.amount[told]).all()
    assert (made.mixed.str[:-6] == made.utc.str[:-6]).all()
    assert made.mixed.str.endswith("+02:00").mean() == 0.5


def test_what_follows_from_rates_clocks_and_dates_is_kept() -> None:
    rng = np.random.default_rng(9)
    net, rate = rng.gamma(3, 40, 400).round(2), rng.choice([7, 19], 400)
    table = pd.DataFrame(
        {"net": net, "rate": [f"{one}%" for one in rate], "vat": (net * rate / 100).round(2)}
    )
    day = pd.Series(pd.Timestamp("2019-01-01") + pd.to_timedelta(rng.integers(0, 1500, 400), "D"))
    table["on"], table["day"] = day.dt.strftime("%d.%m.%Y"), day.dt.strftime("%a")
    share = rng.dirichlet([3, 2, 1], 400).round(3)
    table["a"], table["b"], table["c"] = share[:, 0], share[:, 1], (1 - share[:, 0] - share[:, 1]).round(3)
    plan = planned(table)
    inner = plan.forward(table)
    inner = pd.DataFrame({name: rng.permutation(inner[name]) for name in inner})
    made = plan.back(inner, rng)
    assert ((made.net * made.rate.str[:-1].astype(int) / 100 - made.vat).abs() < 0.0051).all()
    assert (pd.to_datetime(made.on, format="%d.%m.%Y").dt.strftime("%a") == made.day).all()
    assert ((made.a + made.b + made.c - 1).abs() < 1e-9).all()


def test_a_percentage_is_kept_whatever_is_drawn() -> None:
    rng = np.random.default_rng(10)
    net, rate = rng.gamma(3, 40, 600).round(2), rng.choice([0, 5.5, 20], 600)
    table = pd.DataFrame({"net": net, "rate": rate, "gross": (net * (1 + rate / 100)).round(2)})
    table["pieces"], table["off"] = rng.integers(1, 9, 600), rng.choice([0, 0.1, 0.25, np.nan], 600)
    table["line"] = (net * table.pieces * (1 - table.off.fillna(0))).round(2)
    table["cost"] = (net * rng.uniform(0.3, 0.9, 600)).round(2)
    table["margin"] = (100 - 100 * table.cost / net).round(1)
    plan = planned(table)
    assert {"gross", "line", "margin"} == {one.columns[0] for one in plan.steps if one.way == "formula"}
    pd.testing.assert_frame_equal(plan.back(plan.forward(table), rng), table)
    inner = plan.forward(table)
    made = plan.back(pd.DataFrame({name: rng.permutation(inner[name]) for name in inner}), rng)
    assert ((made.net * (1 + made.rate / 100) - made.gross).abs() < 0.0051).all()
    assert ((made.net * made.pieces * (1 - made.off.fillna(0)) - made.line).abs() < 0.0051).all()
    assert ((100 - 100 * made.cost / made.net - made.margin).abs() < 0.051).all()


def test_what_a_category_tells_of_a_number_is_kept_as_often_as_in_the_real_rows() -> None:
    rng = np.random.default_rng(12)
    kind = rng.choice(["sale", "refund", "change", "void"], 1000, p=[0.6, 0.2, 0.1, 0.1])
    sign = np.select(
        [kind == "refund", kind == "void", kind == "sale"], [-1, 0, 1], rng.choice([-1, 1], 1000)
    )
    amount = (sign * rng.gamma(2, 50, 1000)).round(2)
    amount[kind == "sale"] *= np.where(rng.random((kind == "sale").sum()) < 0.01, -1, 1)
    table = pd.DataFrame({"kind": kind, "amount": amount, "pieces": rng.integers(1, 9, 1000)})
    table["currency"] = rng.choice(["EUR", "USD"], 1000)
    each = rng.gamma(2, 50, 1000).round(2)
    for name, numbers in (("each", each), ("all", (each * table.pieces).round(2))):
        table[name] = [f"{one:.2f} {currency}" for one, currency in zip(numbers, table.currency, strict=True)]
    plan = planned(table)
    rules = [one for one in find_rules(table) if one.columns[0] in ("amount", "each", "all")]
    assert len(rules) == 4
    pd.testing.assert_frame_equal(plan.back(plan.forward(table), rng), table)
    inner = plan.forward(table)
    made = plan.back(pd.DataFrame({name: rng.permutation(inner[name]) for name in inner}), rng)
    for rule in rules:
        share = support(rule, Values(made, plan.schema), Values(table, plan.schema))
        assert share == pytest.approx(rule.support, abs=0.012)
    assert (made.amount[made.kind == "void"] == 0).all()
    assert made.amount.between(amount.min(), amount.max()).all()
    assert (made["all"].str[-3:] == made.currency).all()
    assert made.each.str.fullmatch(r"\d+\.\d\d (EUR|USD)").all()


@pytest.mark.parametrize("total", [100, None])
def test_what_is_left_of_a_sum_is_never_below_0(total: int | None) -> None:
    rng = np.random.default_rng(14)
    rows = np.full(600, total or 0) if total else rng.integers(50, 200, 600)
    parts = np.array([rng.multinomial(one, [0.5, 0.3, 0.15, 0.05]) for one in rows])
    table = pd.DataFrame(parts, columns=["sand", "silt", "clay", "rest"])
    if total is None:
        table.insert(0, "all", rows)
    plan = planned(table)
    inner = plan.forward(table)
    pd.testing.assert_frame_equal(plan.back(inner, rng), table)
    made = plan.back(pd.DataFrame({name: rng.permutation(inner[name]) for name in inner}), rng)
    assert (made[["sand", "silt", "clay", "rest"]] >= 0).all(axis=None)
    assert (made[["sand", "silt", "clay", "rest"]].sum(axis=1) == (total or made["all"])).all()


def test_a_logarithm_is_kept_where_there_is_one() -> None:
    rng = np.random.default_rng(15)
    table = pd.DataFrame({"wage": rng.gamma(2, 9, 600).round(2), "zeros": rng.poisson(2, 600) * 7})
    table["lwage"] = np.log(table["wage"]).round(4)
    table["lzeros"] = np.log(table["zeros"].where(table["zeros"] > 0)).astype(np.float32).astype(float)
    plan = planned(table, "lwage = log(wage)", "lzeros = log(zeros)")
    assert [slot.column for slot in plan.codec.slots] == ["wage", "zeros"]
    pd.testing.assert_frame_equal(plan.back(plan.forward(table), rng), table, rtol=1e-6)
    made = there_and_back(plan, table)
    assert np.log(made["wage"]).to_numpy() == pytest.approx(made["lwage"].to_numpy(), abs=6e-5)
    assert ((made["zeros"] == 0) == made["lzeros"].isna()).all()


def test_of_a_debit_and_a_credit_one_is_filled() -> None:
    rng = np.random.default_rng(13)
    debit = rng.random(500) < 0.6
    table = pd.DataFrame({"debit": np.where(debit, rng.gamma(2, 50, 500).round(2), np.nan)})
    table["credit"] = np.where(~debit, rng.gamma(3, 50, 500).round(2), np.nan)
    table["text"] = rng.choice(["shop", "rent", "pay"], 500)
    plan = planned(table)
    inner = plan.forward(table)
    pd.testing.assert_frame_equal(plan.back(inner, rng), table)
    inner = inner.apply(lambda cells: cells.dropna().sample(500, replace=True, random_state=1).to_numpy())
    made = plan.back(inner, rng)
    assert (made.debit.isna() != made.credit.isna()).all()
    assert made.debit.isna().mean() == pytest.approx(0.4, abs=0.08)


def test_an_end_that_is_not_known_yet_stays_the_same_date() -> None:
    rng = np.random.default_rng(0)
    start = pd.to_datetime("2015-01-06") + pd.to_timedelta(rng.integers(0, 2900, 600), unit="D")
    end = pd.Series((start + pd.to_timedelta(rng.integers(1, 400, 600), unit="D")).strftime("%Y-%m-%d"))
    end[rng.random(600) < 0.1] = "9999-12-31"
    table = pd.DataFrame({"start": start.strftime("%Y-%m-%d"), "end": end})
    plan = planned(table, "end >= start")
    made = there_and_back(plan, table)
    assert (made.end >= made.start).all()
    assert set(made.end[made.end > "2030"]) == {"9999-12-31"}
    assert (made.end == "9999-12-31").mean() == pytest.approx(0.1, abs=0.03)
    plain = planned(table[table.end < "9999"].reset_index(drop=True), "end >= start")
    assert [slot.column for slot in plain.codec.slots][-1] == "end (gap)"


def test_many_columns_are_put_together_in_silence(recwarn: pytest.WarningsRecorder) -> None:
    some = np.arange(200) % 7
    table = pd.DataFrame({f"{'ab'[n % 2]}{n // 2}": np.roll(some, n // 2) * (n % 2 + 1) for n in range(300)})
    plan = planned(table, *(f"b{n} = 2 * a{n}" for n in range(150)))
    made = plan.back(plan.forward(table), np.random.default_rng(0))
    assert made.equals(table) and not recwarn.list


def test_the_sides_of_an_amount_have_its_sign() -> None:
    rng = np.random.default_rng(0)
    amount = np.round(rng.lognormal(3, 1, 500), 2) * rng.choice([-1, -1, 1], 500)
    table = pd.DataFrame({"amount": amount, "debit": np.where(amount < 0, -amount, np.nan)})
    table["credit"] = np.where(amount > 0, amount, np.nan)
    made = lookalike.DiffLM(max_time="2s", seed=0).fit(table).sample(300)
    assert (made.debit.dropna() > 0).all() and (made.credit.dropna() > 0).all()
    assert (made.debit.isna() != made.credit.isna()).all()
    assert np.allclose(made.credit.fillna(0) - made.debit.fillna(0), made.amount)
