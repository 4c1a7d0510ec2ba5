"""Wrong arguments: every public function takes what is plain, and says the rest in one sentence."""

import contextlib
import copy
import dataclasses
import datetime
import decimal
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.errors import ConditionError, UserError
from lookalike.llm import LLM, Budget

N = 120
RNG = np.random.default_rng(0)
pytestmark = pytest.mark.usefixtures("quick_fits", "few_candidates")
TABLE = pd.DataFrame(
    {
        "fare": np.round(RNG.gamma(2, 5, N), 2),
        "size": RNG.integers(1, 40, N),
        "zone": RNG.choice(list("ABCD"), N),
        "paid": RNG.random(N) < 0.5,
        "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(RNG.integers(0, 90, N), "D"),
        "same": "x",
        "tip": np.where(RNG.random(N) < 0.2, np.nan, RNG.random(N)),
    }
)
TEXTS = pd.DataFrame({"note": [f"words {i % 37} and {i}" for i in range(N)], "zone": TABLE["zone"]})


class Frame:
    """A table of another library."""

    def __init__(self, table: pd.DataFrame) -> None:
        self.table = table

    def to_pandas(self) -> pd.DataFrame:
        return self.table


class Rude:
    """An object that cannot even be shown."""

    def __repr__(self) -> str:
        raise RuntimeError


WRONG: dict[str, Any] = {
    "text": "x",
    "empty text": "",
    "zero byte": "a\0b",
    "bytes": b"abc",
    "dict": {"a": 1},
    "list": [1, 2],
    "texts": ["a", "b"],
    "empty list": [],
    "tuple": (1, 2),
    "array": np.arange(3.0),
    "matrix": np.zeros((2, 3)),
    "float": 2.5,
    "negative": -1,
    "zero": 0,
    "nan": math.nan,
    "inf": math.inf,
    "complex": 1 + 2j,
    "huge": 10**400,
    "decimal": decimal.Decimal(2),
    "True": True,
    "None": None,
    "NA": pd.NA,
    "NaT": pd.NaT,
    "date": datetime.date(2024, 1, 1),
    "Series": pd.Series([1, 2], name="fare"),
    "empty frame": pd.DataFrame(),
    "frame": TABLE.head(3),
    "other frame": Frame(TABLE.head(3)),
    "path": Path("nowhere.csv"),
    "function": lambda x: x,
    "type": int,
    "object": Rude(),
}


@pytest.fixture(scope="module")
def model() -> Any:
    return _quick().fit(TABLE)


def _quick() -> Any:
    one = lookalike.DiffLM(progress=False)
    one.train_config = dataclasses.replace(
        one.train_config, steps=(5, 5), epochs_limits=(0.0, 1e9), denoiser_steps=5, denoiser_batch=64
    )
    one.denoiser_config = dataclasses.replace(one.denoiser_config, width=16, blocks=1)
    return one


def check(call: Callable[[Any], Any], what: str) -> None:
    """Calls with every wrong value: whatever is raised is one sentence, and nothing is warned of."""
    raw = []
    for name, value in WRONG.items():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                call(copy.copy(value))
            except UserError as error:
                text = str(error)
                if "\n" in text or not text.endswith(".") or len(text) > 400:
                    raw.append(f"{what}({name}): {text!r}")
            except Exception as error:
                raw.append(f"{what}({name}): {type(error).__name__}: {error}"[:200])
    assert not raw, "\n".join(raw)


MODEL: dict[str, Callable[[Any, Any], Any]] = {
    "sample": lambda m, v: m.sample(v),
    **{
        f"sample {o}": lambda m, v, o=o: m.sample(3, **{o: v})
        for o in ("where", "like", "strength", "balance")
    },
    "sample given": lambda m, v: m.sample(given=v),
    **{f"sample {o}": lambda m, v, o=o: m.sample(3, **{o: v}) for o in ("temperature", "top_p", "seed")},
    "sample valid_only": lambda m, v: m.sample(3, valid_only=v),
    "sample_chunks": lambda m, v: m.sample_chunks(v),
    **{f"where {c}": lambda m, v, c=c: m.sample(2, where={c: v}) for c in TABLE},
    **{f"where {c} from": lambda m, v, c=c: m.sample(2, where={c: (v, None)}) for c in TABLE},
    **{f"where {c} to": lambda m, v, c=c: m.sample(2, where={c: (None, v)}) for c in ("fare", "day")},
    "impute": lambda m, v: m.impute(v),
    "impute seed": lambda m, v: m.impute(TABLE.head(2), seed=v),
    "encode": lambda m, v: m.encode(v),
    "decode": lambda m, v: m.decode(v),
    "decode seed": lambda m, v: m.decode(m.encode(TABLE.head(1)), v),
    "interpolate a": lambda m, v: m.interpolate(v, TABLE.head(1)),
    "interpolate b": lambda m, v: m.interpolate(TABLE.head(1), v),
    "interpolate steps": lambda m, v: m.interpolate(TABLE.head(1), TABLE.tail(1), v),
    "interpolate seed": lambda m, v: m.interpolate(TABLE.head(1), TABLE.tail(1), seed=v),
}


@pytest.mark.parametrize("name", MODEL)
def test_a_fitted_model(model: Any, name: str) -> None:
    check(lambda value: MODEL[name](model, value), name)


@pytest.mark.parametrize("column", TABLE)
def test_a_cell_that_is_given(model: Any, column: str) -> None:
    def cell(value: Any) -> pd.DataFrame:
        if isinstance(value, Rude):  # a string dtype cannot be made of it
            raise UserError("left out.")
        return pd.DataFrame({column: pd.Series([value], dtype=object)})

    check(lambda value: model.sample(given=cell(value)), f"given {column}")
    check(lambda value: model.impute(cell(value)), f"impute {column}")


OPTIONS = (
    "max_time",
    "seed",
    "device",
    "rate",
    "injection",
    "epochs",
    "encoder",
    "lora",
    "beta",
    "refine",
    "progress",
)


@pytest.mark.parametrize("option", [*OPTIONS, "backbone"])
def test_the_options_of_difflm(option: str) -> None:
    check(lambda value: lookalike.DiffLM(**{option: value}), option)
    if option in ("encoder", "lora", "beta"):
        check(lambda value: lookalike.DiffLM(backbone="nowhere", **{option: value}), option)


def test_fit_save_and_load(model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model.save("saved")
    check(lambda value: _quick().fit(value), "fit")
    check(lambda value: value is not None and _quick().fit(TABLE, value), "fit schema")
    check(lambda value: _quick().fit(TABLE.head(20), checkpoint=value), "fit checkpoint")
    check(lambda value: model.save(value), "save")
    check(lambda value: lookalike.DiffLM.load(value), "load")
    for option in ("device", "backbone"):
        check(lambda value, o=option: lookalike.DiffLM.load("saved", **{o: value}), option)


def test_labels_apart_from_the_table_are_told_where_they_belong() -> None:
    for labels in (TABLE["zone"], TABLE["zone"].to_numpy(), list(TABLE["zone"])):
        with pytest.raises(UserError, match="put labels into the table as a column"):
            _quick().fit(TABLE.drop(columns="zone"), labels)


def test_schemas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    schema = lookalike.infer(TABLE)
    check(lambda value: lookalike.infer(value), "infer")
    check(lambda value: lookalike.infer(TABLE, value), "infer missing")
    check(lambda value: schema[value], "schema[...]")
    check(lambda value: schema.save(value), "schema save")
    check(lambda value: lookalike.Schema.load(value), "schema load")
    check(lambda value: lookalike.Schema.from_dict(value), "schema from_dict")


FACTS = ("kind", "decimals", "minimum", "maximum", "resolution", "format", "language", "json_schema")


@pytest.mark.parametrize("fact", FACTS)
def test_edited_columns(fact: str) -> None:
    def edit(value: Any) -> None:
        from lookalike.codec import RecordCodec

        for name in ("fare", "zone", "day"):
            table = TABLE[[name]]
            schema = lookalike.infer(table)
            setattr(schema[name], fact, value)
            RecordCodec.fit(table, schema)

    check(edit, fact)


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    TABLE.to_csv("t.csv", index=False)
    check(lambda value: lookalike.read_table(value), "read_table")
    check(lambda value: lookalike.read_table("t.csv", missing=value), "read_table missing")
    check(lambda value: lookalike.write_table(value, "o.csv"), "write_table")
    check(lambda value: lookalike.write_table(TABLE, value), "write_table path")
    assert lookalike.read_table("t.csv", missing="AB")["zone"].notna().all()  # a text is one value
    assert lookalike.read_table("t.csv", missing="A")["zone"].isna().any()


ALIGN = ("text", "label", "method", "embed", "most_repeats", "holdout", "seed")


@pytest.mark.parametrize("argument", ["real", "synthetic", "n", *ALIGN])
def test_align(argument: str) -> None:
    usual = {"real": TEXTS, "synthetic": TEXTS, "n": 30, "text": "note", "progress": False}
    check(lambda value: lookalike.align(**{**usual, argument: value}), argument)


GENERATE = (
    "schema",
    "where",
    "target",
    "holdout",
    "run",
    "seed",
    "progress",
)


@pytest.mark.parametrize("argument", ["real", "n", "synthesizer", *GENERATE])
def test_generate(argument: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def reached(*_: Any, **__: Any) -> None:
        raise UserError("the training was reached.")

    monkeypatch.setattr(lookalike.DiffLM, "fit", reached)
    usual = {"real": TABLE, "n": 5, "progress": False}
    check(lambda value: lookalike.generate(**{**usual, argument: value}), argument)


LLMS = (
    "model",
    "url",
    "key",
    "ledger",
    "budget",
    "concurrency",
    "timeout",
    "total_timeout",
    "patience",
    "structured",
)
MONEY = ("max_calls", "max_tokens", "max_cost", "price_in", "price_out")


@pytest.mark.parametrize("argument", LLMS)
def test_an_endpoint(argument: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    usual = {"model": "m", "url": "http://127.0.0.1:9/v1"}
    check(lambda value: LLM(**{**usual, argument: value}), argument)


@pytest.mark.parametrize("argument", MONEY)
def test_a_budget(argument: str) -> None:
    prices = {"price_in": 1, "price_out": 1} if argument == "max_cost" else {}
    check(lambda value: Budget(**{**prices, argument: value}), argument)


SYNALIGN = (
    "text",
    "label",
    "method",
    "demonstrations",
    "gen_size",
    "embed",
    "attributes",
    "task",
    "templates",
)


@pytest.mark.parametrize("argument", ["llm", *SYNALIGN, "temperature", "max_tokens", "seed", "progress"])
def test_synalign(argument: str) -> None:
    usual = {"llm": LLM("m", "http://127.0.0.1:9/v1"), "text": "note", "label": "zone", "progress": False}
    check(lambda value: lookalike.SynAlign(**{**usual, argument: value}).fit(TEXTS.head(40)), argument)


def test_synalign_fitted() -> None:
    writer = lookalike.SynAlign(LLM("m", "http://127.0.0.1:9/v1"), "note", "zone", progress=False)
    check(lambda value: writer.fit(value), "fit")
    writer.fit(TEXTS)
    check(lambda value: isinstance(value, int) or writer.requests(value), "requests")
    check(lambda value: isinstance(value, int) or writer.estimate(value), "estimate")


HUGE = np.finfo(np.float64).max
FLOATS = {
    "huge": RNG.uniform(-1, 1, N) * HUGE,
    "two": RNG.choice([HUGE, -HUGE], N),
    "denormal": RNG.random(N) * 1e-310,
    "all sizes": 10.0 ** RNG.uniform(-308, 308, N) * RNG.choice([-1, 1], N),
    "infinite": np.where(RNG.random(N) < 0.2, RNG.choice([np.inf, -np.inf], N), RNG.uniform(-1, 1, N) * HUGE),
    "float32": (10.0 ** RNG.uniform(-45, 38.5, N)).astype(np.float32),
    "float16": RNG.choice(np.array([65504, -65504, 6e-8], dtype=np.float16), N),
}


@pytest.mark.parametrize("name", FLOATS)
def test_floats_at_the_ends_of_their_dtype(name: str) -> None:
    table = pd.DataFrame({"x": FLOATS[name], "zone": TABLE["zone"]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = _quick().fit(table)
        made = model.sample(200)
        for ends in ((0, None), (None, 0)):
            with contextlib.suppress(ConditionError):  # nothing may lie there
                model.sample(5, where={"x": ends})
        model.sample(like=table.head(20), strength=0.3)
        model.impute(table.assign(x=table["x"].mask(RNG.random(N) < 0.1)))
    assert made["x"].dtype == table["x"].dtype and made["x"].notna().all()
    real, synthetic = (one["x"][np.isfinite(one["x"])] for one in (table, made))
    assert synthetic.between(real.min(), real.max()).all()
    assert np.isinf(made["x"]).any() == np.isinf(table["x"]).any()
