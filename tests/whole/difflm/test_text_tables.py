"""Text, code and JSON through DiffLM: what is learned of them, under conditions and around given rows."""

import ast
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from jsonschema import Draft202012Validator

from lookalike.codec import NOT_MISSING
from lookalike.codec.kinds.text import STOP
from lookalike.codec.shape import infer_shape
from lookalike.difflm import DiffLM, preparing
from lookalike.difflm import model as model_file
from lookalike.difflm.sampling import told as told_file
from lookalike.difflm.sampling.parsed import TRIES
from lookalike.difflm.storage import fingerprint
from lookalike.difflm.training.config import TEXT_RATE, TrainConfig
from lookalike.errors import OptionError
from lookalike.files.reading import read_table
from lookalike.progress import bar
from lookalike.table.inferring import infer
from lookalike.texts.syntax import exact
from tests.paths import DATA

TOPICS = {
    "cat": ["cat", "purrs", "whiskers", "milk", "mouse", "meow"],
    "sea": ["wave", "salt", "boat", "tide", "fish", "harbour"],
    "tax": ["form", "refund", "income", "deadline", "auditor", "receipt"],
}

WORD = "|".join(word for words in TOPICS.values() for word in words)
SENTENCE = rf"the ({WORD})( and the ({WORD}))*\."


def topics(rows: int = 1200) -> pd.DataFrame:
    """Sentences of three topics, the words of one never in another; the answer repeats a word of the text."""
    rng = np.random.default_rng(0)
    label = rng.choice(list(TOPICS), rows, p=[0.5, 0.3, 0.2])
    chosen = [list(rng.choice(TOPICS[name], rng.integers(2, 6))) for name in label]
    texts = [f"the {' and the '.join(words)}." for words in chosen]
    notes = [f"about {words[0]} number {i}" if i % 4 else None for i, words in enumerate(chosen)]
    return pd.DataFrame({"label": label, "text": texts, "note": notes, "words": [len(w) for w in chosen]})


REAL = topics()


def small(quick, **options: object) -> DiffLM:  # type: ignore[no-untyped-def]
    made = quick(**options)
    made.vae_config = replace(made.vae_config, width=48, layers=2, expansion=3)
    return made


@pytest.fixture(scope="module")
def model(quick) -> DiffLM:  # type: ignore[no-untyped-def]
    return small(quick, steps=400, denoiser_steps=150).fit(REAL)


def on_topic(table: pd.DataFrame) -> float:
    """Share of the words (of those that have a topic) that are of the row's own topic."""
    topic_of = {word: name for name, words in TOPICS.items() for word in words}
    found = [
        topic_of[word] == label
        for text, label in zip(table["text"], table["label"], strict=True)
        for word in text.replace(".", "").split()
        if word in topic_of
    ]
    return float(np.mean(found))


def test_texts_are_runs_beside_typed_columns(model: DiffLM) -> None:
    assert [model.schema[name].kind for name in REAL.columns] == ["category", "text", "text", "number"]
    made = model.sample(600, seed=1)
    assert made.dtypes.equals(REAL.dtypes)
    assert on_topic(made) > 0.9
    assert made["text"].str.fullmatch(SENTENCE).mean() > 0.75
    assert abs(made["note"].isna().mean() - REAL["note"].isna().mean()) < 0.08
    counted = made["text"].str.count("the ") == made["words"]
    shuffled = made["text"].str.count("the ").sample(frac=1, random_state=0).to_numpy() == made["words"]
    assert counted.mean() > shuffled.mean() + 0.3


def test_texts_have_a_rate_of_their_own_unless_one_is_asked_for(model: DiffLM, quick) -> None:  # type: ignore[no-untyped-def]
    assert model.settings.train.rate == TEXT_RATE
    asked = quick(steps=1, denoiser_steps=1, rate=TrainConfig.rate).fit(topics(100))
    assert asked.settings.train.rate == TrainConfig.rate != TEXT_RATE


def test_a_text_takes_up_words_of_another_that_no_row_had_before(quick) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    codes = ["".join(rng.choice(list("bcdfghjklm"), 5)) for _ in range(1000)]
    table = pd.DataFrame(
        {
            "asked": [f"where is the parcel {code} that I sent" for code in codes],
            "query": [f"FIND PARCEL {code} IN STORE" for code in codes],
        }
    )
    schema = infer(table)
    for column in schema.columns:
        column.kind = "text"
    made = small(quick, steps=240, denoiser_steps=30, refine=False).fit(table[:900], schema)
    first, second = made.codec.params
    assert first.vocabulary == second.vocabulary
    answers = made.sample(given=table.loc[900:, ["asked"]].reset_index(drop=True))["query"]
    assert (answers == table["query"][900:].to_numpy()).mean() > 0.5
    free = made.sample(200)
    said = free["asked"].str.extract(r"parcel (\w+)")[0].fillna("no code")
    assert np.mean([code in query for code, query in zip(said, free["query"], strict=True)]) > 0.5


def test_a_label_as_a_condition_on_a_text(model: DiffLM) -> None:
    made = model.sample(200, where={"label": "tax"})
    assert (made["label"] == "tax").all() and on_topic(made) > 0.85


def test_a_given_text_is_completed(model: DiffLM) -> None:
    given = REAL[["text"]].head(200)
    made = model.sample(given=given)
    assert made["text"].tolist() == given["text"].tolist()
    assert (made["label"] == REAL["label"].head(200)).mean() > 0.9


def test_a_text_that_has_to_be_there(model: DiffLM) -> None:
    assert model.sample(100, where={"note": NOT_MISSING})["note"].notna().all()
    assert model.sample(100, where={"note": None})["note"].isna().all()
    gaps = REAL.head(100).assign(note=None)
    filled = model.impute(gaps)
    assert filled["note"].notna().all() and filled["text"].equals(gaps["text"])


def test_one_exact_text(model: DiffLM) -> None:
    text = REAL["text"][REAL["label"] == "sea"].iloc[0]
    made = model.sample(60, where={"text": text})
    assert (made["text"] == text).all() and (made["label"] == "sea").mean() > 0.9


def test_variations_stay_on_topic(model: DiffLM) -> None:
    seeds = REAL[REAL["label"] == "tax"].head(50)
    near = (model.sample(like=seeds, strength=0.1)["label"] == "tax").mean()
    far = (model.sample(like=seeds, strength=1.0)["label"] == "tax").mean()
    assert near > 0.85 and far < 0.5


def test_neighbours_of_a_latent_share_its_label(model: DiffLM) -> None:
    latent = model.encode(REAL).reshape(len(REAL), -1)
    distance = ((latent[:, None] - latent[None]) ** 2).sum(-1) + np.eye(len(REAL)) * 1e9
    label = REAL["label"].to_numpy()
    assert (label[distance.argmin(1)] == label).mean() > 0.8  # by chance 0.38


def test_unlikely_words_go_with_the_temperature_and_the_nucleus(model: DiffLM) -> None:
    def well_formed(**options: float) -> float:
        made = model.sample(500, seed=2, **options)["text"]
        return made.str.fullmatch(SENTENCE).mean()

    free = well_formed()
    assert free < 0.99
    for careful in (well_formed(temperature=0.3), well_formed(top_p=0.6)):
        assert 1 - careful < 0.6 * (1 - free)
    with pytest.raises(OptionError, match="top_p is 2"):
        model.sample(10, top_p=2)


def test_a_kept_model_writes_the_same_texts(model: DiffLM, tmp_path: Path) -> None:
    model.save(tmp_path / "model")
    again = DiffLM.load(tmp_path / "model")
    assert again.sample(50, seed=3).equals(model.sample(50, seed=3))


def test_only_code_that_parses(quick, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    real = pd.DataFrame(
        {
            "key": [f"K-{i:05}" for i in range(600)],
            "code": [
                f"def f{a}(x):\n    return x + {b} * ({a} - {b})" for a, b in rng.integers(0, 99, (600, 2))
            ],
        }
    )
    model = small(quick, steps=60, refine=False).fit(real)
    assert model.schema["code"].kind == "code" and model.schema["code"].language == "python"

    def parses(code: str) -> bool:
        try:
            return bool(ast.parse(code))
        except SyntaxError:
            return False

    free = model.sample(300, seed=0)["code"].map(parses).mean()
    assert model.accepted is None
    made = model.sample(300, valid_only=True, seed=0)
    good, drawn = model.accepted
    assert made["code"].map(parses).all() and made["key"].is_unique
    assert good == len(made) <= drawn and good / drawn == pytest.approx(free, abs=0.12)
    monkeypatch.setattr(model_file, "parsers", lambda schema: {"code": lambda text: False})
    with pytest.raises(OptionError, match=f"none of the {4 * TRIES} drawn rows parses"):
        model.sample(4, valid_only=True)
    monkeypatch.undo()
    with pytest.raises(OptionError, match="valid_only"):
        small(quick, steps=2).fit(REAL.head(50)).sample(5, valid_only=True)


@pytest.fixture(scope="module")
def tools() -> pd.DataFrame:
    table = read_table(DATA / "bfcl.jsonl")
    table = table[[len(json.dumps(one)) < 500 for one in table["function"]]]
    return pd.concat([table] * 3, ignore_index=True).drop(columns="id")


def test_every_json_value_satisfies_its_schema(quick, tools: pd.DataFrame) -> None:  # type: ignore[no-untyped-def]
    model = small(quick, steps=6, refine=False).fit(
        tools
    )  # it has learned next to nothing: the grammar does it
    made = model.sample(12, seed=0)
    for name in ("function", "call"):
        assert model.schema[name].kind == "json"
        shape = exact(Draft202012Validator)(infer_shape(tools[name].dropna().tolist()))
        values = made[name].dropna().tolist()
        assert values and all(shape.is_valid(value) for value in values)
        assert all(json.loads(json.dumps(value)) == value for value in values)
    filled = model.impute(tools.head(6).assign(call=None))
    assert filled["call"].notna().all()


def test_a_model_that_never_ends_its_texts_is_brought_to_an_end(
    quick,  # type: ignore[no-untyped-def]
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = REAL[["label", "text"]].copy()
    table.loc[0, "text"] = " ".join(table["text"].iloc[:40])  # one long text: the others could be as long
    model = small(quick, steps=20, denoiser_steps=5, refine=False)
    model.progress = True
    model.fit(table)
    with torch.no_grad():
        model.vae.spans.bias0[:, STOP] = -1e4  # it would go on until there is no room
    capsys.readouterr()
    made = model.sample(200, seed=0)
    longest, usual = table["text"].str.len().max(), table["text"].str.len().mean()
    assert longest > 20 * usual
    assert made["text"].str.len().sum() < 3 * 200 * usual
    assert re.search(r"\d+ texts were ended early, .*train it longer", capsys.readouterr().err)


def test_texts_of_a_model_that_has_learned_are_not_cut(
    model: DiffLM, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "progress", True)
    model.sample(3, seed=0)
    model.sample(300, seed=0)
    assert "ended early" not in capsys.readouterr().err


def test_a_time_limit_that_is_too_short_to_prepare_all_rows(
    quick,  # type: ignore[no-untyped-def]
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(preparing, "PROBED", 50)
    short = small(quick, steps=3, denoiser_steps=3, max_time=0.01)
    short.progress = True
    short.fit(REAL)
    said = capsys.readouterr().err
    assert re.search(r"preparing 1,200 rows takes about .*: learning from 75 of them", said)
    assert len(short.sample(5)) == 5
    assert short.table == fingerprint(REAL)  # all of it, so that the same table may be fitted again
    monkeypatch.setattr(preparing, "PROBED", 2000)
    small(quick, steps=3, denoiser_steps=3, max_time=60, refine=False).fit(REAL)
    assert "learning from" not in capsys.readouterr().err


def test_long_writing_says_what_it_will_take(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(told_file, "perf_counter", lambda: now[0])
    with bar(1000, "sampling") as shown:
        told = told_file.Told(shown, 1000, True)
        told.chunk(0, 100)
        told.expect(500)
        for _ in range(10):
            now[0] += 0.3
            told.add(5)
    assert capsys.readouterr().err.count("writing 1,000 rows: about 5 min\n") == 1  # of 7 rows in 2.1 seconds
    with bar(10_000, "sampling") as shown:
        told = told_file.Told(shown, 10_000, True)
        told.chunk(0, 100)
        told.expect(500)
        now[0] += 3.0
        told.add(5)
    assert "writing" not in capsys.readouterr().err  # one row of 10,000 says nothing of them
