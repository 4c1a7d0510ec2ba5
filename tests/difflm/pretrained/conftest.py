"""What the tests of the lane around a pretrained language model share: a table, and tiny backbones."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lookalike import Schema, infer
from lookalike.codec import RecordCodec
from lookalike.codec.serialised import Serialised
from lookalike.difflm import DiffLM
from tests.difflm.backbones import save_backbone
from tests.difflm.pretrained.models import JOBS, made
from tests.once import Once


@pytest.fixture(scope="session")
def people() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    job = rng.choice(JOBS, 150)
    hobby = rng.choice(["reads books", 'plants "trees"', "sails", "sings songs\nat night"], 150)
    table = pd.DataFrame(
        {
            "job": job,
            "age": rng.integers(18, 80, 150),
            "pay": np.round(rng.normal(30, 2, 150) + 20 * (job == "nurse"), 1),
            "born": pd.Timestamp("1990-01-01") + pd.to_timedelta(rng.integers(0, 3000, 150), "D"),
            "note": [f"{a} who {b}" for a, b in zip(job, hobby, strict=True)],
            "key": [f"p{i:04d}" for i in range(150)],
        }
    )
    table.loc[rng.random(150) < 0.2, "note"] = None
    return table


@pytest.fixture(scope="session")
def schema(people: pd.DataFrame) -> Schema:
    found = infer(people)
    found["note"].kind = "text"
    return found


@pytest.fixture(scope="session")
def texts(people: pd.DataFrame, schema: Schema) -> list[str]:
    records = Serialised.fit(RecordCodec.fit(people, schema), people)
    return [records.text(row, range(len(records.columns))) for row in records.cells(people)]


@pytest.fixture(scope="session")
def backbone(texts: list[str], made_once: Once) -> Callable[[str], Path]:
    """The folder of a family's language model; "learned" is a Llama that was trained on the texts."""

    def of(family: str) -> Path:
        own, steps = ("llama", 120) if family == "learned" else (family, 0)
        return made_once(f"backbone-{family}", lambda path: save_backbone(path, own, texts, steps))

    return of


@pytest.fixture(scope="session")
def learned(people: pd.DataFrame, schema: Schema, backbone: Callable[[str], Path], made_once: Once) -> DiffLM:
    def fit(path: Path) -> None:
        made(backbone("learned"), steps=110, batch=32, seed=1).fit(people, schema=schema).save(path)

    return DiffLM.load(made_once("learned.model", fit), progress=False)
