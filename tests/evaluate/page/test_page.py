"""The report in a real browser: headless Chromium, Debian's package."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lookalike.evaluate import Report, evaluate
from tests.paths import EXAMPLES

pytestmark = pytest.mark.usefixtures("few_trees")

NAMES = ("chromium", "chromium-browser", "google-chrome")
SECTIONS = [
    "verdict",
    "figures",
    "overview",
    "models",
    "attacks",
    "giveaways",
    "columns",
    "pairs",
    "heat",
    "beside",
    "limits",
    "examples",
    "notes",
]


@pytest.fixture(scope="module")
def browser() -> str:
    """The path of Chromium; where there is none, the test is skipped."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("Chromium is not installed: `make browser` installs it")
    return found


def opened(browser: str, page: Path, dark: bool = False, wide: int = 1280) -> tuple[str, str]:
    """(the document after its scripts have run, what the console said); a screenshot lies beside the page."""
    command = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--hide-scrollbars", "--enable-logging=stderr", f"--user-data-dir={page.parent / 'profile'}",
        f"--window-size={wide},2400", f"--screenshot={page.with_suffix('.png')}", "--dump-dom",
        "--virtual-time-budget=3000", *(["--blink-settings=preferredColorScheme=0"] if dark else []),
        page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, "\n".join(console)


@pytest.fixture(scope="module")
def report() -> Report:
    real, held = (
        pd.read_csv(EXAMPLES / name).sample(1200, random_state=1)
        for name in ("adult.csv.gz", "adult-test.csv.gz")
    )
    synthetic = held[600:].assign(age=lambda t: t["age"] + 3)
    return evaluate(real, synthetic, held[:600], target="income", quick=True)


@pytest.mark.parametrize("dark", [False, True])
def test_every_section_is_there_and_the_console_is_silent(
    browser: str, report: Report, tmp_path: Path, dark: bool
) -> None:
    page = tmp_path / "report.html"
    report.save(page)
    assert page.stat().st_size < 3_000_000
    assert not re.search(r'(src|href)="(?!data:|#)', page.read_text())  # it needs nothing from elsewhere
    document, console = opened(browser, page, dark)
    assert console == ""
    for section in SECTIONS:
        assert f'id="{section}"' in document, section
    assert page.with_suffix(".png").stat().st_size > 50_000


@pytest.mark.parametrize("columns", [5, 120])
def test_few_and_many_columns_are_readable(browser: str, tmp_path: Path, columns: int) -> None:
    rng = np.random.default_rng(0)
    one, two = (
        pd.DataFrame(
            {f"c{i}": rng.normal(size=120) if i % 3 else rng.integers(0, 4, 120) for i in range(columns)}
        )
        for _ in range(2)
    )
    page = tmp_path / "wide.html"
    evaluate(one, two, quick=True).save(page)
    assert page.stat().st_size < 3_000_000
    document, console = opened(browser, page)
    assert console == "" and document.count("card column") == columns


PHONE = """<body style="margin:0"><iframe src="{}" width="400" height="8000"></iframe><script>
onload = function () {{
  var page = document.querySelector("iframe").contentDocument, root = page.documentElement;
  var out = [...page.querySelectorAll("svg text")].filter(function (one) {{
    return one.getBBox().x < -1;
  }}).length;
  document.title = [root.scrollWidth, page.querySelector("main").offsetHeight, out,
    page.querySelectorAll(".folded").length].join(" ");
}};
</script></body>"""


def test_on_a_phone_nothing_is_cut_and_the_page_is_short(
    browser: str, report: Report, tmp_path: Path
) -> None:
    report.save(tmp_path / "report.html")
    frame = tmp_path / "phone.html"
    frame.write_text(PHONE.format("report.html"))
    command = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
        "--allow-file-access-from-files", f"--user-data-dir={tmp_path / 'profile'}",
        "--virtual-time-budget=3000", "--dump-dom", frame.as_uri(),
    ]  # fmt: skip
    document = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    found = re.search(r"<title>(\d+) (\d+) (\d+) (\d+)</title>", document)
    assert found is not None
    width, height, outside, folded = map(int, found.groups())
    assert width <= 400 and outside == 0
    assert height < 7000 and folded > 6


def test_long_names_are_whole_or_lose_their_middle() -> None:
    from lookalike.evaluate.page.drawings import _name

    assert _name("HS-grad", 100) == {"label": "HS-grad", "whole": "HS-grad", "squeezed": None}
    assert _name("Married-spouse-absent", 100)["label"] == "Married-spouse-absent"
    assert _name("Married-spouse-absent", 100)["squeezed"] == 100
    long = _name("the first of many words, and the last of them", 100)
    assert long["label"] == "the first of ma…the last of them" and len(long["label"]) == 32


def test_what_was_curated_is_told(report: Report, tmp_path: Path) -> None:
    from lookalike.decisions import Decisions

    page = tmp_path / "report.html"
    report.save(page)
    assert 'id="curated"' not in page.read_text()
    report.decisions = Decisions.of([{"row": 2, "check": "near", "action": "drop", "reason": "a copy"}], 9)
    try:
        report.save(page)
    finally:
        report.decisions = None
    text = page.read_text()
    assert "1 of 9 rows were dropped" in text and "<td>near</td><td>drop</td>" in text
