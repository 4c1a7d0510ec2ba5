"""Models around tiny backbones, and what every row of theirs has to be."""

import dataclasses
from pathlib import Path
from typing import Any

import pandas as pd

from lookalike import Schema
from lookalike.codec import RecordCodec
from lookalike.difflm import DiffLM

JOBS = ["clerk", "farmer", "nurse"]


def made(
    folder: Path | str,
    steps: int = 6,
    batch: int = 16,
    micro: int | None = None,
    checkpointing: bool = False,
    **options: Any,
) -> DiffLM:
    """A DiffLM that will take so many steps; micro, checkpointing: as in its configurations."""
    model = DiffLM(backbone=str(folder), progress=False, **options)
    assert model.setup is not None
    finetune = dataclasses.replace(model.setup.finetune, steps=(steps, steps), batch=batch)
    if micro is not None:
        finetune = dataclasses.replace(finetune, micro=micro)
    config = dataclasses.replace(model.setup.config, checkpointing=checkpointing)
    model.setup = dataclasses.replace(model.setup, finetune=finetune, config=config)
    model.train_config = dataclasses.replace(model.train_config, denoiser_steps=20, denoiser_batch=128)
    return model


def untrained(model: DiffLM, people: pd.DataFrame, schema: Schema) -> DiffLM:
    """The same model as it is when its training begins."""
    model._build(RecordCodec.fit(people, schema), people)
    return model


def check_rows(rows: pd.DataFrame, people: pd.DataFrame, schema: Schema) -> None:
    """Every row is one that the schema allows."""
    assert rows.dtypes.equals(people.dtypes)
    assert set(rows["job"]) <= set(JOBS)
    for name in ("age", "pay"):
        assert rows[name].between(schema[name].minimum, schema[name].maximum).all()
    assert (rows["pay"].round(1) == rows["pay"]).all()
    assert rows["born"].between(schema["born"].minimum, schema["born"].maximum).all()
    assert rows["key"].is_unique and not set(rows["key"]) & set(people["key"])
    assert rows["note"].dropna().str.len().between(1, people["note"].str.len().max()).all()
