"""The whole story on a small table, and what it refuses before any training."""

from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

import lookalike
from lookalike import pipeline
from lookalike.errors import ConditionError, DataError, OptionError


@pytest.fixture(scope="module")
def real(small_csv: Path) -> pd.DataFrame:
    return lookalike.read_table(small_csv)


def test_generate_returns_a_table_and_its_report(real: pd.DataFrame) -> None:
    synthetic, report = lookalike.generate(real, target="income", max_time="5s", progress=False)
    assert synthetic.dtypes.equals(real.dtypes)
    assert len(synthetic) == len(real)
    assert report.to_dict()


def test_conditions_hold_and_the_report_compares_with_the_real_rows_that_satisfy_them(
    real: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared, warned = [], []

    def evaluate(alike: pd.DataFrame, synthetic: pd.DataFrame, **_: object) -> SimpleNamespace:
        compared.append(alike)
        return SimpleNamespace(warn=warned.append)

    monkeypatch.setattr(import_module("lookalike.evaluate"), "evaluate", evaluate)
    where = {"sex": "Female", "age": (30, None)}
    synthetic, _ = lookalike.generate(real, 50, where=where, max_time="3s", progress=False)
    assert set(synthetic["sex"]) == {"Female"}
    assert synthetic["age"].min() >= 30
    wanted = real[(real["sex"] == "Female") & (real["age"] >= 30)]
    assert compared[0].equals(wanted)
    assert "cut short by the time limit" in warned[-1]  # 3 s are not enough
    assert "column 'race': 2 of 5 values (in 5 of 300 real rows) were too rare" in str(warned)


@pytest.mark.parametrize(
    ("arguments", "error", "names"),
    [
        ({"n": 0}, OptionError, "number of rows is 0"),
        ({"target": "planet"}, OptionError, "'planet'"),
        ({"where": {"planet": "Mars"}}, ConditionError, "'planet'"),
        ({"where": {"sex": "Robot"}}, ConditionError, "'Robot'"),
        ({"where": {"age": (200, 300)}}, ConditionError, "'age'"),
        ({"where": ["age=200..300"]}, ConditionError, "'age'"),
        ({"holdout": pd.DataFrame({"planet": [1, 2]})}, DataError, "'planet'"),
        ({"max_time": "soon"}, OptionError, "soon"),
    ],
)
def test_what_is_refused_before_training(
    real: pd.DataFrame, arguments: dict[str, object], error: type[Exception], names: str
) -> None:
    with pytest.raises(error, match=names):
        lookalike.generate(real, **{"n": 10, "progress": False, **arguments})  # type: ignore[arg-type]


def test_a_table_too_large_for_memory_is_sampled_and_it_is_said(
    small_csv: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(pipeline.read_real(small_csv)) == 300
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(pipeline, "SAMPLE_ROWS", 100)
    some = pipeline.read_real(small_csv, comfortable=1000, seed=3)
    assert len(some) == 100
    assert "100 of its 300 rows" in capsys.readouterr().err
    assert some.equals(pipeline.read_real(small_csv, comfortable=1000, seed=3))
    assert not some.equals(pipeline.read_real(small_csv, comfortable=1000, seed=4))


def test_persons_are_made_up_and_what_is_dropped_is_not_compared(orders: pd.DataFrame) -> None:
    schema = lookalike.infer(orders)
    schema.set_kinds(["customer_id=key", "customer=pseudonym", "email=drop"])
    options: dict[str, object] = {"schema": schema, "max_time": "3s", "progress": False}
    synthetic, report = lookalike.generate(orders, 200, holdout=orders[:100], target="city", **options)
    assert list(synthetic.columns) == [name for name in orders.columns if name != "email"]
    assert not synthetic["customer"].isin(orders["customer"]).any()
    figures = report.to_dict()
    kinds = {name: facts["kind"] for name, facts in figures["columns"].items()}
    assert "email" not in kinds
    assert {name for name, kind in kinds.items() if kind == "id"} == {"order_id", "customer_id", "customer"}
    assert "order_id, customer_id, customer" in figures["skipped"]["ids"]
    with pytest.raises(OptionError, match="'email'"):
        lookalike.generate(orders, 200, target="email", **options)
