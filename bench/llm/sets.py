"""The sets of texts of `python -m bench.llm.arms`: labels in words, which a language model understands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

CLASSES = 20  # of BANKING77: the first by name, of which many are about cards and hard to tell apart


@dataclass(frozen=True)
class TextSet:
    """file: how its files begin; label: their column of it; named: what it is called here; task: what a
    language model is told of the data; words: label -> in words, empty where it is in words.
    """

    file: str
    label: str
    named: str
    task: str
    words: dict[str, str]


SETS = {
    "banking77": TextSet(
        "banking77", "category", "category", "questions that customers of a bank ask in its app", {}
    ),
    "sst2": TextSet(
        "sst2_sentences", "label", "sentiment", "sentences from reviews of films",
        {"0": "negative", "1": "positive"},
    ),
}  # fmt: skip


def files(folder: Path, name: str) -> tuple[Path, Path]:
    """Of the training rows and of the test rows of a set."""
    return folder / f"{SETS[name].file}_train.csv.gz", folder / f"{SETS[name].file}_test.csv.gz"


def read(folder: Path, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(training rows, test rows): columns "text" and the label as it is called here, strings."""
    own, found = SETS[name], []
    for path in files(folder, name):
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
        labels = table[own.label].map(lambda label: own.words.get(label, label))
        found.append(pd.DataFrame({"text": table["text"], own.named: labels}))
    kept = sorted(found[0][own.named].unique())[:CLASSES]
    train, test = (table[table[own.named].isin(kept)].reset_index(drop=True) for table in found)
    return train, test


def drawn(train: pd.DataFrame, label: str, rows: int, seed: int) -> pd.DataFrame:
    """The real rows that an arm is given: so many of each class, drawn by the seed."""
    return train.groupby(label, sort=True).sample(rows, random_state=seed).reset_index(drop=True)
