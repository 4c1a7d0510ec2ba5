"""Records as JSON text: every verb, conditions, given cells, long records, an encoder by name."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV

from lookalike import Schema, infer
from lookalike.codec import NOT_MISSING
from lookalike.difflm import DiffLM, learning
from lookalike.difflm.pretrained.examples import split_few
from lookalike.difflm.sampling.drawing import Drawing
from lookalike.errors import ConditionError, ModelError, OptionError
from tests.difflm.backbones import save_bert
from tests.difflm.pretrained.models import JOBS, check_rows, made, untrained


def test_every_verb_of_the_model_works(learned: DiffLM, people: pd.DataFrame, schema: Schema) -> None:
    latents = learned.encode(people.iloc[:4])
    assert latents.shape == (4, 4, 8)
    check_rows(learned.decode(latents, seed=1), people, schema)
    assert len(learned.interpolate(people.iloc[:1], people.iloc[1:2], steps=3)) == 3
    check_rows(learned.sample(4, like=people.iloc[:2]), people, schema)
    assert learned.sample(9, balance="job")["job"].value_counts().to_dict() == dict.fromkeys(JOBS, 3)
    gaps = people.iloc[:8].copy()
    gaps.loc[::2, "job"] = None
    full = learned.impute(gaps)
    assert full["job"].isin(JOBS).all() and full["note"].notna().all()
    kept = gaps.notna()
    assert (full.where(kept) == gaps.where(kept)).to_numpy()[kept.to_numpy()].all()


@pytest.mark.parametrize(
    "where",
    [
        {"age": {20, 30}},
        {"pay": (29.5, 31.0)},
        {"born": ("1992-03", "1992-05")},
        {"born": "1991-04-04"},
        {"note": None},
        {"note": "nurse who sails"},
        {"job": {"clerk", "farmer"}, "pay": (40, None)},
    ],
)
def test_conditions_hold_in_every_row(learned: DiffLM, where: dict[str, Any]) -> None:
    rows = learned.sample(6, where=where)
    for name, wanted in where.items():
        values = rows[name]
        if wanted is None:
            assert values.isna().all()
        elif isinstance(wanted, set):
            assert values.isin(wanted).all()
        elif name == "born":
            low, high = (wanted, wanted) if isinstance(wanted, str) else wanted
            assert values.between(pd.Timestamp(low), pd.Period(high).end_time).all()
        elif isinstance(wanted, tuple):
            assert values.between(wanted[0], np.inf if wanted[1] is None else wanted[1]).all()
        else:
            assert (values == wanted).all()


@pytest.mark.parametrize("where", [{"note": ("a", "b")}, {"age": 900}, {"job": "king"}, {"key": "p0001"}])
def test_conditions_that_nothing_satisfies(learned: DiffLM, where: dict[str, Any]) -> None:
    with pytest.raises(ConditionError):
        learned.sample(2, where=where)


def test_a_number_that_is_given_does_not_go_on(learned: DiffLM) -> None:
    given = pd.DataFrame({"age": [3, 30] * 8})  # 3 is the beginning of 30 to 39
    drawn: list[Any] = []
    original = learned.records.decode
    learned.records.decode = lambda cells, *rest, **more: (
        drawn.append(cells) or original(cells, *rest, **more)
    )  # type: ignore
    try:
        learned.sample(given=given)
    finally:
        del learned.records.decode  # type: ignore[method-assign]
    assert drawn[0][:, 1].tolist() == ["3", "30"] * 8


def test_options_of_drawing(learned: DiffLM) -> None:
    """They hold for texts alone: a number or class is drawn as it was learned, so that none is lost."""
    free, sure = (
        learned.sample(300, seed=0, temperature=1.0, top_p=1.0),
        learned.sample(900, seed=0, temperature=0.01),  # few of them are without a note
    )
    assert sure["note"].nunique() < free["note"].nunique()
    bare = sure[sure["note"].isna()]  # a note tells the job: it follows by a rule
    assert sure["age"].nunique() > 15 and set(bare["job"]) == set(free["job"])
    for wrong in [{"temperature": 0.0}, {"top_p": 0.0}, {"top_p": 1.5}]:
        with pytest.raises(OptionError):
            learned.sample(2, **wrong)


def test_rows_that_grow_too_long_are_brought_to_their_end(
    learned: DiffLM, people: pd.DataFrame, schema: Schema
) -> None:
    longest = learned.records.longest
    learned.records.longest = 0  # every row is to end after 32 tokens
    try:
        rows = learned.sample(12, where={"note": NOT_MISSING})
    finally:
        learned.records.longest = longest
    check_rows(rows, people, schema)


def test_the_end_of_a_record_has_room(texts: list[str], backbone: Callable[[str], Path]) -> None:
    rng = np.random.default_rng(0)
    words = [" ".join(rng.choice(JOBS, int(count))) for count in [600, *rng.integers(5, 20, 99)]]
    keys = [f"a long name {key}" for key in range(12)]  # all of them required
    tools = [json.dumps({key: int(rng.integers(9)) for key in keys}) for _ in range(100)]
    table = pd.DataFrame({"note": words, "tool": tools, "label": rng.choice(["a", "b"], 100)})
    table.loc[3, "label"] = "c" * 2000  # too rare to be written
    schema = infer(table)
    schema["note"].kind, schema["tool"].kind, schema["label"].kind = "text", "json", "category"
    model = made(backbone("gpt2"), steps=2, batch=8)  # which has no position beyond its last
    rows = model.fit(table, schema=schema).sample(2, temperature=0.05)  # it writes one word over and over
    assert set(rows["label"]) <= {"a", "b"} and all(
        set(json.loads(tool)) == set(keys) for tool in rows["tool"]
    )


def test_an_encoder_by_name(
    people: pd.DataFrame,
    schema: Schema,
    texts: list[str],
    backbone: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    encoder = save_bert(tmp_path / "bert", texts)
    model = made(backbone("llama"), encoder=str(encoder)).fit(people, schema=schema)
    assert not any(name.startswith("vae.encoder") for name in model.records.weights())
    model.save(tmp_path / "m")
    again = DiffLM.load(tmp_path / "m")
    np.testing.assert_allclose(again.encode(people.iloc[:3]), model.encode(people.iloc[:3]), atol=1e-5)
    (encoder / "config.json").write_text((encoder / "config.json").read_text() + " ")
    with pytest.raises(ModelError, match=r"bert is not the model .* config.json differ"):
        DiffLM.load(tmp_path / "m")


def test_keys_and_pseudonyms_are_made_after_the_text(
    people: pd.DataFrame, schema: Schema, backbone: Callable[[str], Path]
) -> None:
    persons, names = ([f"{text}{i // 3}" for i in range(150)] for text in ("P", "Anna "))
    table = people.assign(person=persons, name=names, email="anna@mail.test")
    own = infer(table)
    own["note"].kind = "text"
    own.set_kinds(["person=key", "name=pseudonym:name", "email=drop"])
    model = made(backbone("llama"), steps=2).fit(table, schema=own)
    assert model.records.columns == ["job", "age", "pay", "born", "note"]
    rows = model.sample(90)  # more than one chunk
    assert list(rows.columns) == [*people.columns, "person", "name"]
    assert rows["person"].value_counts().tolist() == [3] * 30
    assert (rows.groupby("person")["name"].nunique() == 1).all()
    assert not rows["name"].isin(table["name"]).any() and not rows["person"].isin(table["person"]).any()


def test_texts_are_drawn_as_learned_and_json_from_what_is_likelier(
    people: pd.DataFrame, schema: Schema, backbone: Callable[[str], Path]
) -> None:
    model = made(backbone("llama"))
    assert untrained(model, people, schema).records.drawing == Drawing(1.0, 1.0)
    calls = people[["note"]].assign(call=[json.dumps({"name": job}) for job in people["job"]])
    found = infer(calls)
    found["call"].kind = "json"
    assert untrained(model, calls, found).records.drawing == Drawing(0.9, 0.95)


def test_the_score_is_the_bound_of_rows_that_were_not_learned(learned: DiffLM, people: pd.DataFrame) -> None:
    held = people.iloc[split_few(len(people), learned.settings.train, 1)[1]]
    bounds = [one["bound"] for one in learned.history if "bound" in one]
    assert min(abs(one + learned.score(held)) for one in bounds) < 1e-3  # what training said of these rows
    wrong = people.assign(job=people["job"].map(dict(zip(JOBS, [*JOBS[1:], JOBS[0]], strict=True))))
    assert learned.score(wrong) < learned.score(people) - 0.1  # the note names the job
    assert np.isfinite(learned.score(held.assign(job="never seen")))


def test_a_search_compares_models_around_a_backbone(
    people: pd.DataFrame, backbone: Callable[[str], Path]
) -> None:
    model = DiffLM(backbone=str(backbone("llama")), max_time="0.5s", threads=1, progress=False)
    search = GridSearchCV(model, {"lora": [0, 8]}, cv=2, refit=False, error_score="raise")
    search.fit(people[["job", "pay"]])
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all() and (scores < 0).all()


def test_rows_around_a_backbone_are_refined_without_being_asked(
    people: pd.DataFrame,
    schema: Schema,
    backbone: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(learning, "FEWEST_TEXTS", 60)
    model = made(backbone("learned"), steps=2).fit(people, schema=schema)
    assert model.fitted.wording is not None and model.fitted.selector is not None
    table = model.sample(20, seed=1)
    assert len(table) == 20 and not table.equals(model.sample(20, seed=1, refine=False))
    model.save(tmp_path)
    assert DiffLM.load(tmp_path, progress=False).sample(20, seed=1).equals(table)
    assert set(model.sample(8, where={"job": "nurse"}, seed=1)["job"]) == {"nurse"}
    whole = made(backbone("learned"), steps=2, refine=False).fit(people, schema=schema)
    assert whole.fitted.wording is None


def test_a_backbone_refines_texts_alone(
    people: pd.DataFrame, backbone: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    model = made(backbone("learned"), steps=2, refine=True)
    model.progress = True
    model.fit(people[["job", "pay"]])
    assert "around a backbone that needs a column of texts" in capsys.readouterr().err
    assert len(model.sample(5, refine=True)) == 5
