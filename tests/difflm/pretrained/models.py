"""Models around tiny backbones, and what every row of theirs has to be."""

import dataclasses
from pathlib import Path
from typing import Any

import pandas as pd

from lookalike import Schema
from lookalike.codec import RecordCodec
from lookalike.difflm import DiffLM
from lookalike.difflm.fitted import Fitted, build
from lookalike.difflm.pretrained.train import FinetuneConfig
from lookalike.difflm.pretrained.vae import PretrainedConfig
from lookalike.difflm.settings import Arguments, Settings, derive

JOBS = ["clerk", "farmer", "nurse"]


def made(
    folder: Path | str,
    steps: int = 3,
    batch: int = 16,
    micro: int | None = None,
    checkpointing: bool = False,
    **options: Any,
) -> DiffLM:
    """A DiffLM that will take so many steps; micro, checkpointing: as in its configurations."""
    model = DiffLM(backbone=str(folder), progress=False, **options)
    model.finetune_config = FinetuneConfig(steps=(steps, steps), batch=batch)
    if micro is not None:
        model.finetune_config = dataclasses.replace(model.finetune_config, micro=micro)
    model.pretrained_config = PretrainedConfig(checkpointing=checkpointing)
    model.train_config = dataclasses.replace(model.train_config, denoiser_steps=20, denoiser_batch=128)
    return model


def untrained(model: DiffLM, people: pd.DataFrame, schema: Schema) -> Fitted:
    """What a fit of the model begins with."""
    arguments = Arguments.of(model.get_params())
    settings = derive(arguments, Settings(), True, model.pretrained_config, model.finetune_config)
    codec = RecordCodec.fit(people, schema)
    return build(codec, settings, arguments.seed, arguments.device, arguments.threads, people)


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
