"""What one arm writes, and how it is judged; real rows in its place."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd

import lookalike
from bench.server import stats
from bench.synalign.data import Data
from bench.synalign.judge import Array
from lookalike.errors import UserError
from lookalike.explore.explore import CRITERIA, explore
from lookalike.llm import LLM, Budget

ARMS = ("zero-shot", "few-shot", "nearest", "attributes", "synalign")
GEN_SIZE = 10
PICKS = 200  # demonstrations whose coverage is compared


def run(arm: str, data: Data, real: pd.DataFrame, pool: pd.DataFrame, url: str, seed: int) -> dict[str, Any]:
    """The figures of one arm."""
    label, judge = data.set.label, data.judge
    before, started = stats(url)["calls"], time.perf_counter()
    model = _synthesizer(arm, data, real, url, seed)
    made = model.fit(real).sample(data.set.rows)
    found: dict[str, Any] = {
        "seconds": time.perf_counter() - started,
        "rows": len(made),
        "calls": stats(url)["calls"] - before,
        "rejected": len(model.rejected),
        "reasons": model.summary()["rejected"],
    }
    points, labels = judge.embed(made["text"].tolist()), made[label].astype(str).to_numpy()
    few = judge.embed(real.text.tolist())
    found["coverage"], found["misplaced"] = judge.coverage(points), judge.misplaced(points)
    found["mmd2"] = {"before": judge.mmd2(points)}
    both = np.concatenate([points, few]), np.concatenate([labels, real[label].to_numpy()])
    found["utility"] = {"synthetic": judge.utility(points, labels), "with real": judge.utility(*both)}
    for name, some in (("aligned", real), ("aligned to pool", pool)):
        try:
            how = _aligned(data, made, some, seed)
        except UserError as error:
            found.setdefault("not aligned", {})[name] = str(error)
            continue
        found["mmd2"][name] = judge.mmd2(points[how.rows])
        found["utility"][name] = judge.utility(points[how.rows], labels[how.rows])
        found.setdefault("effective", {})[name] = how.effective
    return found


def _synthesizer(arm: str, data: Data, real: pd.DataFrame, url: str, seed: int) -> lookalike.SynAlign:
    label, rows = data.set.label, data.set.rows
    shown = min(len(real), rows // GEN_SIZE)  # one call for records each, where there are real rows enough
    beside = {"synalign": shown, "attributes": real[label].nunique()}.get(arm, 0)  # calls without records
    budget = Budget(max_calls=2 * -(-rows // GEN_SIZE) + beside)
    # one call at a time, so that the answers are the same each time
    llm = LLM("simulated", url, key="none", budget=budget, concurrency=1)
    return lookalike.SynAlign(
        llm,
        "text",
        label,
        method=arm,
        demonstrations=shown,
        gen_size=GEN_SIZE,
        embed=data.embed,
        seed=seed,
        progress=False,
    )


def _aligned(data: Data, made: pd.DataFrame, some: pd.DataFrame, seed: int) -> Any:
    """How as many synthetic rows are drawn to match real ones, of the classes that were written."""
    label = data.set.label
    _, how = lookalike.align(
        some[some[label].isin(set(made[label].astype(str)))],
        made,
        len(made),
        text="text",
        label=label,
        embed=data.embed,
        holdout=data.test,
        seed=seed,
        progress=False,
    )
    return how


def yardsticks(data: Data, real: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Real rows in place of synthetic ones, and the coverage of demonstrations."""
    judge, draw = data.judge, np.random.default_rng(seed)
    some = draw.permutation(len(judge.train))[: data.set.rows]
    picked = {
        name: explore(judge.train, PICKS, judge.train_labels, criterion=name, group=1, seed=seed).picks
        for name in CRITERIA
    }
    picked["random"] = draw.permutation(len(judge.train))[:PICKS]
    return {
        "real": _judged(data, judge.train[some], judge.train_labels[some]),
        "few": _judged(data, judge.embed(real.text.tolist()), real[data.set.label].to_numpy()),
        "picked": {
            name: {
                "coverage": judge.coverage(judge.train[rows]),
                "utility": judge.utility(judge.train[rows], judge.train_labels[rows]),
            }
            for name, rows in picked.items()
        },
    }


def _judged(data: Data, points: Array, labels: Array) -> dict[str, Any]:
    judge = data.judge
    return {
        "rows": len(points),
        "coverage": judge.coverage(points),
        "misplaced": judge.misplaced(points),
        "mmd2": judge.mmd2(points),
        "utility": judge.utility(points, labels),
    }
