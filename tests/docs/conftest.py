"""What a reader has: the examples (cut), and tables of their own under the names that the pages say."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lookalike
from tests.docs.blocks import QWEN, URL
from tests.paths import ROOT

WRITER = ROOT / "tests" / "prompting" / "writer.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, orders: pd.DataFrame) -> Path:
    where, rng = tmp_path_factory.mktemp("reader"), np.random.default_rng(0)
    (where / "examples").mkdir()
    for name in ("adult.csv.gz", "adult-test.csv.gz"):
        table = pd.read_csv(ROOT / "examples" / name, nrows=500, keep_default_na=False)
        table.to_csv(where / "examples" / name, index=False)
    asked = [(rng.integers(90), rng.choice(["name", "age", "city"])) for _ in range(300)]
    questions = {
        "question": [f"which {column} has number {n} of row {i}" for i, (n, column) in enumerate(asked)],
        "sql": [
            f"SELECT {column} FROM people WHERE id = {n} LIMIT {i}" for i, (n, column) in enumerate(asked)
        ],
    }
    pd.DataFrame(questions).to_csv(where / "questions.csv", index=False)
    orders.to_csv(where / "orders.csv", index=False)
    banking = pd.read_csv(ROOT / "tests" / "data" / "banking77.csv").rename(columns={"category": "label"})
    banking = banking[banking["label"].isin(banking["label"].unique()[:3])]
    banking["label"] = banking["label"].replace(banking["label"].iloc[0], "spam")
    banking.to_csv(where / "messages.csv", index=False)
    halves = banking["text"].str.split().map(lambda words: words[: len(words) // 2])
    ends = halves.groupby(banking["label"]).transform(lambda own: own.to_numpy()[::-1])
    texts = [" ".join([*one, "and", *other]) for one, other in zip(halves, ends, strict=True)]
    banking.assign(text=texts).to_csv(where / "written.csv", index=False)  # what a language model wrote
    return where


@pytest.fixture(scope="module")
def learned(folder: Path) -> Path:
    """adult.model, as the tutorial leaves it."""
    real = lookalike.read_table(folder / "examples" / "adult.csv.gz", missing={"?"})
    lookalike.DiffLM(max_time="1s", progress=False).fit(real).save(folder / "adult.model")
    return folder / "adult.model"


@pytest.fixture(scope="module")
def backbone(folder: Path) -> str:
    from tests.difflm.backbones import save_backbone

    texts = pd.read_csv(folder / "messages.csv").to_json(orient="records", lines=True).splitlines()
    return str(save_backbone(folder / "backbone", "llama", texts))


@pytest.fixture
def reader(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A reader who sits in the folder."""
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def instead(request: pytest.FixtureRequest, serve: Callable[..., Any]) -> Callable[[str], dict[str, str]]:
    """text -> what is put in the place of a model on the hub and of an endpoint, if the text names them."""

    def of(text: str) -> dict[str, str]:
        found = {}
        if URL in text:
            found[URL] = serve("--writer", f"{WRITER}:good").url
        if QWEN in text:
            found[QWEN] = request.getfixturevalue("backbone")
        return found

    return of
