"""The figures of bench/results/tables.json on the pages that people read.

    python -m bench.tables.pages

writes them into bench/RESULTS.md, into the tables of README.md and docs/benchmarks/index.md, and into the
sentences of docs/comparison.md and docs/jobs/many-rows.md that name them. Run it after `python -m
bench.tables`: a test fails where a page says something else than the file. Of every set and method all seeds
count that the file has.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench import command
from bench.places import FIGURES, RESULTS, ROOT
from bench.publish import publish
from bench.tables.__main__ import NAME, TARGETS
from bench.tables.cells import kept
from bench.tables.markdown import HOLDOUT, OURS, PEER, tables
from bench.tables.peers import METHODS

SHOWN = {  # in README.md and docs/benchmarks/index.md
    "**lookalike**": OURS,
    "TabularARGN (MOSTLY AI)": PEER,
    "TVAE (SDV)": "tvae",
    "GaussianCopula (SDV)": "gaussiancopula",
    "other real rows": HOLDOUT,
    "TabularARGN": PEER,
    "SDV GaussianCopula": "gaussiancopula",
    "SDV TVAE": "tvae",
    "real holdout / real-trained": HOLDOUT,
}
PEERS = (PEER, "tvae", "gaussiancopula")
COUNTS = ("none", "one", "two", "three", "four", "all five")


class Figures:
    """Means over the seeds of tables.json."""

    def __init__(self, results: dict[str, Any]) -> None:
        self.results = results
        self.seeds = sorted({int(key.rsplit("/", 1)[1]) for key in results["runs"]})

    def of(self, name: str, method: str) -> list[dict[str, Any]]:
        """The scored runs of a method on a set."""
        found = (self.results["runs"].get(f"{name}/{method}/{seed}") for seed in self.seeds)
        return [one for one in found if one and "score" in one]

    def score(self, name: str, method: str, key: str) -> float:
        return float(np.mean([one["score"][key] for one in self.of(name, method)]))

    def seconds(self, name: str, method: str) -> float:
        """Of the fit."""
        return float(np.mean([one["fit_s"] for one in self.of(name, method)]))

    def speed(self, name: str, method: str) -> float:
        """Rows sampled a second."""
        return float(np.mean([one["rows"] / one["sample_s"] for one in self.of(name, method)]))

    def results_page(self) -> str:
        """What stands between the marks of bench/RESULTS.md."""
        text = tables(self.results, list(TARGETS), list(METHODS), self.seeds)
        return f"{self.results['machine']}; `{self.results['command']}`.\n\n{text}"


def readme(text: str, figures: Figures) -> str:
    """README.md with C2ST of every method, the best of each set bold."""
    methods = [OURS, *PEERS]
    best = {
        name: min(methods, key=lambda one: abs(figures.score(name, one, "c2st") - 0.5)) for name in TARGETS
    }

    def row(label: str) -> str:
        method = SHOWN[label]
        fits = [] if method == HOLDOUT else [figures.seconds(name, method) for name in TARGETS]
        cells = [f"{min(fits):.0f} to {max(fits):.0f}" if fits else "-"]
        for name in TARGETS:
            bold = "**" if best[name] == method else ""
            cells.append(f"{bold}{figures.score(name, method, 'c2st'):.3f}{bold}")
        return f"| {label} | {' | '.join(cells)} |"

    return _rows(text, 7, lambda cells: row(cells[0]) if cells[0] in SHOWN else None)


def benchmarks(text: str, figures: Figures) -> str:
    """docs/benchmarks/index.md with its table of five sets."""

    def row(cells: list[str]) -> str | None:
        name, label = cells[:2]
        if name not in TARGETS or label not in SHOWN:
            return None
        method = SHOWN[label]
        seconds = "-" if method == HOLDOUT else f"{figures.seconds(name, method):.0f}"
        shape, trend = (f"{100 * figures.score(name, method, key):.2f}" for key in ("shape", "trend"))
        digits = 1 if figures.of(name, method)[0]["score"]["mle_kind"] == "rmse" else 3
        mle = f"{figures.score(name, method, 'mle'):.{digits}f}"
        c2st = f"{figures.score(name, method, 'c2st'):.3f}"
        return f"| {' | '.join((name, label, seconds, shape, trend, c2st, mle))} |"

    return _rows(text, 7, row)


def comparison(text: str, figures: Figures) -> str:
    """docs/comparison.md: what is said of MOSTLY AI and SDV in figures."""
    times = [figures.seconds(name, OURS) / figures.seconds(name, PEER) for name in TARGETS]
    faster = [figures.speed(name, PEER) / figures.speed(name, OURS) for name in TARGETS]
    count = COUNTS[sum(one > 1 for one in faster)]
    ours, peer = _c2st(figures, OURS), _c2st(figures, PEER)
    share = f"{min(times):.0%} to {max(times):.0%}"
    for pattern, said in (
        (r"C2ST \S+ to \S+ against \S+ to [.\d]+\d", f"C2ST {ours} against {peer}"),
        (r"fitted in \d+% to \d+% of the time", f"fitted in {share} of the time"),
        (r"Faster sampling on [\w ]+ of our tables \(by up to \d+%\)",
         f"Faster sampling on {count} of our tables (by up to {max(max(faster) - 1, 0):.0%})"),
        (r"GaussianCopula \.\d+ to \S+, TVAE \.\d+ to [.\d]+\d",
         f"GaussianCopula {_c2st(figures, 'gaussiancopula')}, TVAE {_c2st(figures, 'tvae')}"),
    ):  # fmt: skip
        text = _said(text, pattern, said)
    return text


def many_rows(text: str, figures: Figures) -> str:
    """docs/jobs/many-rows.md: rows a second."""
    speeds = [figures.speed(name, OURS) for name in TARGETS]
    low, high = int(min(speeds) // 1000), int(max(speeds) // 1000)
    return _said(
        text, r"writes [\d,]+ to [\d,]+ rows a second", f"writes {low},000 to {high},000 rows a second"
    )


PAGES: dict[str, Callable[[str, Figures], str]] = {
    "README.md": readme,
    "docs/benchmarks/index.md": benchmarks,
    "docs/comparison.md": comparison,
    "docs/jobs/many-rows.md": many_rows,
}


def _rows(text: str, width: int, row: Callable[[list[str]], str | None]) -> str:
    """The text with rows of tables of that many cells written anew, where `row` has another."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(cells) == width:
            lines[number] = row(cells) or line
    return "\n".join(lines)


def _said(text: str, pattern: str, said: str) -> str:
    """The text with one phrase written anew; raises ValueError where the page has no such phrase."""
    new, count = re.subn(pattern.replace(" ", r"\s"), said, text)
    if count != 1:
        raise ValueError(f"{count} places for {said!r}")
    return new


def _c2st(figures: Figures, method: str) -> str:
    """From the least to the largest of all sets: ".49 to .58"."""
    found = [figures.score(name, method, "c2st") for name in TARGETS]
    return " to ".join(f"{one:.2f}".removeprefix("0") for one in (min(found), max(found)))


def main() -> None:
    command.parser(f"{NAME}.pages", __doc__).parse_args()
    figures = Figures(kept(FIGURES / "tables.json"))
    publish(figures.results_page(), RESULTS, NAME)
    for name, written in PAGES.items():
        path: Path = ROOT / name
        path.write_text(written(path.read_text(encoding="utf-8"), figures), encoding="utf-8")
        print(name)


if __name__ == "__main__":
    main()
