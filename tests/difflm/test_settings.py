"""The arguments of DiffLM are kept as they are given, and each fit derives its settings from them anew."""

import dataclasses
import inspect

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

from lookalike.codec import RecordCodec
from lookalike.difflm import DiffLM, settings
from lookalike.difflm.pretrained.train import FinetuneConfig
from lookalike.difflm.settings import Arguments, Settings, derive
from lookalike.difflm.small.sizes import VAEConfig
from lookalike.difflm.training.config import TEXT_RATE, TEXT_TRAINING, TrainConfig
from lookalike.errors import DataError, OptionError, SchemaError
from lookalike.table.inferring import infer

RNG = np.random.default_rng(0)
NUMBERS = pd.DataFrame({"x": RNG.normal(size=80).round(2), "kind": RNG.choice(list("abc"), 80)})
TEXTS = pd.DataFrame({"note": [f"the {'long ' * (i % 5)}note {i * i} of {i % 7}" for i in range(80)]})
MISUSED = {"rate": -1, "injection": "x", "epochs": 0, "seed": -1, "device": "x", "max_time": "x"}


def weights(model: DiffLM) -> dict[str, torch.Tensor]:
    return model.fitted.weights()


def equal(a: DiffLM, b: DiffLM) -> bool:
    """Whether two models have the same bits."""
    one, other = weights(a), weights(b)
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def short(model: DiffLM) -> DiffLM:
    """One that takes few steps."""
    model.train_config = TrainConfig(
        steps=(3, 3), epochs_limits=(0.0, 1e9), denoiser_steps=3, denoiser_batch=64
    )
    return model


def quiet(**options: object) -> DiffLM:
    return short(DiffLM(progress=False, **options))  # type: ignore[arg-type]


def test_a_model_that_learned_texts_learns_numbers_as_a_fresh_one() -> None:
    of_numbers, of_texts = quiet().fit(NUMBERS), quiet().fit(TEXTS)
    assert (
        of_texts.schema["note"].kind == "text" and of_texts.settings.vae.width == settings.TEXT_SIZES["width"]
    )
    again = quiet().fit(TEXTS).fit(NUMBERS)
    assert again.settings == of_numbers.settings and again.settings.vae == VAEConfig(based=True)
    assert equal(again, of_numbers)
    pd.testing.assert_frame_equal(again.sample(30), of_numbers.sample(30))
    again.fit(TEXTS)
    assert again.settings == of_texts.settings and equal(again, of_texts)


def test_a_fit_assigns_over_nothing() -> None:
    model = quiet(rate=3, seed=2)
    before = {name: value for name, value in vars(model).items() if not name.startswith("_")}
    model.fit(TEXTS)
    assert {name: value for name, value in vars(model).items() if not name.startswith("_")} == before
    assert model.settings.train.rate == 3 and model.settings.train.batch == TEXT_TRAINING["batch"]


def test_a_fit_that_fails_leaves_the_model_as_it_was() -> None:
    model = quiet().fit(NUMBERS)
    made = model.sample(20, seed=0)
    with pytest.raises(DataError):
        model.fit(NUMBERS.head(0))
    pd.testing.assert_frame_equal(model.sample(20, seed=0), made)


@pytest.mark.parametrize(
    ("options", "texts", "rate", "epochs", "limits"),
    [
        ({}, False, TrainConfig.rate, TrainConfig.epochs, TrainConfig.epochs_limits),
        ({}, True, TEXT_RATE, TrainConfig.epochs, TEXT_TRAINING["epochs_limits"]),
        (
            {"rate": TrainConfig.rate},
            True,
            TrainConfig.rate,
            TrainConfig.epochs,
            TEXT_TRAINING["epochs_limits"],
        ),
        ({"rate": 0, "epochs": 2}, False, 0, 2, (2, 2)),
        ({"epochs": 2}, True, TEXT_RATE, 2, (2, 2)),
    ],
)
def test_what_is_asked_for_goes_over_what_texts_need(
    options: dict, texts: bool, rate: float, epochs: float, limits: tuple
) -> None:
    train = derive(Arguments.of(DiffLM(**options).get_params()), Settings(), texts).train
    assert (train.rate, train.epochs, train.epochs_limits) == (rate, epochs, limits)


def test_the_settings_around_a_backbone() -> None:
    given = DiffLM(
        backbone="nowhere", lora=True, beta="schedule", epochs=3, injection="kv_memory"
    ).get_params()
    own = derive(Arguments.of(given), Settings(), False).pretrained
    assert own is not None and own.backbone == "nowhere" and own.encoder is None
    assert own.config.lora == 8 and own.config.injection == "kv_memory"
    assert own.finetune == FinetuneConfig(beta="schedule", epochs=3, steps=(1, 10**9))
    base = FinetuneConfig(batch=7, beta="schedule")
    kept = derive(Arguments.of(DiffLM(backbone="nowhere").get_params()), Settings(), False, finetune=base)
    assert kept.pretrained is not None and kept.pretrained.finetune == base


def test_the_options_of_a_model_are_checked() -> None:
    for name, value in MISUSED.items():
        with pytest.raises(OptionError, match=r"\.$"):
            DiffLM(**{name: value})
    with pytest.raises(OptionError, match="learned nothing yet"):
        DiffLM().sample(3)


# ---- as an estimator of scikit-learn ----------------------------------------------------------------------


def test_a_clone_learns_the_same_model() -> None:
    given = {"seed": np.int64(3), "rate": np.float32(2.5), "threads": 1, "progress": False}
    model = short(DiffLM(**given))  # type: ignore[arg-type]
    model.fit(NUMBERS)
    other = clone(model)
    for name, value in model.get_params().items():
        assert getattr(other, name) == value and type(getattr(other, name)) is type(value)
    with pytest.raises(OptionError, match="learned nothing yet"):
        other.sample(3)
    short(other).fit(NUMBERS)
    assert other.settings == model.settings and equal(other, model)
    assert not equal(short(clone(model).set_params(seed=4)).fit(NUMBERS), model)


def test_arguments_are_changed_as_they_are_given() -> None:
    model = quiet().fit(NUMBERS)
    first = model.sample(20)
    fresh = quiet().fit(NUMBERS)
    assert fresh.set_params(seed=9, rate=1.0) is fresh and (fresh.seed, fresh.rate) == (9, 1.0)
    pd.testing.assert_frame_equal(fresh.sample(20), first)  # what was learned stays
    assert equal(fresh.fit(NUMBERS), quiet(seed=9, rate=1.0).fit(NUMBERS))
    for name, value in [*MISUSED.items(), ("lora", True), ("sede", 1)]:
        with pytest.raises(OptionError, match=name if name == "sede" else r"\.$"):
            fresh.set_params(**{"progress": False, name: value})
    assert fresh.set_params(max_time="2m").max_time == "2m"
    assert (fresh.seed, fresh.rate, fresh.lora) == (9, 1.0, None)
    assert list(fresh.get_params()) == list(inspect.signature(DiffLM).parameters)


# ---- a codec that is given --------------------------------------------------------------------------------


def test_a_codec_is_not_fitted_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    codec, alone = RecordCodec.fit(NUMBERS, infer(NUMBERS)), quiet().fit(NUMBERS)
    monkeypatch.setattr(RecordCodec, "fit", None)
    model = quiet().fit(NUMBERS, codec=codec)
    assert equal(model, alone) and repr(model.schema) == repr(alone.schema)
    pd.testing.assert_frame_equal(model.sample(30, seed=1), alone.sample(30, seed=1))
    assert equal(quiet().fit(NUMBERS, schema=infer(NUMBERS), codec=codec), alone)


def test_a_codec_that_does_not_fit() -> None:
    codec, schema = RecordCodec.fit(NUMBERS, infer(NUMBERS)), infer(NUMBERS)
    schema["x"].kind = "category"
    with pytest.raises(SchemaError, match=r"another schema.*\.$"):
        quiet().fit(NUMBERS, schema=schema, codec=codec)
    with pytest.raises(OptionError, match=r"the codec is 7: .*\.$"):
        quiet().fit(NUMBERS, codec=7)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="no column 'kind'"):
        quiet().fit(NUMBERS[["x"]], codec=codec)


def test_configs_are_frozen() -> None:
    """So that a default is nobody's to change."""
    for config in (Settings(), *(getattr(Settings(), name) for name in ("vae", "train", "denoiser"))):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(config, dataclasses.fields(config)[0].name, 1)


def test_a_subclass_has_the_arguments_of_difflm() -> None:
    class Fixed(DiffLM):
        def __init__(self, **given: object) -> None:
            super().__init__(**{"max_time": "1s", **given})  # type: ignore[arg-type]

    assert Fixed(seed=3).get_params()["max_time"] == "1s" and Fixed(seed=3).get_params()["seed"] == 3


def test_a_codec_of_a_table_with_other_columns_is_refused() -> None:
    codec = RecordCodec.fit(NUMBERS, infer(NUMBERS), seed=0)
    with pytest.raises(SchemaError, match="other columns"):
        DiffLM(progress=False).fit(NUMBERS.assign(more=1.5), codec=codec)


def test_a_base_of_trees_is_for_tables_of_few_rows_and_slots() -> None:
    own = Arguments.of(DiffLM().get_params())
    assert derive(own, Settings(), False, rows=500, slots=64).vae.based
    assert not derive(own, Settings(), False, rows=501, slots=64).vae.based
    assert not derive(own, Settings(), False, rows=500, slots=65).vae.based
    assert not derive(own, Settings(), True, rows=500, slots=64).vae.based
    assert not derive(own, Settings(), False).vae.based


@pytest.mark.parametrize(("slots", "most"), [(1, 44), (5, 44), (7, 33), (9, 22), (40, 22)])
def test_records_of_few_slots_are_read_oftener(slots: int, most: float) -> None:
    own = Arguments.of(DiffLM().get_params())
    assert derive(own, Settings(), False, rows=5000, slots=slots).train.epochs_limits == (3, most)
    given = Arguments.of(DiffLM(epochs=5).get_params())
    assert derive(given, Settings(), False, rows=5000, slots=slots).train.epochs_limits == (5, 5)
