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
from lookalike.llm import LLM
from lookalike.prompting.asking import PROBES
from lookalike.prompting.telling import TELLS, line_of, told

LABELS = ["a"] * 10 + ["b"] * 10


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    """Two classes that lie apart, and rows of a class that differ."""
    rng = np.random.default_rng(0)
    found = rng.normal(size=(20, 8)) * 0.3 + np.repeat(np.eye(8)[:2], 10, axis=0)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_descriptions_that_lie_at_their_rows_tell_them(points: np.ndarray) -> None:
    assert told(points[[3, 12]], [3, 12], points, LABELS) == 1.0
    assert told(points[[12, 3]], [3, 12], points, LABELS) < 0.2  # each lies at a row of the other class
    assert told(points[[4, 13]], [3, 12], points, LABELS) > 0.5  # another row of the class
    assert told(points[[3]], [3], points, [None] * 20) == 1.0


def test_what_says_nothing_tells_nothing(points: np.ndarray) -> None:
    rows = list(range(0, 20, 3))
    assert told(np.zeros((7, 8)), rows, points, LABELS) == 0.5
    assert told(np.tile(points.mean(0), (7, 1)), rows, points, LABELS) < TELLS
    random = np.random.default_rng(1).normal(size=(200, 8))
    assert abs(told(random, [row % 20 for row in range(200)], points, LABELS) - 0.5) < 0.08
    assert told(points[:1], [0], points[:1], ["a"]) == 0.5
    assert 0 <= told(points[:1], [0], points[:3], ["a", "b", "b"]) <= 1  # the only row of its class


def test_what_is_computed_is_no_description() -> None:
    assert line_of({"topic": "a lost card", "form": "a question", "tone": "worried"}) == "a lost card worried"


@pytest.mark.parametrize(("writer", "method"), [("telling", "synalign"), ("good", "steered")])
def test_the_run_is_written_as_the_model_describes(
    writing: Callable[..., Any],
    banking: pd.DataFrame,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    writer: str,
    method: str,
) -> None:
    names = banking.category.unique()[:3]
    real = banking[banking.category.isin(names)].groupby("category").head(16)
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
    assert len(set(described)) == (9 if method == "synalign" else PROBES)
    shows = [one for one in asked if "These are records of the data set" in one]
    assert bool(shows) == (method == "steered")
    seen = [json.loads(one) for one in first.provenance.shown]
    assert {len(one) for one in seen} == ({1} if method == "synalign" else {1, 5})
    assert len(first.sample(90)) == 90  # it is settled, and not asked again
    again = model()
    pd.testing.assert_frame_equal(again.sample(90), table)
    assert server.stats()["calls"] == facts["calls"]
    assert again.summary()["told"] == facts["told"]
