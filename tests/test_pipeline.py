"""The whole story on a small table, and what it refuses before any training."""

import dataclasses
import json
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

import lookalike
from lookalike import pipeline
from lookalike.codec import RecordCodec
from lookalike.errors import ConditionError, DataError, LLMError, OptionError
from lookalike.helping import no_gain
from lookalike.run import config
from tests.paths import DATA

pytestmark = pytest.mark.usefixtures("few_trees", "quick_fits", "few_candidates")

WRITER = Path(__file__).parent / "prompting" / "writer.py"


@pytest.fixture
def quick() -> Any:
    """quick() -> a DiffLM that takes 24 steps, always as many."""

    def make() -> lookalike.DiffLM:
        model = lookalike.DiffLM(progress=False, threads=1)
        model.train_config = dataclasses.replace(
            model.train_config,
            steps=(24, 24),
            epochs_limits=(0.0, 1e9),
            batch=64,
            denoiser_steps=20,
            denoiser_batch=64,
        )
        return model

    return make


@pytest.fixture
def writing(serve: Any) -> Any:
    return lambda *options: serve("--writer", f"{WRITER}:good", *options)


@pytest.fixture(scope="module")
def real(small_csv: Path) -> pd.DataFrame:
    return lookalike.read_table(small_csv)


def quickly(max_time: str) -> lookalike.DiffLM:
    return lookalike.DiffLM(max_time=max_time, progress=False)


def test_generate_returns_a_table_and_its_report(real: pd.DataFrame) -> None:
    synthetic, report = lookalike.generate(real, None, quickly("1s"), target="income", progress=False)
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
    synthetic, _ = lookalike.generate(real, 50, quickly("0.5s"), where=where, progress=False)
    assert set(synthetic["sex"]) == {"Female"}
    assert synthetic["age"].min() >= 30
    wanted = real[(real["sex"] == "Female") & (real["age"] >= 30)]
    assert compared[0].equals(wanted)
    assert "cut short by the time limit" in warned[-1]  # half a second is not enough
    note = "column 'race': 2 of 5 values occur in fewer than 5 rows (5 of 300 rows) and are not reproduced"
    assert note in str(warned)


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
        ({"synthesizer": "DiffLM"}, OptionError, "the synthesizer is 'DiffLM'"),
        ({"synthesizer": lookalike.DiffLM}, OptionError, "give one such as"),
        ({"run": 3}, OptionError, "run is 3"),
        ({"seed": -1}, OptionError, "seed is -1"),
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
    options: dict[str, Any] = {"schema": schema, "progress": False}
    synthetic, report = lookalike.generate(
        orders, 200, quickly("0.5s"), holdout=orders[:100], target="city", **options
    )
    assert list(synthetic.columns) == [name for name in orders.columns if name != "email"]
    assert not synthetic["customer"].isin(orders["customer"]).any()
    figures = report.to_dict()
    kinds = {name: facts["kind"] for name, facts in figures["columns"].items()}
    assert "email" not in kinds
    assert {name for name, kind in kinds.items() if kind == "id"} == {"order_id", "customer_id", "customer"}
    assert "order_id, customer_id, customer" in figures["skipped"]["ids"]
    with pytest.raises(OptionError, match="'email'"):
        lookalike.generate(orders, 200, target="email", **options)


@pytest.mark.usefixtures("short_report")
def test_the_codec_is_fitted_once_for_conditions_and_training(
    real: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit, seeds = RecordCodec.fit, []

    def counted(table: pd.DataFrame, schema: Any, seed: int = 0) -> RecordCodec:
        seeds.append(seed)
        return fit(table, schema, seed=seed)

    monkeypatch.setattr(RecordCodec, "fit", counted)
    model = lookalike.DiffLM(max_time="0.5s", seed=4, progress=False)
    synthetic, _ = lookalike.generate(real, 20, model, where={"sex": "Male"}, progress=False)
    assert seeds == [4] and set(synthetic["sex"]) == {"Male"}
    lookalike.generate(real, 20, quickly("0.5s"), progress=False)
    assert seeds == [4, 0]


@pytest.mark.usefixtures("short_report")
def test_the_codec_that_is_handed_over_gives_the_same_table(real: pd.DataFrame, quick: Any) -> None:
    where = {"income": ">50K"}
    made, _ = lookalike.generate(real, 40, quick(), where=where, seed=7, progress=False)
    model = quick().fit(real)
    pd.testing.assert_frame_equal(made, model.sample(40, where=where, seed=7))


@pytest.mark.usefixtures("short_report")
def test_a_killed_job_goes_on_to_the_same_table(
    real: pd.DataFrame, quick: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lookalike.difflm.training.rate import RateController

    whole, _ = lookalike.generate(real, 40, quick(), progress=False)
    run = tmp_path / "job"
    with monkeypatch.context() as patch:
        update, calls = RateController.update, iter(range(100))

        def killed(self: RateController, rate: float) -> None:
            if next(calls) == 20:
                raise SystemError  # nothing in the training catches it, as nothing can catch a kill
            update(self, rate)

        patch.setattr("lookalike.difflm.training.loop.SECONDS", -1.0)
        patch.setattr(RateController, "update", killed)
        with pytest.raises(SystemError):
            lookalike.generate(real, 40, quick(), run=run, progress=False)
    assert json.loads((run / "checkpoint" / "state.json").read_text())["step"] == 20
    model, stages = quick(), []
    again, report = lookalike.generate(real, 40, model, run=run, progress=False, on_fit=stages.append)
    assert stages == [model]
    pd.testing.assert_frame_equal(again, whole)
    assert {path.name for path in run.iterdir()} == {"summary.json", "report.html", "report.json"}
    kept = json.loads((run / "report.json").read_text())
    assert kept["columns"].keys() == report.to_dict()["columns"].keys()
    with pytest.raises(DataError, match="was begun from Python"):
        config(run)


class Shuffled:
    """A synthesizer of a user's own: the columns, each in another order."""

    def fit(self, table: pd.DataFrame, schema: object = None) -> None:
        self.table, self.schema = table, schema

    def sample(self, n: int) -> pd.DataFrame:
        return self.table.head(n).apply(lambda column: column.sample(frac=1, random_state=1).to_numpy())


@pytest.mark.usefixtures("short_report")
def test_any_object_that_fits_and_samples_is_a_synthesizer(real: pd.DataFrame, tmp_path: Path) -> None:
    out = tmp_path / "o.csv"
    synthesizer = Shuffled()
    made, report = lookalike.generate(real, 100, synthesizer, run=tmp_path / "r", out=out, progress=False)
    assert len(made) == len(pd.read_csv(out)) == 100 and synthesizer.schema == lookalike.infer(real)
    assert report.to_dict()["about"]["tables"]["synthetic"]["rows"] == 100
    assert json.loads((tmp_path / "r" / "summary.json").read_text())["rows"] == 100
    with pytest.raises(OptionError, match="conditions are for a model that is trained here"):
        lookalike.generate(real, 100, Shuffled(), where={"sex": "Male"}, progress=False)
    with pytest.raises(DataError, match="made none of the 5 rows"):
        lookalike.generate(real.head(60), 5, Nothing(), progress=False)


class Nothing(Shuffled):
    def sample(self, n: int) -> pd.DataFrame:
        return self.table.head(0)


def test_a_language_model_writes_a_run_from_python(
    writing: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from lookalike.llm import LLM, Budget

    served, folder = writing(), tmp_path / "out.run"
    real = lookalike.read_table(DATA / "banking77.csv")

    def once() -> tuple[pd.DataFrame, Any]:
        budget = Budget(max_calls=1_000, price_in=1.0, price_out=10.0)
        llm = LLM("my-model", served.url, ledger=folder / "ledger.sqlite", budget=budget)
        writer = lookalike.SynAlign(llm, text="text", label="category", gen_size=5, demonstrations=9,
                                    progress=False, seed=1)  # fmt: skip
        return lookalike.generate(real, 30, writer, run=folder, out=tmp_path / "out.csv", progress=True)

    synthetic, report = once()
    assert "category" in str(report)
    shown = [json.loads(one) for one in lookalike.read_table(folder / "provenance.jsonl")["shown"]]
    asker: Any = SimpleNamespace(texts=["text"], label="category", shown=shown)
    note = no_gain(real, synthetic, asker, None, 1)
    assert note is not None and note in report.figures.found.warnings  # texts of random words teach nothing
    assert len(synthetic) == len(pd.read_csv(tmp_path / "out.csv")) == 30
    names = {"accepted.jsonl", "rejected.jsonl", "provenance.jsonl", "ledger.sqlite", "summary.json"}
    assert {path.name for path in folder.iterdir()} >= names | {"report.html", "report.json"}
    facts, calls = json.loads((folder / "summary.json").read_text()), served.stats()["calls"]
    assert facts["rows"] == facts["accepted"] == 30 and facts["calls"] == calls and facts["known"] == 0
    paid = (facts["tokens_in"] + 10 * facts["tokens_out"]) / 1e6
    assert facts["money"] == pytest.approx(paid, abs=1e-6) and facts["money"] > 0
    assert f"{calls:,} calls" in capsys.readouterr().err
    again, _ = once()
    pd.testing.assert_frame_equal(again, synthetic)
    more = json.loads((folder / "summary.json").read_text())
    assert served.stats()["calls"] == calls == more["known"] and more["money"] == facts["money"]


def test_a_language_model_that_writes_nothing_is_one_sentence(serve: Any, tmp_path: Path) -> None:
    from lookalike.llm import LLM

    writer = lookalike.SynAlign(LLM("m", serve("--no", "messages").url), "text", "category", progress=False)
    real = pd.read_csv(DATA / "banking77.csv")
    with pytest.raises(LLMError, match=r"fails alike for every request, .*'messages' is not supported"):
        lookalike.generate(real, 20, writer, run=tmp_path / "r", progress=False)
    assert json.loads((tmp_path / "r" / "summary.json").read_text())["accepted"] == 0


class Copier:
    """A synthesizer of a user's own: it draws real rows; made: what it gives instead."""

    seed = None

    def __init__(self, made: Any = ...) -> None:
        self.made, self.fits = made, 0

    def fit(self, table: pd.DataFrame, schema: lookalike.Schema | None = None) -> None:
        self.table, self.fits = table, self.fits + 1

    def sample(self, n: int) -> Any:
        return self.table.sample(n, replace=True, random_state=0) if self.made is ... else self.made


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"out": "x.foo"}, "no suffix of a table"),
        ({"out": "nowhere/x.csv"}, "the folder nowhere does not exist"),
        ({"out": 5}, "out is 5"),
        ({"target": "number"}, "is a column of ids"),
        ({"holdout": "empty"}, "the holdout has no rows"),
        ({"on_fit": 5}, "on_fit is 5"),
        ({"names": 5}, "names is 5"),
        ({"show_real": "yes"}, "show_real is 'yes'"),
    ],
)
def test_wrong_arguments_are_found_before_anything_is_learned(
    real: pd.DataFrame, wrong: dict[str, Any], words: str
) -> None:
    table, own = real.assign(number=[f"u{i}" for i in range(len(real))]), Copier()
    given = {"holdout": table.head(0)} if "holdout" in wrong else wrong
    with pytest.raises((DataError, OptionError), match=words):
        lookalike.generate(table, 20, own, progress=False, **given)
    assert own.fits == 0


@pytest.mark.parametrize("made", [None, 5, "rows.csv"])
def test_what_a_synthesizer_makes_has_to_be_a_table(real: pd.DataFrame, made: Any) -> None:
    with pytest.raises((DataError, OptionError), match="what the synthesizer made is"):
        lookalike.generate(real, 20, Copier(made), progress=False)


def test_another_synthesizer_leaves_a_checkpoint_in_the_run(real: pd.DataFrame, tmp_path: Path) -> None:
    kept = tmp_path / "run" / "checkpoint" / "state.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("{}")
    synthetic, _ = lookalike.generate(real, 20, Copier(), run=tmp_path / "run", seed=2**40, progress=False)
    assert len(synthetic) == 20 and kept.exists()
