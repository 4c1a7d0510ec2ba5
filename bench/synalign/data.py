"""The sets of texts of `python -m bench.synalign`, and the simulated model that knows them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from bench.places import WORK
from bench.server import CORPUS, serve
from bench.synalign import minilm
from bench.synalign.judge import Embed, Judge, remembering
from lookalike.embed import embedder


class TextSet(NamedTuple):
    """file: how its files begin; per_class: real rows of each class; rows: that every arm writes."""

    file: str
    label: str
    per_class: int
    rows: int


SETS = {
    "sst2": TextSet("sst2_sentences", "label", 10, 1000),
    "banking77": TextSet("banking77", "category", 5, 1540),
    "sst2-500": TextSet(
        "sst2_sentences", "label", 500, 1000
    ),  # more real rows than are shown: picking matters
}


def files(folder: Path, name: str) -> tuple[Path, Path]:
    """Of the training rows and of the test rows of a set."""
    file = SETS[name].file
    return folder / f"{file}_train.csv.gz", folder / f"{file}_test.csv.gz"


class Data:
    """A set as tables of strings, and its judge."""

    def __init__(self, folder: Path, name: str, embedder_name: str, threads: int) -> None:
        self.name, self.set = name, SETS[name]
        self.train, self.test = (
            pd.read_csv(path, dtype=str, keep_default_na=False) for path in files(folder, name)
        )
        self.embed: Embed | None = None  # the pipeline's; None is its own
        if embedder_name == "minilm":
            both = self.train.text.tolist() + self.test.text.tolist()
            path = WORK / f"{self.set.file}-minilm.npy"
            self.embed = remembering(minilm.embedder(threads), both, path)
        judged = self.embed or embedder(None, self.train.text.tolist())
        pairs = [(t.text.tolist(), t[self.set.label].tolist()) for t in (self.train, self.test)]
        self.judge = Judge(pairs[0], pairs[1], judged)


def simulated(corpus: pd.DataFrame, label: str, seed: int) -> tuple[subprocess.Popen[str], str]:
    """The server of a model that knows the corpus, and its URL."""
    path = WORK / f"corpus-{os.getpid()}.csv"
    path.parent.mkdir(exist_ok=True)
    corpus[["text", label]].to_csv(path, index=False)
    found = {"LOOKALIKE_CORPUS": str(path), "LOOKALIKE_LABEL": label, "OMP_NUM_THREADS": "1"}
    options = ("--sampling", "--seed", str(seed), "--writer", f"{CORPUS}:write")
    server, url = serve(*options, variables=os.environ | found)
    path.unlink()  # the server has read it by the time that it says its URL
    return server, url
