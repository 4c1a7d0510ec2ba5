"""Every rule holds in drawn rows as often as in real ones, whatever a network draws: the worst one draws
every column by itself.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.codec import RecordCodec
from lookalike.codec.slot import Array
from lookalike.rules import Plan, find_rules
from lookalike.rules.holds import support
from lookalike.rules.values import Values
from lookalike.table.rule import Order, Rule

ROWS = 800
KEYS = "abcdefgh"


def drawn_apart(plan: Plan, table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Rows whose columns are drawn without a look at each other, each as often as the real rows hold it."""
    codec = plan.codec
    tokens, cells = codec.encode(plan.forward(table))
    for own in codec.columns:
        rows = rng.choice(np.flatnonzero(tokens[:, own[0]] >= 0), len(tokens))
        tokens[:, own], cells[:, own] = tokens[np.ix_(rows, own)], cells[np.ix_(rows, own)]
    return plan.back(codec.decode(tokens, cells, rng), rng, fresh=True)


def kept_apart(table: pd.DataFrame, rule: str) -> tuple[Rule, pd.DataFrame, Plan]:
    """The one rule of a table, which is found, and by which its column "x" is not modelled; rows made of what
    is, each column shuffled by itself, and the plan.
    """
    rules = find_rules(table)
    assert [one.words for one in rules] == [rule]
    codec = RecordCodec.fit(table, lookalike.infer(table))
    plan = Plan.fit(table, codec, rules)
    assert plan is not None
    rng = np.random.default_rng(1)
    inner = plan.forward(table)
    assert "x" not in inner
    drawn = plan.back(pd.DataFrame({name: rng.permutation(inner[name]) for name in inner}), rng)
    assert (drawn.dtypes == table.dtypes).all()
    return rules[0], drawn, plan


def shares(table: pd.DataFrame) -> list[tuple[Rule, float]]:
    """Each rule of a table, and the share of rows drawn so that keep it."""
    schema = lookalike.infer(table)
    codec = RecordCodec.fit(table, schema)
    rules = find_rules(table, codec.schema)
    plan = Plan.fit(table, codec, rules)
    assert plan is not None
    made = drawn_apart(plan, table, np.random.default_rng(1))
    assert (made.dtypes == table.dtypes).all()
    real = Values(table, codec.schema)
    return [(rule, support(rule, Values(made, codec.schema), real)) for rule in rules]


class Parts:
    """Columns that tables are put together from."""

    def __init__(self) -> None:
        rng = self.rng = np.random.default_rng(0)
        self.a, self.b = rng.gamma(2, 50, ROWS).round(2), rng.gamma(2, 20, ROWS).round(2)
        self.low = rng.gamma(2, 50, ROWS).round(1)
        self.high = (self.low + rng.gamma(2, 20, ROWS)).round(1)
        self.part = rng.random(ROWS)
        self.key = rng.choice(list(KEYS), ROWS)
        self.limit = np.array([100 * (KEYS.index(key) + 1) for key in self.key])
        self.gone = rng.random(ROWS) < 0.3
        self.tested = np.where(self.gone, "no", "yes")
        self.country = np.array(["XYZ"[KEYS.index(key) % 3] for key in self.key])

    def days(self) -> Array:
        return np.datetime64("2019-01-01") + self.rng.integers(0, 900, ROWS).astype("m8[D]")

    def later(self, start: Array, months: Array, days: int) -> Array:
        """Months and then days later."""
        made = [pd.Timestamp(one) + pd.DateOffset(months=n) for one, n in zip(start, months, strict=True)]
        return (pd.DatetimeIndex(made) + pd.Timedelta(days, "D")).to_numpy()

    def either(self, *signs: str) -> Array:
        """A text that goes with its country."""
        return np.array([self.rng.choice([sign + one for sign in signs]) for one in self.country])

    def emptied(self, numbers: Array) -> Array:
        return np.where(self.gone, np.nan, numbers)


TABLES: dict[str, Callable[[Parts], dict[str, Array]]] = {
    "an order under a sum": lambda p: {
        "a": p.a,
        "b": p.b,
        "total": (p.a + p.b).round(2),
        "paid": ((p.a + p.b) * p.part).round(2),
    },
    "an order under a function": lambda p: {
        "key": p.key,
        "limit": p.limit,
        "used": (p.limit * p.part).round(1),
    },
    "orders in a chain under a function": lambda p: {
        "key": p.key,
        "limit": p.limit,
        "used": (used := (p.limit * p.part).round(1)),
        "cash": (used * p.rng.random(ROWS)).round(1),
    },
    "an order between two bounds": lambda p: {
        "low": p.low,
        "mid": ((p.low + p.high) / 2).round(1),
        "high": p.high,
        "range": (p.high - p.low).round(1),
    },
    "an order of columns that are empty together": lambda p: {
        "low": p.emptied(p.low),
        "high": p.emptied(p.high),
    },
    "an order of columns that are empty when": lambda p: {
        "tested": p.tested,
        "low": p.emptied(p.low),
        "high": p.emptied(p.high),
    },
    "a sum that is empty when": lambda p: {
        "tested": p.tested,
        "a": p.a,
        "b": p.b,
        "c": p.emptied((p.a + p.b).round(2)),
    },
    "a sum of columns that are empty together": lambda p: {
        "a": p.emptied(p.a),
        "b": p.emptied(p.b),
        "c": p.emptied(p.a + p.b).round(2),
        "z": p.emptied(p.low),
    },
    "a column that is empty where a formula says nothing": lambda p: {
        "a": p.a,
        "double": p.emptied((2 * p.a).round(2)),
        "x": p.emptied(p.low),
    },
    "a column that is empty with a derived one": lambda p: {
        "key": p.key,
        "limit": np.where(np.isin(p.key, ["a", "b"]), np.nan, p.limit),
        "x": np.where(np.isin(p.key, ["a", "b"]), np.nan, p.a),
    },
    "a function with empty values": lambda p: {
        "key": p.key,
        "name": np.array([None if key in "ab" else key.upper() for key in p.key], dtype=object),
    },
    "one-hot columns beside what they tell": lambda p: {
        "key": p.key,
        "country": p.country,
        **{f"is_{one}": (p.country == one).astype(int) for one in "XYZ"},
    },
    "combinations in a chain": lambda p: {
        "country": p.either("1", "2"),
        "language": p.either("l", "m"),
        "law": p.either("p", "q"),
    },
    "exceptions that feed a sum": lambda p: {
        "a": p.a,
        "tax": (tax := np.where(p.part < 0.01, 0, (p.a * 0.1).round(2))),
        "total": (p.a + tax).round(2),
        "tip": p.b,
        "all": (p.a + tax + p.b).round(2),
    },
    "a chain of price, pieces, total and what is due": lambda p: {
        "product": p.key,
        "price": (price := p.limit / 16),
        "pieces": (pieces := p.rng.integers(1, 5, ROWS)),
        "line": (price * pieces).round(2),
        "ship": (ship := p.rng.choice([0, 4.99], ROWS)),
        "total": (total := (price * pieces + ship).round(2)),
        "due": (total * p.part).round(2),
    },
    "a total that is nearly always one of its parts": lambda p: {
        "repair": (repair := np.where(p.part < 0.3, p.a.round(), 0)),
        "other": (other := np.where(p.part > 0.95, p.b.round() + 1, 0)),
        "total": repair + other,
    },
    "a balance of which a deposit or a withdrawal is filled": lambda p: {
        "before": p.a,
        "in": np.where(p.gone, p.b, np.nan),
        "out": np.where(p.gone, np.nan, p.low),
        "fees": np.where(p.part < 0.9, np.nan, 2.5),
        "after": (p.a + np.where(p.gone, p.b, -p.low) - np.where(p.part < 0.9, 0, 2.5)).round(2),
    },
    "contracts of some months, and invoices of some days": lambda p: {
        "start": (start := p.days()),
        "term": (term := p.rng.choice([6, 12, 24], ROWS)),
        "end": p.later(start, term, days=-1),
        "next": p.later(start, term + 1, days=-1),
        "due in": np.array([f"{one} days" for one in 5 * term]),
        "due": start + 5 * term.astype("m8[D]"),
    },
    "teams, and what they tell": lambda p: apart(
        {
            "home": p.key,
            "away": (away := p.rng.choice(list(KEYS), ROWS)),
            "limit": p.limit,
            "referee": np.array(["mno"[KEYS.index(one) % 3] for one in away]),
            "first": (order := p.rng.permuted(np.tile([*"pqrs"], (ROWS, 1)), axis=1))[:, 0],
            "second": order[:, 1],
            "third": order[:, 2],
            "from": p.rng.integers(20, 26, ROWS),
            "to": p.rng.integers(20, 26, ROWS),
        }
    ),
    "an order with a distance": lambda p: {
        "born": (born := p.rng.integers(1940, 1990, ROWS)),
        "hired": born + 18 + p.rng.geometric(0.15, ROWS) - 1,
    },
    "a distance below a sum": lambda p: {
        "a": (a := p.a.round()),
        "b": (b := p.b.round()),
        "total": (total := a + b),
        "paid": total - 2 - p.rng.geometric(0.1, ROWS),
    },
    "ends, extremes and comparisons": lambda p: {
        "a": p.a,
        "b": p.b,
        "over": np.maximum(p.a - p.b, 0).round(2),
        "least": np.minimum(p.low, p.high - 9).round(1),
        "low": p.low,
        "later": (later := (p.high - 9).round(1)),
        "late": np.where(later > p.low, "late", "in time"),
    },
    "several formats and exceptions": lambda p: {
        "amount": (amount := p.rng.integers(1, 900, ROWS)),
        "usd": np.array([f"${2 * n:,.2f}" if k % 3 else f"{2 * n:.2f} USD" for k, n in enumerate(amount)]),
        "said": np.array([f"{one + 7}" if k % 9 else "?" for k, one in enumerate(amount)]),
    },
}


def apart(table: dict[str, Array]) -> dict[str, Array]:
    """Without the rows in which two columns that shall differ are equal."""
    kept = (table["home"] != table["away"]) & (table["from"] != table["to"])
    return {name: own[kept] for name, own in table.items()}


@pytest.mark.parametrize("name", TABLES)
def test_every_rule_holds_as_often_as_in_the_real_rows(name: str) -> None:
    found = shares(pd.DataFrame(TABLES[name](Parts())))
    assert found
    assert [(rule.words, share) for rule, share in found if share < rule.support - 0.005] == []


def test_an_order_with_exceptions_keeps_them_under_a_derived_column() -> None:
    p = Parts()
    table = pd.DataFrame({"a": p.a, "b": p.b, "total": (p.a + p.b).round(2)})
    table["paid"] = (table.total * p.part).round(2)
    table.loc[:7, "paid"] = (table.total[:8] + 3 * p.a[:8]).round(2)
    ((_, sum_), (order, share)) = shares(table)
    assert sum_ == 1
    assert (order.words, order.support) == ("total >= paid", 0.99)
    assert share == pytest.approx(0.99, abs=0.01)


def test_a_value_that_most_rows_hold_stays_where_it_is_bounded() -> None:
    p = Parts()
    fee = np.where(p.part < 0.05, (p.a * p.part).round(1), 0)
    table = pd.DataFrame({"key": p.key, "limit": p.limit, "fee": np.minimum(fee, p.limit)})
    codec = RecordCodec.fit(table, lookalike.infer(table))
    plan = Plan.fit(table, codec, find_rules(table, codec.schema))
    assert plan is not None
    made = drawn_apart(plan, table, np.random.default_rng(1))
    assert (made.fee == 0).mean() == pytest.approx((table.fee == 0).mean(), abs=0.03)


def test_a_formula_with_exceptions_shows_its_column_in_every_row() -> None:
    """What is drawn after it would else be drawn as in the rows that break the rule."""
    p = Parts()
    table = pd.DataFrame({"part": p.a, "whole": p.a})
    table.loc[:7, "whole"] += p.b[:8]
    codec = RecordCodec.fit(table, lookalike.infer(table))
    plan = Plan.fit(table, codec, find_rules(table, codec.schema))
    assert plan is not None
    ((way, states),) = [(one.way, one.states) for one in plan.steps]
    assert (way, states) == ("formula", ["rule", "own"])
    made = plan.steps[0].columns[0]
    assert plan.forward(table)[made].tolist() == table[made].tolist()


def test_the_farthest_that_is_seen_from_each_station_is_no_gap() -> None:
    """Of all rows the gap says less than the column; of each station's it says more."""
    rng = np.random.default_rng(0)
    at = rng.integers(0, 6, 2400)
    far = np.array([2, 6, 10, 14, 18, 22])[at]
    mean = (far * rng.beta(4, 2, 2400)).round().astype(int)
    plain = pd.DataFrame({"mean": mean, "far": np.maximum(mean, far - (rng.random(2400) < 0.1))})
    stations = plain.assign(station=np.array([*"ABCDEF"])[at])
    ways = []
    for table in (plain, stations):
        codec = RecordCodec.fit(table, lookalike.infer(table))
        plan = Plan.fit(table, codec, [Order("mean", "far", support=1.0)])
        assert plan is not None
        step = plan.step_of("far")
        ways.append(step and step.way)
        made = drawn_apart(plan, table, rng)
        assert (made["far"] >= made["mean"]).all()
    assert ways == ["gap", "clamp"]


def test_what_is_said_of_a_copy_is_not_said_twice() -> None:
    """Else the lowest of a day would lie below what follows from its close, and be drawn by itself."""
    rng = np.random.default_rng(0)
    low = np.exp(rng.normal(5, 1.5, 1500)).round(2)
    first, close = (low * (1 + 0.02 * rng.random(1500)) for _ in range(2))
    table = pd.DataFrame({"open": first.round(2), "low": low, "close": close.round(2)})
    table["adjusted"] = table["close"]
    codec = RecordCodec.fit(table, lookalike.infer(table))
    rules = find_rules(table, codec.schema)
    assert {"adjusted = close", "open >= low", "close >= low", "adjusted >= low"} <= {r.words for r in rules}
    plan = Plan.fit(table, codec, rules)
    assert plan is not None
    assert {one.columns[0]: one.way for one in plan.steps} == {
        "adjusted": "formula", "open": "gap", "close": "gap",
    }  # fmt: skip
