"""The figures of `python -m bench.records` as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from bench.publish import mean
from bench.records.ablation import PLAIN, RATES, TABLE, TEXT, VARIANTS
from bench.records.sets import SETS

WIDTH = 220  # letters of a row that are shown
Runs = list[dict[str, Any]]
NAMES = {
    "lookalike": "lookalike",
    "valid only": "lookalike, valid only",
    "schema given": "lookalike, schema given",
    "no latent": "no latent",
    "n-gram": "n-gram",
    "tabularargn": "TabularARGN",
    "test rows": "real",
}
# title, figure, scale, digits, whether more is better (None: neither)
Column = tuple[str, str, float, int, bool | None]
ALL: dict[str, tuple[Column, ...]] = {
    "text": (
        ("accuracy %", "accuracy", 100, 1, True), ("F1 %", "f1", 100, 1, True), ("C2ST", "c2st", 1, 3, False),
        ("mauve", "mauve", 1, 3, True), ("JS 1", "js_1", 1, 3, False), ("JS 2", "js_2", 1, 3, False),
        ("distinct-2", "distinct_2", 1, 3, None), ("self-BLEU", "self_bleu", 1, 3, None),
        ("length error", "length_error", 1, 3, False), ("copied %", "copied", 100, 1, None),
        ("spans copied %", "spans", 100, 1, None), ("fit s", "fit_s", 1, 0, None),
        ("sample s", "sample_s", 1, 0, None),
    ),
    "code": (
        ("accepted %", "accepted", 100, 1, None), ("parses %", "parses", 100, 1, True),
        ("runs %", "runs", 100, 1, True),
        ("functions %", "functions", 100, 1, True), ("matched %", "matched", 100, 1, True),
        ("C2ST", "c2st", 1, 3, False), ("JS 1", "js_1", 1, 3, False), ("JS 2", "js_2", 1, 3, False),
        ("length error", "length_error", 1, 3, False), ("copied %", "copied", 100, 1, None),
        ("spans copied %", "spans", 100, 1, None), ("fit s", "fit_s", 1, 0, None),
        ("sample s", "sample_s", 1, 0, None),
    ),
    "tools": (
        ("valid, inferred %", "valid_inferred", 100, 1, True),
        ("valid, given %", "valid_given", 100, 1, True),
        ("calls fit %", "calls_fit", 100, 1, True), ("tools covered %", "names", 100, 1, True),
        ("arguments covered %", "arguments", 100, 1, True), ("new tools %", "new", 100, 1, None),
        ("duplicates %", "duplicates", 100, 1, None), ("copied %", "copied", 100, 1, None),
        ("fit s", "fit_s", 1, 0, None), ("sample s", "sample_s", 1, 0, None),
    ),
    "table": (
        ("shape error %", "shape_error", 100, 2, False), ("pair error %", "pair_error", 100, 2, False),
        ("missing error %", "missing_error", 100, 2, False), ("C2ST", "c2st_auc", 1, 3, False),
        ("alpha-precision", "alpha_precision", 1, 3, True), ("beta-recall", "beta_recall", 1, 3, True),
        ("utility / real", "ratio", 1, 3, True), ("membership AUC", "membership_auc", 1, 3, None),
        ("copies %", "exact_copies", 100, 2, None), ("fit s", "fit_s", 1, 0, None),
        ("sample s", "sample_s", 1, 0, None),
    ),
}  # fmt: skip
TITLES = {
    "text": "Texts with a label. Accuracy and F1: of a classifier trained on the rows, on real test rows",
    "code": "Code and queries, each with the sentence it answers; the figures are of the code",
    "tools": "Tool specifications and calls",
    "table": "Tables of mixed kinds",
}
NOTE = """Means ± standard deviation over the seeds. "No latent" is the same model at rate 0, a plain language
model trained as long; "n-gram" the Kneser-Ney models of bench/records/ngram.py (of a column, and of a class
where rows have one), which write as many rows. "Real" is the test split in the place of the synthetic rows
(under accuracy and F1, as many real training rows). Every figure is defined at the top of
bench/records/figures.py. A C2ST below .5 means that rows are repeated."""
ABLATED = """Utility: AUC (adult) or mean F1 (texts) on real test rows of a model trained on the rows. Rate
asked, KL and bound in nats a record."""
SAMPLES = f"""**20 rows of every set**, the first 20 of the first seed, not picked; columns are parted by `|`,
white space is one space, and a row is cut at {WIDTH} letters."""
LIMITS = """Accepted: of the rows that `valid_only` drew, those that parse. WikiSQL's queries are no SQL as
they stand, so that the parser refuses many of the real ones, too, and the tables they are about are not in
the file: "runs" there means that a query has WikiSQL's form, names known columns and is taken by SQLite on a
table of its own columns. Advising's run on empty tables of the columns that the real queries name. Python is
parsed, not run. Matched: of the words of a query that are neither names nor key words (of the name of a
function), those that its question has."""


def _shown(runs: Runs, arm: str, column: Column) -> str:
    _, key, scale, digits, _ = column
    return _cell([run["arms"].get(arm, {}).get(key) for run in runs], scale, digits)


def _cell(values: Iterable[Any], scale: float = 1.0, digits: int = 1) -> str:
    kept = [scale * v for v in values if isinstance(v, int | float) and not np.isnan(v)]
    return mean(kept, digits) if kept else "-"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def records(results: dict[str, Any]) -> str:
    """All tables, of every backbone that was measured."""
    parts = []
    for backbone, runs in results["runs"].items():
        found = {name: _of(runs, f"records:{name}:") for name in SETS}
        if len(results["runs"]) > 1 or backbone != "built in":
            parts.append(f"### Backbone: {backbone}")
        measured = [run for own in found.values() for run in own]
        if measured:
            parts.append(f"{NOTE} {_limits(measured)} {_machines(measured)}")
        for family, title in TITLES.items():
            sets = [name for name in SETS if SETS[name].family == family and found[name]]
            if sets:
                parts += [f"**{title}.**", _family(family, sets, found), *_wins(family, sets, found)]
                parts += [LIMITS] if family == "code" else []
        parts += _latents(found) + _ablation(runs) + _speed(runs) + _samples(found)
        failed = [
            f"- {key}: {run['error'].splitlines()[-1]}" for key, run in runs.items() if run.get("error")
        ]
        parts += ["Failed:\n" + "\n".join(failed)] if failed else []
    return "\n\n".join(parts)


def _of(runs: dict[str, Any], prefix: str) -> Runs:
    return [run for key, run in runs.items() if key.startswith(prefix) and "error" not in run]


def _limits(runs: Runs) -> str:
    return f"Limit on every fit: {', '.join(sorted({run['max_time'] for run in runs}))}."


def _machines(runs: Runs) -> str:
    return "; ".join(sorted({run["machine"] for run in runs})) + "."


def _family(family: str, sets: list[str], found: dict[str, Runs]) -> str:
    rows = []
    there = {key for name in sets for run in found[name] for own in run["arms"].values() for key in own}
    columns = [column for column in ALL[family] if column[1] in there]
    for name in sets:
        arms = [arm for arm in NAMES if any(arm in run["arms"] for run in found[name])]
        rows += [[name, NAMES[arm], *(_shown(found[name], arm, c) for c in columns)] for arm in arms]
    return _table(["set", "rows by", *(column[0] for column in columns)], rows)


def _wins(family: str, sets: list[str], found: dict[str, Runs]) -> list[str]:
    """Where the plain language model or the n-grams beat lookalike, by more than the spread of both."""
    out = []
    for arm in ("no latent", "n-gram", "tabularargn"):
        won: dict[str, list[str]] = {}
        for name in sets:
            for title, key, _, _, more in ALL[family]:
                ours, theirs = (
                    np.array([r["arms"].get(a, {}).get(key, np.nan) for r in found[name]], dtype=float)
                    for a in ("lookalike", arm)
                )
                if more is None or np.isnan(ours).any() or np.isnan(theirs).any():
                    continue
                if key.startswith("c2st"):
                    ours, theirs = abs(ours - 0.5), abs(theirs - 0.5)
                gap = (theirs.mean() - ours.mean()) * (1 if more else -1)
                spread = max(ours.std(ddof=1), theirs.std(ddof=1)) if len(ours) > 1 else 0.0
                if gap > spread:
                    won.setdefault(name, []).append(title.removesuffix(" %"))
        there = any(arm in run["arms"] for name in sets for run in found[name])
        if there:
            listed = "; ".join(f"{name} ({', '.join(titles)})" for name, titles in won.items())
            sure = "by more than the seeds differ" if len(ours) > 1 else "on one seed"
            out.append(f"Better than lookalike {sure}: {NAMES[arm]} on {listed or 'none of these'}.")
    return out


def _latents(found: dict[str, Runs]) -> list[str]:
    rows, liked, walked = [], [], []
    for name, all_runs in found.items():
        runs = [run["latents"] for run in all_runs if "latents" in run]
        if not runs:
            continue
        of: Callable[..., str] = lambda get, runs=runs: _cell(map(get, runs), 100, 1)  # noqa: E731
        rows.append([
            name, of(lambda r: r["chance"]), of(lambda r: r["seen"]["neighbours"]),
            of(lambda r: r["blind"]["neighbours"]), of(lambda r: r["commonest"]),
            of(lambda r: r["seen"]["classified"]), of(lambda r: r["blind"]["classified"]),
        ])  # fmt: skip
        liked.append([name, *(of(lambda r, s=s: r["like"][s]) for s in runs[0]["like"])])
        steps = range(len(runs[0]["line"]["tokens"]))
        walked += [
            [name, what, *(of(lambda r, i=i, w=what: r["line"][w][i]) for i in steps), rising]
            for what, rising in (("tokens", of(lambda r: r["line"]["rising"])), ("labels", "-"))
        ]
    if not rows:
        return []
    head = [
        "set",
        "chance",
        "neighbours",
        "neighbours, blind",
        "commonest",
        "classified",
        "classified, blind",
    ]
    strengths = [s for run in found.values() for r in run if "latents" in r for s in r["latents"]["like"]]
    return [
        "**What the latents say (%).** Test rows: share of the nearest training rows with their label, and "
        "accuracy of a classifier on the latents; blind: the encoder is shown one label for all rows.",
        _table(head, rows),
        "`like=` test rows, by strength: share of the texts that a classifier trained on the real rows gives "
        "the label of the row they vary (%).",
        _table(["set", *dict.fromkeys(strengths)], liked),
        "Walking the line between two test rows of different classes: of the tokens (labels) that one end "
        "alone has, share of the second one's (%); rising: share of the pairs with more of them in the "
        "second half.",
        _table(["set", "of", "0", "1/4", "1/2", "3/4", "1", "rising"], walked),
    ]


def _ablation(runs: dict[str, Any]) -> list[str]:
    out = []
    for name in (TABLE, TEXT):
        rows = []
        for variant in VARIANTS:
            for rate in RATES[name]:
                own = _of(runs, f"ablation:{name}:{variant}:{rate:g}:")
                for prior in dict.fromkeys(p for run in own for p in run["priors"]):
                    of: Callable[[str], list[Any]] = lambda key, own=own, prior=prior: [  # noqa: E731
                        run["priors"][prior].get(key) for run in own
                    ]
                    rows.append([
                        variant if rate else "no latent", f"{rate:g}",
                        _cell((r.get("nats") for r in own), 1, 1), _cell((r.get("bound") for r in own), 1, 2),
                        prior if rate else "-", _cell(of("c2st"), 1, 3), _cell(of("utility"), 1, 3),
                        _cell(of("copied"), 100, 1),
                    ])  # fmt: skip
        if rows:
            head = ["injection", "rate asked", "KL (nats)", "bound", "prior", "C2ST", "utility", "copied %"]
            own = _of(runs, f"ablation:{name}:")
            title = f"**Injection x rate x prior on {name}.** {ABLATED} {_limits(own)} {_machines(own)}"
            out += [title, _table(head, rows), *_ablated(name, runs)]
    return out


def _ablated(name: str, runs: dict[str, Any]) -> list[str]:
    """Which of the models with a latent and the diffusion prior the plain one beats."""
    plain = _of(runs, f"ablation:{name}:{VARIANTS[0]}:0:")
    if not plain:
        return []
    gap: Callable[[Runs], float] = lambda own: float(  # noqa: E731
        np.mean([abs(run["priors"][PLAIN]["c2st"] - 0.5) for run in own])
    )
    lost = [
        f"{variant} at {rate:g}"
        for variant in VARIANTS
        for rate in RATES[name]
        if rate and (own := _of(runs, f"ablation:{name}:{variant}:{rate:g}:")) and gap(own) > gap(plain)
    ]
    return [f"By C2ST the model without a latent is better than: {', '.join(lost) or 'none of the others'}."]


def _speed(runs: dict[str, Any]) -> list[str]:
    own = _of(runs, "speed:")
    if not own:
        return []
    rows = [
        [what, *(_cell((run[key] for run in own), 1, 0) for key in (name, f"{name}_plain"))]
        for what, name in (("training", "train"), ("sampling", "write"), ("parameters", "parameters"))
    ]
    return [
        "**Tokens a second**, DiffLM on sms_spam and a plain `transformers` Llama of the same width, layers "
        "and vocabulary (bench/records/speed.py says what each holds). " + _machines(own),
        _table(["", "DiffLM", "plain loop"], rows),
    ]


def _samples(found: dict[str, Runs]) -> list[str]:
    """20 rows of every set, for the eye: of the first seed."""
    out = []
    for name, own in found.items():
        if own:
            rows = [row if len(row) <= WIDTH else row[: WIDTH - 1] + "…" for row in own[0]["samples"]]
            text = "\n".join(row.replace("```", "'''") for row in rows)
            out.append(f"<details><summary>{name}</summary>\n\n```text\n{text}\n```\n\n</details>")
    return [SAMPLES, *out] if out else []
