"""The paper's ablation, and the one it lacks: how the latent enters x what it says x where it is drawn from.

On one table (10,000 rows of Adult) and one text set. At rate 0 the latent says nothing and all variants are
one: the same language model without a latent, which is what the rest is to be compared with.
"""

from __future__ import annotations

from pathlib import Path
from statistics import mean
from typing import Any

import pandas as pd

from bench.records import figures
from bench.records.sets import SETS, load
from bench.tables.ablation import by_prior, facts
from bench.tables.columns import read
from bench.tables.score import c2st, mle
from lookalike import DiffLM

VARIANTS = ("soft_prompt", "kv_memory", "input_embed")
TABLE, TEXT = "adult", "sms_spam"
RATES = {TABLE: (0.0, 1.0, 4.0, 25.0), TEXT: (0.0, 8.0, 25.0)}  # 4 and 8 are the defaults
ADULT_ROWS = 10_000
DRAWS = {TABLE: 2, TEXT: 1}  # texts take longer to write
PLAIN = "diffusion"  # what a model without a latent is sampled by


def ablate(
    folder: Path, name: str, variant: str, rate: float, seed: int, options: dict[str, Any], rows: int = 0
) -> dict[str, Any]:
    """One fit: {prior: {"c2st", "utility"}}, means over samples, and what training says of the latent.

    utility: AUC (Adult) or mean F1 (texts) on real test rows of a model trained on the synthetic ones.
    """
    if name == TABLE:
        train, test = (read(folder / "tabular" / name / f"{part}.csv.gz") for part in ("train", "test"))
        train = train.sample(ADULT_ROWS, random_state=0).reset_index(drop=True)
    else:
        train, test = load(folder, name)
    if rows:
        train, test = train.head(rows), test.head(rows)
    model = DiffLM(seed=seed, rate=rate, injection=variant, progress=False, **options).fit(train)
    found: dict[str, dict[str, list[float]]] = {}
    for draw in range(DRAWS[name]):
        made = by_prior(model, train, seed, draw) if rate else {PLAIN: model.sample(len(train), seed=draw)}
        for prior, table in made.items():
            for key, value in _judged(name, train, table, test, draw).items():
                found.setdefault(prior, {}).setdefault(key, []).append(value)
    priors = {prior: {key: mean(values) for key, values in own.items()} for prior, own in found.items()}
    return {"max_time": options["max_time"], "priors": priors} | facts(model)


def _judged(
    name: str, train: pd.DataFrame, made: pd.DataFrame, test: pd.DataFrame, draw: int
) -> dict[str, float]:
    if name == TABLE:
        return {"c2st": c2st(train, made, draw), "utility": mle(made, test, "income", False, ">50K", draw)}
    text, label = SETS[name].text, SETS[name].label
    assert label is not None
    own = figures.texts(train, made, text, draw)
    return {
        "c2st": own["c2st"],
        "copied": own["copied"],
        "utility": figures.utility(made, test, text, label)["f1"],
    }
