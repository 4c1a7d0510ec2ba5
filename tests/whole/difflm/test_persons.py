"""A table of orders, learned and sampled: no real customer comes out, and a made-up one is one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lookalike import Schema, infer
from lookalike.difflm import DiffLM
from lookalike.errors import ConditionError

pytestmark = pytest.mark.usefixtures("few_candidates")

Quick = Callable[..., DiffLM]
PERSONS = ["customer_id=key", "customer=pseudonym", "email=pseudonym"]
BOUND = ["customer", "email", "city"]


@pytest.fixture(scope="module")
def schema(orders: pd.DataFrame) -> Schema:
    found = infer(orders)
    found.set_kinds(PERSONS)
    return found


@pytest.fixture(scope="module")
def model(orders: pd.DataFrame, schema: Schema, quick: Quick) -> DiffLM:
    return quick().fit(orders, schema=schema)


def pairs(table: pd.DataFrame) -> set[tuple[str, str]]:
    return set(zip(table["customer_id"], table["customer"], strict=True))


def bound(table: pd.DataFrame, names: list[str] = BOUND) -> bool:
    """Whether a customer has one name, one mail and one city."""
    return bool((table.groupby("customer_id")[names].nunique() <= 1).all(axis=None))


def test_without_these_kinds_real_customers_come_out(orders: pd.DataFrame, quick: Quick) -> None:
    synthetic = quick().fit(orders).sample(200)
    assert synthetic["customer"].isin(orders["customer"]).mean() > 0.9


def test_no_real_customer_comes_out(model: DiffLM, orders: pd.DataFrame) -> None:
    synthetic = model.sample(400)
    assert synthetic.dtypes.equals(orders.dtypes)
    for name in ("order_id", "customer_id", "customer", "email"):
        assert not synthetic[name].isin(orders[name].dropna()).any()
    assert not pairs(synthetic) & pairs(orders)
    assert bound(synthetic)
    assert synthetic["email"].isna().mean() == pytest.approx(orders["email"].isna().mean(), abs=0.12)
    sizes = [np.sort(table["customer_id"].value_counts()) for table in (orders, synthetic)]
    places = np.arange(1, 40)
    real, ours = (np.searchsorted(own, places, side="right") / len(own) for own in sizes)
    assert np.abs(real - ours).max() < 0.05


def test_the_same_seed_and_a_loaded_model_make_the_same_persons(model: DiffLM, tmp_path: Path) -> None:
    synthetic = model.sample(300, seed=3)
    assert synthetic.equals(model.sample(300, seed=3))
    assert not set(synthetic["customer"]) & set(model.sample(50, seed=4)["customer"])
    model.save(tmp_path / "model")
    assert DiffLM.load(tmp_path / "model").sample(300, seed=3).equals(synthetic)


def test_no_customer_is_in_two_chunks(model: DiffLM, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lookalike.difflm.small.records.CHUNK", 2048)
    chunks = list(model.sample_chunks(5000))
    assert [len(chunk) for chunk in chunks] == [2048, 2048, 904]
    seen: set[str] = set()
    for chunk in chunks:
        assert bound(chunk) and not seen & set(chunk["customer_id"])
        seen |= set(chunk["customer_id"])
    whole = pd.concat(chunks)
    assert whole["order_id"].is_unique and whole["email"].nunique() <= whole["customer_id"].nunique()
    assert len(seen) == pytest.approx(5000 / 400 * 80, rel=0.02)


def test_small_chunks_of_texts_do_not_cut_customers(model: DiffLM, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(model.records), "chunk", 30)  # as long texts have it
    synthetic = model.sample(400)
    assert synthetic["customer_id"].nunique() == 80 and bound(synthetic)


def test_what_is_given_is_kept_and_conditions_hold(model: DiffLM, orders: pd.DataFrame) -> None:
    ids, cities = ["C-1000", "C-1000", None, "C-7"], ["Ulm", "Ulm", "Kiel", None]
    given = pd.DataFrame({"customer_id": ids, "city": cities})
    found = model.sample(given=given)
    assert found["customer_id"].dropna().tolist()[:2] == ["C-1000", "C-1000"]
    assert found["city"].tolist()[:3] == ["Ulm", "Ulm", "Kiel"] and found["customer_id"][3] == "C-7"
    assert bound(found) and found["customer_id"].notna().all()
    assert set(model.sample(40, where={"city": "Ulm"})["city"]) == {"Ulm"}
    assert model.sample(20, where={"email": None})["email"].isna().all()
    even = model.sample(200, balance="city")
    assert even["city"].value_counts().tolist() == [50] * 4 and bound(even)
    with pytest.raises(ConditionError, match="'customer' is a pseudonym"):
        model.sample(5, where={"customer": "Anna Abel"})
    for strength in (0, 0.3):
        alike = model.sample(like=orders[:10], strength=strength)
        assert bound(alike) and not alike["customer"].isin(orders["customer"]).any()


def test_gaps_are_filled_and_the_rest_stays(model: DiffLM, orders: pd.DataFrame) -> None:
    gaps = orders[:40].copy()
    gaps.loc[3, "customer_id"] = gaps.loc[5, "customer"] = gaps.loc[7, "city"] = None
    full = model.impute(gaps)
    known = gaps.notna()
    assert full.where(known).equals(gaps.where(known)) and full.notna().all(axis=None)
    assert full["customer_id"][3] not in set(orders["customer_id"])
    assert full["customer"][5] not in set(orders["customer"])


def test_keys_that_are_made_for_gaps_go_on_from_call_to_call(model: DiffLM, orders: pd.DataFrame) -> None:
    gaps = orders[:30].assign(customer_id=None, customer=None, email=None)
    made = [set(model.impute(gaps)["customer_id"]) for _ in range(2)]
    assert all(made) and not made[0] & made[1]
    again = [model.impute(gaps, seed=3) for _ in range(2)]
    pd.testing.assert_frame_equal(*again)


def test_a_dropped_column_is_gone_and_imputing_leaves_it(orders: pd.DataFrame, quick: Quick) -> None:
    schema = infer(orders)
    schema.set_kinds(["customer=drop", "email=drop", "customer_id=key"])
    model = quick(steps=5).fit(orders, schema=schema)
    rest = [name for name in orders.columns if name not in ("customer", "email")]
    assert list(model.sample(5).columns) == rest
    gaps = orders[:9].copy()
    gaps.loc[2, "city"] = None
    full = model.impute(gaps)
    assert full["customer"].equals(gaps["customer"]) and full["city"].notna().all()
    with pytest.raises(ConditionError, match="'email' is dropped"):
        model.sample(5, where={"email": None})


def test_a_table_of_persons_alone(orders: pd.DataFrame, quick: Quick) -> None:
    table = orders[["customer_id", "customer"]]
    schema = infer(table)
    schema.set_kinds(["customer_id=key", "customer=pseudonym"])
    synthetic = quick().fit(table, schema=schema).sample(3000)
    assert synthetic["customer_id"].nunique() == pytest.approx(600, rel=0.02)
    assert bound(synthetic, ["customer"]) and not pairs(synthetic) & pairs(table)


def test_what_is_done_is_said(orders: pd.DataFrame, quick: Quick, capsys: pytest.CaptureFixture[str]) -> None:
    model = quick(steps=1, denoiser_steps=1)
    model.progress = True
    schema = infer(orders)
    schema.set_kinds(["email=drop"])
    model.fit(orders, schema=schema)
    said = capsys.readouterr().err
    assert "'customer' looks like names of persons" in said and "'email' is dropped" in said
