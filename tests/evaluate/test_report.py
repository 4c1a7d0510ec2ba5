"""The report: its JSON, its page, and tables that are hard to report on."""

import itertools
import json
import re
from html.parser import HTMLParser
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.errors import DataError, OptionError
from lookalike.evaluate import evaluate
from tests.evaluate.every_kind import NAUGHTY, table

pytestmark = pytest.mark.usefixtures("few_trees")


class Page(HTMLParser):
    """What a page is made of, and whether its tags close."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.count: dict[str, int] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        names = dict(attrs)
        self.ids += [names["id"]] if "id" in names else []
        self.links += [v for k, v in attrs if k in ("src", "href") and v]
        self.count[tag] = self.count.get(tag, 0) + 1
        if tag not in ("meta", "link", "input", "path", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def report():
    return evaluate(table(600, 0), table(600, 1), table(600, 2), target="x", quick=True)


def test_every_kind_of_column_is_reported(report):
    figures = report.to_dict()
    kinds = {name: detail["kind"] for name, detail in figures["columns"].items()}
    assert kinds["when"] == kinds["day"] == kinds["zone"] == "datetime"
    assert (kinds["text"], kinds["id"], kinds["x"], kinds["flag"]) == ("text", "id", "number", "category")
    for name, detail in figures["columns"].items():
        shape = detail["shape_error"]["value"]
        assert shape is None if name == "id" else shape < 0.25, name
    assert "ids" in figures["skipped"]
    assert figures["verdict"]["grade"] == "good"


def test_the_json_is_flat_and_plain(report, tmp_path):
    report.save(tmp_path / "report.json")
    figures = json.loads((tmp_path / "report.json").read_text())
    for key in (
        "shape_error",
        "pair_error",
        "c2st_auc",
        "c2st_auc_linear",
        "missing_error",
        "unseen",
        "out_of_range",
    ):
        assert {"value", "reference", "low", "high"} <= set(figures["fidelity"][key])
    assert {"value", "reference", "low", "high"} <= set(figures["privacy"]["exact_copies"])
    assert "NaN" not in (tmp_path / "report.json").read_text()
    assert json.loads(json.dumps(report.to_dict())) == report.to_dict()


def test_the_page_stands_alone(report, tmp_path):
    report.save(tmp_path / "report.html")
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = Page(html)
    assert not page.open
    assert {"verdict", "figures", "columns", "pairs", "examples", "notes"} <= set(page.ids)
    assert all(link.startswith(("data:", "#")) for link in page.links), "nothing is loaded from anywhere"
    assert "url(" not in html and "@import" not in html and "http" not in re.sub(r"<!doctype.*?>", "", html)
    assert NAUGHTY not in html
    assert page.count["script"] == 2  # the figures, and what folds on phones
    assert report.to_dict()["verdict"]["headline"] in html
    assert [f.name for f in tmp_path.iterdir()] == ["report.html"]


def test_the_page_shows_no_rare_real_value(tmp_path):
    real = table(600, 0).assign(secret=["common"] * 597 + ["rare-a", "rare-b", "rare-b"])
    real.loc[5, "x"] = 987654.25
    report = evaluate(real, table(600, 1).assign(secret="common"))
    report.save(tmp_path / "r.html")
    html = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "common" in html
    assert "rare-a" not in html and "rare-b" not in html
    assert not re.search(r"(?<![\d.])987", html)  # a figure of the report may have these digits further on


def test_a_compound_is_one_column() -> None:
    scores = [f"{i % 23}.5,{i % 19}.25" for i in range(100)]
    table = pd.DataFrame({"score": scores, "n": range(100)})
    report = evaluate(table, table)
    assert "of 2 columns" in repr(report) and report.to_dict()["tables"]["columns"] == 2
    assert {"score [1]", "score [2]"} <= report.to_dict()["columns"].keys()


def test_the_repr_is_a_short_table(report):
    lines = repr(report).splitlines()
    assert len(lines) < 45
    assert any(line.strip().startswith("C2ST AUC, gradient boosting") for line in lines)


def test_without_a_holdout_nothing_has_a_reference(tmp_path):
    report = evaluate(table(300, 0), table(200, 1), only=["fidelity"])
    figures = report.to_dict()
    assert figures["fidelity"]["shape_error"]["reference"] is None
    assert "reference" in figures["skipped"]
    assert figures["fidelity"]["shape_error"]["chance"] > 0.02
    report.save(tmp_path / "r.html")
    Page((tmp_path / "r.html").read_text(encoding="utf-8"))


def test_without_a_holdout_half_of_the_real_rows_are_the_reference(tmp_path):
    report = evaluate(table(500, 0), table(400, 1), only=["fidelity", "privacy"])
    figures = report.to_dict()
    assert figures["sizes"]["matched"] == {"real": 250, "synthetic": 250, "holdout": 250}
    assert figures["sizes"]["columns"] == {"real": 500, "synthetic": 400, "holdout": 250}
    shape = figures["fidelity"]["shape_error"]
    assert 0 < shape["reference"] < 0.15 and abs(shape["value"] - shape["reference"]) < 0.05
    assert "250 of the real rows were split off" in figures["skipped"]["reference"]
    assert figures["tables"]["rows"]["holdout"] is None
    assert figures["privacy"]["exact_copies"]["reference"] is None  # no honest one
    assert "membership_auc" not in figures["privacy"]
    assert "half of real" in repr(report)
    copied = evaluate(table(500, 0), table(500, 0), only=["fidelity", "privacy"]).to_dict()
    assert copied["privacy"]["exact_copies"]["value"] == 1, "among all real rows, not among half"
    assert copied["fidelity"]["shape_error"]["value"] == 0, "against all real rows, not half of them"


def test_the_rows_that_the_detector_is_surest_about_are_shown(tmp_path, monkeypatch):
    monkeypatch.undo()  # its detector has to learn
    real, held, made = (table(600, seed) for seed in (0, 1, 2))
    made.loc[::3, "x"] += 20
    report = evaluate(real, made, held, only=["fidelity"], show_real=True)
    told = report.to_dict()["examples"]["telltale"]
    place = told["columns"].index("x")
    assert all(float(row[place]) > 10 for row in told["data"])
    report.save(tmp_path / "r.html")
    assert 'id="telltale"' in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_what_depends_on_the_number_of_rows_sees_as_many_as_the_holdout_has():
    figures = evaluate(table(400, 0), table(900, 1), table(300, 2), only=["fidelity"]).to_dict()
    assert figures["sizes"]["matched"] == {"real": 400, "synthetic": 300, "holdout": 300}
    assert figures["sizes"]["columns"] == {"real": 400, "synthetic": 900, "holdout": 300}
    tiny = evaluate(table(400, 0), table(900, 1), table(9, 2), only=["fidelity"]).to_dict()
    assert tiny["sizes"]["columns"] == {"real": 400, "synthetic": 900}
    assert "9 rows" in tiny["skipped"]["reference"]


@pytest.mark.parametrize("name", ["x", NAUGHTY, "text", "constant", "empty", "id", "gaps"])
def test_one_column_is_enough(name, tmp_path):
    report = evaluate(*(table(100, seed)[[name]] for seed in (0, 1, 2)))
    assert repr(report)
    report.save(tmp_path / "r.html")


@pytest.mark.parametrize("rows", [2, 20])
def test_few_rows_are_reported_with_a_warning(rows, tmp_path):
    report = evaluate(table(rows, 0), table(rows, 1), table(rows, 2))
    assert report.to_dict()["verdict"]["headline"] == "There are too few rows to tell."
    assert report.to_dict()["warnings"]
    report.save(tmp_path / "r.html")


def test_hundreds_of_columns_stay_small(tmp_path):
    rng = np.random.default_rng(0)
    wide = [pd.DataFrame(rng.normal(size=(60, 200))).add_prefix("c") for _ in range(2)]
    report = evaluate(*wide, quick=True)
    assert "drawn" in report.to_dict()["skipped"]["pairs"]
    report.save(tmp_path / "r.html")
    assert (tmp_path / "r.html").stat().st_size < 3_000_000


@pytest.mark.parametrize("option", ["target", "text"])
@pytest.mark.parametrize("value", [["x"], {"x": 1}, 7, "income"])
def test_what_is_no_column_is_named(option, value):
    with pytest.raises(OptionError, match=rf"the {option} .*{re.escape(str(value))}.* is not a column"):
        evaluate(table(50, 0), table(50, 1), **{option: value})


def test_sections_and_seeds_that_make_no_sense_are_named():
    for options, sentence in (
        ({"only": []}, "no section"),
        ({"only": ["speed"]}, "no section 'speed'"),
        ({"seed": -1}, "seed -1"),
        ({"seed": "a"}, "seed 'a'"),
    ):
        with pytest.raises(OptionError, match=sentence):
            evaluate(table(50, 0), table(50, 1), **options)
    only = evaluate(table(60, 0), table(60, 1), only="privacy").to_dict()
    assert only["privacy"] and not only["fidelity"]


def test_what_was_compared_is_said_everywhere(tmp_path, monkeypatch):
    clock = itertools.count(100.0, 2.5)  # seconds a look
    stand_in = SimpleNamespace(perf_counter=lambda: next(clock))
    monkeypatch.setattr(import_module("lookalike.evaluate.measure"), "time", stand_in)
    names = {"real": "train.csv", "synthetic": "made.parquet"}
    report = evaluate(table(60, 0), table(50, 1), names=names, seed=3, only=["privacy"])
    about = report.to_dict()["about"]
    assert about["tables"] == {
        "real": {"name": "train.csv", "rows": 60, "columns": 16},
        "synthetic": {"name": "made.parquet", "rows": 50, "columns": 16},
    }
    assert about["lookalike"] == lookalike.__version__ and about["seed"] == 3
    assert about["seconds"] == 2.5
    assert abs(pd.Timestamp.now("UTC") - pd.Timestamp(about["date"])) < pd.Timedelta(1, "h")
    report.save(tmp_path / "r.html")
    report.save(tmp_path / "r.json")
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["about"] == about
    for text in (repr(report), (tmp_path / "r.html").read_text(encoding="utf-8")):
        for part in (
            "60 real",
            "train.csv",
            "made.parquet",
            about["date"][:10],
            lookalike.__version__,
            "seed 3",
        ):
            assert part in text, part
    plain = evaluate(table(60, 0), table(50, 1), only=["privacy"])
    assert plain.to_dict()["about"]["tables"]["synthetic"]["name"] == "synthetic"


def test_pairs_come_by_how_much_they_exceed_the_holdout(tmp_path):
    """The pair of many categories differs by chance alone, most of all; the pair of few is what is wrong."""

    def wide(seed: int) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        few = rng.integers(0, 2, 400)
        many = {name: rng.integers(0, 18, 400) for name in ("many", "more")}
        return pd.DataFrame({**many, "a": few, "b": few ^ (rng.random(400) < 0.1)})

    made = wide(1)
    made["b"] = made["b"].sample(frac=1, random_state=0).to_numpy()
    report = evaluate(wide(0), made, wide(2), only=["fidelity"], quick=True)
    pairs = report.to_dict()["pairs"]
    assert {pairs[0]["first"], pairs[0]["second"]} == {"a", "b"}
    largest = max(pairs, key=lambda pair: pair["error"])
    assert {largest["first"], largest["second"]} == {"many", "more"}
    excess = [pair["error"] - pair["reference"] for pair in pairs]
    assert excess == sorted(excess, reverse=True)
    report.save(tmp_path / "r.html")
    html = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert all(float(width) <= 100 for width in re.findall(r'class="bar" style="width:([\d.]+)%', html))


def test_an_unknown_suffix_is_named(report, tmp_path):
    with pytest.raises(OptionError, match=r"report\.pdf"):
        report.save(tmp_path / "report.pdf")
    with pytest.raises(DataError, match="cannot be written"):
        report.save(tmp_path / "nowhere" / "report.html")


@pytest.mark.parametrize(
    "wrong", [{"ids": 5}, {"ids": "a"}, {"only": 5}, {"names": 3}, {"quick": "yes"}, {"show_real": 1}]
)
def test_wrong_options_are_one_sentence(wrong: dict[str, Any]) -> None:
    table = pd.DataFrame({"a": range(40), "b": list("abcd") * 10})
    with pytest.raises(OptionError, match=f"{next(iter(wrong))} is "):
        evaluate(table, table, **wrong)


def test_what_a_report_cannot_use_is_one_sentence() -> None:
    table = pd.DataFrame({"a": range(40), "b": list("abcd") * 10})
    report = evaluate(table, table, only="privacy", quick=True)
    with pytest.raises(OptionError, match="path is 5"):
        report.save(5)  # type: ignore[arg-type]
    for limits in (5, None, {"c2st": 0.6}, "copies=nan"):
        with pytest.raises(OptionError, match=r"the limits is|is not a figure"):
            report.failures(limits)  # type: ignore[arg-type]
