"""How far synthetic texts are from real ones, and what a classifier learns from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score

from lookalike.curate.kernel import kernel
from lookalike.sampling import median_distance

Array = np.ndarray[Any, Any]
Embed = Callable[[Sequence[str]], Array]
CLUSTERS = 200
STRENGTH = 10.0  # of the classifier: its C


def remembering(embed: Embed, texts: Sequence[str], path: Path) -> Embed:
    """The same function, which embeds each text once, and `texts` once for all processes: see the file."""
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        np.save(path, embed(texts))
    known: dict[str, Array] = dict(zip(texts, np.load(path), strict=True))

    def look_up(texts: Sequence[str]) -> Array:
        missing = list(dict.fromkeys(text for text in texts if text not in known))
        if missing:
            known.update(zip(missing, embed(missing), strict=True))
        return np.stack([known[text] for text in texts])

    return look_up


class Judge:
    """Real rows that no arm sees, as points: `train` with its clusters, `test` with its labels."""

    def __init__(
        self,
        train: tuple[Sequence[str], Sequence[str]],
        test: tuple[Sequence[str], Sequence[str]],
        embed: Embed,
    ) -> None:
        self.embed = embed
        self.train, self.test = embed(train[0]), embed(test[0])
        self.train_labels, self.test_labels = np.array(train[1]), np.array(test[1])
        self.length = median_distance(self.test, np.random.default_rng(0))
        self._within = _mean_of_pairs(self.test, self.length)
        self._clusters = KMeans(CLUSTERS, n_init=1, random_state=0).fit(self.train)
        self._shares = np.bincount(self._clusters.labels_, minlength=CLUSTERS) / len(self.train)

    def coverage(self, points: Array) -> float:
        """The share of the clusters of the real training rows that at least one of the points falls into."""
        return len(np.unique(self._clusters.predict(points))) / CLUSTERS

    def misplaced(self, points: Array) -> float:
        """The share of the points that would have to move for every cluster to have its share of train."""
        shares = np.bincount(self._clusters.predict(points), minlength=CLUSTERS) / len(points)
        return float(np.abs(shares - self._shares).sum() / 2)

    def mmd2(self, points: Array) -> float:
        """MMD^2 to the test rows: unbiased, with the kernel of `lookalike.curate`."""
        across = float(kernel(self.test, points, self.length).mean())
        return self._within + _mean_of_pairs(points, self.length) - 2 * across

    def utility(self, points: Array, labels: Sequence[str]) -> dict[str, float]:
        """Accuracy and macro-F1 on the test rows of a logistic regression that learned from the points."""
        model = LogisticRegression(C=STRENGTH, max_iter=2000).fit(points, labels)
        told = model.predict(self.test)
        return {
            "accuracy": float(accuracy_score(self.test_labels, told)),
            "f1": float(f1_score(self.test_labels, told, average="macro")),
        }


def _mean_of_pairs(points: Array, length: float) -> float:
    """The mean kernel of two different rows."""
    n = len(points)
    return float((kernel(points, points, length).sum(dtype=np.float64) - n) / (n * (n - 1)))


def draw_per_class(table: pd.DataFrame, label: str, count: int, seed: int) -> pd.Index:
    """Row labels of `count` rows of each class, drawn at random."""
    return table.groupby(label, sort=True).sample(count, random_state=seed).index
