"""Whether a model's descriptions tell the rows that they are of, and what follows for the run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lookalike import SynAlign
from lookalike.errors import EndpointError, LLMError
from lookalike.llm import LLM, Budget
from lookalike.llm.request import Reply, Request
from lookalike.prompting.asking import LOOKS
from lookalike.prompting.telling import FEWEST, TELLS, line_of, sure, told

LABELS = ["a"] * 10 + ["b"] * 10


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    """Two classes that lie apart, and rows of a class that differ."""
    rng = np.random.default_rng(0)
    found = rng.normal(size=(20, 8)) * 0.3 + np.repeat(np.eye(8)[:2], 10, axis=0)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_descriptions_that_lie_at_their_rows_tell_them(points: np.ndarray) -> None:
    assert told(points[[3, 12]], [3, 12], points, LABELS).tolist() == [1.0, 1.0]
    assert told(points[[12, 3]], [3, 12], points, LABELS).max() < 0.2  # each lies at a row of the other class
    assert told(points[[4, 13]], [3, 12], points, LABELS).mean() > 0.5  # another row of the class
    assert told(points[[3]], [3], points, [None] * 20).tolist() == [1.0]


def test_what_says_nothing_tells_nothing(points: np.ndarray) -> None:
    rows = list(range(0, 20, 3))
    assert set(told(np.zeros((7, 8)), rows, points, LABELS)) == {0.5}
    assert told(np.tile(points.mean(0), (7, 1)), rows, points, LABELS).mean() < TELLS
    random = np.random.default_rng(1).normal(size=(200, 8))
    assert abs(told(random, [row % 20 for row in range(200)], points, LABELS).mean() - 0.5) < 0.08
    assert told(points[:1], [0], points[:1], ["a"]).tolist() == [0.5]
    assert 0 <= told(points[:1], [0], points[:3], ["a", "b", "b"])[0] <= 1  # the only row of its class


# How well descriptions of Qwen2.5-Coder-0.5B told their rows (MiniLM; ten real rows a class), in their order.
BANKING = [
    [
        0.98,
        0.99,
        0.86,
        1.0,
        1.0,
        0.31,
        1.0,
        0.31,
        1.0,
        0.78,
        0.76,
        0.78,
        1.0,
        1.0,
        0.98,
        0.99,
        1.0,
        1.0,
        0.95,
        0.44,
    ],
    [
        0.85,
        0.99,
        0.99,
        0.11,
        0.80,
        0.02,
        0.99,
        0.69,
        1.0,
        0.20,
        1.0,
        0.61,
        1.0,
        1.0,
        1.0,
        1.0,
        1.0,
        0.99,
        1.0,
        0.99,
    ],
]
REVIEWS = [[.05, 1., .42, .63, .11, .92, .18, 1., .29, .63, .47, .55, 0., 1., .37, .63, .29, 1., 0.],
           [.63, .05, .50, .74, .50, .63, 1., 1., .50, .61, .42, .18, .24, .34, .24, .74, 0.],
           [.42, 1., .50, .92, .76, .74, .18, 1., .05, 1., .18]]  # fmt: skip


def verdict(told: np.ndarray) -> tuple[bool, int]:
    """Whether it is synalign, and by how many descriptions."""
    for look in LOOKS:
        if (found := sure(told[:look])) is not None:
            return found, look
    return False, LOOKS[-1]


@pytest.mark.parametrize(("recorded", "right"), [*[(one, True) for one in BANKING],
                                                 *[(one, False) for one in REVIEWS]])  # fmt: skip
def test_recorded_descriptions_settle_it_as_all_of_them_do_together(
    recorded: list[float], right: bool
) -> None:
    assert (np.mean(recorded) >= TELLS) == right
    rng = np.random.default_rng(0)
    found = [verdict(rng.choice(recorded, LOOKS[-1])) for _ in range(2000)]
    wrong = np.mean([one != right for one, _ in found])
    assert wrong < (0.2 if right else 0.1)  # in doubt it is steered
    eight = np.mean([(rng.choice(recorded, FEWEST).mean() >= TELLS) != right for _ in range(2000)])
    assert right or wrong < eight / 3  # than by the mean of eight
    assert np.mean([many for _, many in found]) < 14


def test_what_is_not_sure_is_looked_at_again() -> None:
    assert sure(np.array([1.0] * 4)) is None and sure(np.array([1.0] * FEWEST)) is True
    assert sure(np.array([0.0, 1.0] * 2)) is False and sure(np.array([TELLS + 0.05] * 16)) is None
    assert sure(np.array([0.62] * 4)) is None and sure(np.array([0.62] * 24)) is False
    assert sure(np.array([0.5])) is False


def test_what_is_computed_is_no_description() -> None:
    assert line_of({"topic": "a lost card", "form": "a question", "tone": "worried"}) == "a lost card worried"


@pytest.fixture(scope="module")
def real(banking: pd.DataFrame) -> pd.DataFrame:
    """48 rows of three classes."""
    names = banking.category.unique()[:3]
    return banking[banking.category.isin(names)].groupby("category").head(16)


@pytest.mark.parametrize(("writer", "method"), [("telling", "synalign"), ("good", "steered")])
def test_the_run_is_written_as_the_model_describes(
    writing: Callable[..., Any],
    real: pd.DataFrame,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    writer: str,
    method: str,
) -> None:
    prompts = tmp_path / "prompts.jsonl"
    monkeypatch.setenv("LOOKALIKE_TEST_PROMPTS", str(prompts))
    server = writing(writer)

    def model() -> SynAlign:
        llm = LLM("m", server.url, ledger=tmp_path / "l.sqlite")
        return SynAlign(llm, "text", "category", progress=False).fit(real)

    first = model()
    estimated = first.estimate(90).calls
    table, facts = first.sample(90), first.summary()
    assert len(table) == 90 and (facts["method"], facts["written_as"]) == ("auto", method)
    assert (facts["told"] >= TELLS) == (method == "synalign")
    assert estimated <= facts["calls"] == server.stats()["calls"]
    asked = [json.loads(line) for line in prompts.read_text().splitlines()]
    described = [one for one in asked if "Describe what it says" in one]
    assert len(set(described)) == (9 if method == "synalign" else LOOKS[0])
    shows = [one for one in asked if "These are records of the data set" in one]
    assert bool(shows) == (method == "steered")
    seen = [json.loads(one) for one in first.provenance.shown]
    assert {len(one) for one in seen} == ({1} if method == "synalign" else {0, 5})
    planned = [one for one in asked if "What they are like" in one]
    assert bool(planned) == (method == "synalign")
    assert len(first.sample(90)) == 90  # it is settled, and not asked again
    again = model()
    pd.testing.assert_frame_equal(again.sample(90), table)
    assert server.stats()["calls"] == facts["calls"]
    assert again.summary()["told"] == facts["told"]


@pytest.mark.parametrize("attributes", [None, "propose"])
def test_what_failed_in_passing_does_not_change_the_run_when_it_is_answered_later(
    writing: Callable[..., Any],
    real: pd.DataFrame,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    attributes: str | None,
) -> None:
    server = writing("telling")

    def written() -> tuple[pd.DataFrame, dict[str, Any]]:
        llm = LLM("m", server.url, ledger=tmp_path / "l.sqlite")
        model = SynAlign(llm, "text", "category", progress=False, attributes=attributes).fit(real)
        return model.sample(90), model.summary()

    answer, passing = LLM.answer, LLMError("the server is busy.", "overloaded")

    async def failing(self: LLM, request: Request) -> Reply:
        if "Describe what it says" in str(request.messages) or "Name the attributes" in str(request.messages):
            raise passing
        return await answer(self, request)

    with monkeypatch.context() as patch:
        patch.setattr(LLM, "answer", failing)
        table, facts = written()
    assert (facts["written_as"], facts["told"]) == ("steered", 0.5)
    assert facts["failures"] == {"overloaded": LOOKS[0] + (attributes is not None)}
    calls = server.stats()["calls"]
    again, resumed = written()
    pd.testing.assert_frame_equal(again, table)
    assert (resumed["written_as"], resumed["told"], resumed["failures"]) == ("steered", 0.5, {})
    assert server.stats()["calls"] == calls  # nothing is missing, so nothing is asked


def test_the_decision_holds_for_what_it_was_made_on(
    writing: Callable[..., Any], real: pd.DataFrame, tmp_path: Path
) -> None:
    server = writing("telling")

    def written(method: str, rows: pd.DataFrame, told: str | None = None) -> dict[str, Any]:
        llm = LLM(method, server.url, ledger=tmp_path / "l.sqlite")
        model = SynAlign(llm, "text", "category", progress=False, task=told).fit(rows)
        model.sample(10)
        return model.summary()

    first = written("m", real)
    assert written("m", real) == first | {"known": first["calls"]}
    others = [written("n", real), written("m", real.iloc[::-1]), written("m", real, "questions to a bank")]
    assert all(one["known"] < one["calls"] for one in others)  # another model, rows, task: looked at anew


def test_a_few_rows_are_not_worth_a_look_and_more_rows_keep_what_was_seen(
    writing: Callable[..., Any], real: pd.DataFrame
) -> None:
    server, other = writing("telling"), writing("telling")
    model = SynAlign(LLM("m", server.url), "text", "category", progress=False).fit(real)
    assert (len(model.requests(5)), len(model.requests(90))) == (3, LOOKS[0] + 9)
    assert len(model.sample(5)) == 5 and server.stats()["calls"] == 3
    facts = model.summary()
    assert (facts["written_as"], facts["told"]) == ("steered", None)
    fresh = SynAlign(LLM("m", other.url), "text", "category", progress=False).fit(real)
    pd.testing.assert_frame_equal(model.sample(90), fresh.sample(90))
    assert model.summary()["told"] == fresh.summary()["told"] >= TELLS
    calls = other.stats()["calls"]
    assert 18 <= calls == server.stats()["calls"] - 3
    fresh.sample(80)  # by the same eight rows: what was settled stands
    assert other.stats()["calls"] < calls + 8 + LOOKS[1]  # records, and no description again


def test_a_model_that_cannot_describe_may_write(writing: Callable[..., Any], real: pd.DataFrame) -> None:
    model = SynAlign(LLM("m", writing("speechless").url), "text", "category", progress=False).fit(real)
    assert len(model.sample(90)) == 90
    facts = model.summary()
    assert (facts["written_as"], facts["told"]) == ("steered", 0.5)
    assert "JSON" in facts["said"]["malformed"]


@pytest.mark.parametrize("writer", ["telling", "good"])
def test_a_small_budget_leaves_records(
    writing: Callable[..., Any], real: pd.DataFrame, tmp_path: Path, writer: str
) -> None:
    server, most = writing(writer), 6
    for budget in (Budget(max_calls=most), Budget(max_calls=most), Budget()):
        llm = LLM("m", server.url, budget=budget, ledger=tmp_path / "l.sqlite")
        model = SynAlign(llm, "text", "category", progress=False).fit(real)
        rows = len(model.sample(90))
        assert rows >= 25 if budget.max_calls else rows == 90
        assert (model.summary()["written_as"], model.summary()["told"]) == ("steered", None)
        assert budget.max_calls is None or server.stats()["calls"] <= most
    assert server.stats()["answered_again"] == 0


@pytest.mark.parametrize(("writer", "method"), [("telling", "synalign"), ("good", "steered")])
def test_rows_without_a_class_are_told_apart_by_themselves(
    writing: Callable[..., Any], real: pd.DataFrame, writer: str, method: str
) -> None:
    model = SynAlign(LLM("m", writing(writer).url), "text", progress=False).fit(real[["text"]])
    assert len(model.sample(90)) == 90
    assert model.summary()["written_as"] == method


@pytest.mark.parametrize("grow", ["coverage", "novelty", "errors"])
def test_what_grows_is_settled_first(writing: Callable[..., Any], real: pd.DataFrame, grow: str) -> None:
    model = SynAlign(LLM("m", writing("telling").url), "text", "category", progress=False, grow=grow)
    assert len(model.fit(real).sample(90)) == 90
    assert model.summary()["written_as"] == "synalign"
    assert {len(json.loads(one)) for one in model.provenance.shown} == {1}


def test_an_endpoint_that_refuses_ends_the_run_with_its_own_words(
    writing: Callable[..., Any], real: pd.DataFrame
) -> None:
    server = writing("good", "--no", "messages")
    model = SynAlign(LLM("m", server.url), "text", "category", progress=False).fit(real)
    with pytest.raises(EndpointError, match="'messages' is not supported"):
        model.sample(90)
    assert server.stats()["calls"] <= 2 * LOOKS[1]
    assert len(model.accepted) == 0 and "'messages'" in model.summary()["stopped"]
