"""What one arm writes, and how it is judged."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

import lookalike
from bench.llm.features import encoder
from bench.places import WORK
from bench.server import stats
from bench.synalign.data import simulated
from bench.synalign.judge import Judge, remembering
from lookalike.llm import LLM, Budget
from lookalike.prompting.growth import Growth

GEN_SIZE = 10
GROWS: dict[str, str | Callable[..., Any] | None] = {
    "fixed": None,
    "coverage": "coverage",
    "errors": "errors",
    "any-place": lambda places, accepted, seed: [1.0] * len(places),
    "cleaned": "errors",  # see `Cleaned`
}


class Setting(NamedTuple):
    """file: how its files begin; real: rows given; rows: wanted; calls: at most (None: no limit); collapse:
    of the model; arms: method and plan.
    """

    file: str
    real: int
    rows: int
    calls: int | None
    collapse: float
    arms: tuple[str, ...]


CASES = {
    "coverage": Setting(
        "sst2_sentences", 2000, 2000, None, 2.0,
        ("nearest fixed", "nearest coverage", "synalign fixed", "synalign coverage"),
    ),
    "errors": Setting(
        "trec", 300, 600, 72, 1.5,
        ("nearest fixed", "nearest cleaned", "nearest errors", "nearest any-place"),
    ),
}  # fmt: skip
ARMS = tuple(dict.fromkeys(arm for case in CASES.values() for arm in case.arms))


def files(folder: Path, name: str) -> tuple[Path, Path]:
    """Of the training rows and of the test rows of a case."""
    file = CASES[name].file
    return folder / f"{file}_train.csv.gz", folder / f"{file}_test.csv.gz"


class Case:
    """A set as tables of strings, and its judge."""

    def __init__(self, name: str, data: Path, minilm: Path) -> None:
        self.setting, self.label = CASES[name], "label"
        self.train, self.test = (
            pd.read_csv(path, dtype=str, keep_default_na=False)[["text", "label"]]
            for path in files(data, name)
        )
        both = self.train.text.tolist() + self.test.text.tolist()
        self.embed = remembering(encoder(minilm), both, WORK / f"{self.setting.file}-encoder.npy")
        pairs = [(one.text.tolist(), one.label.tolist()) for one in (self.train, self.test)]
        self.judge = Judge(pairs[0], pairs[1], self.embed)


class Cleaned(lookalike.SynAlign):
    """Growth by errors without its steering: doubtful rows are rejected in the same rounds, and rows are
    asked for at the places of the fixed plan, each as often as the others.
    """

    def _growth(self, n: int) -> Growth | None:
        grown, places = super()._growth(n), self._located
        assert grown is not None
        alike = [float(at < places.fixed) for at in range(len(places.places))]
        return replace(grown, by=grown.by._replace(weights=lambda *_: alike))


def run(case: Case, arm: str, seed: int) -> dict[str, Any]:
    """The figures of one arm."""
    own, label = case.setting, case.label
    drawn = case.train.sample(own.real, random_state=seed)
    real = drawn.reset_index(drop=True)
    os.environ["LOOKALIKE_COLLAPSE"] = str(own.collapse)
    server, url = simulated(case.train.drop(drawn.index), label, seed)
    try:
        method, plan = arm.split()
        # one call at a time, so that the answers are the same each time
        llm = LLM("simulated", url, key="none", budget=Budget(max_calls=own.calls), concurrency=1)
        model = (Cleaned if plan == "cleaned" else lookalike.SynAlign)(
            llm,
            "text",
            label,
            method=method,
            grow=GROWS[plan],
            steering=1.0,  # rows that did not steer are those of test
            demonstrations=own.real if plan == "any-place" else own.rows // GEN_SIZE,
            gen_size=GEN_SIZE,
            embed=case.embed,
            seed=seed,
            progress=False,
        ).fit(real)
        begun = time.process_time()
        made = model.sample(own.rows)
        seconds, calls = time.process_time() - begun, stats(url)["calls"]
    finally:
        server.kill()
    return {"calls": calls, "cpu_seconds": round(seconds, 1), **judged(case, made, real), **said(model)}


def judged(case: Case, made: pd.DataFrame, real: pd.DataFrame) -> dict[str, Any]:
    """How far the rows are from train and test, and what is learned from them."""
    judge, label = case.judge, case.label
    points, labels = judge.embed(made.text.tolist()), made[label].astype(str).tolist()
    given, of = judge.embed(real.text.tolist()), real[label].tolist()
    both: tuple[Any, Sequence[str]] = np.concatenate([points, given]), labels + of
    return {
        "rows": len(made),
        "misplaced": judge.misplaced(points),
        "covered": judge.coverage(points),
        "mmd2": judge.mmd2(points),
        "accuracy": judge.utility(points, labels)["accuracy"],
        "with_real": judge.utility(*both)["accuracy"],
        "real_alone": judge.utility(given, of)["accuracy"],
        "real_misplaced": judge.misplaced(given),
        "classes": made[label].value_counts().to_dict(),
    }


def said(model: lookalike.SynAlign) -> dict[str, Any]:
    """What the run says of itself."""
    facts = model.summary()
    return {name: facts[name] for name in ("asked", "surplus", "demonstrations", "rejected")}
