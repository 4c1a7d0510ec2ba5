"""The page of what was removed: every check with examples, beside kept neighbours, and nothing that runs."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

import lookalike
from lookalike.curate.page import MEANING
from lookalike.defaults import CHECKS
from lookalike.errors import OptionError

SCRIPT = "<script>alert('x')</script> & <img src=x onerror=alert(1)> why is my transfer so late today"


@pytest.fixture
def tables(banking: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    mixed = banking.drop_duplicates("text").sample(200, random_state=0, ignore_index=True)
    real, synthetic = mixed[:120], mixed[120:].reset_index(drop=True)
    synthetic.loc[3, "text"] = "help me please" * 20
    synthetic.loc[5] = synthetic.loc[6].to_numpy()
    synthetic.loc[[8, 9], "text"] = [SCRIPT, SCRIPT.replace("today", "now")]
    return real, synthetic


def test_each_check_is_shown_with_the_row_and_its_neighbour(
    tables: tuple[pd.DataFrame, pd.DataFrame], tmp_path: Path
) -> None:
    real, synthetic = tables
    out = tmp_path / "removed.html"
    _, decisions = lookalike.curate(synthetic, real, label="category", report=out, progress=False)
    source = out.read_text(encoding="utf-8")
    for check in decisions.counts():
        assert f'<section id="{check}">' in source
    kept = len(synthetic) - len(decisions.dropped())
    assert f"<h1>{kept:,} of 80 rows are kept</h1>" in source
    assert re.search(rf"\d{{4}}-\d\d-\d\d \d\d:\d\d · lookalike {lookalike.__version__}", source)
    exact = source[source.index('<section id="exact">') :]
    assert "row 7, dropped" in exact and "row 6, the row that it repeats" in exact
    repetition = source[source.index('<section id="repetition">') :].partition("</section>")[0]
    other = re.search(r"row (\d+), the kept row that is most like it", repetition)
    assert other is not None and int(other.group(1)) - 1 in decisions.left()


def test_texts_of_rows_are_inert_and_the_page_needs_nothing_else(
    tables: tuple[pd.DataFrame, pd.DataFrame], tmp_path: Path
) -> None:
    out = tmp_path / "removed.html"
    lookalike.curate(tables[1].rename(columns={"text": "<b>text"}), report=out, progress=False)
    source = out.read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(&#x27;x&#x27;)" in source and "&lt;b&gt;text" in source
    assert "<script" not in source and "<img" not in source and "<b>" not in source
    assert not re.search(r"(?:src|href)=\"(?!#|data:)", source)
    assert "prefers-color-scheme: dark" in source and "max-width: 640px" in source


def test_a_table_of_numbers_without_anything_to_say(tmp_path: Path) -> None:
    out = tmp_path / "removed.html"
    table = pd.DataFrame({"a": range(30), "b": [None, 1.5] * 15})
    lookalike.curate(table, table, report=out, progress=False)
    assert "No check found anything" in out.read_text(encoding="utf-8")


def test_every_check_says_what_it_looks_for() -> None:
    assert {*CHECKS, "conflict"} == set(MEANING)


def test_another_suffix_is_said_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"name an \.html file"):
        lookalike.curate(pd.DataFrame({"a": [1]}), report=tmp_path / "x.txt")
