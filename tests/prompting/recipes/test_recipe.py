"""Recipe from its columns to accepted rows, against the local server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.errors import DataError, EndpointError, OptionError
from lookalike.llm import LLM, Budget

Writing = Callable[..., Any]
TEXT = {"prompt": "Write about {{ topic }}, number {{ n }}."}
TOPIC = {"sample": ["sea", "wood"]}
NUMBER = {"sample": {"low": 0, "high": 10**9}, "keep": False}


def recipe_of(server: Any, columns: dict[str, Any], ledger: Path | None = None, **options: Any) -> Any:
    top = {name: options.pop(name) for name in ("label", "task", "models", "grow") if name in options}
    llm = LLM("m", server.url, ledger=ledger, progress=False, budget=options.pop("budget", None))
    return lookalike.Recipe({**top, "columns": columns}, llm, progress=False, **options)


def test_columns_are_made_in_order_and_helpers_are_in_the_provenance(writing: Writing) -> None:
    server = writing()
    columns = {
        "label": {"prompt": "Which? {{ text }}", "values": ["good", "bad"]},
        "size": {"function": "text | length"},
        "text": TEXT,
        "topic": {"sample": {"sea": 3, "wood": 1}},
        "n": NUMBER,
        "found": {"function": lambda row: f"{row['topic']}:{len(row['text'])}"},
    }
    recipe = recipe_of(server, columns, label="label").fit(None)
    assert server.stats()["calls"] == 0
    table = recipe.sample(40)
    assert list(table.columns) == ["label", "size", "text", "topic", "found"] and len(table) == 40
    assert set(table.label) == {"good", "bad"} and table["size"].dtype == np.int64
    assert (table["size"] == table.text.str.len()).all()
    assert (table.found == table.topic + ":" + table["size"].astype(str)).all()
    assert 20 <= (table.topic == "sea").sum() < 40
    helpers = [json.loads(one) for one in recipe.provenance.helpers]
    assert all(set(one) == {"n"} for one in helpers) and len({one["n"] for one in helpers}) == 40
    assert all(set(json.loads(one)) == {"text", "label"} for one in recipe.provenance["keys"])
    summary = recipe.summary()
    assert summary["accepted"] == summary["asked"] == 40 and summary["calls"] == 80 == server.stats()["calls"]
    assert recipe.estimate(40).calls == 80  # no ledger that would know them


def test_exactly_n_rows_are_accepted_and_each_loss_is_named(writing: Writing) -> None:
    server = writing("half_refusing", "--fault", "500=0.05", "--fault", "429=0.05", "--retry-after", "0.05")
    columns = {"topic": TOPIC, "n": NUMBER, "text": TEXT | {"check": ["refusal", "near"], "tries": 2}}
    recipe = recipe_of(server, columns).fit(None)
    table = recipe.sample(60)
    assert len(table) == 60 and not table.text.str.contains("sorry").any() and table.text.is_unique
    rejected, decisions = recipe.rejected, recipe.decisions
    assert set(rejected.column) == {"text"} and set(rejected.reason) == {"refusal"}
    assert rejected.value.str.contains("sorry").all() and (rejected.key.str.len() == 64).all()
    lost = recipe.summary()["rejected"]["text: refusal"]
    assert lost == rejected.lost.sum() == len(decisions.dropped()) and decisions.rows == 60 + lost
    assert recipe.summary()["again"] == {"text: refusal": int((~rejected.lost).sum())}
    assert recipe.summary()["replies"] == 60 + len(rejected)


def test_the_same_ledger_asks_nothing_again_and_another_seed_asks_anew(
    writing: Writing, tmp_path: Path
) -> None:
    server, ledger = writing("half_refusing"), tmp_path / "l.sqlite"
    columns = {"topic": TOPIC, "n": NUMBER, "text": TEXT | {"check": ["refusal", "exact"]}}
    columns["mark"] = {"prompt": "Rate {{ text }}", "schema": "integer"}
    first = recipe_of(server, columns, ledger).fit(None).sample(25)
    calls = server.stats()["calls"]
    again = recipe_of(server, columns, ledger).fit(None)
    assert again.estimate(25).calls == 0
    pd.testing.assert_frame_equal(again.sample(25), first)
    assert server.stats()["calls"] == calls and again.summary()["known"] == again.summary()["replies"]
    more = recipe_of(server, columns, ledger).fit(None).sample(30)  # the first rows stay
    assert set(first.text) <= set(more.text)
    other = recipe_of(server, columns, ledger, seed=1).fit(None).sample(25)
    assert not set(other.text) & set(first.text)


def test_columns_of_a_call_come_from_one_reply(writing: Writing) -> None:
    server = writing()
    columns = {
        "n": NUMBER,
        "question": {"call": "qa", "prompt": "A question, number {{ n }}."},
        "answer": {"call": "qa", "prompt": "Its answer.", "check": "answer != question"},
        "mark": {"call": "qa", "prompt": "How hard?", "values": ["easy", "hard"]},
    }
    table = recipe_of(server, columns).fit(None).sample(10)
    assert server.stats()["calls"] == 10 and set(table.mark) <= {"easy", "hard"}
    assert (table.question != table.answer).all()


def test_the_best_draft_is_kept_and_not_the_last(writing: Writing) -> None:
    server = writing()
    judge = {"criteria": "It is about {{ topic }}.", "least": 5}
    text = {"prompt": "Write what is worth it, {{ topic }}, {{ n }}.", "judge": judge, "refine": 2}
    recipe = recipe_of(server, {"topic": TOPIC, "n": NUMBER, "text": text}).fit(None)
    assert not len(recipe.sample(3))  # nothing is worth 5
    assert set(recipe.summary()["rejected"]) == {"text: judge"}
    assert recipe.rejected.value.str.contains("worth 4").all()
    judge["least"] = 4
    table = recipe_of(server, {"topic": TOPIC, "n": NUMBER, "text": text}).fit(None).sample(5)
    assert (table["text.score"] == 4).all() and table.text.str.endswith("worth 4").all()


def test_a_dialogue_takes_turns_until_it_stops(writing: Writing) -> None:
    server = writing()
    talk = {
        "prompt": "{{ n }} {{ turns | json }} {{ role }} {% if turn == 4 %}END at once{% endif %}",
        "repeat": [3, 6],
        "roles": ["user", "assistant"],
        "stop": "[END]",
    }
    recipe = recipe_of(server, {"n": NUMBER, "talk": talk}).fit(None)
    found = recipe.sample(12).talk
    assert {len(one) for one in found} == {3}
    assert all([turn["role"] for turn in one] == ["user", "assistant", "user"] for one in found)
    keys = [json.loads(one)["talk"] for one in recipe.provenance["keys"]]
    assert {len(one) for one in keys} == {3, 4}


def test_a_turn_that_is_wrong_is_asked_for_again_by_itself(writing: Writing) -> None:
    server = writing("some_refused")
    talk = {"prompt": "{{ n }} {{ turns | json }} {{ role }}", "repeat": 6, "roles": ["user", "assistant"],
            "check": "refusal"}  # fmt: skip
    recipe = recipe_of(server, {"n": NUMBER, "talk": talk}).fit(None)
    table = recipe.sample(20)
    assert len(table) == 20 and not table.talk.astype(str).str.contains("sorry").any()
    again = recipe.summary()["again"]
    assert set(again) == {"talk: refusal"}
    lost = recipe.summary()["rejected"].get("talk: refusal", 0)
    assert server.stats()["calls"] <= 6 * (20 + lost) + again["talk: refusal"] + lost  # no turn before it
    assert recipe.rejected.said.str.match(r"turn \d fails the check refusal").all()


def test_what_is_written_after_so_many_sentences_is_left_out(writing: Writing) -> None:
    server = writing("sentences", "--per-letter", "1")
    columns = {
        "n": NUMBER,
        "whole": {"prompt": "Write {{ n }}.", "sentences": 2, "max_tokens": 400},
        "cut": {"prompt": "Write of {{ n }}.", "sentences": 9, "max_tokens": 60},
        "talk": {"prompt": "{{ n }} {{ turns | json }}", "repeat": 2, "sentences": 1, "max_tokens": 60},
    }
    recipe = recipe_of(server, columns).fit(None)
    table = recipe.sample(8)
    assert not len(recipe.rejected) and (table.whole.str.count(r"\.") == 2).all()
    assert table.cut.str.endswith(".").all() and table.cut.str.len().between(10, 60).all()
    assert all(turn.count(".") == 1 and turn.endswith(".") for talk in table.talk for turn in talk)
    endless = {"prompt": "Write {{ n }} with no end.", "sentences": 2, "max_tokens": 60, "tries": 1}
    recipe = recipe_of(server, {"n": NUMBER, "text": endless}).fit(None)
    assert not len(recipe.sample(3)) and set(recipe.summary()["rejected"]) == {"text: cut off"}


def test_a_schema_may_be_written_for_each_row(writing: Writing) -> None:
    columns = {
        "n": NUMBER,
        "tool": {"sample": ["add", "ask"]},
        "tools": {
            "function": '{"add": {"type": "integer"}, "ask": {"type": "string", "enum": ["why", "how"]}}',
            "keep": False,
        },
        "reply": {"prompt": "Call {{ tool }} {{ n }}", "schema": "{{ tools[tool] | json }}"},
        "call": {"function": '{"name": tool, "value": reply}'},
    }
    server = writing()
    recipe = recipe_of(server, columns).fit(None)
    table = recipe.sample(30)
    assert set(table.tool) == {"add", "ask"} and recipe.estimate(30).calls == 30
    for tool, value, call in zip(table.tool, table.reply, table.call, strict=True):
        assert isinstance(value, int) if tool == "add" else value in ("why", "how")
        assert call == {"name": tool, "value": value}
    for broken, said in (
        ("no {{ tool }}", "is no JSON schema"),
        ('{"type": "{{ tool }}"}', "not a JSON schema"),
    ):
        columns["reply"] = {"prompt": "Call {{ tools[tool] }} {{ n }}", "schema": broken}
        with pytest.raises(OptionError, match=f"column 'reply': schema becomes .* in a row.*{said}"):
            recipe_of(server, columns).fit(None)


def test_real_rows_are_shown_and_compared_with(writing: Writing) -> None:
    real = pd.DataFrame({"text": [f"the {at} grey cats sleep on my old mat" for at in range(30)],
                         "kind": ["a", "b", "c"] * 10, "age": range(30)})  # fmt: skip
    server = writing()
    columns = {
        "kind": {"sample": "real"},
        "age": {"sample": "real"},
        "shown": {"real": "text", "several": 2, "same": "kind", "keep": False},
        "text": {"prompt": "Like {{ shown | json }} {{ age }}", "check": ["copy", "language"]},
    }
    recipe = recipe_of(server, columns, label="kind").fit(real)
    table = recipe.sample(40)
    assert table.age.dtype == real.age.dtype
    pairs = set(zip(real.kind, real.age, strict=True))
    assert set(zip(table.kind, table.age, strict=True)) <= pairs  # of one real row
    kinds = dict(zip(real.text, real.kind, strict=True))
    for helpers, kind in zip(recipe.provenance.helpers, table.kind, strict=True):
        shown = json.loads(helpers)["shown"]
        assert len(set(shown)) == 2 and {kinds[one] for one in shown} == {kind}
    with pytest.raises(OptionError, match="column 'kind' is of a real table, and none is given"):
        recipe_of(server, columns).fit(None)
    with pytest.raises(DataError, match="has no column 'age'"):
        recipe_of(server, columns).fit(real[["text", "kind"]])


def test_a_saved_model_draws_columns_together_and_conditions_hold(writing: Writing) -> None:
    class Model:
        class schema:  # of the model's table
            pass

        class codec:
            @staticmethod
            def known() -> dict[str, Any]:
                return {}

        def sample(self, n: int, *, where: Any = None, seed: int | None = None) -> pd.DataFrame:
            x = np.random.default_rng(seed).integers(0, 1000, n)
            return pd.DataFrame({"x": x, "twice": 2 * x})

    columns = {
        "x": {"sample": "model:m"},
        "double": {"sample": "model:m", "column": "twice"},
        "text": {"prompt": "About {{ x }}"},
    }
    folders: list[str] = []
    recipe = recipe_of(writing(), columns, load=lambda folder: folders.append(folder) or Model()).fit(None)
    table = recipe.sample(30)
    assert folders == ["m"] and (table.double == 2 * table.x).all() and table.x.nunique() > 20
    assert table.x.dtype == np.int64
    with pytest.raises(OptionError, match="say how it is loaded"):
        recipe_of(writing(), columns).fit(None)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ({"function": lambda row: 1 / (row["n"] % 7)}, "fails with ZeroDivisionError"),
        ({"function": "1 // (n % 7)"}, "the template fails"),
        ({"prompt": "{{ text.split(' ')[n] }}"}, "the template fails"),
    ],
)
def test_what_fails_on_one_row_stops_the_run_and_loses_nothing_paid(
    writing: Writing, tmp_path: Path, column: dict[str, Any], said: str
) -> None:
    server, ledger = writing(), tmp_path / "l.sqlite"
    columns = {"n": {"sample": {"low": 1, "high": 60}}, "text": {"prompt": "About {{ n }}"}, "bad": column}
    recipe = recipe_of(server, columns, ledger).fit(None)
    with pytest.raises(OptionError, match=said) as error:
        recipe.sample(60)
    assert "column 'bad'" in str(error.value) and "\n" not in str(error.value)
    assert recipe.summary()["stopped"] == str(error.value)
    paid = server.stats()["answered"]
    del columns["bad"]
    recipe_of(server, columns, ledger).fit(None).sample(60)
    assert server.stats()["answered_again"] == 0 or server.stats()["answered"] <= paid + 60


def test_a_template_that_fails_on_what_is_drawn_is_found_before_any_call(writing: Writing) -> None:
    server = writing()
    columns = {"n": {"sample": [0]}, "text": {"prompt": "About {{ 1 // n }}"}}
    with pytest.raises(OptionError, match="division"):
        recipe_of(server, columns).fit(None)
    assert server.stats()["calls"] == 0


def test_further_models_have_limits_of_their_own(writing: Writing) -> None:
    server = writing()
    columns = {
        "n": NUMBER,
        "text": {"prompt": "About {{ n }}", "judge": {"criteria": "Good.", "model": "judge"}},
    }
    models = {"judge": {"model": "big", "max_calls": 7, "price_in": 1.0, "price_out": 1.0}}
    recipe = recipe_of(server, columns, models=models).fit(None)
    assert len(recipe.sample(20)) == 7
    summary = recipe.summary()
    assert "max_calls=7" in summary["stopped"] and summary["money"] > 0
    assert "raise it (the recipe)" in summary["stopped"]  # and not an option of the command
    assert summary["calls"] == server.stats()["answered"]
    missing = recipe_of(writing("good", "--model", "other"), columns, models=models).fit(None)
    with pytest.raises(EndpointError, match=r"column 'text': .*other"):
        missing.sample(3)


def test_the_run_s_budget_ends_it_with_the_rows_that_are_whole(writing: Writing, tmp_path: Path) -> None:
    server, ledger = writing(), tmp_path / "l.sqlite"
    columns = {"n": NUMBER, "text": {"prompt": "{{ n }}"}, "more": {"prompt": "{{ text }}"}}
    recipe = recipe_of(server, columns, ledger, budget=Budget(max_calls=30)).fit(None)
    some = recipe.sample(50)
    assert 0 < len(some) <= 15 and server.stats()["calls"] <= 30
    full = recipe_of(server, columns, ledger).fit(None).sample(50)
    assert len(full) == 50 and set(some.text) <= set(full.text) and server.stats()["calls"] == 100


def test_where_a_budget_ends_it_is_said_what_used_it_up(writing: Writing) -> None:
    columns = {"n": NUMBER, "text": {"prompt": "{{ n }}", "check": "refusal"}}
    recipe = recipe_of(writing("half_refusing"), columns, budget=Budget(max_calls=40)).fit(None)
    table, summary = recipe.sample(100), recipe.summary()
    again = summary["again"]["text: refusal"] + summary["rejected"].get("text: refusal", 0)
    assert len(table) + again == 40  # of the rows that were not finished, too
    assert f" {again} values were not taken as 'text: refusal': say what the data" in summary["stopped"]
    assert len(recipe.rejected) == again


def test_a_model_that_repeats_itself_is_given_up_soon(writing: Writing) -> None:
    server = writing("same")
    recipe = recipe_of(server, {"n": NUMBER, "text": {"prompt": "{{ n }}", "check": "words:90.."}}).fit(None)
    assert not len(recipe.sample(2000))
    summary = recipe.summary()
    assert server.stats()["calls"] < 3000 and "none was accepted" in summary["stopped"]
    assert summary["rejected"].keys() == {"text: words"}


def test_growth_is_asked_between_rounds_and_places_are_kept(writing: Writing) -> None:
    heard: list[int] = []

    def quotas(places: Any, rows: Any, seed: int) -> list[int]:
        heard.append(len(rows))
        return [1, 3] if len(rows) < 8 else [4, 0]

    columns = {"topic": TOPIC, "n": NUMBER, "text": TEXT}
    recipe = recipe_of(writing(), columns, grow={"by": quotas, "dims": ["topic"], "rounds": 5}).fit(None)
    table = recipe.sample(20)
    assert heard == [0, 4, 8, 12, 16] and table.topic.value_counts().to_dict() == {"sea": 14, "wood": 6}


def test_an_even_growth_levels_the_places(writing: Writing) -> None:
    columns = {"topic": {"sample": {"sea": 9, "wood": 1}}, "n": NUMBER, "text": TEXT}
    recipe = recipe_of(writing(), columns, grow={"by": "even"}, label="topic").fit(None)
    assert recipe.sample(20).topic.value_counts().to_dict() == {"sea": 10, "wood": 10}


@pytest.mark.parametrize(
    ("grow", "said"),
    [
        ({"by": "luck"}, "by is 'luck'"),
        ({"by": "even", "dims": ["text"]}, "dims are columns with a sample of values, topic"),
        ({"by": "even", "round": 3}, "'round' is no key of it"),
        ({"by": "even", "rounds": 0}, "rounds is 0"),
        ({"by": lambda places, rows, seed: [1]}, "a number of rows for each of the 2 places"),
        ({"by": lambda places, rows, seed: 1 / 0}, "fails with ZeroDivisionError"),
    ],
)
def test_a_growth_that_cannot_be_is_named(writing: Writing, grow: dict[str, Any], said: str) -> None:
    columns = {"topic": TOPIC, "n": NUMBER, "text": TEXT}
    with pytest.raises(OptionError, match=said):
        recipe_of(writing(), columns, grow=grow).fit(None).sample(4)


def test_a_value_that_given_lacks_loses_the_row_by_name(writing: Writing) -> None:
    given = {"given": {"topic": {"sea": ["beach"]}}}
    server = writing()
    recipe = recipe_of(server, {"topic": TOPIC, "text": TEXT, "place": given, "n": NUMBER}).fit(None)
    table = recipe.sample(30)
    assert set(table.place) == {"beach"} and len(table) == 30
    assert set(recipe.summary()["rejected"]) == {"place: given"}
    assert server.stats()["calls"] == 30  # no text was paid for in a row that is lost


def test_misuse_is_one_sentence(writing: Writing) -> None:
    llm = LLM("m", writing().url)
    with pytest.raises(OptionError, match="llm is 3"):
        lookalike.Recipe({"columns": {"a": {"sample": ["x", "y"]}}}, 3)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="call fit"):
        lookalike.Recipe({"columns": {"a": {"sample": ["x", "y"]}}}, llm).sample(3)
    with pytest.raises(OptionError, match="no model 'b'"):
        lookalike.Recipe({"columns": {"a": {"sample": ["x", "y"]}}}, llm, models={"b": llm})
    with pytest.raises(OptionError, match="where holds for columns of a saved model"):
        lookalike.Recipe({"columns": {"a": {"sample": ["x", "y"]}}}, llm, where=["a=1"]).fit(None)
    doubled = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(DataError, match="several columns called 'a'"):
        lookalike.Recipe({"columns": {"a": {"sample": ["x", "y"]}}}, llm).fit(doubled)
    with pytest.raises(DataError, match="has no rows"):
        lookalike.Recipe({"columns": {"a": {"sample": ["x", "y"]}}}, llm).fit(pd.DataFrame({"a": []}))


def test_rows_that_ask_once_share_a_reply(writing: Writing, tmp_path: Path) -> None:
    server = writing()
    columns = {
        "topic": TOPIC,
        "parts": {"prompt": "Parts of {{ topic }}", "schema": "list", "once": True, "keep": False},
        "part": {"function": "(parts | pruned)[0]"},
        "n": NUMBER,
        "text": {"prompt": "About {{ part }}, {{ n }}"},
    }
    recipe = recipe_of(server, columns, tmp_path / "l.sqlite").fit(None)
    assert len(recipe.requests(9)) == 18 and recipe.estimate(9).calls == 9 + 2
    table = recipe.sample(12)
    assert server.stats()["calls"] == 12 + 2
    assert table.groupby("topic").part.nunique().eq(1).all() and table.text.nunique() == 12


def test_a_text_that_is_like_an_accepted_one_is_not_novel(writing: Writing) -> None:
    columns = {"n": NUMBER, "text": {"prompt": "{{ n }}", "check": "novel"}}
    recipe = recipe_of(writing("same"), columns).fit(None)
    assert len(recipe.sample(4)) == 1 and set(recipe.summary()["rejected"]) == {"text: novel"}
    assert "ROUGE-L" in recipe.rejected.said.iloc[0]
