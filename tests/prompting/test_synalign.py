"""SynAlign from real rows to synthetic ones, against the local server."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lookalike import SynAlign, infer
from lookalike.defaults import GROW, METHODS
from lookalike.embed import embedder
from lookalike.errors import DataError, EndpointError, OptionError, SchemaError
from lookalike.llm import LLM, Budget
from lookalike.prompting.arms import Place
from lookalike.prompting.growth.growing import SPARE
from lookalike.prompting.written import Row
from lookalike.texts.words import words_of

Writing = Callable[..., Any]


@pytest.fixture(scope="module")
def real(banking: pd.DataFrame) -> pd.DataFrame:
    """48 rows of three classes, 24, 16 and 8: too few for a class check."""
    names = banking.category.unique()
    parts = [banking[banking.category == name][:size] for name, size in zip(names, (24, 16, 8), strict=False)]
    return pd.concat(parts, ignore_index=True)


def model_of(server: Any, **options: Any) -> LLM:
    return LLM("m", server.url, **options)


def quiet(llm: LLM, **options: Any) -> SynAlign:
    return SynAlign(llm, "text", "category", **{"method": "synalign", "progress": False, **options})


@pytest.mark.parametrize("method", METHODS)
def test_each_method_writes_the_rows_in_the_real_shares(
    writing: Writing, real: pd.DataFrame, method: str
) -> None:
    server = writing()
    model = quiet(model_of(server), method=method).fit(real)
    assert server.stats()["calls"] == 0
    table = model.sample(120)
    assert list(table.columns) == list(real.columns)
    assert table.dtypes.equals(real.dtypes)
    assert table.category.value_counts().to_dict() == dict(
        zip(real.category.unique(), (60, 40, 20), strict=True)
    )
    assert table.text.is_unique and not table.text.isin(real.text).any()
    provenance, summary = model.provenance, model.summary()
    assert len(provenance) == 120 and set(provenance.prompt) == {model.templates.version}
    assert summary["accepted"] == 120 and summary["asked"] >= 120 and summary["stopped"] is None
    assert summary["calls"] == server.stats()["calls"]
    assert summary["tokens_in"] == server.stats()["tokens_in"]
    rows = provenance.demonstration
    if method in ("zero-shot", "attributes"):
        assert set(rows) == {-1} and model.coverage is None
    else:
        assert (real.category.iloc[rows].to_numpy() == table.category.to_numpy()).all()
    described = [json.loads(one) for one in provenance.attributes]
    assert all(bool(one) == (method in ("synalign", "attributes")) for one in described)


def test_the_first_requests_are_known_before_anything_is_asked(writing: Writing, real: pd.DataFrame) -> None:
    server = writing()
    for method, more in [("synalign", 12), ("attributes", 3), ("zero-shot", 0), ("few-shot", 0)]:
        model = quiet(LLM("m", server.url), method=method).fit(real)
        requests = model.requests(120)
        assert len(requests) == 12 + more
        assert server.stats()["calls"] == 0
    model = quiet(LLM("m", server.url), method="few-shot").fit(real)
    asked = model.llm.estimate(model.requests(120))
    model.sample(120)
    assert (asked.calls, server.stats()["calls"]) == (12, 12)
    assert 1 <= asked.tokens_in / server.stats()["tokens_in"] <= 2  # the server does not count the schemas


def test_no_text_of_a_demonstration_reaches_a_call_for_records(
    writing: Writing, real: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = tmp_path / "prompts.jsonl"
    monkeypatch.setenv("LOOKALIKE_TEST_PROMPTS", str(prompts))
    server = writing("quoting")
    model = quiet(model_of(server)).fit(real)
    model.sample(120)
    found = [json.loads(line) for line in prompts.read_text().splitlines()]
    described = [one for one in found if "Describe what it says" in one]
    records = [one for one in found if one.startswith("Write ")]
    assert len(described) == 12 and len(records) >= 12
    shown = [json.loads(one.splitlines()[1])["text"] for one in described]
    assert len(set(shown)) == 12 and set(shown) <= set(real.text)
    for prompt in records:
        flat = " ".join(words_of(prompt))
        assert "topic of the kind" in prompt and "details" not in prompt  # the attribute that quoted is gone
        assert not any(" ".join(words_of(text)) in flat for text in real.text)


def test_wrong_labels_are_rejected_and_asked_for_again(writing: Writing, real: pd.DataFrame) -> None:
    model = quiet(model_of(writing("half_mislabelled"))).fit(real)
    table, summary, rejected = model.sample(60), model.summary(), model.rejected
    assert len(table) == 60
    assert summary["rejected"]["label"] >= 30
    assert summary["asked"] == summary["accepted"] + summary["surplus"] + len(rejected)
    assert Counter(rejected.reason) == summary["rejected"]
    wrong = rejected[rejected.reason == "label"]
    assert (wrong.category.to_numpy() != real.category.iloc[wrong.demonstration].to_numpy()).all()
    assert model.provenance["sample"].nunique() > model.provenance.demonstration.nunique()


def test_a_model_that_refuses_is_stopped_with_an_alarm(
    writing: Writing, real: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    server = writing("refusing")
    model = SynAlign(model_of(server), "text", "category", demonstrations=40).fit(real)
    table, summary = model.sample(200), model.summary()
    assert len(table) == 0 and table.dtypes.equals(real.dtypes)
    assert set(summary["rejected"]) == {"refusal"}
    assert "'refusal'" in summary["alarms"][0] and "another model" in summary["alarms"][0]
    said = capsys.readouterr().err
    assert said.count("warning: the model collapses") == 1
    assert "200 of 200 rows are missing: most others fail as 'refusal'" in said
    assert server.stats()["calls"] < 150  # it gives up, and soon


def test_a_model_that_repeats_itself_is_stopped_with_what_was_new(
    writing: Writing, real: pd.DataFrame
) -> None:
    model = quiet(model_of(writing("collapsing")), method="few-shot").fit(real)
    table, summary = model.sample(200), model.summary()
    assert 1 <= len(table) <= 5 and table.text.is_unique
    assert summary["rejected"]["duplicate"] > 100
    assert "'duplicate'" in summary["alarms"][0]


def test_a_budget_that_ends_early_leaves_whole_rows(
    writing: Writing, real: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    server = writing()
    llm = model_of(server, budget=Budget(max_calls=10))
    model = SynAlign(llm, "text", "category", method="synalign").fit(real)
    table = model.sample(200)
    assert 45 <= len(table) <= 50  # five places described, and five asked for ten records
    assert server.stats()["calls"] == 10
    assert "max_calls=10" in model.summary()["stopped"]
    missing = 200 - len(table)
    assert f"{missing} of 200 rows are missing: the budget max_calls=10 is used up" in capsys.readouterr().err


@pytest.mark.parametrize(
    "budget", [{"max_tokens": 8000}, {"max_cost": 0.01, "price_in": 1, "price_out": 1.5}]
)
def test_a_budget_of_tokens_or_cost_is_not_spent_on_descriptions_alone(
    writing: Writing, real: pd.DataFrame, budget: dict[str, float]
) -> None:
    server = writing("good", "--latency", "0.02")
    model = quiet(model_of(server, budget=Budget(**budget))).fit(real)
    table = model.sample(400)
    stats = server.stats()
    spent = stats["tokens_in"] + (1.5 if "max_cost" in budget else 1) * stats["tokens_out"]
    assert spent <= budget.get("max_tokens", 10_000)
    assert len(table) >= 10 * (stats["calls"] // 2 - 1) >= 60


def test_a_budget_that_leaves_the_classes_unequal_says_so(
    writing: Writing, real: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    llm = model_of(writing(), budget=Budget(max_calls=2))
    model = SynAlign(llm, "text", "category", method="zero-shot").fit(real)
    assert len(model.sample(120)) == 20
    rare = real.category.unique()[2]  # one of six rows
    line = f"the classes are not in their shares: '{rare}' has 0 of 20 rows; its share would be 3."
    assert line in capsys.readouterr().err


def test_the_parts_that_are_told_of_requests_without_a_text_count_on(
    writing: Writing, real: pd.DataFrame
) -> None:
    model = quiet(model_of(writing()), method="steered", demonstrations=12).fit(real)
    asked = [one.messages[-1]["content"] for one in model.requests(480)]
    blank = [one for one in asked if "records of the data set" not in one]
    parts = [re.findall(r"^This is part (\d+)", one, re.M) for one in blank]
    told = [int(part[0]) if part else 1 for part in parts]
    assert len(set(told)) == len(told) > 20 and max(told) <= len(asked)


def test_an_endpoint_that_dies_leaves_what_was_accepted(writing: Writing, real: pd.DataFrame) -> None:
    server = writing("good", "--latency", "0.05")
    llm = model_of(server, concurrency=4, patience=1.0)
    model = quiet(llm, method="zero-shot", gen_size=2).fit(real)
    answered = 0
    plain = llm.answer

    async def dying(request: Any) -> Any:
        nonlocal answered
        reply = await plain(request)
        answered += 1
        if answered == 20:
            server.stop()
        return reply

    llm.answer = dying  # type: ignore[method-assign]
    with pytest.raises(EndpointError, match="no connection"):
        model.sample(400)
    assert 2 * answered - 8 <= len(model.accepted) <= 2 * answered
    assert len(model.provenance) == len(model.accepted) == model.summary()["accepted"]


def test_a_model_that_miscounts_is_not_paid_twice(writing: Writing, real: pd.DataFrame) -> None:
    server = writing("miscounting")
    model = quiet(model_of(server), demonstrations=12).fit(real)
    assert len(model.sample(120)) == 120
    summary, stats = model.summary(), server.stats()
    assert not summary["failures"] and stats["answered_again"] == 0 and summary["calls"] == stats["calls"]
    assert summary["asked"] - summary["accepted"] >= 10  # what was left out counts as asked for


def test_replies_that_stay_malformed_are_asked_for_in_smaller_parts(
    writing: Writing, real: pd.DataFrame
) -> None:
    server = writing("good", "--fault", "schema=0.6")
    model = quiet(model_of(server), method="zero-shot").fit(real)
    assert len(model.sample(100)) == 100
    assert model.summary()["failures"]["malformed"] > 0


def test_rows_that_are_too_long_together_for_the_context_are_shown_in_smaller_groups(
    writing: Writing, real: pd.DataFrame
) -> None:
    long = real.assign(text=[" ".join([f"{at} {text}"] * 20) for at, text in enumerate(real.text)])
    server = writing("good", "--context", "1000")
    model = quiet(model_of(server), method="few-shot").fit(long)
    first = max(len(json.dumps(request.messages)) // 4 for request in model.requests(60))
    assert first > 1000
    assert len(model.sample(60)) == 60
    assert model.summary()["failures"]["context"] > 0


def test_integer_labels_come_back_as_integers(writing: Writing, real: pd.DataFrame) -> None:
    numbered = real.assign(category=pd.factorize(real.category)[0])
    table = quiet(model_of(writing())).fit(numbered).sample(30)
    assert table.category.dtype == np.int64
    assert table.category.value_counts().to_dict() == {0: 15, 1: 10, 2: 5}


def test_one_class_without_a_label_and_several_texts(writing: Writing, real: pd.DataFrame) -> None:
    rows = pd.DataFrame(
        {
            "id": [f"Q-{at:05d}" for at in range(60)],
            "question": [f"{real.text[at % 48]} {at}" for at in range(60)],
            "answer": [None if at % 10 == 0 else f"{real.text[(at + 5) % 48]} {at}" for at in range(60)],
            "age": np.arange(60) % 40 + 20,
        }
    )
    model = SynAlign(model_of(writing()), ["question", "answer"], progress=False).fit(rows)
    table = model.sample(25)
    assert list(table.columns) == ["question", "answer", "age"] and len(table) == 25
    assert table.age.dtype == rows.age.dtype and table.age.between(20, 60).all()
    assert quiet(model.llm).fit(real[:20].assign(category="one")).sample(12).category.unique() == ["one"]


def test_a_label_with_one_row_and_more_demonstrations_than_rows(
    writing: Writing, real: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    few = real.iloc[[0, 1, 2, 3, 47]]
    model = SynAlign(model_of(writing()), "text", "category", demonstrations=50).fit(
        few, infer(few, keep_rare=True)
    )
    assert "5 real rows, fewer than 50 demonstrations" in capsys.readouterr().err
    table = model.sample(100)
    assert table.category.value_counts().tolist() == [80, 20]
    assert set(model.provenance.demonstration) == {0, 1, 2, 3, 4}


def test_what_is_left_out_and_cut_is_said(
    writing: Writing, real: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = pd.concat([real, real[:12]], ignore_index=True)
    rows["text"] = [f"{text} number {at}" for at, text in enumerate(rows.text)]
    rows.loc[:9, "text"] = "  "
    rows.loc[10, "text"] = "card " * 1000
    rows["key"] = [f"K-{at:06d}" for at in range(len(rows))]
    model = SynAlign(model_of(writing()), "text", "category", demonstrations=50).fit(rows)
    said = capsys.readouterr().err
    assert "10 of 60 real rows have no text" in said
    assert "'key' holds keys" in said
    assert "1 real texts are too long for a prompt" in said
    longest = max(len(str(request.messages)) for request in model.requests(60))
    assert longest < 5000
    table = model.sample(300)
    assert list(table.columns) == ["text", "category"]
    shown = model.provenance.demonstration  # row numbers are those of the table that was given
    assert shown.min() >= 10 and shown.max() >= 50


def test_the_model_proposes_the_attributes(writing: Writing, real: pd.DataFrame) -> None:
    model = quiet(model_of(writing()), attributes="propose").fit(real)
    assert len(model.requests(120)) == 1 + 12 + 12
    model.sample(120)
    said = set(json.loads(model.provenance.attributes[0]))
    assert said - {"form", "ending", "case", "numbers"} == {"subject", "mood", "wording"}
    own = quiet(model_of(writing()), attributes=["colour"]).fit(real)
    own.sample(10)
    assert "colour" in json.loads(own.provenance.attributes[0])


def test_an_embedder_of_the_endpoint_counts_on_the_same_budget(
    writing: Writing, real: pd.DataFrame, tmp_path: Path
) -> None:
    server, ledger = writing(), tmp_path / "l.sqlite"
    llm = LLM("m", server.url, ledger=ledger, budget=Budget(max_calls=1000))
    model = quiet(llm, embed="openai:vectors").fit(real)
    assert server.stats()["calls"] == llm.budget.spent.calls == 1  # 48 texts in one call
    model.sample(30)
    assert server.stats()["calls"] == llm.budget.spent.calls
    assert (
        quiet(LLM("m", server.url, ledger=ledger), embed="openai:vectors")
        .fit(real)
        .sample(30)
        .equals(model.accepted)
    )
    assert server.stats()["calls"] == llm.budget.spent.calls


def test_the_class_check_sees_the_same_whether_replies_are_checked_as_they_come_or_later(
    writing: Writing, banking: pd.DataFrame
) -> None:
    server, texts = writing(), banking.text.tolist()
    as_they_come = quiet(model_of(server)).fit(banking)
    later = quiet(model_of(server), embed=embedder(None, texts)).fit(banking)
    pd.testing.assert_frame_equal(as_they_come.sample(60), later.sample(60))
    assert as_they_come.summary() == later.summary()
    assert as_they_come.summary()["rejected"]["class"] > 0  # "a refund" is surely not about spare cards
    assert (as_they_come.rejected.reason == later.rejected.reason).all()


def rare_first(places: Sequence[Place], accepted: Sequence[Row], seed: int) -> list[float]:
    """A user's own strategy: where the fewest rows were accepted so far."""
    made = Counter(id(row.place) for row in accepted)
    return [1 / (1 + made[id(place)]) ** 2 for place in places]


@pytest.mark.parametrize(("grow", "size"), [*((grow, 10) for grow in (*GROW, rare_first)), ("real", 2)])
def test_a_plan_that_grows_is_the_same_after_a_budget_that_ended_early(
    writing: Writing, real: pd.DataFrame, grow: Any, size: int, tmp_path: Path
) -> None:
    server, options = writing("half_mislabelled"), {"method": "nearest", "grow": grow, "gen_size": size}
    whole = quiet(model_of(server), **options).fit(real)
    table = whole.sample(120)
    assert len(table) == 120 and whole.summary()["grow"] in (grow, "function")
    counts = table.category.value_counts().to_dict()
    if grow in ("real", "coverage", "novelty"):
        assert list(counts.values()) == [60, 40, 20]
    if grow == "even":
        assert set(counts.values()) == {40}
    calls, ledger = whole.summary()["calls"], tmp_path / "ledger.sqlite"
    for limit in (calls // 2, calls):
        llm = model_of(server, ledger=ledger, budget=Budget(max_calls=limit))
        part = quiet(llm, **options).fit(real)
        made = part.sample(120)
    assert llm.budget.spent.calls == calls  # those before the end of the first budget among them
    pd.testing.assert_frame_equal(made, table)
    pd.testing.assert_frame_equal(part.provenance, whole.provenance)


def test_the_errors_of_one_part_of_the_real_rows_steer(writing: Writing, banking: pd.DataFrame) -> None:
    model = quiet(model_of(writing()), method="nearest", grow="errors", demonstrations=10).fit(banking)
    steering = set(model.steering_rows)
    counts = banking.category.iloc[sorted(steering)].value_counts()
    assert (counts == (banking.category.value_counts() / 2).round()[counts.index]).all()
    model.sample(100)
    shown = model.provenance.demonstration.iloc[20:]  # the first round asks for its tenth at most
    assert set(shown) - set(model.provenance.demonstration.iloc[:10]) <= steering
    assert quiet(model.llm, grow="coverage").fit(banking).steering_rows == []


def test_a_plan_that_follows_errors_tells_the_coverage_of_what_was_explored(
    writing: Writing, banking: pd.DataFrame
) -> None:
    model = quiet(model_of(writing()), method="steered", grow="errors", demonstrations=5).fit(banking)
    assert len(model.sample(60)) == 60
    summary = model.summary()
    assert summary["demonstrations"] > 5  # places of the errors are beside those that were explored
    assert 0 < summary["coverage"] < 1 and summary["coverage"] in model.coverage


def test_rows_that_give_way_are_left_over(writing: Writing, real: pd.DataFrame) -> None:
    model = quiet(model_of(writing()), method="nearest", grow="coverage", demonstrations=12).fit(real)
    table, summary = model.sample(120), model.summary()
    assert len(table) == 120 and 0 < summary["surplus"] <= 120 * SPARE + 20
    assert summary["asked"] == 120 + summary["surplus"] + len(model.rejected)


def test_the_seed_decides_what_is_asked(writing: Writing, real: pd.DataFrame) -> None:
    server = writing()
    first, same, other = (quiet(model_of(server), seed=seed).fit(real) for seed in (1, 1, 2))
    table = first.sample(60)
    pd.testing.assert_frame_equal(same.sample(60), table)
    pd.testing.assert_frame_equal(same.provenance, first.provenance)
    other.sample(60)
    assert not set(other.provenance.key) & set(first.provenance.key)  # a ledger gives another seed nothing
    assert max(other.provenance["sample"]) < 2**62


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "best"}, "method 'best' is not known: choose one of auto"),
        ({"demonstrations": 0}, "demonstrations is 0"),
        ({"gen_size": 0}, "gen_size is 0"),
        ({"temperature": -1}, "temperature is -1"),
        ({"max_tokens": 0}, "max_tokens is 0"),
        ({"attributes": "topic"}, "write 'propose' or a list"),
        ({"attributes": ["a", "a"]}, "different names"),
        ({"grow": "cover"}, "grow 'cover' is not known"),
        ({"grow": "coverage", "method": "few-shot"}, "choose one of auto, synalign, steered, nearest"),
        ({"grow": "errors", "label": None}, "name the label"),
        ({"grow": "errors", "steering": 0}, "steering is 0"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        SynAlign(LLM("m", "http://127.0.0.1:1/v1"), "text", **{"label": "label"} | options)


def test_it_has_to_be_fitted_and_asked_for_rows(real: pd.DataFrame) -> None:
    model = quiet(LLM("m", "http://127.0.0.1:1/v1"))
    with pytest.raises(DataError, match=r"call fit\(real\) first"):
        model.sample(10)
    with pytest.raises(OptionError, match="number of rows is 0"):
        model.fit(real).sample(0)


def test_persons_are_neither_shown_nor_written(
    writing: Writing, real: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"Anna {chr(65 + i % 20)}bel" for i in range(len(real))]
    table = real.assign(customer_id=np.arange(len(real)) // 2, customer=names, mail=names)
    schema = infer(table)
    schema.set_kinds(["customer_id=key", "customer=pseudonym", "mail=drop"])
    model = SynAlign(model_of(writing()), "text", "category").fit(table, schema)
    said = capsys.readouterr().err
    assert "'customer' is a pseudonym: no prompt shows it" in said and "'mail' is dropped" in said
    assert "Anna" not in str([request.messages for request in model.requests(20)])
    assert list(model.sample(20).columns) == ["text", "category"]
    schema["text"].kind = "drop"
    with pytest.raises(DataError, match="'text' is declared drop, so it cannot be text or label"):
        SynAlign(model_of(writing()), "text", "category").fit(table, schema)


def test_a_class_of_few_rows_is_neither_shown_nor_written(
    writing: Writing, real: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    table = pd.concat([real, real.head(2).assign(category="lonely", text="one of a kind, me")])
    llm = model_of(writing())
    model = SynAlign(llm, "text", "category", method="few-shot").fit(table)
    said = capsys.readouterr().err
    assert "column 'category': 1 of 4 values occurs in fewer than 5 rows (2 of 50 rows)" in said
    assert "no text" not in said
    asked = str([(one.messages, one.schema) for one in model.requests(100)])
    assert "lonely" not in asked and "one of a kind" not in asked and real.category[0] in asked
    kept = quiet(llm, method="few-shot").fit(table, infer(table, keep_rare=True))
    assert "lonely" in str([one.messages for one in kept.requests(100)])


@pytest.mark.parametrize("schema", [5, {"a": 1}, "other", "fewer"])
def test_a_schema_of_another_table_is_one_sentence(banking: pd.DataFrame, schema: Any) -> None:
    table = banking.assign(number=range(len(banking)))
    given = {"other": infer(pd.DataFrame({"x": [1, 2]})), "fewer": infer(banking)}.get(
        schema if isinstance(schema, str) else "", schema
    )
    with pytest.raises(SchemaError, match="the schema"):
        SynAlign(LLM("m", "http://127.0.0.1:9/v1"), "text", "category").fit(table, given)
