"""The pages say what the recorded figures say."""

import json
import re

import pytest

from bench.places import FIGURES, RESULTS, ROOT
from bench.publish import marks
from bench.tables.__main__ import NAME, TARGETS
from bench.tables.cells import kept
from bench.tables.markdown import OURS, PEER
from bench.tables.pages import PAGES, Figures

FOUND = Figures(kept(FIGURES / "tables.json"))
TOLD = "disagrees with bench/results/tables.json: python -m bench.tables.pages"


@pytest.mark.parametrize("name", PAGES)
def test_figures_of_a_page_are_those_recorded(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert PAGES[name](text, FOUND) == text, f"{name} {TOLD}"


def test_figures_of_the_results_are_those_recorded() -> None:
    begin, end = marks(NAME)
    text = RESULTS.read_text(encoding="utf-8").partition(begin)[2].partition(end)[0]
    assert text == f"\n{FOUND.results_page()}\n", f"bench/RESULTS.md {TOLD}"


def test_what_the_comparison_says_in_words_is_so() -> None:
    for name in TARGETS:
        ours, peer = ({key: FOUND.score(name, one, key) for key in ("c2st", "mle")} for one in (OURS, PEER))
        assert abs(ours["c2st"] - 0.5) < abs(peer["c2st"] - 0.5), "harder to detect on all five tables"
        sign = 1 if FOUND.of(name, OURS)[0]["score"]["mle_kind"] == "auc" else -1
        better = sign * (ours["mle"] - peer["mle"])
        assert better > -0.001, "values of utility are better, or less than .001 below"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_follows_other_figures(name: str) -> None:
    runs = json.loads(json.dumps(FOUND.results))
    for entry in runs["runs"].values():
        entry["score"] |= {"c2st": 0.7, "shape": 0.5}
        entry["fit_s"], entry["sample_s"] = 1000.0, entry.get("rows", 1) / 3000
    text = (ROOT / name).read_text(encoding="utf-8")
    other = PAGES[name](text, Figures(runs))
    assert re.search(r"0\.700|\.70 to \.70|3,000 to 3,000", other)
    assert other.count("\n") == text.count("\n")


def test_a_phrase_that_is_gone_is_said() -> None:
    with pytest.raises(ValueError, match="0 places for 'writes "):
        PAGES["docs/jobs/many-rows.md"]("Nothing.", FOUND)


def test_the_rate_is_that_of_the_ablation() -> None:
    found = json.loads((FIGURES / "ablation.json").read_text(encoding="utf-8"))
    (said,) = re.findall(r"On Adult, C2ST is (.*?) \(", (ROOT / "docs/concepts/rate.md").read_text("utf-8"))
    pairs = re.findall(r"(\.\d+) at (\d+)", said)
    assert len(pairs) == 4
    for c2st, nats in pairs:
        assert f"{found[f'{nats}/0']['diffusion']:.3f}" == f"0{c2st}"
