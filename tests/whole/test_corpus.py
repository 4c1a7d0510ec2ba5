"""The simulated LLM: its error rates are as stated, it prefers what is popular, and it follows its prompt."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lookalike.llm import LLM, wait
from tests.llm.corpus import REFUSALS, Corpus, Habits
from tests.paths import DATA
from tests.work import steps

FILE = DATA / "banking77.csv"
WRITER = Path(__file__).parents[1] / "llm" / "corpus.py"
pytest.importorskip("aiohttp")
TABLE = pd.read_csv(FILE)
CLASSES = sorted(TABLE.category.unique())
PERFECT = Habits(0, 0, 0, 0, 0, drop=0, replace=0, blend=0)


def corpus(**habits: float) -> Corpus:
    return Corpus(TABLE.text.tolist(), TABLE.category.tolist(), replace(PERFECT, **habits))


def schema() -> dict[str, Any]:
    item = {
        "type": "object",
        "properties": {"text": {"type": "string"}, "category": {"type": "string", "enum": CLASSES}},
        "required": ["text", "category"],
    }
    records = {"type": "array", "minItems": 1, "items": item}
    return {"type": "object", "properties": {"records": records}, "required": ["records"]}


def strings(names: str) -> dict[str, Any]:
    return {"type": "object", "properties": {name: {"type": "string"} for name in names.split()}}


def call(model: Corpus, prompt: str, asked: dict[str, Any], seed: int = 0) -> Any:
    return json.loads(model.reply([{"role": "user", "content": prompt}], asked, random.Random(seed)))


def records(model: Corpus, label: str, more: str = "", calls: int = 100) -> list[dict[str, str]]:
    prompt = f'Write 10 new records.\nEvery record has category = "{label}".\n{more}'
    return [one for seed in range(calls) for one in call(model, prompt, schema(), seed)["records"]]


def shown(row: int) -> str:
    return json.dumps({"text": TABLE.text[row], "category": TABLE.category[row]})


def within(count: int, of: int, rate: float) -> bool:
    """Four standard deviations of a binomial: 1 in 16,000 by chance."""
    return abs(count - of * rate) <= 4 * sqrt(of * rate * (1 - rate))


def test_without_errors_it_writes_rows_of_the_class_that_was_asked_for() -> None:
    known = set(zip(TABLE.text.str.split().str.join(" "), TABLE.category, strict=True))
    found = records(corpus(), CLASSES[3], calls=5)
    assert len(found) == 50
    assert {(one["text"], one["category"]) for one in found} <= known
    assert {one["category"] for one in found} == {CLASSES[3]}


def test_error_rates_are_as_stated() -> None:
    label = CLASSES[0]
    own = set(TABLE.text[TABLE.category == label].str.split().str.join(" "))
    model = corpus(mislabel=0.1, other_label=0.06, refuse=0.04)
    found = records(model, label)
    assert within(sum(one["category"] != label for one in found), 1000, 0.06)
    assert within(sum(one["text"] in REFUSALS for one in found), 1000, 0.04)
    same = [one["text"] for one in found if one["category"] == label and one["text"] not in REFUSALS]
    assert within(sum(text not in own for text in same), 1000, 0.1)
    of_them = [one for one in found if one["category"] != label]
    truth = dict(zip(TABLE.text.str.split().str.join(" "), TABLE.category, strict=True))
    assert all(truth[one["text"]] == one["category"] for one in of_them if one["text"] not in REFUSALS)


def test_it_copies_demonstrations_at_the_stated_rate_and_only_where_some_are_shown() -> None:
    rows = TABLE[TABLE.category == CLASSES[1]].index[:3]
    demonstrations = "do not copy:\n" + "\n".join(shown(row) + "" for row in rows)
    model = corpus(copy=0.3, drop=0.5)  # so that the text is never whole otherwise
    texts = [one["text"] for one in records(model, CLASSES[1], demonstrations)]
    assert within(sum(text in set(TABLE.text[rows]) for text in texts), 1000, 0.3)
    texts = [one["text"] for one in records(model, CLASSES[1])]
    assert sum(text in set(TABLE.text[rows]) for text in texts) < 10


def test_words_are_dropped_at_the_stated_rate() -> None:
    lengths = {}
    for drop in (0.0, 0.2):
        found = records(corpus(drop=drop, collapse=0), CLASSES[2], calls=200)
        lengths[drop] = sum(len(one["text"].split()) for one in found)
    assert lengths[0.2] / lengths[0.0] == pytest.approx(0.8, abs=0.02)


def test_a_paraphrase_keeps_most_words_and_changes_some() -> None:
    known = set(TABLE.text.str.split().str.join(" "))
    texts = [one["text"] for one in records(corpus(replace=0.2), CLASSES[2], calls=20)]
    copies = np.mean([text in known for text in texts])
    assert 0.2 < copies < 0.8  # about 11 words each, of which few have words like them here


def test_popular_texts_come_more_often_the_more_it_collapses() -> None:
    label = CLASSES[4]
    seen = {}
    for collapse in (0.0, 2.0):
        model = corpus(collapse=collapse)
        place = {text: i for i, text in enumerate(" ".join(one.split()) for one in model.texts)}
        rows = [place[one["text"]] for one in records(model, label, calls=50)]
        counts = np.bincount(rows, minlength=len(model.texts))[model.rows_of[label]]
        seen[collapse] = np.corrcoef(counts, model.popularity[model.rows_of[label]])[0, 1], counts.std()
    assert abs(seen[0.0][0]) < 0.5 < 0.7 < seen[2.0][0]
    assert seen[2.0][1] > 1.5 * seen[0.0][1]


def test_a_description_steers_what_is_written() -> None:
    """Described and written again without a label, a record's class comes back: the chance is one in ten."""
    model = corpus()
    hits, blind = [], []
    for row in range(0, 300, 10):
        asked = f"Describe this record by these attributes: topic, details\n{shown(row)}"
        found = call(model, asked, strings("topic details length style"), row)
        description = "\n".join(f"- {name}: {value}" for name, value in found.items())
        prompt = f"Write 10 new records.\nEvery record fits this description:\n{description}\n"
        some = call(model, prompt, schema(), row)["records"]
        hits += [one["category"] == TABLE.category[row] for one in some]
        some = call(model, "Write 10 new records.\n", schema(), row)["records"]
        blind += [one["category"] == TABLE.category[row] for one in some]
    assert np.mean(hits) > 0.5
    assert np.mean(blind) < 0.25


def test_it_ignores_the_prompt_at_the_stated_rate() -> None:
    found = records(corpus(ignore=1.0), CLASSES[5])
    truth = dict(zip(TABLE.text.str.split().str.join(" "), TABLE.category, strict=True))
    own = sum(truth[one["text"]] == CLASSES[5] for one in found)
    assert {one["category"] for one in found} == {CLASSES[5]}
    assert own < 300  # of 1,000, where one in ten is the chance


def test_attributes_do_not_quote_the_record() -> None:
    model = corpus()
    for row in range(0, 300, 30):
        text = TABLE.text[row].lower().split()
        names = "topic tone style length structure details mood"
        found = call(
            model, f"Describe this record by these attributes: {names}\n{shown(row)}", strings(names)
        )
        assert list(found) == names.split()
        assert all(isinstance(value, str) and value for value in found.values())
        assert found["length"] == f"about {len(text)} words"
        for value in found.values():
            assert not any(" ".join(text[i : i + 4]) in value for i in range(len(text) - 3))


def test_the_attribute_grid_is_of_the_class() -> None:
    arrays = {
        name: {"type": "array", "minItems": 1, "items": {"type": "string"}}
        for name in ("topic", "tone", "length", "mood")
    }
    asked = {"type": "object", "properties": arrays}
    model = corpus()
    topics = {}
    for label in CLASSES[:2]:
        prompt = f'List 7 values of each of these attributes: topic\nThe records have category = "{label}".\n'
        found = call(model, prompt, asked)
        assert {name: len(values) for name, values in found.items()} == dict.fromkeys(arrays, 7)
        assert len(set(found["topic"])) == 7
        topics[label] = Counter(word for value in found["topic"] for word in value.split(", "))
        in_class = " ".join(TABLE.text[TABLE.category == label]).lower()
        assert np.mean([word in in_class for word in topics[label].elements()]) > 0.6
    assert topics[CLASSES[0]] != topics[CLASSES[1]]


def test_names_are_three_to_eight_and_distinct() -> None:
    asked = {"type": "object", "properties": {"attributes": {"type": "array", "items": {"type": "string"}}}}
    for seed in range(20):
        names = call(corpus(), "Name the attributes in which these records differ", asked, seed)["attributes"]
        assert 3 <= len(set(names)) == len(names) <= 8


def test_the_same_prompt_and_rng_give_the_same_answer() -> None:
    one, other = (records(Corpus(TABLE.text.tolist(), TABLE.category.tolist()), CLASSES[0]) for _ in range(2))
    assert one == other
    assert len({json.dumps(record) for record in one}) > 300


def test_a_call_costs_no_more_where_the_corpus_is_larger() -> None:
    description = "Every record fits this description:\n- topic: card, arrival\n- length: about 9 words\n"

    def cost(times: int) -> int:
        model = Corpus(TABLE.text.tolist() * times, TABLE.category.tolist() * times)
        return steps(lambda: records(model, CLASSES[0], description, calls=5))

    cost(1)  # what only a first call does
    assert cost(20) < 1.05 * cost(2)


def test_served_it_answers_the_client(serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOKALIKE_CORPUS", str(FILE))
    monkeypatch.setenv("LOOKALIKE_REFUSE", "1")
    for name in ("MISLABEL", "OTHER_LABEL", "IGNORE", "COPY"):
        monkeypatch.setenv(f"LOOKALIKE_{name}", "0")
    server = serve("--sampling", "--writer", f"{WRITER}:write")
    llm = LLM("m", server.url)
    found = [wait(llm.ask("Write 10 new records.", schema())).data["records"] for _ in range(2)]
    assert {one["text"] for some in found for one in some} == set(REFUSALS)
    assert found[0] != found[1]  # the same payload, twice
