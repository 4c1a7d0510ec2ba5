"""The figures of `python -m bench.synalign` as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.publish import mean
from bench.synalign.arms import GEN_SIZE, PICKS
from bench.synalign.judge import CLUSTERS

POOL = 1000  # real rows of the larger alignment
FAR = (
    "| set | arm | rows | calls | rejected | clusters hit % | misplaced % | MMD² x 1000 | aligned "
    "| aligned to pool |",
    "|---" * 10 + "|",
)
LEARNED = (
    "| set | arm | accuracy % | aligned | aligned to pool | with real rows | macro-F1 % | aligned |",
    "|---" * 8 + "|",
)
PICKED = (
    f"| set | {PICKS} rows of train | clusters hit % | accuracy of a classifier of them % |",
    "|---" * 4 + "|",
)
WAYS = {
    "mean": "explored: least mean variance",
    "largest": "explored: largest variance",
    "random": "random",
}
NOTE = f"""Means ± standard deviation over the seeds, which draw the real rows given (10 a class of sst2, 5
of banking77, 500 of sst2-500). Each arm: the same model, rows wanted, gen_size {GEN_SIZE} and most calls
(twice those that the rows need; synalign and attributes have their calls without records on top); few-shot
shows 5 random real rows of the class. Clusters: {CLUSTERS} by k-means of train; misplaced: the share of
rows that would have to move to another cluster for all shares to be those of train. MMD²: unbiased, to the
test rows, in the space of the embedder; "aligned" to the real rows given, "to pool" to {POOL:,} random rows
of train. Accuracy, macro-F1: on test, of a logistic regression on the embeddings of the synthetic rows."""

LIMITS = """**What a simulated model can show, and what not.** The model that writes here is
`tests/llm/corpus.py`: it draws rows of a hidden part of the same train set, prefers popular ones, drops,
replaces and mixes words, gives 5% of the texts a wrong label, names another class in 2%, ignores the prompt
in 5% and copies in 5%. So the figures show that the machinery works (prompts that are followed steer what
is written; what is not accepted is asked for again; weights undo a known preference; exploring can be
compared with random rows) and compare the arms for a model with exactly these habits. They do not show how
good a real model's rows are, nor which arm is best with one: here every text is nearly a real one of the
right domain, so that accuracy is flattered for all arms; a description is key words, so that attributes
lose no more than the habits say; and how far a description or demonstration moves the model is a constant
that was chosen. An arm's lead here is a reason to try it with a real model, not a result about it."""

Runs = list[dict[str, Any]]


def tables(
    results: dict[str, Any], sets: Sequence[str], arms: Sequence[str], seeds: Sequence[int], embedder: str
) -> str:
    """How the rows are distributed, what a classifier learns from them, and what was explored."""
    far, learned, picked, notes = list(FAR), list(LEARNED), list(PICKED), []
    for name in sets:
        known = f"{embedder}/{name}"
        found = {
            arm: [r for seed in seeds if (r := results["runs"].get(f"{known}/{arm}/{seed}"))]
            for arm in [*arms, "real"]
        }
        rows = [_arm(arm, found[arm]) for arm in arms if found[arm]]
        for key, title in (("few", "the real rows given"), ("real", "as many rows of train")):
            if found["real"]:
                rows.append(_real(title, [r[key] for r in found["real"]]))
        far += [f"| {name} | {title} | " + " | ".join(cells) + " |" for title, cells, _ in rows]
        learned += [f"| {name} | {title} | " + " | ".join(cells) + " |" for title, _, cells in rows]
        if ceiling := results["runs"].get(f"{known}/all"):
            cells = [f"{100 * ceiling['accuracy']:.1f}", "-", "-", "-", f"{100 * ceiling['f1']:.1f}", "-"]
            learned.append(f"| {name} | all of train | " + " | ".join(cells) + " |")
        picked += [f"| {name} | " + " | ".join(cells) + " |" for cells in _explored(found["real"])]
        for arm in arms:
            if failed := [text for r in found[arm] for text in r.get("not aligned", {}).values()]:
                notes.append(f"{name}, {arm}: {len(failed)} alignments were refused ({failed[0]})")
    return "\n\n".join([NOTE, *map("\n".join, (far, learned, picked)), *notes, LIMITS])


def _arm(arm: str, runs: Runs) -> tuple[str, list[str], list[str]]:
    """The title of an arm, its cells of FAR and those of LEARNED."""
    far = [_shown(runs, key, digits=0) for key in ("rows", "calls", "rejected")]
    far += [_shown(runs, key, scale=100) for key in ("coverage", "misplaced")]
    far += [_shown(runs, "mmd2", key, scale=1000) for key in ("before", "aligned", "aligned to pool")]
    ways = ("synthetic", "aligned", "aligned to pool", "with real")
    learned = [_shown(runs, "utility", way, "accuracy", scale=100) for way in ways]
    return arm, far, learned + [_shown(runs, "utility", way, "f1", scale=100) for way in ways[:2]]


def _real(title: str, runs: Runs) -> tuple[str, list[str], list[str]]:
    """The same of real rows, which nobody was asked for and which are not aligned."""
    far = [_shown(runs, "rows", digits=0), "-", "-"]
    far += [_shown(runs, key, scale=100) for key in ("coverage", "misplaced")]
    far += [_shown(runs, "mmd2", scale=1000), "-", "-"]
    learned = [_shown(runs, "utility", "accuracy", scale=100), "-", "-", "-"]
    return title, far, [*learned, _shown(runs, "utility", "f1", scale=100), "-"]


def _explored(runs: Runs) -> list[list[str]]:
    return [
        [
            title,
            _shown(runs, "picked", key, "coverage", scale=100),
            _shown(runs, "picked", key, "utility", "accuracy", scale=100),
        ]
        for key, title in WAYS.items()
        if runs
    ]


def _shown(runs: Runs, *path: str, scale: float = 1.0, digits: int = 1) -> str:
    """Mean and standard deviation of one figure over the seeds that have it."""
    values: list[float] = []
    for run in runs:
        found: Any = run
        for name in path:
            found = found.get(name, {})
        if isinstance(found, int | float):
            values.append(scale * found)
    return mean(values, digits) if values else "-"
