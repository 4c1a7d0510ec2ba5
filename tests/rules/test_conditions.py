import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.codec import RecordCodec
from lookalike.codec.where import read_where
from lookalike.errors import ConditionError
from lookalike.rules import Plan, find_rules
from lookalike.rules.conditions import missed, translated
from lookalike.rules.holds import computed
from lookalike.rules.moves import settled
from lookalike.rules.values import Values, as_floats
from lookalike.table.rule_words import read_rules
from tests.rules.test_solve import sold


@pytest.fixture(scope="module")
def kept(bookings: pd.DataFrame) -> tuple[Plan, RecordCodec]:
    codec = RecordCodec.fit(bookings, lookalike.infer(bookings))
    plan = Plan.fit(bookings, codec, find_rules(bookings))
    assert plan is not None
    return plan, codec


def test_a_condition_on_a_function_is_one_on_its_keys(kept) -> None:
    inner, rest = translated(*kept, {"country": {"FR", "AT"}})
    assert {*inner["city"].values} == {"Paris", "Lyon", "Graz"}
    assert not rest
    inner, _ = translated(*kept, {"country": "FR", "city": {"Paris", "Rome"}})
    assert inner["city"].values == ("Paris",)
    with pytest.raises(ConditionError, match="all the conditions at once"):
        translated(*kept, {"country": "FR", "city": "Rome"})
    with pytest.raises(ConditionError, match="never occurs"):
        translated(*kept, {"country": "XX"})


@pytest.mark.parametrize(
    ("name", "goal"), [("total", 1200.0), ("tax", 31.0), ("nights", 9.0), ("end", 19800 * 86400.0)]
)
def test_what_is_modelled_is_moved_to_a_goal(kept, bookings: pd.DataFrame, name: str, goal: float) -> None:
    plan, _ = kept
    rng = np.random.default_rng(0)
    rows = np.arange(len(bookings)) % 2 == 0
    inner = settled(plan, plan.forward(bookings), name, np.full(len(bookings), goal), rows, rng)
    made = plan.back(inner, rng)
    found = as_floats(made[name], plan.schema[name])
    assert (found[rows] == goal).mean() > 0.99  # a total of 1200 may lie between two rooms
    pd.testing.assert_frame_equal(made[~rows], bookings[~rows])
    assert (made.total == made.room + made.tax).all()
    assert (made.end > made.start).all()


@pytest.mark.parametrize(
    ("rule", "goal", "fixed"),
    [
        ("x = a * (1 + b / 100)", 90.0, "a"),
        ("x = a * (1 + b / 100)", 90.0, "b"),
        ("x = a / (1 - b / 100)", 90.0, "b"),
        ("x = 100 * a / b - 100", 30.0, "a"),
        ("x = a * b * c / 100", 150.0, "a"),
        ("x = 10000 * a / b / b", 24.0, "a"),
        ("x = 10000 * a / b / b", 24.0, "b"),
        ("x = log10(a + 1)", 1.75, "b"),
        ("x = 0.01 * square(a)", 30.0, "b"),
        ("x = 100 * reciprocal(a)", 2.0, "b"),
        ("x = cube(a)", 90000.0, "b"),
        ("x = max(a - 55, 0)", 12.0, "b"),
        ("x = max(a - b, 0)", 5.0, "b"),
        ("x = min(a, b)", 60.0, "c"),
        ("x = max(a, b)", 70.0, "c"),
    ],
)
def test_a_product_is_moved_by_what_is_free(rule: str, goal: float, fixed: str) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({name: rng.uniform(40, 80, 300) for name in "abc"})
    schema = lookalike.infer(table.assign(x=table.a * rng.uniform(1, 2, 300)))
    own = read_rules([rule], schema)[0]
    table["x"] = computed(own, Values(table.assign(x=table.a), schema), exact=True)
    codec = RecordCodec.fit(table, lookalike.infer(table))
    plan = Plan.fit(table, codec, [own])
    assert plan is not None
    all_rows = np.ones(300, dtype=bool)
    held = {fixed: all_rows}
    inner = settled(plan, plan.forward(table), "x", np.full(300, goal), all_rows, rng, held)
    made = plan.back(inner, rng)
    assert made.x.to_numpy() == pytest.approx(goal)
    assert (made[fixed] == table[fixed]).all()


def test_a_distance_stays_where_its_end_is_moved() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"birth": rng.integers(1940, 1990, 300)})
    table["hired"] = table["birth"] + 18 + rng.geometric(0.2, 300) - 1
    codec = RecordCodec.fit(table, lookalike.infer(table))
    plan = Plan.fit(table, codec, find_rules(table, codec.schema))
    assert plan is not None
    rows = np.ones(300, dtype=bool)
    made = plan.back(settled(plan, plan.forward(table), "hired", np.full(300, 1970.0), rows, rng), rng)
    assert (made.hired == 1970).all()
    assert (made.birth <= 1952).all()


def test_a_sum_is_moved_by_parts_that_are_there() -> None:
    """What is empty and counts as 0 stays empty."""
    rng = np.random.default_rng(0)
    comes = rng.random(400) < 0.4
    table = pd.DataFrame({"in": np.where(comes, rng.gamma(2, 300, 400).round(2), np.nan)})
    table["out"] = np.where(comes, np.nan, rng.gamma(2, 200, 400).round(2))
    table["net"] = (table["in"].fillna(0) - table["out"].fillna(0)).round(2)
    codec = RecordCodec.fit(table, lookalike.infer(table))
    plan = Plan.fit(table, codec, read_rules(["net = in - out, empty as 0"], codec.schema))
    assert plan is not None
    rows = np.ones(400, dtype=bool)
    made = plan.back(settled(plan, plan.forward(table), "net", np.full(400, 75.5), rows, rng), rng)
    assert (made["net"] == 75.5).all()
    pd.testing.assert_frame_equal(made.isna(), table.isna())


@pytest.mark.parametrize("fixed", ["term", "start"])
def test_a_term_is_moved_by_what_is_free(fixed: str) -> None:
    rng = np.random.default_rng(0)
    start = pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 28, 300), "D"))
    table = pd.DataFrame({"start": start, "term": rng.integers(1, 30, 300)})
    ends = [one + pd.DateOffset(months=n) for one, n in zip(start, table["term"], strict=True)]
    codec = RecordCodec.fit(table := table.assign(end=ends), lookalike.infer(table))
    plan = Plan.fit(table, codec, read_rules(["end = start + term months"], codec.schema))
    assert plan is not None
    rows = np.ones(300, dtype=bool)
    aims = [one + pd.DateOffset(months=31) for one in start]
    goal = np.array([one.timestamp() for one in aims])
    made = plan.back(
        settled(plan, plan.forward(table), "end", goal, rows, rng, {fixed: rows}),
        rng,
    )
    assert (made["end"] == aims).all()
    assert (made[fixed] == table[fixed]).all()


def test_how_far_rows_are_from_a_condition(kept, bookings: pd.DataFrame) -> None:
    _, rest = translated(*kept, {"total": (500, 600)})
    far = missed(kept[1], rest, bookings)
    assert ((far == 0) == bookings.total.between(500, 600)).all()
    assert far[bookings.total.argmax()] == far.max()


def test_a_date_of_an_instant_is_moved_with_it() -> None:
    rng = np.random.default_rng(0)
    at = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300 * 86400, 400), "s")
    table = pd.DataFrame({"at": at, "day": at.strftime("%Y-%m-%d")})
    codec = RecordCodec.fit(table, lookalike.infer(table))
    plan = Plan.fit(table, codec, find_rules(table))
    assert plan is not None
    inner, goal = plan.forward(table), np.full(400, pd.Timestamp("2024-03-05").timestamp())
    made = plan.back(settled(plan, inner, "day", goal, np.ones(400, bool), rng), rng)
    assert set(made["day"]) == {"2024-03-05"}
    assert (made["at"].dt.time == table["at"].dt.time).all()


def test_cells_that_are_no_numbers_meet_only_what_names_them() -> None:
    cells = [f"{value}" if value % 5 else "?" for value in range(1, 301)]
    table = pd.DataFrame({"amount": cells})
    codec = RecordCodec.fit(table, lookalike.infer(table))
    odd = (table["amount"] == "?").to_numpy()
    assert ((missed(codec, read_where({"amount": "?"}, codec.schema), table) == 0) == odd).all()
    ranged = missed(codec, read_where({"amount": (None, 100)}, codec.schema), table)
    assert ((ranged == 0) == (~odd & (np.arange(1, 301) <= 100))).all()


@pytest.fixture(scope="module")
def priced() -> tuple[pd.DataFrame, Plan, RecordCodec]:
    table = sold(600)
    schema = lookalike.infer(table)
    codec = RecordCodec.fit(table, schema)
    plan = Plan.fit(table, codec, read_rules(["percent = 100 * sale / list"], schema))
    assert plan is not None and plan.solving("sale") is not None
    return table, plan, codec


def test_a_condition_on_what_is_solved_is_drawn_and_checked(priced) -> None:
    _, plan, codec = priced
    for where in ({"percent": (90, 95)}, {"sale": (90_000, 95_000)}):
        inner, rest = translated(plan, codec, where)
        assert {*inner} == {*rest} == {*where}
    assert translated(plan, codec, {"list": (90_000, 95_000)})[1] == {}


@pytest.mark.parametrize(("name", "goal"), [("percent", 85.0), ("sale", 120_000.0), ("list", 150_000.0)])
def test_what_is_solved_is_moved_to_a_goal(priced, name: str, goal: float) -> None:
    table, plan, _ = priced
    rng = np.random.default_rng(0)
    inner = plan.forward(table).apply(lambda cells: rng.permutation(cells))
    rows = np.arange(len(table)) % 2 == 0
    before = plan.back(inner, np.random.default_rng(1))
    inner = settled(plan, inner, name, np.full(len(table), goal), rows, rng)
    made = plan.back(inner, rng)
    assert (made.loc[rows, name] == goal).mean() > 0.98
    assert ((100 * made["sale"] / made["list"]).round(2) - made["percent"]).abs().max() < 0.011
    assert made["percent"].between(table["percent"].min(), table["percent"].max()).all()
    assert (made["list"] == before["list"])[~rows].all()
