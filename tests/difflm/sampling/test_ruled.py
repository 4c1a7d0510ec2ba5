"""Rules between columns hold in what a model that has hardly learned anything draws."""

import numpy as np
import pandas as pd
import pytest

from lookalike.difflm import DiffLM
from lookalike.difflm.latents import read_rows
from lookalike.difflm.sampling.ruled import asked_of
from lookalike.errors import ConditionError
from lookalike.rules.holds import support
from lookalike.rules.values import Values
from tests.difflm.conftest import Quick
from tests.rules.test_solve import sold
from tests.rules.test_unlike import flights

pytestmark = pytest.mark.usefixtures("few_candidates")


@pytest.fixture(scope="module")
def model(bookings: pd.DataFrame, quick: Quick) -> DiffLM:
    return quick(steps=40, denoiser_steps=30).fit(bookings)


def kept(model: DiffLM, made: pd.DataFrame, table: pd.DataFrame) -> bool:
    values, real = Values(made, model.schema), Values(table, model.schema)
    assert len(model.schema.rules) == 5
    return all(support(rule, values, real) == 1 for rule in model.schema.rules)


@pytest.mark.parametrize(
    "where",
    [
        {},
        {"country": "FR"},
        {"total": (1000, 1100)},
        {"total": (1000, 1100), "country": "IT"},
        {"end": ("2024-03-01", "2024-03-03")},
        {"nights": 6, "tax": (None, 100)},
    ],
)
def test_conditions_and_rules_hold_together(model: DiffLM, bookings: pd.DataFrame, where) -> None:
    made = model.sample(200, where=where, seed=0)
    assert len(made) == 200
    assert kept(model, made, bookings)
    for name, wanted in where.items():
        low, high = wanted if isinstance(wanted, tuple) else (wanted, wanted)
        assert (low is None or (made[name] >= low).all()) and (made[name] <= high).all()


def test_conditions_that_exclude_each_other_are_an_error(model: DiffLM) -> None:
    with pytest.raises(ConditionError, match="all the conditions at once"):
        model.sample(5, where={"country": "FR", "city": "Rome"})


@pytest.mark.parametrize(
    "names", [["country", "total"], ["end", "nights"], ["end"], ["tax"], ["city", "end"]]
)
def test_given_cells_fix_what_follows(model: DiffLM, bookings: pd.DataFrame, names) -> None:
    given = bookings[names].head(60)
    made = model.sample(given=given, seed=0)
    pd.testing.assert_frame_equal(made[names], given)
    assert kept(model, made, bookings)


def test_given_cells_come_back_though_they_break_a_rule(model: DiffLM, bookings: pd.DataFrame) -> None:
    given = bookings[["city", "nights", "start", "end"]].head(40).assign(country="FR", nights=1)
    made = model.sample(given=given, seed=0)
    pd.testing.assert_frame_equal(made[list(given)], given)


def test_imputed_cells_keep_the_rules(model: DiffLM, bookings: pd.DataFrame) -> None:
    rng = np.random.default_rng(0)
    holes = bookings.head(200).astype(object)
    holes = holes.mask(rng.random(holes.shape) < 0.3)
    made = model.impute(holes, seed=0)
    assert not made.isna().any().any()
    assert ((made.astype(object) == holes) | holes.isna()).all().all()
    assert kept(model, made, bookings)


def test_variations_keep_the_rules(model: DiffLM, bookings: pd.DataFrame) -> None:
    seeds = bookings.head(100)
    pd.testing.assert_frame_equal(model.sample(like=seeds, strength=0, seed=0), seeds)
    for strength in (0.3, 1.0):
        assert kept(model, model.sample(like=seeds, strength=strength, seed=0), bookings)


def test_a_saved_model_keeps_its_rules(model: DiffLM, tmp_path) -> None:
    model.save(tmp_path / "m")
    loaded = DiffLM.load(tmp_path / "m", progress=False)
    assert loaded.schema.rules == model.schema.rules
    pd.testing.assert_frame_equal(loaded.sample(50, seed=1), model.sample(50, seed=1))
    again = loaded.decode(loaded.encode(model.sample(5, seed=1)), seed=0)
    assert (again["total"] == again["room"] + again["tax"]).all()


def test_no_rules_are_kept_where_there_are_none(bookings: pd.DataFrame, quick: Quick) -> None:
    import lookalike

    schema = lookalike.infer(bookings)
    schema.rules = []
    model = quick(steps=5, denoiser_steps=5).fit(bookings, schema)
    made = model.sample(200, seed=0)
    assert (made["total"] != made["room"] + made["tax"]).mean() > 0.5


@pytest.fixture(scope="module")
def priced(quick: Quick) -> DiffLM:
    rng, rows = np.random.default_rng(0), 300
    price, shop = rng.integers(100, 900, rows), rng.choice(["a", "b", "c"], rows)
    area = np.array([{"a": "north", "b": "south", "c": "south"}[one] for one in shop])
    area[::10] = np.where(area[::10] == "north", "south", "north")  # some break the rule
    return quick().fit(
        pd.DataFrame({"id": np.arange(rows), "price": price, "double": price * 2, "shop": shop, "area": area})
    )


def test_what_is_moved_for_a_condition_keeps_the_others(priced: DiffLM) -> None:
    made = priced.sample(40, where={"price": (200, 300), "double": (500, 900)}, seed=0)
    assert made["price"].between(250, 300).all() and (made["double"] == 2 * made["price"]).all()
    assert made["id"].tolist() == [*range(300, 340)]
    with pytest.raises(ConditionError, match="'price', 'double' all at once"):
        priced.sample(5, where={"price": (200, 300), "double": (1000, 1200)}, seed=0)


def test_a_category_that_mostly_follows_can_be_balanced(priced: DiffLM) -> None:
    made = priced.sample(40, balance="area", seed=0)
    assert made["area"].value_counts().to_dict() == {"north": 20, "south": 20}


@pytest.fixture(scope="module")
def selling(quick: Quick) -> tuple[DiffLM, pd.DataFrame]:
    table = sold(400)
    return quick(steps=20, denoiser_steps=10).fit(table), table


def priced_right(made: pd.DataFrame, table: pd.DataFrame) -> bool:
    """Whether the percentage is that of its parts, and none that no real row has."""
    rule = ((100 * made["sale"] / made["list"]).round(2) - made["percent"]).abs() < 0.011
    return bool((rule & made["percent"].between(table["percent"].min(), 100)).all())


@pytest.mark.parametrize(
    "where", [{}, {"percent": (85, 90)}, {"sale": (100_000, 150_000)}, {"list": (None, 150_000)}]
)
def test_a_narrow_number_stays_in_its_range_under_conditions(selling, where) -> None:
    model, table = selling
    made = model.sample(100, where=where, seed=0)
    assert priced_right(made, table)
    for name, (low, high) in where.items():
        assert made[name].between(low or 0, high).all()


@pytest.mark.parametrize("names", [["sale"], ["list"], ["percent"], ["list", "percent"], ["sale", "percent"]])
def test_a_narrow_number_stays_in_its_range_beside_given_cells(selling, names) -> None:
    model, table = selling
    given = table[names].head(60)
    made = model.sample(given=given, seed=0)
    pd.testing.assert_frame_equal(made[names], given)
    assert priced_right(made, table)


def test_narrow_numbers_are_imputed_varied_and_saved(selling, tmp_path) -> None:
    model, table = selling
    rng = np.random.default_rng(0)
    holes = table.head(150).astype(object)
    holes = holes.mask(rng.random(holes.shape) < 0.3)
    made = model.impute(holes, seed=0)
    assert ((made.astype(object) == holes) | holes.isna()).all().all()
    assert priced_right(made, table)
    seeds = table.head(50)
    pd.testing.assert_frame_equal(model.sample(like=seeds, strength=0, seed=0), seeds)
    assert priced_right(model.sample(like=seeds, strength=0.5, seed=0), table)
    model.save(tmp_path / "m")
    loaded = DiffLM.load(tmp_path / "m", progress=False)
    pd.testing.assert_frame_equal(loaded.sample(50, seed=1), model.sample(50, seed=1))


@pytest.fixture(scope="module")
def claims() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"claim": rng.gamma(2, 400, 800).round(2)})
    table["deductible"] = rng.choice([100, 250, 500], 800)
    table["paid"] = (table["claim"] - table["deductible"]).clip(lower=0).round(2)
    table["due"] = rng.integers(1, 60, 800)
    table["arrival"] = (table["due"] + rng.normal(0, 6, 800)).round().astype(int).clip(lower=0)
    table["late"] = np.where(table["arrival"] > table["due"], "yes", "no")
    return table


@pytest.fixture(scope="module")
def insured(claims: pd.DataFrame, quick: Quick) -> DiffLM:
    return quick(steps=40, denoiser_steps=30).fit(claims)


@pytest.mark.parametrize(
    "names", [["late"], ["late", "due"], ["late", "arrival"], ["paid"], ["claim", "paid"], ["late", "paid"]]
)
def test_given_ends_and_comparisons_fix_what_they_are_of(
    insured: DiffLM, claims: pd.DataFrame, names: list[str]
) -> None:
    assert insured.schema is not None and len(insured.schema.rules) == 2
    given = claims[names].head(150)
    made = insured.sample(given=given, seed=0)
    pd.testing.assert_frame_equal(made[names], given)
    assert ((made["arrival"] > made["due"]) == (made["late"] == "yes")).all()
    paid = (made["claim"] - made["deductible"]).clip(lower=0).round(2)
    assert (paid - made["paid"]).abs().max() < 0.011
    if "claim" in names:  # nothing is paid below a deductible that there is
        assert made["deductible"].isin([100, 250, 500]).mean() > 0.95


def test_whole_rows_are_read_as_they_were_learned(quick: Quick) -> None:
    """What is modelled beside a missing cell, too: `score`, `encode` and `like` see what training saw."""
    rng = np.random.default_rng(0)
    city = rng.choice(["Rome", "Nice", "Bonn", "Lyon"], 300)
    land = pd.Series(city).map({"Rome": "IT", "Nice": "FR", "Bonn": "DE", "Lyon": "FR"})
    table = pd.DataFrame({"city": pd.Series(city).mask(rng.random(300) < 0.3), "land": land})
    fitted = quick(steps=2).fit(table).fitted
    assert fitted.plan is not None and fitted.plan.steps[0].own
    inner = asked_of(fitted.plan, read_rows(fitted, table, "rows"), whole=True).inner
    learned = fitted.plan.forward(table)
    for name in learned:
        assert (inner.known[name] == learned[name].notna()).all()
        assert (inner.values[name][inner.known[name]] == learned[name].dropna()).all()


def test_what_is_never_equal_stays_so_beside_given_cells(quick: Quick) -> None:
    table = flights(500)
    model = quick(steps=20, denoiser_steps=20).fit(table)
    for some in (["to"], ["origin"], ["origin", "country"]):
        made = model.sample(given=table[some], seed=0)
        pd.testing.assert_frame_equal(made[some], table[some])
        assert (made["origin"] != made["to"]).mean() > (0.99 if len(some) == 1 else 0.9)
    made = model.sample(80, where={"to": "FRA"}, seed=0)
    assert (made["to"] == "FRA").all() and (made["origin"] != "FRA").all()


def test_two_given_dates_tell_a_category_of_months(quick: Quick) -> None:
    rng = np.random.default_rng(0)
    start = pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, 400), "D"))
    months = rng.choice([3, 12, 24], 400)
    ends = [one + pd.DateOffset(months=int(n)) for one, n in zip(start, months, strict=True)]
    table = pd.DataFrame({"start": start, "end": ends, "term": [f"{one} months" for one in months]})
    model = quick(steps=20, denoiser_steps=20).fit(table)
    made = model.sample(given=table[["start", "end"]].head(80), seed=0)
    pd.testing.assert_frame_equal(made, table.head(80))
    some = model.sample(60, where={"term": "12 months"}, seed=0)
    assert (some["end"] == some["start"] + pd.DateOffset(years=1)).all()


def routes(rows: int = 2400) -> pd.DataFrame:
    """100 routes, whose origin and destination together tell the distance, which several routes share."""
    rng = np.random.default_rng(0)
    route = np.concatenate([np.repeat(np.arange(100), 8), rng.integers(0, 100, rows - 800)])
    table = pd.DataFrame(
        {"origin": np.array([*"ABCDE"])[route % 5], "goal": [f"Goal {k // 5}" for k in route]}
    )
    miles = 100 + 37 * (route % 5 * 2 + route // 5 * 3 % 11 + route % 5 * (route // 5) % 7)
    return table.assign(miles=miles, delay=rng.gamma(2, 20, rows).round())


@pytest.fixture(scope="module")
def flying(quick: Quick) -> DiffLM:
    return quick(10, 10, seed=0).fit(routes())


def test_two_columns_that_tell_a_third_are_drawn_as_one(flying: DiffLM) -> None:
    assert [rule.words for rule in flying.schema.rules] == ["known combinations of goal, origin, miles"]
    real = {*routes()[["origin", "goal", "miles"]].itertuples(index=False, name=None)}
    for where in (None, {"origin": "B"}, {"miles": (500, 900)}, {"goal": "Goal 7"}):
        made = flying.sample(60, where=where, seed=1)
        assert {*made[["origin", "goal", "miles"]].itertuples(index=False, name=None)} <= real


@pytest.mark.parametrize("names", [["miles"], ["origin", "goal"], ["goal"]])
def test_more_given_cells_than_are_drawn_apart_keep_the_rules(flying: DiffLM, names: list[str]) -> None:
    """Each row lays a condition of its own, 100 in all, where 64 are drawn each by itself."""
    table = routes()
    given = table[names].drop_duplicates().sample(frac=3, replace=True, random_state=0, ignore_index=True)
    made = flying.sample(given=given, seed=1)
    pd.testing.assert_frame_equal(made[names], given)
    real = {*table[["origin", "goal", "miles"]].itertuples(index=False, name=None)}
    assert {*made[["origin", "goal", "miles"]].itertuples(index=False, name=None)} <= real
