"""What the rows of the cells of `bench.llm.arms` are worth.

A classifier learns from the synthetic rows, from the real rows that the arm was given, and from both; the
real test rows say how good it is. Features are words and pairs of words (TF-IDF), and, with a folder of
all-MiniLM-L6-v2, its embeddings. Each way comes "as written" and "aligned": `lookalike.align` draws as many
of the synthetic rows to match the given real ones. "gated" takes real and synthetic rows where
`lookalike.learn.gain` says of the rows as written, from the given rows alone, that they help, and else the
real ones alone: aligned rows were chosen by the very rows that would judge them. MAUVE,
self-BLEU and C2ST compare with the training rows, of which the arm has seen few.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

import lookalike
from bench.llm.markdown import tables
from bench.llm.sets import SETS, drawn, read
from bench.records.figures import c2st, report, utility
from bench.synalign.judge import Judge, remembering
from lookalike.embed import embedder
from lookalike.errors import UserError
from lookalike.learn import gain

SCORES, TABLE, VECTORS = "scores.json", "table.md", "{name}-minilm.npy"
FEWEST = 10  # synthetic rows that can be scored
MOST_ROWS = 1000  # of each side in MAUVE and C2ST
Accuracy = Callable[[pd.DataFrame], float]


class Scorer:
    """The rows of a set, and classifiers of its label."""

    def __init__(
        self, data: Path, name: str, encode: Callable[[Sequence[str]], Any] | None, folder: Path
    ) -> None:
        self.own = SETS[name]
        self.train, self.test = read(data, name)
        self.label = self.own.named
        self.embed: Any = None
        self.judge: Judge | None = None
        if encode is not None:
            both = self.train.text.tolist() + self.test.text.tolist()
            self.embed = remembering(encode, both, folder / VECTORS.format(name=name))
            pairs = [(t.text.tolist(), t[self.label].tolist()) for t in (self.train, self.test)]
            self.judge = Judge(pairs[0], pairs[1], self.embed)

    @property
    def features(self) -> dict[str, Accuracy]:
        """Name of the features -> accuracy on the test rows of a classifier that learned from rows."""
        found: dict[str, Accuracy] = {
            "tfidf": lambda rows: utility(rows, self.test, "text", self.label)["accuracy"]
        }
        if self.judge is not None:
            found["minilm"] = self._minilm
        return found

    def _minilm(self, rows: pd.DataFrame) -> float:
        labels = rows[self.label].tolist()
        if len(set(labels)) < 2:
            return float((self.test[self.label] == labels[0]).mean())
        assert self.judge is not None
        return self.judge.utility(self.judge.embed(rows.text.tolist()), labels)["accuracy"]

    def real(self, rows: int, seed: int) -> dict[str, Any]:
        """The yardstick: the given real rows alone."""
        few = drawn(self.train, self.label, rows, seed)
        return {name: of(few) for name, of in self.features.items()}

    def cell(self, written: dict[str, Any], rows: int, seed: int) -> dict[str, Any]:
        """The figures of one cell."""
        few = drawn(self.train, self.label, rows, seed)
        made = pd.DataFrame({"text": written["texts"], self.label: written["labels"]}, dtype=object)
        found: dict[str, Any] = {"rows": len(made)}
        if len(made) < FEWEST:
            return found | {"note": "too few rows"}
        ways = {"as written": made}
        try:
            ways["aligned"] = self._aligned(few, made, seed)
        except UserError as error:
            found["not aligned"] = str(error)
        gates = self._gates(few, made, seed, written.get("shown"))
        for way, some in ways.items():
            found[way] = self._figures(few, some, seed, gates)
        return found

    def _gates(
        self, few: pd.DataFrame, made: pd.DataFrame, seed: int, shown: list[list[int]] | None
    ) -> dict[str, dict[str, Any]]:
        """Name of the features -> whether the rows help, by the given rows. shown: for each row those of
        `few` that its writer saw.
        """
        found = {}
        sides = [(one.text.tolist(), one[self.label].tolist()) for one in (few, made)]
        for name in self.features:
            embed = self.embed if name == "minilm" else embedder(None, few.text.tolist(), seed)
            gate = gain(embed, sides[0], sides[1], seed, shown)
            figures = None if gate is None else [gate.alone, gate.both, gate.error]
            found[name] = {"helps": bool(gate and gate.helps), "gate": figures}
        return found

    def _figures(
        self, few: pd.DataFrame, some: pd.DataFrame, seed: int, gates: dict[str, dict[str, Any]]
    ) -> dict[str, Any]:
        both = pd.concat([few, some], ignore_index=True)
        found: dict[str, Any] = {}
        for name, accuracy in self.features.items():
            found[name] = {"synthetic": accuracy(some), "both": accuracy(both), **gates[name]}
        drawn_rows = some.sample(min(len(some), MOST_ROWS), random_state=seed)
        real = self.train.sample(min(len(self.train), MOST_ROWS), random_state=seed)
        own, _ = report(real, drawn_rows, self.test, "text", seed)
        found["text"] = {**own, "c2st": c2st(real.text.tolist(), drawn_rows.text.tolist(), seed)}
        if self.judge is not None:
            found["text"]["mmd2"] = self.judge.mmd2(self.judge.embed(some.text.tolist()))
        return found

    def _aligned(self, few: pd.DataFrame, made: pd.DataFrame, seed: int) -> pd.DataFrame:
        """As many rows, or fewer where a class has not enough of them."""
        error: UserError | None = None
        for share in (1, 2, 4):
            try:
                rows, _ = lookalike.align(
                    few, made, len(made) // share, text="text", label=self.label, embed=self.embed,
                    holdout=self.test, seed=seed, progress=False,
                )  # fmt: skip
                return rows
            except UserError as found:
                error = found
        assert error is not None
        raise error


def score(data: Path, folder: Path, written: dict[str, dict[str, Any]], minilm: Path | None) -> str:
    """Scores the cells that are not yet in the file, which is written after each; the tables."""
    path = folder / SCORES
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"real": {}, "cells": {}}
    encode: Callable[[Sequence[str]], Any] | None = None
    if minilm is not None:
        from bench.llm.features import encoder

        encode = encoder(minilm)
    scorers: dict[str, Scorer] = {}
    for key, cell in written.items():
        _, name, _, rows, seed = key.rsplit("/", 4)
        known = found["cells"].get(key, {})
        wanted = "minilm" if minilm is not None else "tfidf"
        if "note" in known or wanted in known.get("as written", {}):
            continue
        scorer = scorers.get(name) or scorers.setdefault(name, Scorer(data, name, encode, folder))
        yardstick = f"{name}/{rows}/{seed}"
        if wanted not in found["real"].get(yardstick, {}):
            found["real"][yardstick] = scorer.real(int(rows), int(seed))
        found["cells"][key] = scorer.cell(cell, int(rows), int(seed))
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(f"scored {key}", flush=True)
    text = tables(found, written)
    (folder / TABLE).write_text(text + "\n", encoding="utf-8")
    return text
