"""Rows are drawn until as many are left as were asked for, and what was decided stays beside the output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.curation import curated, options_of, paths
from lookalike.errors import OptionError
from lookalike.table.inferring import infer

pytestmark = pytest.mark.usefixtures("few_trees")


@pytest.fixture(scope="module")
def real() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"x": rng.normal(size=300), "side": rng.choice(["left", "right"], 300)})


class Odd:
    """A synthesizer of which every third row is far out of range."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def fit(self, table: pd.DataFrame, schema: Any = None) -> Odd:
        self.table = table
        return self

    def sample(self, n: int) -> pd.DataFrame:
        self.asked.append(n)
        made = self.table.sample(n, replace=True, random_state=0, ignore_index=True)
        made["x"] += np.random.default_rng(1).normal(scale=0.01, size=n)
        made.loc[::3, "x"] = 1e6
        return made


@pytest.mark.parametrize("more", [True, False])
def test_more_rows_are_drawn_where_that_costs_little(real: pd.DataFrame, more: bool) -> None:
    odd, schema = Odd().fit(real), infer(real)
    found = curated(odd.sample, 100, more, real, lambda: schema, {"only": ["range"]}, 0, False)
    assert len(found.kept) == (100 if more else 66)
    assert len(odd.asked) == (2 if more else 1)
    assert (found.kept.x < 10).all()
    pd.testing.assert_frame_equal(found.decisions.apply(found.drawn), found.kept)
    assert len(found.decisions.apply(found.drawn, without={"range"})) == len(found.drawn)
    assert (found.note is None) == more
    if not more:
        assert "66 of 100 rows are left" in found.sentence() and "'range'" in found.sentence()


def test_generate_says_what_was_dropped_and_keeps_it_beside_the_output(
    real: pd.DataFrame, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    made, report = lookalike.generate(real, 60, Odd(), curate=["range"], out=out, progress=False)
    record, drawn = paths(out)
    decisions = lookalike.Decisions.load(record)
    assert report.decisions is not None and decisions.dropped() == report.decisions.dropped()
    assert len(made) == 40 and decisions.dropped() == list(range(0, 60, 3))
    assert len(decisions.apply(lookalike.read_table(drawn))) == len(lookalike.read_table(out)) == 40
    assert "40 of 60 rows are kept: range 20" in str(report)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["nearly"], "no check 'nearly'"),
        ({"nearness": 1}, "the option 'nearness'"),
        ({"only": ["labels"]}, "needs a column of labels"),
        ({"embed": "bag"}, "no embedder 'bag'"),
        ({"text": "side", "label": "side"}, "named as text and as label"),
        (5, "curate is 5: write True"),
    ],
)
def test_a_mistake_is_said_before_any_work(real: pd.DataFrame, asked: Any, said: str) -> None:
    odd = Odd()
    with pytest.raises(OptionError, match=said):
        lookalike.generate(real, 20, odd, curate=asked, progress=False)
    assert odd.asked == []


def test_the_label_and_the_text_are_those_of_the_synthesizer(real: pd.DataFrame) -> None:
    schema = infer(real)
    assert options_of(True, schema, "side", None) == {"label": "side"}
    assert options_of({"near": 0.8}, schema, None, ["side"]) == {"near": 0.8, "text": "side"}
    assert options_of(True, schema, "x", None) == {}
    assert options_of(False, schema, "side", None) is None
