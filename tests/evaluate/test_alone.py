"""A table looked at alone: what is said of it, and what is said to be unknown."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from lookalike.errors import OptionError
from lookalike.evaluate.alone import LACKS, alone

TEXTS = [f"the {at}th letter speaks of a house with {at * 7} windows and a garden" for at in range(38)]
TABLE = pd.DataFrame(
    {
        "text": [*TEXTS, TEXTS[0], TEXTS[1]],
        "kind": ["a", "a", "b", None] * 10,
        "size": range(40),
        "talk": [[{"role": "user", "content": "hi"}]] * 40,
    }
)


def test_each_column_is_described() -> None:
    found = alone(TABLE)
    text, kind = found.columns["text"], found.columns["kind"]
    assert text["kind"] == "text" and text["words"] == 13 and text["distinct"] == 38 / 40
    assert text["near"] >= 2 / 40
    assert kind["values"] == {"a": 2 / 3, "b": 1 / 3} and kind["missing"] == 0.25
    assert found.columns["size"] == {"kind": "number", "missing": 0.0, "low": 0, "high": 39, "mean": 19.5}
    assert "25% of 'kind' are missing." in found.warnings
    for lack in LACKS:
        assert lack in str(found)


def test_it_is_saved_as_a_page_and_as_figures(tmp_path: Path) -> None:
    found = alone(TABLE.rename(columns={"kind": "<b>kind</b>"}))
    found.save(tmp_path / "r.html")
    found.save(tmp_path / "r.json")
    page = (tmp_path / "r.html").read_text()
    assert "&lt;b&gt;kind" in page and "<b>kind" not in page and "privacy" in page
    assert json.loads((tmp_path / "r.json").read_text())["not_measured"] == list(LACKS)
    with pytest.raises(OptionError, match="neither"):
        found.save(tmp_path / "r.pdf")
    with pytest.raises(OptionError, match="without a real table"):
        found.failures("c2st=0.6")


def test_small_and_empty_tables() -> None:
    assert "0 rows" in str(alone(TABLE.iloc[:0]))
    assert "1 rows" in str(alone(TABLE.iloc[:1]))
