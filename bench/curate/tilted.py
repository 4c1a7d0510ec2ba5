"""A table in which one class and three topics come too often, aligned, and judged in an embedding that was
not seen: all-MiniLM-L6-v2, where `align` looks at TF-IDF and letters.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

import lookalike
from bench.curate.noise import Texts
from lookalike.curate.kernel import mmd2_test
from lookalike.sampling import apportion, median_distance

REAL, HELD, MADE, WANTED = 1000, 1200, 3000, 2000  # rows
TOPICS, FAVOURED = 12, 3  # clusters, and how many of them come too often
TIMES = 4  # as often


def tilted(texts: Texts, name: str, seed: int) -> Iterator[dict[str, Any]]:
    """Distinct rows, and MMD^2 to held-out real rows: of the rows as they came, of as many of each class as
    the real table has, and of the aligned ones.
    """
    from sklearn.cluster import KMeans

    rng = np.random.default_rng(seed)
    order = rng.permutation(len(texts.codes))
    real, held, pool = order[:REAL], order[REAL : REAL + HELD], order[REAL + HELD :]
    topics = KMeans(TOPICS, n_init=1, random_state=seed).fit_predict(texts.points)
    favoured = rng.permutation(TOPICS)[:FAVOURED]
    weight = np.where(np.isin(topics[pool], favoured), TIMES, 1) * np.where(texts.codes[pool] == 0, TIMES, 1)
    made = rng.choice(pool, min(MADE, len(pool) * 3 // 4), replace=False, p=weight / weight.sum())
    tables = [
        pd.DataFrame({"text": [texts.texts[row] for row in rows], "label": texts.codes[rows].astype(str)})
        for rows in (real, made)
    ]
    wanted = min(WANTED, len(made) * 2 // 3)
    found = lookalike.align(*tables, wanted, text="text", label="label", seed=seed, progress=False)
    length = median_distance(texts.points[held], rng)
    for title, rows in (
        ("as they came", rng.permutation(len(made))[:wanted]),
        ("by class", _by_class(texts.codes[real], texts.codes[made], wanted, rng)),
        ("aligned", found[1].rows),
    ):
        value, p = mmd2_test(texts.points[held], texts.points[made[rows]], length, rng)
        counts = np.unique(rows, return_counts=True)[1]
        yield {
            **{"set": name, "seed": seed, "rows": title, "wanted": wanted, "made": len(made)},
            **{"distinct": len(counts), "most": int(counts.max()), "mmd2": value, "p": p},
        }


def _by_class(real: Any, made: Any, wanted: int, rng: np.random.Generator) -> Any:
    """Distinct rows of each class in the real shares, repeated where there are too few."""
    found = []
    for code, count in enumerate(apportion(np.bincount(real, minlength=int(made.max()) + 1), wanted)):
        own = np.flatnonzero(made == code)
        if len(own):
            times = -(-int(count) // len(own))
            found.append(
                np.concatenate([rng.permutation(own) for _ in range(times)] or [own[:0]])[: int(count)]
            )
    return np.concatenate(found)
