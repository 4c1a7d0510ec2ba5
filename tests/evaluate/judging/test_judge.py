"""A judge, asked over HTTP: one that knows the truth, one that does not, texts and tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import lookalike
from lookalike.errors import BudgetError, DataError, LLMError, OptionError
from lookalike.evaluate.judging.judge import Judging
from lookalike.llm import LLM, Budget
from tests.paths import EXAMPLES

Halves = tuple[pd.DataFrame, pd.DataFrame]
Judges = Callable[..., Any]


def spoilt(table: pd.DataFrame) -> pd.DataFrame:
    """Every second word of the texts."""
    return table.assign(text=[" ".join(text.split()[::2]) for text in table.text])


def test_real_rows_are_as_good_as_real_ones_and_spoilt_ones_are_not(
    halves: Halves, judged_by: Judges, tmp_path: Path
) -> None:
    real, other = halves
    tables = {"good": other, "bad": spoilt(other), "half": pd.concat([other[:50], spoilt(other[50:])])}
    judged = lookalike.judge(
        tables, real, llm=judged_by(), label="category", pairs=60, ratings=15, progress=False
    )
    found = judged.figures
    assert judged.usable and found.controls.value == 1.0 and set(found.kinds) == {"shuffled", "label"}
    good, bad, half = (found.tables[name] for name in ("good", "bad", "half"))
    assert (good.preferred.value, bad.preferred.value) == (0.5, 0.0)
    assert good.elo.value == pytest.approx(1000, abs=5)
    assert bad.elo.value is None and any("'bad' loses every vote" in note for note in found.notes)
    assert half.elo.value is not None and half.elo.high is not None and half.elo.high < 1000
    assert half.preferred.value == pytest.approx(0.25, abs=0.1)
    assert found.consistency.value == 1.0 and found.first.value == 0.5
    assert found.real["natural"].value == good.scores["natural"].value == 5.0
    assert bad.scores["natural"].value == 1.0 and bad.scores["natural"].reference == 5.0
    saved = json.dumps(judged.to_dict()) + repr(judged)
    for name in ("j.html", "j.json"):
        judged.save(tmp_path / name)
        saved += (tmp_path / name).read_text(encoding="utf-8")
    assert not any(text in saved for text in [*real.text, *other.text] if len(text) > 20)


def test_a_judge_that_prefers_the_first_place_is_unusable(halves: Halves, judged_by: Judges) -> None:
    real, other = halves
    judged = lookalike.judge({"a": other}, real, llm=judged_by("first"), pairs=30, ratings=0, progress=False)
    found = judged.figures
    assert not judged.usable and found.controls.value == 0.5
    assert found.tables["a"].preferred.value == 0.5 and found.tables["a"].ties == 1.0
    assert found.consistency.value == 0.0 and found.first.value == 1.0
    assert "unusable" in repr(judged) and "unusable" in judged._repr_html_()
    report = lookalike.evaluate(real, other, judge=judged, only="fidelity", quick=True)
    assert "judged" not in report.to_dict()["fidelity"]  # its figures mean nothing
    assert any("unusable" in warning for warning in report.to_dict()["warnings"])


def test_numbers_and_categories_are_judged_as_texts_are(judged_by: Judges, tmp_path: Path) -> None:
    names = ["age", "workclass", "education", "occupation", "hours-per-week"]
    adult = pd.read_csv(EXAMPLES / "adult.csv.gz", nrows=260)[[*names, "income"]]
    adult.to_csv(tmp_path / "known.csv", index=False)
    real, good = adult[:130], adult[130:]
    bad = good.assign(age=good.age + 1000, occupation="Wizard")
    judged = lookalike.judge(
        {"good": good, "bad": bad},
        real,
        llm=judged_by(known=tmp_path / "known.csv"),
        label="income",
        pairs=40,
        ratings=10,
        progress=False,
    )
    assert judged.usable and set(judged.figures.kinds) == {"moved"}
    assert judged.figures.tables["bad"].preferred.value == 0.0
    assert judged.figures.tables["good"].preferred.value == 0.5


def test_a_second_time_nothing_is_asked_and_a_budget_stops(
    halves: Halves, judged_by: Judges, tmp_path: Path
) -> None:
    real, other = halves
    llm = judged_by("knows", "--fault", "500=0.1", ledger=tmp_path / "l.sqlite", budget=Budget(max_calls=60))
    options: dict[str, Any] = {"pairs": 40, "ratings": 0, "seed": 3}
    planned = Judging.of({"a": other}, real, llm, **options)
    assert planned.estimate().calls == len(planned.requests) == 2 * (40 + 10)
    judged = planned.ask(progress=False)
    assert any("max_calls" in note for note in judged.figures.notes)
    assert 0 < judged.figures.tables["a"].pairs < 40
    more = LLM("judge", llm.url, progress=False, ledger=tmp_path / "l.sqlite")
    rest = lookalike.judge({"a": other}, real, llm=more, progress=False, **options)
    assert rest.figures.tables["a"].pairs == 40
    assert llm.server.stats()["answered_again"] == 0
    again = lookalike.judge({"a": other}, real, llm=more, progress=False, **options)
    assert again.figures == rest.figures
    with pytest.raises(BudgetError, match="max_calls"):
        few = LLM("judge", llm.url, progress=False, budget=Budget(max_calls=5))
        lookalike.judge({"a": other}, real, llm=few, progress=False, **options)


def test_a_judge_without_a_verdict_is_said(halves: Halves, judged_by: Judges) -> None:
    with pytest.raises(LLMError, match="writes JSON better"):
        lookalike.judge({"a": halves[1]}, halves[0], llm=judged_by("chatters"), pairs=2, progress=False)


def test_people_calibrate_the_judge(halves: Halves, judged_by: Judges) -> None:
    real, other = halves
    mixed = pd.concat([other[:50], spoilt(other[50:])])
    llm = judged_by()
    options: dict[str, Any] = {"pairs": 80, "ratings": 0, "progress": False}
    first = lookalike.judge({"a": mixed}, real, llm=llm, **options)
    verdict = {line["pair"]: line["preferred"] for line in first.verdicts()}
    told = first.pairs.head(30)
    people = [{"one": "real", "other": "synthetic", "tie": "tie"}[verdict[key]] for key in told["pair"]]
    at = people.index("real")
    people[at] = "synthetic"  # people differ once
    human = told.assign(preferred=[*people[:-1], None])
    found = lookalike.judge({"a": mixed}, real, llm=llm, human=human, **options).figures
    one = found.tables["a"]
    assert found.answered == one.answers == 29
    assert found.agreement is not None and found.agreement.value == pytest.approx(28 / 29)
    assert found.kappa is not None and 0.7 < (found.kappa.value or 0) < 1
    assert one.people is not None and one.alone is not None and one.trust is not None
    assert one.people.low is not None and one.people.high is not None
    assert one.trust > 0.4 and one.people.high - one.people.low < one.alone[1] - one.alone[0]
    for wrong, said in (
        (human.drop(columns="pair"), "no column 'pair'"),
        (human.assign(preferred="a"), "people prefer 'a'"),
        (human.assign(pair="p0"), "none of the answers of people is on a pair"),
    ):
        with pytest.raises(DataError, match=said):
            lookalike.judge({"a": mixed}, real, llm=llm, human=wrong, **options)


def test_a_judge_in_its_own_case_and_too_few_rows_are_said(halves: Halves, judged_by: Judges) -> None:
    real, other = halves
    planned = Judging.of(
        {"a": other[:7], "b": other}, real, judged_by(), pairs=20, writers={"b": "judge", "a": "x"}
    )
    assert any("'judge' judges what it wrote itself (b)" in note for note in planned.notes)
    assert any("7 of 'a'" in note for note in planned.notes)
    assert planned.margin == pytest.approx(98 / 7**0.5)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tables": pd.DataFrame({"text": ["a"]})}, "not a dict of tables"),
        ({"tables": {}}, "not a dict of tables"),
        ({"tables": {"real": pd.DataFrame({"text": ["a"]})}}, "give it another name"),
        ({"llm": "http://x"}, "give a lookalike.llm.LLM"),
        ({"pairs": 0}, "pairs"),
        ({"label": "none"}, "'none' is not a column"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], said: str) -> None:
    pytest.importorskip("aiohttp")
    table = pd.DataFrame({"text": ["a b c", "d e f"]})
    given = {"tables": {"a": table}, "real": table, "llm": LLM("m", "http://127.0.0.1:9/v1")} | options
    with pytest.raises(OptionError, match=said):
        lookalike.judge(**given)


def test_a_report_asks_the_judge_that_it_is_given(halves: Halves, judged_by: Judges, tmp_path: Path) -> None:
    real, other = halves
    report = lookalike.evaluate(
        real, other, target="category", judge=judged_by(), only=("fidelity",), quick=True
    )
    assert report.to_dict()["fidelity"]["judged"]["value"] == 0.5
    assert report.to_dict()["judge"]["usable"] and "judge: preferred to real" in repr(report)
    report.save(tmp_path / "r.html")
    assert "What a judge says" in (tmp_path / "r.html").read_text(encoding="utf-8")
    with pytest.raises(OptionError, match="judge is 'm'"):
        lookalike.evaluate(real, other, judge="m")
