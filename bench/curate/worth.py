"""What a row is worth: influence against refitting without each row; learning dynamics on Adult."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.curate.noise import Texts
from lookalike.curate.checks import Rows
from lookalike.curate.dynamics import dynamics
from lookalike.curate.gate import decide
from lookalike.curate.influence import fit, influence, outer_real
from lookalike.curate.points import points
from lookalike.seed import child
from lookalike.table.inferring import infer

FITTED, LEFT_OUT, OUTER = 600, 200, 200
TRUSTED, FLIPPED, SYNTHETIC = 20, 0.3, 2000


def left_out(name: str, texts: Texts, seed: int) -> dict[str, Any]:
    """Spearman correlation of the influence of 200 rows with the outer loss after refitting without each."""
    rng = child(seed, "influence", name)
    rows = rng.permutation(len(texts.codes))[: FITTED + OUTER]
    own, outer = rows[:FITTED], rows[FITTED:]
    data, codes = texts.points[own], texts.codes[own]
    model = fit(data, codes, texts.classes)
    real, real_codes = texts.points[outer], texts.codes[outer]
    said = influence(model, codes, outer_real(model, real, real_codes))[:LEFT_OUT]

    def loss(chances: Any) -> float:
        return float(-np.log(np.maximum(chances[np.arange(OUTER), real_codes], 1e-300)).mean())

    before = loss(model.predict(real))
    after = [
        loss(fit(np.delete(data, row, 0), np.delete(codes, row), texts.classes).predict(real)) - before
        for row in range(LEFT_OUT)
    ]
    spearman = float(pd.Series(said).corr(pd.Series(after), method="spearman"))
    return {"set": name, "seed": seed, "spearman": spearman}


def cllm(folder: Path, seed: int) -> dict[str, Any]:
    """Adult: AUC on test of boosted trees that learn from 40 real rows and from 2,000 others, of which 30%
    are labelled wrongly: all of them, those that the authors' rule leaves, all as `curate` weighs or changes
    them (the gate), and those whose label is right.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score

    train, test = (pd.read_csv(folder / f"{part}.csv.gz") for part in ("train", "test"))
    rng, label = child(seed, "cllm"), "income"
    codes = (train[label].astype(str).str.contains(">")).to_numpy().astype(np.int64)
    test_codes = (test[label].astype(str).str.contains(">")).to_numpy().astype(np.int64)
    trusted = np.concatenate([rng.permutation(np.flatnonzero(codes == one))[:TRUSTED] for one in (0, 1)])
    others = rng.permutation(np.setdiff1d(np.arange(len(codes)), trusted))[:SYNTHETIC]
    some = pd.concat([train.iloc[trusted], train.iloc[others], test], ignore_index=True)
    schema = infer(some.drop(columns=[label]))
    where, _ = points(Rows(some.drop(columns=[label]), None, schema, []), None, seed)
    real, own, held = np.split(where, [len(trusted), len(trusted) + len(others)])
    noisy = np.where(rng.random(len(others)) < FLIPPED, 1 - codes[others], codes[others])
    said = dynamics(real, codes[trusted], own, noisy, seed=seed)
    told = decide(own, noisy, real, codes[trusted], seed=seed)

    def auc(labels: Any, weights: Any) -> float:
        kept = weights > 0
        model = HistGradientBoostingClassifier(random_state=0)
        model.fit(
            np.concatenate([real, own[kept]]),
            np.append(codes[trusted], labels[kept]),
            sample_weight=np.append(np.ones(len(real)), weights[kept]),
        )
        return 100 * float(roc_auc_score(test_codes, model.predict_proba(held)[:, 1]))

    found: dict[str, Any] = {"set": "adult", "seed": seed, "uncurated": auc(noisy, np.ones(len(noisy)))}
    found["the authors' rule"] = auc(noisy, 1.0 - said.hard())
    found |= {"the gate": auc(told.codes, told.weights), "method": told.method, "part": told.part}
    found |= {"estimated": told.audit.share, "taken by the authors' rule": float(said.hard().mean())}
    return found | {"not wrong": auc(noisy, (noisy == codes[others]).astype(float))}
