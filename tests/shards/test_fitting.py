"""A model a group, a table or a variant, in one folder, whoever fits them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.cli.main import main
from lookalike.codec import NOT_MISSING
from lookalike.errors import ConditionError, DataError, ModelError, OptionError
from lookalike.shards.fitting import Fitting
from lookalike.shards.models import Models, dealt

pytestmark = pytest.mark.usefixtures("quick_fits", "few_candidates")


def table() -> pd.DataFrame:
    """Three cities of 120, 60 and 20 rows, and 40 rows of none; the price tells the city."""
    rng = np.random.default_rng(0)
    city = pd.Series(["Rome"] * 120 + ["Oslo, Norway"] * 60 + ["Köln"] * 20 + [None] * 40)
    price = city.map({"Rome": 100, "Oslo, Norway": 200, "Köln": 300}).fillna(400) + rng.integers(0, 50, 240)
    own = pd.DataFrame({"city": city, "price": price.astype(int), "kind": rng.choice(["a", "b"], 240)})
    return own.sample(frac=1, random_state=0).reset_index(drop=True)


def quick(**given: object) -> lookalike.DiffLM:
    return lookalike.DiffLM(epochs=0.2, threads=1, progress=False, **given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def cities(quick_fits: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("many") / "cities"
    made = lookalike.fit_many(table(), out, by="city", models=quick(), workers=1, progress=False)
    assert not made.failed and made.rows == 240 and str(made).startswith("4 models of 240 rows, ")
    return out


@pytest.mark.usefixtures("forked_workers")
def test_each_model_is_that_of_its_group(cities: Path, tmp_path: Path) -> None:
    models = Models(cities, progress=False)
    assert [(part.value, part.rows) for part in models.parts] == [
        ("Köln", 20), ("Oslo, Norway", 60), ("Rome", 120), (None, 40),
    ]  # fmt: skip
    real = table()
    alone = quick().fit(real[real["city"] == "Rome"].reset_index(drop=True), schema=lookalike.infer(real))
    assert models.model("Rome").sample(20, seed=3).equals(alone.sample(20, seed=3))
    two = tmp_path / "two"  # the same by processes
    lookalike.fit_many(real, two, by="city", models=quick(), workers=2, progress=False)
    for at in range(4):
        one, other = (folder / f"model-0000{at}" / "weights.safetensors" for folder in (cities, two))
        assert one.read_bytes() == other.read_bytes()


def test_rows_have_the_shares_of_the_groups(cities: Path) -> None:
    models = Models(cities, progress=False)
    rows = models.sample(240, seed=1)
    shares = {"Rome": 120, "Oslo, Norway": 60, "none": 40, "Köln": 20}
    assert rows["city"].fillna("none").value_counts().to_dict() == shares
    low = rows["city"].map({"Rome": 100, "Oslo, Norway": 200, "Köln": 300}).fillna(400)
    assert rows["price"].between(low, low + 50).all() and rows.equals(models.sample(240, seed=1))
    assert list(rows.columns) == ["city", "price", "kind"] and rows.dtypes.equals(table().dtypes)
    for where, wanted in (
        ({"city": "Rome"}, ["Rome"]),
        ("city=Oslo, Norway", ["Oslo, Norway"]),
        (["city=Köln,Rome", "kind=a"], ["Köln", "Rome"]),
        ({"city": None}, ["none"]),
        ({"city": NOT_MISSING}, ["Köln", "Oslo, Norway", "Rome"]),
    ):
        own = models.sample(30, where=where, seed=0)
        assert list(own["city"].fillna("none").unique()) == wanted
        assert "kind=a" not in where or set(own["kind"]) == {"a"}
    assert models.sample(40, balance="city", seed=0)["city"].value_counts(dropna=False).tolist() == [10] * 4
    with pytest.raises(ConditionError, match="no model was learned for that 'city': choose one of 'Köln'"):
        models.sample(5, where={"city": "Paris"})


def test_shares_are_kept_over_many_shards() -> None:
    rng = np.random.default_rng(0)
    found = np.array([dealt([997, 2, 1], 10, rng) for _ in range(4000)])
    assert (found.sum(1) == 10).all() and found.min() >= 0
    assert np.allclose(found.mean(0), [9.97, 0.02, 0.01], atol=0.006)


def test_it_goes_on_and_one_that_fails_costs_itself_alone(
    cities: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, fit = tmp_path / "m", Fitting._fit

    def odd(self: Fitting, rows: pd.DataFrame, folder: Path, options: dict) -> None:  # type: ignore[type-arg]
        if folder.name == "model-00001":
            raise MemoryError("no room")
        fit(self, rows, folder, options)

    monkeypatch.setattr(Fitting, "_fit", odd)
    made = lookalike.fit_many(table(), out, by="city", models=quick(), workers=1, progress=False)
    assert made.failed == {"model-00001": "MemoryError: no room"} and len(made.done) == 3
    assert json.loads((out / "failed.json").read_text()) == made.failed
    assert set(Models(out, progress=False).sample(60, seed=0)["city"].dropna()) == {"Rome", "Köln"}
    monkeypatch.undo()
    times = {one: one.stat().st_mtime_ns for one in out.glob("*/model.json")}
    again = lookalike.fit_many(table(), out, by="city", models=quick(), workers=1, progress=False)
    assert [one.shard for one in again.done] == [1] and again.there == 3 and not again.failed
    assert all(one.stat().st_mtime_ns == before for one, before in times.items())
    assert not (out / "failed.json").exists() and len(Models(out, progress=False).parts) == 4
    over = lookalike.fit_many(table(), out, by="city", models=quick(), workers=1, progress=False)
    assert str(over) == f"nothing was left to do, 4 were there -> {out}"
    with pytest.raises(DataError, match="another plan"):
        lookalike.fit_many(table().head(100), out, by="city", models=quick(), progress=False)
    with pytest.raises(DataError, match="another plan"):
        lookalike.fit_many(table(), out, by="kind", models=quick(), progress=False)


def test_what_a_kill_after_the_last_step_leaves_goes(cities: Path, tmp_path: Path) -> None:
    shutil.copytree(cities, tmp_path / "m")
    left = tmp_path / "m" / "model-00002" / "checkpoint"
    left.mkdir()
    (left / "state.json").write_text("{}")
    over = lookalike.fit_many(table(), tmp_path / "m", by="city", models=quick(), workers=1, progress=False)
    assert not over.done and not left.exists()


def test_one_that_is_stopped_stops_all_and_is_not_kept_as_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookalike.DiffLM, "stopped", True)
    with pytest.raises(KeyboardInterrupt):
        lookalike.fit_many(table(), tmp_path / "m", by="city", models=quick(), workers=1, progress=False)
    assert not list(tmp_path.glob("m/*/model.json"))


def test_conditions_are_checked_by_all_models_before_a_row_is_drawn(cities: Path, tmp_path: Path) -> None:
    models = Models(cities, progress=False)
    for where in ({"price": (100, 160)}, {"city": ["Rome", "Köln"], "price": (100, 160)}):
        with pytest.raises(ConditionError, match=r"model-0000\d \(city = '"):
            models.sample_chunks(1, where=where, seed=0)
    assert models.sample(9, where={"city": "Rome", "price": (100, 160)}, seed=0)["price"].max() <= 160
    with pytest.raises(ConditionError, match=r"model-0000\d \(city = '"):
        lookalike.sample_shards(cities, 9, tmp_path / "made", shards=2, where=["price=100..160"])
    assert not (tmp_path / "made").exists()


def test_tables_and_variants_are_fitted_too(tmp_path: Path) -> None:
    real = table()[["price", "kind"]]
    tables = {"a": real[real["kind"] == "a"], "b": real[real["kind"] == "b"]}
    variants = {"none": quick(rate=0), "four": quick(seed=7)}
    lookalike.fit_many(tables, tmp_path / "m", models=variants, workers=1, progress=False)
    models = Models(tmp_path / "m", progress=False)
    assert [(part.table, part.variant) for part in models.parts] == [
        ("a", "none"), ("a", "four"), ("b", "none"), ("b", "four"),
    ]  # fmt: skip
    own = models.model(table="b", variant="four")
    assert own.seed == 7 and own.rate is None and set(own.sample(20)["kind"]) == {"b"}
    assert models.sample(20, seed=0)["kind"].nunique() == 2


def test_the_command_line(cities: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table().to_csv(tmp_path / "real.csv", index=False)
    fit = ["fit", f"{tmp_path}/real.csv", "-o", f"{tmp_path}/m", "--quiet"]
    assert main([*fit, "--by", "kind", "--seeds", "2", "--max-time", "1s", "--workers", "1"]) == 0
    assert "4 models of 480 rows" in capsys.readouterr().out
    asked = ["sample", f"{tmp_path}/m", "-n", "50", "--quiet"]
    assert main([*asked, "-o", f"{tmp_path}/a.csv", "--where", "kind=b"]) == 0
    assert set(pd.read_csv(tmp_path / "a.csv")["kind"]) == {"b"}
    in_shards = [*asked, "-o", f"{tmp_path}/made/", "--shards", "2"]
    assert main([*in_shards, "--workers", "1"]) == 0
    assert len(lookalike.read_table(tmp_path / "made")) == 50
    for wrong, match in (
        ([*fit, "--workers", "2"], "add --by COLUMN or --seeds N"),
        ([*fit, "--by", "nothing"], "there is no column"),
        (
            [*asked, "-o", f"{tmp_path}/b.csv", "--like", f"{tmp_path}/real.csv"],
            "--like is for a single model",
        ),
        ([*asked, "-o", f"{tmp_path}/b.csv", "--where", "kind=c"], "no model was learned for that 'kind'"),
        (["impute", f"{tmp_path}/m", f"{tmp_path}/real.csv", "-o", f"{tmp_path}/b.csv"], "holds many models"),
        (
            ["evaluate", "--real", f"{tmp_path}/real.csv", "--synthetic", f"{tmp_path}/m"],
            "models and no table",
        ),
    ):
        assert main(wrong) == 2 and match in capsys.readouterr().err


def test_a_plan_that_is_damaged_is_a_sentence(tmp_path: Path) -> None:
    for plan in ({"verb": "fit"}, {"verb": "fit", "by": None, "groups": [1], "tables": {}, "models": {}}):
        (tmp_path / "plan.json").write_text(json.dumps(plan))
        with pytest.raises(ModelError, match=r"plan\.json is damaged"):
            Models(tmp_path)


def test_what_cannot_be_is_a_sentence(cities: Path, tmp_path: Path) -> None:
    real = table()
    for match, arguments in (
        ("there is no column 'town'", {"by": "town"}),
        ("give {text: DiffLM}", {"models": {"one": 1}}),
        ("name at least one", {"models": {}}),
    ):
        with pytest.raises(OptionError, match=match):
            lookalike.fit_many(real, tmp_path / "m", progress=False, **arguments)
    with pytest.raises(OptionError, match="need a folder of this machine"):
        lookalike.fit_many(real, "s3://bucket/m", by="city", progress=False)
    with pytest.raises(DataError, match="no rows"):
        lookalike.fit_many(real.head(0), tmp_path / "m", by="city", progress=False)
    with pytest.raises(ModelError, match="holds no models"):
        Models(tmp_path)
    with pytest.raises(OptionError, match="has no model of 'Paris'"):
        Models(cities).model("Paris")
