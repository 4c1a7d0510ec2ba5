"""Growth of a recipe: the rows of a round follow from those before it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.errors import DataError, OptionError
from lookalike.llm import LLM
from lookalike.llm.budget import Budget
from lookalike.prompting.recipes.grown import Growth, Made, asked, growth_of
from lookalike.prompting.recipes.near_rows import near_rows
from lookalike.prompting.recipes.read import read

Writing = Callable[..., Any]
TEXTS = {
    "sea": ["waves on the beach", "waves and salt", "a ship in the harbour"],
    "wood": ["trees and moss"],
}
REAL = pd.DataFrame([{"topic": name, "text": text} for name, some in TEXTS.items() for text in some])
TOPIC = {"sample": ["sea", "wood"]}
SHOWN = {"real": "text", "several": 2, "same": "topic", "keep": False}
WORDS = ("waves", "ship", "moss")


def count(texts: Any) -> np.ndarray:
    """How often each of three words is in a text, and a rest, so that no text is empty."""
    return np.array([[text.count(word) for word in WORDS] + [0.1] for text in texts], dtype=float)


def columns(**more: Any) -> dict[str, Any]:
    return {"topic": TOPIC, "text": {"prompt": "{{ topic }}" + more.pop("prompt", "")}, **more}


def growth(by: str, real: pd.DataFrame | None, found: dict[str, Any] | None = None, **keys: Any) -> Growth:
    recipe = {"label": "topic", "columns": found or columns(), "grow": {"by": by, **keys}}
    plan = read(recipe)
    given = asked(plan, None, Path())
    assert given is not None
    if by in ("coverage", "errors"):
        return near_rows(given, plan, real, 0)
    return growth_of(given, plan, real)


def made(*some: tuple[str, int]) -> list[Made]:
    return [Made({"topic": "?", "text": text}, place) for text, place in some]


def shares(weights: Any) -> list[float]:
    return [round(one, 4) for one in (np.array(weights) / np.sum(weights)).tolist()]


def test_real_shares_are_kept_and_what_lags_behind_gets_more() -> None:
    found = growth("real", REAL)
    assert found.places == [{"topic": "sea"}, {"topic": "wood"}]
    weigh = found.begin(100).weigh
    assert shares(weigh([], 0)) == [0.75, 0.25]
    sea, wood = weigh(made(*[("x", 1)] * 30), 0)  # 30 of wood, which is 120 rows in all: sea lacks 90
    assert (sea - 90) / wood == pytest.approx(3)


def test_even_growth_asks_for_as_many_of_each() -> None:
    sea, wood = growth("even", None).begin(10).weigh(made(("x", 0), ("y", 0)), 0)
    assert wood - sea == 2


def test_novelty_asks_where_texts_were_new() -> None:
    weigh = growth("novelty", None).begin(10).weigh
    assert shares(weigh([], 0)) == [0.5, 0.5]
    rows = made(("a b c d", 0), ("a b c d", 0), ("e f g h", 1), ("e f x y", 1))  # 1 and 1; 1 and .5
    assert shares(weigh(rows, 0)) == [round(1 / 1.75, 4), round(0.75 / 1.75, 4)]


def test_coverage_asks_near_the_real_rows_that_lack_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lookalike.prompting.recipes.near_rows.embedder", lambda *_: unit)
    found = growth("coverage", REAL, columns(shown=SHOWN, prompt="{{ shown }}"))
    assert len(found.places) == 4
    by_text = {place["shown"][0]: at for at, place in enumerate(found.places)}
    ship = found.places[by_text["a ship in the harbour"]]
    assert ship["topic"] == "sea" and len(ship["shown"]) == 2 and "moss" not in str(ship["shown"])
    steer = found.begin(8)
    waves = [by_text["waves on the beach"], by_text["waves and salt"]]
    rows = made(*[("waves", waves[0])] * 4)  # they fill what the two rows of waves stand for
    weights = np.array(steer.weigh(rows, 0))
    assert weights[waves].sum() == pytest.approx(0) and weights[by_text["trees and moss"]] > 0
    assert weights[by_text["a ship in the harbour"]] > 0
    more = made(*[("waves", waves[0])] * 7)  # two too many, of which a fifth of 8 rows may give way at first
    assert steer.giving_way(more, 0) == [6]
    assert steer.giving_way(more, 3) == [4, 5, 6]
    ship = made(*[("ship", by_text["a ship in the harbour"])] * 2)
    kept = steer.chosen(more[:4], ship)
    assert len(kept) == 4 and {4, 5} & set(kept)  # rows of ships, which lack, come for some of waves


def test_rows_that_real_rows_place_in_another_class_are_lost_with_their_reason(
    writing: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lookalike.prompting.recipes.near_rows.embedder", lambda *_: unit)
    monkeypatch.setattr(
        "lookalike.prompting.growth.errors.Errors.doubtful",
        lambda self, rows: [at for at, row in enumerate(rows) if row.record["n"] % 3 == 0],
    )
    server = writing()
    real = pd.DataFrame({"topic": ["sea"] * 6 + ["wood"] * 6, "text": ["ship"] * 6 + ["moss"] * 6})
    found = columns(shown=SHOWN, n={"sample": {"low": 0, "high": 10**6}}, prompt="{{ n }} {{ shown }}")
    recipe = lookalike.Recipe(
        {"label": "topic", "columns": found, "grow": {"by": "errors", "rounds": 2}},
        LLM("m", server.url, progress=False), progress=False,
    ).fit(real)  # fmt: skip
    table = recipe.sample(20)
    assert len(table) == 20 and (table.n % 3 > 0).all()
    lost = recipe.rejected
    assert set(lost.column) == {"topic"} and set(lost.reason) == {"class"} and lost.lost.all()
    assert len(lost) == recipe.summary()["rejected"]["topic: class"] == server.stats()["calls"] - 20


def test_rows_that_gave_way_come_back_where_a_budget_ends(
    writing: Writing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lookalike.prompting.recipes.near_rows.embedder", lambda *_: unit)
    server = writing()
    found = columns(shown=SHOWN, n={"sample": {"low": 0, "high": 10**6}}, prompt="{{ n }} {{ shown }}")
    recipe = lookalike.Recipe(
        {"columns": {**found, "shown": {**SHOWN, "same": "topic"}}, "label": "topic",
         "grow": {"by": "coverage", "rounds": 4}},
        LLM("m", server.url, budget=Budget(max_calls=30), progress=False), progress=False,
    ).fit(REAL)  # fmt: skip
    assert len(recipe.sample(40)) == 30 and recipe.summary()["surplus"] == 0


def unit(texts: Any) -> np.ndarray:
    found = count(texts)
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def test_errors_ask_near_real_rows_that_a_model_gets_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lookalike.prompting.recipes.near_rows.embedder", lambda *_: unit)
    real = pd.DataFrame(
        {"topic": ["sea"] * 12 + ["wood"] * 6, "text": ["ship"] * 6 + ["waves"] * 6 + ["moss"] * 6}
    )
    found = growth("errors", real, columns(shown=SHOWN, prompt="{{ shown }}"))
    topics = np.array([place["topic"] for place in found.places])
    sea, wood = (int(np.flatnonzero(topics == name)[0]) for name in ("sea", "wood"))
    rows = made(*[("ship", wood)] * 5, *[("waves", sea)] * 5)  # a model of these takes a ship for wood
    weights = np.array(found.begin(20).weigh(rows, 0))
    ships = np.array([place["shown"][0] == "ship" for place in found.places])
    waves = np.array([place["shown"][0] == "waves" for place in found.places])
    some = weights > 0
    assert weights[ships & some].mean() > weights[waves & some].mean() > 0
    lacking = {"sea": 13 - 5, "wood": 7 - 5}  # classes have their real shares
    assert shares([weights[topics == name].sum() for name in lacking]) == [0.8, 0.2]
    assert 2 <= some.sum() <= 12  # half of the real rows steer
    assert len(found.steering) == 9 and set(real.topic[list(found.steering)]) == {"sea", "wood"}


@pytest.mark.parametrize(
    ("by", "real", "found", "said"),
    [
        ("real", None, None, "by = 'real' needs a real table"),
        ("real", REAL[["text"]], None, "the real table has no column 'topic'"),
        ("real", REAL.assign(topic="hill"), None, "no real row has a place of topic"),
        ("coverage", None, None, "there is no real table"),
        ("coverage", REAL, None, "no column shows one"),
        (
            "coverage",
            REAL.rename(columns={"text": "t"}),
            {"shown": {"real": "t"}},
            "none of its text columns",
        ),
        ("errors", REAL.assign(topic="sea"), {"shown": SHOWN}, "at least two classes"),
        ("errors", REAL[["text"]], {"shown": {"real": "text"}}, "they have no column 'topic'"),
        ("coverage", REAL.assign(text=""), {"shown": SHOWN}, "coverage': .*text"),
    ],
)
def test_what_a_growth_lacks_is_one_sentence(by: str, real: Any, found: Any, said: str) -> None:
    given = columns(prompt="{{ shown }}", **found) if found else None
    with pytest.raises((OptionError, DataError), match=said) as error:
        growth(by, real, given)
    assert "[grow]" in str(error.value) and "\n" not in str(error.value)


def test_a_class_that_is_written_cannot_be_asked_for() -> None:
    found = columns(shown={"real": "text", "keep": False}, prompt="{{ shown }}")
    found["topic"] = {"prompt": "Which?", "values": ["sea", "wood"]}
    with pytest.raises(OptionError, match="'topic' is written"):
        growth("coverage", REAL, found)
    with pytest.raises(OptionError, match="leave dims out"):
        growth("coverage", REAL, dims=["topic"])
    with pytest.raises(OptionError, match=r"\[grow\]: there is no embedder 'x'"):
        growth("coverage", REAL, embed="x")


@pytest.mark.parametrize("by", ["coverage", "errors", "real", "novelty"])
def test_a_recipe_grows_by_name_and_a_second_run_asks_nothing(
    writing: Writing, tmp_path: Any, by: str
) -> None:
    server = writing()
    keys = {"rounds": 3} | ({"dims": ["topic"]} if by in ("real", "novelty") else {})
    found = columns(
        shown=SHOWN, n={"sample": {"low": 1, "high": 10**9}}, prompt=" {{ n }} {{ shown | json }}"
    )
    given = {"label": "topic", "columns": found, "grow": {"by": by, **keys}}

    def run() -> pd.DataFrame:
        llm = LLM("m", server.url, ledger=tmp_path / "l.sqlite", progress=False)
        recipe = lookalike.Recipe(given, llm, progress=False).fit(REAL)
        table = recipe.sample(8)
        shown = recipe.provenance.helpers.map(lambda one: json.loads(one)["shown"])
        for topic, some in zip(table.topic, shown, strict=True):
            assert set(some) <= set(TEXTS[topic])
        return table

    first = run()
    if by in ("coverage", "real"):
        assert first.topic.value_counts().to_dict() == {"sea": 6, "wood": 2}
    calls = server.stats()["calls"]
    pd.testing.assert_frame_equal(run(), first)
    assert server.stats()["calls"] == calls
    assert 8 <= calls <= (10 if by == "coverage" else 8)  # a fifth may give way


@pytest.mark.parametrize(
    ("keys", "line", "said"),
    [
        ('by = "evenly"', 6, "by is 'evenly'"),
        ('by = "even"\nrouds = 3', 7, "'rouds' is no key"),
        ('by = "even"\nrounds = 0', 7, "rounds is 0"),
        ('by = "even"\ndims = ["text"]', 7, "dims are columns with a sample of values, topic"),
        ('dims = ["topic"]\nby = "real"', 7, "needs a real table"),
        ('by = "short.py:short"', 6, "the function gave \\[1\\]"),
        ('by = "short.py:fails"', 6, "fails with ZeroDivisionError"),
    ],
)
def test_a_mistake_of_growth_is_one_sentence_with_its_line(
    tmp_path: Path, writing: Writing, keys: str, line: int, said: str
) -> None:
    (tmp_path / "short.py").write_text(
        "def short(places, rows, seed):\n    return [1]\ndef fails(places, rows, seed):\n    return 1 / 0\n"
    )
    path = tmp_path / "r.toml"
    path.write_text(
        '[columns.topic]\nsample = ["a", "b"]\n[columns.text]\nprompt = "{{ topic }}"\n[grow]\n' + keys + "\n"
    )
    llm = LLM("m", writing().url, progress=False)
    with pytest.raises(OptionError, match=f"^{path}, line {line}, \\[grow\\]: .*{said}"):
        lookalike.Recipe(path, llm, progress=False).fit(None).sample(4)


def test_a_function_that_fails_is_one_sentence_however_it_is_given(writing: Writing) -> None:
    def fails(places: Any, rows: Any, seed: int) -> list[float]:
        raise IndexError("gone")

    recipe = {"columns": columns(), "grow": {"by": "even"}}
    llm = LLM("m", writing().url, progress=False)
    with pytest.raises(OptionError, match="the function fails fails with IndexError"):
        lookalike.Recipe(recipe, llm, grow=fails, progress=False).fit(None).sample(4)
    del recipe["grow"]  # a function needs no table [grow]
    with pytest.raises(OptionError, match="the function fails fails with IndexError"):
        lookalike.Recipe(recipe, llm, grow=fails, progress=False).fit(None).sample(4)
