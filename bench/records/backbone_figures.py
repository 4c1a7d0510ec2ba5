"""What `python -m bench.records.backbone` measures of the rows of a cell.

See figures.py for accuracy, f1, c2st, c2st_test, c2st_alike, copied, spans, js_1, js_2, mauve, parses,
functions, calls_fit. Here:

- covered: share of the real classes that the rows have; labels: total variation of their shares from the
  real.
- where, where_new: of rows that were asked for a rare class, the share whose text a classifier trained
  on the real training rows gives that class, and the share that does so and is no copy. like, like_new: of
  variations of test rows, the share whose text it gives their row's class, and that is a text of its own.
- also ...: the same figures of rows that were drawn in another way.
- parsed: share of what was written that is a record of the table at all (1 under a grammar).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.records import figures
from bench.records.families import shown
from bench.records.sets import SETS, Set, load
from lookalike.codec.shape import infer_shape

SHOWN = (  # title, of the facts or the figures, digits, scale
    ("rows", "figures", "rows", 0, 1),
    ("parsed %", "facts", "parsed", 1, 100),
    ("accuracy %", "figures", "accuracy", 1, 100),
    ("C2ST", "figures", "c2st", 3, 1),
    ("C2ST test", "figures", "c2st_test", 3, 1),
    ("C2ST alike", "figures", "c2st_alike", 3, 1),
    ("mauve", "figures", "mauve", 2, 1),
    ("labels off %", "figures", "labels", 1, 100),
    ("copied %", "figures", "copied", 1, 100),
    ("where %", "figures", "where", 0, 100),
    ("like %", "figures", "like", 0, 100),
    ("code parses %", "figures", "parses", 1, 100),
    ("runs %", "figures", "runs", 1, 100),
    ("valid, given %", "figures", "valid_given", 0, 100),
    ("calls fit %", "figures", "calls_fit", 0, 100),
    ("steps", "facts", "steps", 0, 1),
    ("fit s", "facts", "fit_s", 0, 1),
    ("trained tokens/s", "facts", "train_tokens_s", 0, 1),
    ("sample s", "facts", "sample_s", 0, 1),
)
FEWEST = 20  # rows that are worth judging
REPORTED = 200  # rows that lookalike.evaluate needs
Table = pd.DataFrame
Found = dict[str, Any]


def scored(key: str, cell: Found, folder: Path) -> Found:
    """{"facts": as kept, "figures": {figure: number}, "samples": 20 rows of each table}."""
    from bench.records.backbone import ALIAS, aside

    name, _, seed = key.split(":")
    own = ALIAS.get(name, name)
    set_, (train, test) = SETS[own], load(folder, own)
    tables = {k: Table(t["rows"], columns=t["columns"]) for k, t in cell["tables"].items()}
    made = tables["made"]
    found: Found = {"rows": len(made)}
    if len(made) >= FEWEST:
        found |= of_rows(own, set_, train, test, made, int(seed))
    if len(tables.get("also", ())) >= FEWEST:  # of rows that were drawn in another way
        again = of_rows(own, set_, train, test, tables["also"], int(seed))
        found |= {f"also {k}": v for k, v in again.items()}
    for prior in (k for k in tables if k.startswith("prior ")):
        again = figures.texts(train, tables[prior], set_.text, int(seed))
        found |= {f"{prior} c2st": again["c2st"]}
        if set_.label:
            found[f"{prior} accuracy"] = figures.utility(tables[prior], test, set_.text, set_.label)[
                "accuracy"
            ]
    if set_.label and "where" in tables:
        judge = figures.classifier().fit(train[set_.text], train[set_.label])
        found |= _kept("where", judge, tables["where"], list(tables["where"][set_.label]), train, set_)
        if "like" in tables:
            rows = aside(test, int(seed)).head(len(tables["like"]))
            found |= _kept("like", judge, tables["like"], list(rows[set_.label]), train, set_, rows)
    samples = {k: shown(t) for k, t in tables.items()}
    facts = {k: v for k, v in cell["facts"].items() if k != "history"}
    return {"facts": facts, "minutes": cell.get("minutes"), "figures": found, "samples": samples}


def of_rows(name: str, set_: Set, train: Table, test: Table, made: Table, seed: int) -> Found:
    """The figures of a set's family."""
    found: Found = {}
    if set_.family == "tools":
        assert set_.given is not None
        shapes = {c: infer_shape([json.loads(text) for text in train[c]]) for c in set_.json}
        return dict(figures.tools(train, made, set_, {"inferred": shapes, "given": set_.given}))
    found |= figures.texts(train, made, set_.text, seed) | figures.tokens(test, made, set_.text)
    if len(made) >= REPORTED:
        found |= figures.report(train, made, test, set_.text, seed)[0]
        found |= figures.against_test(test, made, set_.text, set_.label, seed)
    if set_.label:
        found |= figures.utility(made, test, set_.text, set_.label)
        real, own = (t[set_.label].astype(str).value_counts(normalize=True) for t in (train, made))
        found["covered"] = float(real.index.isin(own.index).mean())
        found["labels"] = float(real.sub(own, fill_value=0).abs().sum() / 2)
    if set_.family == "code":
        found |= figures.code(made, set_, figures.runner(name, set_, train, test))
    return found


def _kept(
    what: str, judge: Any, made: Table, labels: list[str], train: Table, set_: Set, rows: Table | None = None
) -> Found:
    """The share of the texts that have the label in the judge's eyes, and of those that are no copies."""
    if not len(made):
        return {what: 0.0, f"{what}_new": 0.0}
    texts = [str(text) for text in made[set_.text].fillna("")]
    right = judge.predict(texts) == np.array(labels)
    seen = set(train[set_.text].str.lower())
    own = [None] * len(texts) if rows is None else list(rows[set_.text].str.lower())
    new = np.array([t.lower() not in seen and t.lower() != o for t, o in zip(texts, own, strict=True)])
    fresh = {f"{what}_new": float((right & new).mean()), f"{what}_unlike": len(set(texts)) / len(texts)}
    return {what: float(right.mean())} | fresh


def tables(results: dict[str, Found], examples: int = 5) -> str:
    """Markdown: every cell a line; then the first rows that each arm wrote, behind a line to unfold."""
    lines = [
        f"| set | arm | {' | '.join(title for title, *_ in SHOWN)} |",
        "|---" * (2 + len(SHOWN)) + "|",
    ]
    rows = []
    for key in sorted(results):
        name, arm, _ = key.split(":")
        values = [results[key][where].get(what) for _, where, what, *_ in SHOWN]
        shown_ = (
            "-" if value is None else f"{scale * value:,.{digits}f}"
            for value, (*_, digits, scale) in zip(values, SHOWN, strict=True)
        )  # fmt: skip
        lines.append(f"| {name} | {arm} | {' | '.join(shown_)} |")
        rows += [f"{name}, {arm}:", *results[key]["samples"]["made"][:examples], ""]
    fenced = ["", "<details><summary>The first rows of every arm</summary>", "", "```text", *rows[:-1]]
    return "\n".join([*lines, *fenced, "```", "", "</details>"])
