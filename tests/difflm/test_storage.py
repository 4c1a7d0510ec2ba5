"""What a folder keeps of a model: what was learned, what it was learned with, what a later fit needs."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

import lookalike
from lookalike import __version__
from lookalike.difflm import DiffLM
from lookalike.difflm.storage import load_model
from lookalike.errors import ModelError
from lookalike.table.rule import Combination

RNG = np.random.default_rng(0)
NUMBERS = pd.DataFrame({"x": RNG.normal(size=60).round(2), "kind": RNG.choice(list("abc"), 60)})


def test_a_loaded_model_learns_again_as_the_saved_one(quick, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    model = quick(3, 3, seed=np.int64(5), rate=Fraction(2), injection="kv_memory", threads=1).fit(NUMBERS)
    model.save(tmp_path)
    loaded = DiffLM.load(tmp_path, progress=False)
    assert loaded.settings == model.settings and loaded.history == model.history
    assert (loaded.seed, loaded.rate, loaded.injection, loaded.threads) == (5, 2, "kv_memory", None)
    pd.testing.assert_frame_equal(loaded.sample(20), model.sample(20))
    loaded.train_config = model.train_config
    again = loaded.fit(NUMBERS[["x"]]).fitted.weights()
    fresh = model.fit(NUMBERS[["x"]]).fitted.weights()
    assert all(torch.equal(again[name], fresh[name]) for name in fresh)


def test_a_model_of_the_last_format_is_read(quick, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """It had no arguments, and the weights of texts had another name."""
    model = quick(3, 3, injection="input_embed", seed=7).fit(NUMBERS)
    model.save(tmp_path)
    facts = json.loads((tmp_path / "model.json").read_text())
    del facts["arguments"]
    facts["format"] = 4
    weights = load_file(tmp_path / "weights.safetensors")
    older = {name.replace("vae.spans.", "vae.runs."): weight for name, weight in weights.items()}
    assert older.keys() != weights.keys()
    save_file(older, tmp_path / "weights.safetensors")
    (tmp_path / "model.json").write_text(json.dumps(facts))
    loaded = DiffLM.load(tmp_path, progress=False)
    assert (loaded.injection, loaded.seed, loaded.rate) == ("input_embed", 7, None)
    pd.testing.assert_frame_equal(loaded.sample(20), model.sample(20))


def test_a_latent_of_an_earlier_format_is_as_many_vectors(quick, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    model = quick(3, 3)
    model.vae_config = replace(model.vae_config, prompts=4)
    model.fit(NUMBERS).save(tmp_path)
    facts = json.loads((tmp_path / "model.json").read_text())
    del facts["vae"]["prompts"]
    facts["format"] = 6
    (tmp_path / "model.json").write_text(json.dumps(facts))
    loaded = DiffLM.load(tmp_path, progress=False)
    assert loaded.settings == model.settings
    pd.testing.assert_frame_equal(loaded.sample(20), model.sample(20))


def test_reading_a_model_makes_no_network(quick, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    model = quick(3, 3).fit(NUMBERS)
    model.save(tmp_path)
    saved = load_model(tmp_path)
    assert saved.settings == model.settings and saved.codec.schema.names == ["x", "kind"]
    assert saved.weights.keys() == model.fitted.weights().keys() and saved.pretrained == {}


@pytest.mark.parametrize(
    ("facts", "writer"),
    [
        ({"format": 3}, "lookalike 0.1.0"),
        ({"format": 9, "version": "2.5.0"}, "lookalike 2.5.0"),
        ({"format": 9}, "another version of lookalike"),
        ([], "another version of lookalike"),
    ],
)
def test_a_model_that_is_not_read_is_refused_with_the_version_that_wrote_it(
    tmp_path: Path, facts: object, writer: str
) -> None:
    (tmp_path / "model.json").write_text(json.dumps(facts))
    with pytest.raises(ModelError) as error:
        load_model(tmp_path)
    assert f"was written by {writer} (" in str(error.value) and f"or use {writer}." in str(error.value)
    assert f"this version, {__version__}, reads the formats 4 to 7" in str(error.value)


def test_a_model_says_which_version_wrote_it(quick, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    quick(3, 3).fit(NUMBERS).save(tmp_path)
    assert json.loads((tmp_path / "model.json").read_text())["version"] == __version__


def test_the_sign_of_an_empty_cell_of_an_earlier_format_is_read(quick, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    places = np.array([["Rome", "Lazio"], ["Turin", None], ["Milan", "Lombardy"]], dtype=object)
    cells = places[np.arange(90) % 3]
    table = pd.DataFrame({"city": cells[:, 0], "region": cells[:, 1], "x": RNG.normal(size=90).round(2)})
    schema = lookalike.infer(table)
    schema.rules = [Combination(("city", "region"))]
    model = quick(3, 3).fit(table, schema)
    model.save(tmp_path)
    text = (tmp_path / "model.json").read_text()
    assert "\\u001e" in text
    facts = json.loads(text.replace("\\u001e", "\\u0000")) | {"format": 6}
    (tmp_path / "model.json").write_text(json.dumps(facts))
    loaded = DiffLM.load(tmp_path, progress=False)
    assert loaded.fitted.plan.steps == model.fitted.plan.steps
    assert loaded.fitted.plan.codec.known() == model.fitted.plan.codec.known()
    given = loaded.sample(given=pd.DataFrame({"city": ["Turin"] * 20}), seed=1)
    assert given["region"].isna().all()
