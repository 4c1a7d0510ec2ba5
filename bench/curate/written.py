"""The rows of a language model: what real and curated rows teach, beside real and raw ones.

The table has the columns of a set of `bench.llm.sets` ("text" and "sentiment", or "text" and "category") with
its labels in words. A table, or a run folder of `lookalike generate`, of which the rejected rows count, too,
so that they are as raw as the model wrote them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import lookalike
from bench.llm.sets import SETS, drawn, read
from lookalike.embed import Embed, embedder
from lookalike.learn import classifier

REAL = (20, 100)  # real rows of a class
DRAWS = 5  # of the real rows, for each of the two


def rows_of(path: Path) -> tuple[str, pd.DataFrame]:
    """(the set, the rows as the model wrote them: text and label)."""
    files = [path / f"{one}.jsonl" for one in ("accepted", "rejected")] if path.is_dir() else [path]
    tables = [_table(file) for file in files if file.exists()]
    raw = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    for name, own in SETS.items():
        if {"text", own.named} <= set(raw.columns):
            return name, raw[["text", own.named]].dropna().astype(str).reset_index(drop=True)
    columns = " or ".join(f"'text' and '{own.named}'" for own in SETS.values())
    raise SystemExit(f"{path} has no columns {columns}")


def _table(file: Path) -> pd.DataFrame:
    if file.suffix == ".jsonl":
        return pd.read_json(file, lines=True, dtype=False)
    return pd.read_csv(file, dtype=str)


def written(folder: Path, path: Path, seed: int, embed: Embed | None) -> list[dict[str, Any]]:
    """Test accuracy of a classifier of real rows alone, with the raw rows, and with the curated ones (with
    their weights); and what was decided, check by check. The real rows are those that curate is given.
    """
    name, raw = rows_of(path)
    label = SETS[name].named
    train, test = read(folder, name)
    raw = raw[raw[label].isin(set(train[label]))].reset_index(drop=True)
    own = embedder(embed, train["text"].tolist())
    places = _Places(own, [train, test, raw])
    found = []
    fewest = int(train[label].value_counts().min())
    for rows in (min(one, fewest) for one in REAL):
        for draw in range(DRAWS):
            real = drawn(train, label, rows, seed + draw)
            kept, decisions = lookalike.curate(
                raw, real, text="text", label=label, embed=own, seed=seed + draw, progress=False
            )
            right = {
                "real": places.right(test, label, [real]),
                "real + raw": places.right(test, label, [real, raw]),
                "real + curated": places.right(test, label, [real, kept]),
            }
            gain = right["real + curated"] - right["real + raw"]
            found.append(
                {
                    **{"set": name, "real a class": rows, "draw": seed + draw, "written": len(raw)},
                    **{"kept": len(kept), **{title: 100 * float(own.mean()) for title, own in right.items()}},
                    "curated - raw": 100 * float(gain.mean()),
                    "standard error": 100 * float(gain.std(ddof=1) / np.sqrt(len(gain))),
                    **{"decided": decisions.counts(), "notes": decisions.notes},
                }
            )
    return found


class _Places:
    """The points of all texts, embedded once."""

    def __init__(self, embed: Embed, tables: Sequence[pd.DataFrame]) -> None:
        self._embed, self._of = embed, dict[str, Any]()
        for table in tables:
            self._add(table["text"].tolist())

    def _add(self, texts: list[str]) -> None:
        self._of |= dict(zip(texts, self._embed(texts), strict=True))

    def points(self, table: pd.DataFrame) -> Any:
        if edited := [text for text in table["text"] if text not in self._of]:
            self._add(edited)
        return np.stack([self._of[text] for text in table["text"]]).astype(np.float64)

    def right(self, test: pd.DataFrame, label: str, tables: Sequence[pd.DataFrame]) -> Any:
        """(test rows,) 0 or 1: whether a classifier of the tables' rows tells each test row right."""
        weights = [table.get("weight", pd.Series(1.0, table.index)).to_numpy() for table in tables]
        both = pd.concat(tables, ignore_index=True)
        model = classifier().fit(self.points(both), both[label], sample_weight=np.concatenate(weights))
        return (model.predict(self.points(test)) == test[label].to_numpy()).astype(np.float64)
