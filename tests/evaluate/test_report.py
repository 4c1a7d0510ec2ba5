"""The report: its JSON, its page, and tables that are hard to report on."""

import itertools
import json
import re
from html.parser import HTMLParser
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import lookalike
from lookalike.errors import DataError, OptionError
from lookalike.evaluate import evaluate

NAUGHTY = "<script>alert(1)</script>"


def table(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    words = np.array(["red", "Green", "blue7", "émoji 🎈"])
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), unit="D")
    out = pd.DataFrame(
        {
            "x": rng.normal(size=rows),
            "whole": rng.integers(0, 100, rows),
            NAUGHTY: rng.choice([NAUGHTY, "b", "c"], rows),
            "flag": rng.random(rows) < 0.3,
            "when": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 10**6, rows), unit="s"),
            "day": days.strftime("%Y-%m-%d"),
            "zone": pd.to_datetime(rng.integers(0, 10**9, rows), unit="s", utc=True).tz_convert(
                "Europe/Berlin"
            ),
            "text": [
                " ".join(rng.choice(words, rng.integers(1, 6))) + str(rng.integers(10**6))
                for _ in range(rows)
            ],
            "constant": 1,
            "empty": None,
            "gaps": np.where(rng.random(rows) < 0.2, np.nan, rng.normal(size=rows)),
            "infinite": np.where(rng.random(rows) < 0.1, np.inf, rng.normal(size=rows)),
            "huge": rng.integers(2**60, 2**62, rows),
            "nullable": pd.array(rng.integers(0, 9, rows), dtype="Int64"),
            "ordered": pd.Categorical(rng.choice(["lo", "hi"], rows), ["lo", "hi"], ordered=True),
            "id": np.arange(rows) + seed * 10**6,
        }
    )
    for name in ("when", "text", "nullable"):
        out.loc[rng.random(rows) < 0.1, name] = None
    return out


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
    return evaluate(table(600, 0), table(600, 1), table(600, 2), target="x")


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
    assert all(link.startswith("data:") for link in page.links), "nothing is loaded from anywhere"
    assert "url(" not in html and "@import" not in html and "http" not in re.sub(r"<!doctype.*?>", "", html)
    assert NAUGHTY not in html
    assert page.count["script"] == 1
    assert report.to_dict()["verdict"]["headline"] in html
    assert [f.name for f in tmp_path.iterdir()] == ["report.html"]


def test_the_page_shows_no_rare_real_value(tmp_path):
    real = table(600, 0).assign(secret=["common"] * 597 + ["rare-a", "rare-b", "rare-b"])
    real.loc[5, "x"] = 987654.25
    report = evaluate(real, table(600, 1).assign(secret="common"))
    report.save(tmp_path / "r.html")
    html = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "common" in html
    assert "rare-a" not in html and "rare-b" not in html and "987" not in html


def test_the_repr_is_a_short_table(report):
    lines = repr(report).splitlines()
    assert len(lines) < 45
    assert any(line.strip().startswith("C2ST AUC, gradient boosting") for line in lines)


def test_without_a_holdout_nothing_has_a_reference(tmp_path):
    report = evaluate(table(300, 0), table(200, 1))
    figures = report.to_dict()
    assert figures["fidelity"]["shape_error"]["reference"] is None
    assert "reference" in figures["skipped"]
    assert figures["fidelity"]["shape_error"]["chance"] > 0.02
    report.save(tmp_path / "r.html")
    Page((tmp_path / "r.html").read_text(encoding="utf-8"))


def test_without_a_holdout_half_of_the_real_rows_are_the_reference(tmp_path):
    report = evaluate(table(500, 0), table(400, 1))
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
    copied = evaluate(table(500, 0), table(500, 0)).to_dict()
    assert copied["privacy"]["exact_copies"]["value"] == 1, "among all real rows, not among half"
    assert copied["fidelity"]["shape_error"]["value"] == 0, "against all real rows, not half of them"


def test_the_rows_that_the_detector_is_surest_about_are_shown(tmp_path):
    real, held, made = (table(600, seed) for seed in (0, 1, 2))
    made.loc[::3, "x"] += 20
    report = evaluate(real, made, held, show_real=True)
    told = report.to_dict()["examples"]["telltale"]
    place = told["columns"].index("x")
    assert all(float(row[place]) > 10 for row in told["data"])
    report.save(tmp_path / "r.html")
    assert 'id="telltale"' in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_what_depends_on_the_number_of_rows_sees_as_many_as_the_holdout_has():
    figures = evaluate(table(400, 0), table(900, 1), table(300, 2)).to_dict()
    assert figures["sizes"]["matched"] == {"real": 400, "synthetic": 300, "holdout": 300}
    assert figures["sizes"]["columns"] == {"real": 400, "synthetic": 900, "holdout": 300}
    tiny = evaluate(table(400, 0), table(900, 1), table(9, 2)).to_dict()
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
    wide = [pd.DataFrame(rng.normal(size=(60, 300))).add_prefix("c") for _ in range(2)]
    report = evaluate(*wide)
    assert "drawn" in report.to_dict()["skipped"]["pairs"]
    report.save(tmp_path / "r.html")
    assert (tmp_path / "r.html").stat().st_size < 3_000_000


def test_other_dtypes_with_the_same_values_are_the_same_table():
    real = table(300, 0).drop(columns="empty")
    figures = evaluate(real, real.convert_dtypes(dtype_backend="pyarrow")).to_dict()
    assert figures["fidelity"]["shape_error"]["value"] == 0
    assert figures["privacy"]["exact_copies"]["value"] == 1
    assert any("int64[pyarrow]" in warning for warning in figures["warnings"])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.drop(columns="x"), "synthetic table has no column 'x'"),
        (lambda t: t.assign(more=1), "synthetic table .* 'more'"),
        (lambda t: t.head(0), "synthetic table has no rows"),
        (lambda t: t[[]], "synthetic table has no columns"),
        (lambda t: t.assign(x="foo"), "'x' holds numbers .* 'foo' in the synthetic"),
        (lambda t: t.assign(day="32.13.2020"), "'day' holds dates .* '32.13.2020' in the synthetic"),
        (lambda t: pd.concat([t, t[["x"]]], axis=1), "two columns named 'x'"),
        (lambda t: "made.csv", r"synthetic table is the name 'made.csv': .*read_table\('made.csv'\)"),
        (lambda t: {"x": [1]}, "synthetic table is a dict: give a pandas DataFrame"),
        (lambda t: t["x"], "synthetic table is a Series"),
        (lambda t: None, "synthetic table is None"),
    ],
)
def test_tables_that_do_not_fit_are_named(change, sentence):
    with pytest.raises(DataError, match=sentence) as error:
        evaluate(table(100, 0), change(table(100, 1)))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("real", "sentence"), [("a.csv", "real table is the name"), (table(1, 0), "only one")]
)
def test_a_real_table_that_is_none_is_named(real, sentence):
    with pytest.raises(DataError, match=sentence):
        evaluate(real, table(100, 1))


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


def test_a_few_values_that_cannot_be_read_count_as_out_of_range(tmp_path):
    made = table(300, 1).astype({"x": object, "when": object})
    made.loc[7, ["day", "when", "x"]] = ["32.13.2020", "rubbish", "many"]
    held = table(300, 2).astype({"x": object})
    held.loc[3, "x"] = "real secret"
    report = evaluate(table(300, 0), made, held, quick=True)
    figures = report.to_dict()
    for name, bad in (("day", "32.13.2020"), ("when", "rubbish"), ("x", "many")):
        told = [text for text in figures["warnings"] if f"'{name}': 1 of" in text and "synthetic" in text]
        assert len(told) == 1 and bad in told[0]
        strange = figures["columns"][name]["strange"]["synthetic"]
        missing = figures["columns"][name]["missing"]["synthetic"]
        assert strange >= 1 / 300 and missing == table(300, 1)[name].isna().sum() / 300 - (name == "when") * (
            pd.isna(table(300, 1)["when"][7]) / 300
        )
    report.save(tmp_path / "r.html")
    assert "real secret" not in (tmp_path / "r.html").read_text(encoding="utf-8") + repr(report)


def test_moments_and_spans_written_as_text_are_read():
    real = table(300, 0)[["zone", "when"]].assign(
        span=pd.to_timedelta(np.random.default_rng(0).integers(0, 10**6, 300), unit="s")
    )
    texts = real.astype(str).where(real.notna(), None)
    assert texts["zone"].str[-6:].nunique() == 2, "summer time and winter time"
    figures = evaluate(real, texts, only=["fidelity"], quick=True).to_dict()
    for name in real:
        assert figures["columns"][name]["shape_error"]["value"] == 0, name
        assert figures["columns"][name]["strange"]["synthetic"] == 0, name


def test_column_names_of_several_levels_are_named():
    real = pd.concat({"top": table(60, 0)}, axis=1)
    with pytest.raises(DataError, match="the real table has column names of several levels"):
        evaluate(real, real)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("gap", [None, np.nan, pd.NA])
@pytest.mark.parametrize("name", ["x", "day", "when", "zone", NAUGHTY, "text", "nullable", "flag"])
def test_a_column_without_values_is_reported(name, gap, tmp_path):
    report = evaluate(
        table(120, 0), table(120, 1).assign(**{name: gap}), table(120, 2), target="flag", quick=True
    )
    figures = report.to_dict()
    assert f"column '{name}' has no values in the synthetic table" in figures["warnings"]
    assert figures["columns"][name]["shape_error"]["value"] == 1
    assert figures["columns"][name]["missing"]["synthetic"] == 1
    report.save(tmp_path / "r.html")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [1.7e308, 1e160, 1e-320])
def test_huge_and_tiny_numbers_are_compared(size, tmp_path):
    def scaled(seed: int) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        x = rng.uniform(-1, 1, 300)
        return pd.DataFrame(
            {"big": x * size, "plain": x + rng.normal(size=300) / 2, "c": rng.choice(["a", "b"], 300)}
        )

    report = evaluate(scaled(0), scaled(1), scaled(2), target="big", quick=True)
    figures = report.to_dict()
    assert figures["columns"]["big"]["shape_error"]["value"] < 0.15
    (pair,) = (p for p in figures["pairs"] if {p["first"], p["second"]} == {"big", "plain"})
    assert pair["real"] == pytest.approx(0.75, abs=0.1) and pair["error"] < 0.05
    assert size < 1 or 0.3 < figures["utility"]["trtr"]["value"] < 0.8
    report.save(tmp_path / "r.html")
    assert "inf" not in figures["columns"]["big"]["histogram"]["labels"]


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


def test_dtypes_that_hold_the_same_values_are_coerced_and_the_others_named():
    real = table(300, 0)
    as_text = table(300, 1).assign(
        whole=lambda t: t["whole"].astype(str), x=lambda t: t["x"].astype("float32")
    )
    figures = evaluate(real, as_text).to_dict()
    assert any("'whole' is" in w for w in figures["warnings"]), figures["warnings"]
    assert figures["columns"]["whole"]["shape_error"]["value"] < 0.2
    with pytest.raises(DataError, match=r"'whole' holds numbers .* 'many'"):
        evaluate(real, table(300, 1).assign(whole="many"))


def test_an_unknown_suffix_is_named(report, tmp_path):
    with pytest.raises(OptionError, match=r"report\.pdf"):
        report.save(tmp_path / "report.pdf")
    with pytest.raises(DataError, match="cannot be written"):
        report.save(tmp_path / "nowhere" / "report.html")


def test_columns_of_ids_that_are_named() -> None:
    real, other = table(300, 0), table(300, 1)
    figures = evaluate(real, other, ids=["whole", "text"], only=["fidelity"], quick=True).to_dict()
    assert figures["columns"]["whole"]["kind"] == figures["columns"]["text"]["kind"] == "id"
    assert "whole, text" in figures["skipped"]["ids"]
    with pytest.raises(OptionError, match="'planet' is not a column"):
        evaluate(real, other, ids=["planet"])
    with pytest.raises(OptionError, match="the target 'whole' is a column of ids"):
        evaluate(real, other, ids=["whole"], target="whole")
