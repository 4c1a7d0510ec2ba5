"""A report shows no value that fewer than five real rows have, whatever its kind, unless it is asked to."""

import base64
import html
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lookalike.evaluate import Report, evaluate

pytestmark = pytest.mark.usefixtures("few_trees")

ROWS = 240
WORDS = ["red", "green", "blue", "fish", "cow", "tree", "house", "river", "stone", "cloud", "bread", "light"]


def table(seed: int) -> pd.DataFrame:
    """A column of each kind; nearly every value is one row's."""
    rng = np.random.default_rng(seed)
    numbers = rng.permutation(10**6)[:ROWS]
    days = pd.Timestamp("1990-01-01") + pd.to_timedelta(rng.integers(0, 12_000, ROWS), unit="D")
    return pd.DataFrame(
        {
            "text": [f"{' '.join(rng.choice(WORDS, 9))} q{n}" for n in numbers],
            "mail": [f"user.q{n}@example.org" for n in numbers],
            "key": [f"KEY-{n:06d}-{n * 7 % 9973:04d}" for n in numbers],
            "json": [json.dumps({"who": f"q{n}", "city": "Rome"}) for n in numbers],
            "code": [f"def f{n}(x):\n    return x + {n}\n" for n in numbers],
            "number": (numbers / 997).round(4),
            "whole": numbers + 3_000_017,
            "when": pd.Timestamp("2020-01-01") + pd.to_timedelta(numbers * 31, unit="s"),
            "day": days.strftime("%d.%m.%Y"),
            "name": np.where(
                np.arange(ROWS) < ROWS - 10, rng.choice(["ann", "bob"], ROWS), [f"zoe q{n}" for n in numbers]
            ),
            "common": rng.choice(["yes", "no"], ROWS),
            "few": rng.integers(1, 4, ROWS),
        }
    )


def said(report: Report, folder: Path) -> dict[str, str]:
    """Everything that can be read: the page with the figures inside it, the figures' file, the text."""
    report.save(folder / "r.html")
    report.save(folder / "r.json")
    page = (folder / "r.html").read_text(encoding="utf-8")
    inner = re.search(r"data:application/json;base64,([A-Za-z0-9+/=]+)", page)
    assert inner
    page = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    return {
        "page": html.unescape(page.replace(inner[1], "")) + base64.b64decode(inner[1]).decode(),
        "file": (folder / "r.json").read_text(encoding="utf-8"),
        "text": repr(report),
        "dict": json.dumps(report.to_dict(), ensure_ascii=False),
    }


def rare(real: pd.DataFrame, said: str) -> dict[str, str]:
    """column -> a value of one to four real rows that is said."""
    found = {}
    for name in real.columns:
        times = real[name].map(str).value_counts()
        for value in times[times < 5].index:
            written = json.dumps(value)[1:-1]
            whole = r"(?<![\w.])" + re.escape(written) + r"(?![\w.])"
            if value in said or (written in said and re.search(whole, said)):
                found[name] = value
    return found


@pytest.mark.parametrize("holdout", [True, False])
def test_no_value_of_few_real_rows_is_shown(holdout: bool, tmp_path: Path) -> None:
    real = table(0)
    report = evaluate(real, real, table(1) if holdout else None, quick=True, target="common")
    for where, text in said(report, tmp_path).items():
        assert rare(real, text) == {}, where
    first = report.to_dict()["examples"]["first"]
    shown = dict(zip(first["columns"], first["data"][0], strict=True))
    assert shown["common"] in ("yes", "no") and shown["few"] in ("1", "2", "3")
    assert {shown[name] for name in ("text", "mail", "key", "json", "code")} == {"…"}
    low, high = (float(end.replace(",", "")) for end in shown["number"].split(" to "))
    assert low <= real["number"][0] < high
    low, high = (pd.Timestamp(end) for end in shown["when"].split(" to "))
    assert low <= real["when"][0] < high
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "shows no value that fewer than five real rows have" in page and "may show values" not in page


def test_a_new_value_is_hidden_as_a_real_one_is() -> None:
    """Or whoever has the synthetic table could read off which of its values are real."""
    real, new = table(0), table(1)
    mixed = pd.concat([real[:4], new[:4]], ignore_index=True)
    for name in ("text", "key", "mail", "json", "code"):
        rows = evaluate(real, mixed, only=["privacy"], quick=True).to_dict()["examples"]["first"]
        assert {row[rows["columns"].index(name)] for row in rows["data"]} == {"…"}


def test_all_is_shown_on_request_and_the_page_says_so(tmp_path: Path) -> None:
    real = table(0)
    report = evaluate(real, real, quick=True, show_real=True)
    first = report.to_dict()["examples"]["first"]["data"][0]
    assert first == [str(value) for value in real.iloc[0]]
    assert report.to_dict()["texts"]["verbatim"][0]["real"] in set(real["text"])
    page = said(report, tmp_path)["page"]
    assert "share it only where the real table" in page and "can be\n  shared" not in page
    assert str(real["mail"][0]) in page
