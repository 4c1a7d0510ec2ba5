"""Labelled texts, and labels that are made wrong in known ways."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from bench.places import WORK
from lookalike.curate.views import Views, words_of_texts
from lookalike.embed import Embed, embedder
from lookalike.learn import out_of_fold

SETS = {  # name -> how its files begin, its column of labels
    "sst2": ("sst2_sentences", "label"),
    "trec": ("trec", "label"),
    "banking77": ("banking77", "category"),
}
SETTINGS = (  # set, noise, share: the ten of the gate, and two clean ones
    *(("sst2", "uniform", share) for share in (0.1, 0.2, 0.3)),
    *(("trec", "uniform", share) for share in (0.1, 0.2, 0.4)),
    *(("banking77", noise, 0.2) for noise in ("uniform", "nearest")),
    *((name, "one-sided", 0.4) for name in ("sst2", "trec")),
    *((name, "none", 0.0) for name in ("sst2", "trec")),
)
TRUSTED = 20  # real rows of a class


class Texts(NamedTuple):
    """Points and classes, by number, of the rows to learn from and of the test rows; words: of the first, the
    words of their texts; texts: these.
    """

    points: Any
    codes: Any
    test: Any
    test_codes: Any
    words: Any
    texts: list[str]

    @property
    def classes(self) -> int:
        return int(self.codes.max()) + 1

    def views(self, rows: Any) -> Views:
        """Some rows as `curate` sees them."""
        return Views((self.points[rows], self.words[rows]))


def read(folder: Path, name: str, embed: Embed | None) -> Texts:
    """A set of the folder. embed: texts -> points; None is the built-in one, fitted on the training texts."""
    file, label = SETS[name]
    tables = [
        pd.read_csv(folder / f"{file}_{part}.csv.gz", dtype=str, keep_default_na=False)
        for part in ("train", "test")
    ]
    own = embedder(embed, tables[0].text.tolist())
    names = sorted(set(tables[0][label]))
    found = [
        (own(table.text.tolist()).astype(np.float64), np.array([names.index(v) for v in table[label]]))
        for table in tables
    ]
    words = words_of_texts(tables[0].text.tolist())
    assert words is not None
    return Texts(*found[0], *found[1], words[0], tables[0].text.tolist())


def kept_on_disk(make: Callable[[], Embed]) -> Embed:
    """The embeddings of `make()`, each array of them kept under bench/work, as they take minutes. It is
    called when the first array is not there.
    """
    made: list[Embed] = []

    def embedded(texts: Sequence[str]) -> Any:
        name = hashlib.sha256("\0".join(texts).encode()).hexdigest()[:20]
        path = WORK / "curate" / f"{name}.npy"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            made[:] = made or [make()]
            np.save(path, made[0](texts))
        return np.load(path)

    return embedded


def split(texts: Texts, rng: np.random.Generator, most: int | None) -> tuple[Any, Any]:
    """(20 trusted rows of each class, the others: at most so many)."""
    trusted = np.concatenate(
        [rng.permutation(np.flatnonzero(texts.codes == code))[:TRUSTED] for code in range(texts.classes)]
    )
    others = np.setdiff1d(np.arange(len(texts.codes)), trusted)
    return trusted, others if most is None else np.sort(rng.permutation(others)[:most])


def flipped(points: Any, codes: Any, noise: str, share: float, rng: np.random.Generator) -> Any:
    """The labels with a share of them wrong: "uniform" of all classes, "one-sided" of every second class and
    into the others, "nearest" into the class that a classifier finds
    likeliest after the true one, "none".
    """
    classes, out, hit = int(codes.max()) + 1, codes.copy(), rng.random(len(codes)) < share
    if noise == "uniform":
        out[hit] = (codes[hit] + rng.integers(1, classes, hit.sum())) % classes
    elif noise == "one-sided":
        hit &= codes % 2 == 1
        out[hit] = 2 * rng.integers(0, (classes + 1) // 2, hit.sum())
    elif noise == "nearest":
        chances = out_of_fold(points, codes, 3, 0)
        chances[np.arange(len(codes)), codes] = -1
        out[hit] = chances.argmax(1)[hit]
    return out
