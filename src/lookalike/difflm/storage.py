"""A model on disk: model.json, weights.safetensors and codec.safetensors. Never a pickle."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import safetensors
import safetensors.numpy
import safetensors.torch
from torch import Tensor

from lookalike.codec import RecordCodec
from lookalike.difflm.latent.denoiser import DenoiserConfig
from lookalike.difflm.setup import Setup
from lookalike.difflm.small.vae import VAEConfig
from lookalike.difflm.training.checkpoint import writing
from lookalike.difflm.training.config import TrainConfig
from lookalike.errors import ModelError

if TYPE_CHECKING:
    from lookalike.difflm.model import DiffLM

FORMAT = 4


def save_model(model: DiffLM, folder: Path) -> None:
    """model.json is put in place last: a folder without it is an unfinished one. An earlier model stays until
    all of the new one is on disk.

    Raises ModelError where the folder cannot be written.
    """
    codec, arrays = model.codec.to_dict()
    weights: dict[str, Tensor] = {}
    if model.codec.slots:
        prior = {f"prior.{k}": v for k, v in model.prior.state_dict().items()}
        weights = {k: v.detach().cpu().contiguous() for k, v in (model.records.weights() | prior).items()}
    facts = {
        "format": FORMAT,
        "seed": model.seed,
        "vae": asdict(model.vae_config),
        "train": asdict(model.train_config),
        "denoiser": asdict(model.denoiser_config),
        "history": model.history,
        "table": model.table,
        "codec": codec,
        "pretrained": model.records.facts(),
    }
    names = ("weights.safetensors", "codec.safetensors", "model.json")
    new = {name: folder / f"{name}.tmp" for name in names}
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            safetensors.torch.save_file(weights, new["weights.safetensors"])
            safetensors.numpy.save_file(arrays, new["codec.safetensors"])
            new["model.json"].write_text(json.dumps(facts), encoding="utf-8")
            (folder / "model.json").unlink(missing_ok=True)
            for name, path in new.items():
                os.replace(path, folder / name)
        finally:
            for path in new.values():
                path.unlink(missing_ok=True)


def fingerprint(table: pd.DataFrame) -> str:
    """What tells a table from another one: its columns and cells."""
    digest = hashlib.sha256(repr([*map(str, table.columns)]).encode())
    plain = {i: table.iloc[:, i] for i in range(table.shape[1])}
    for series in plain.values():
        cells = series.astype(str) if series.dtype == object else series
        digest.update(pd.util.hash_pandas_object(cells, index=False).to_numpy().tobytes())
    return digest.hexdigest()[:16]


def check_same_table(folder: Path, table: pd.DataFrame) -> None:
    """Raises ModelError where a folder holds the model of another table, which would be lost."""
    try:
        facts = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        known = facts.get("table")
        names = [column["name"] for column in facts["codec"]["schema"]["columns"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return  # there is no whole model that could be lost
    if known != fingerprint(table) if known else names != list(table.columns):
        shown = ", ".join(f"'{name}'" for name in names[:5]) + (", ..." if len(names) > 5 else "")
        raise ModelError(
            f"{folder} holds the model of another table (its columns are {shown}): choose another folder, or "
            "add --force to replace it."
        )


def load_model(model: DiffLM, folder: Path, backbone: str | None = None) -> DiffLM:
    """Fill a fresh model from a folder; backbone: as in `DiffLM.load`.

    Raises ModelError naming what is wrong with it.
    """
    if not folder.is_dir():
        raise ModelError(f"{folder} is not a folder: give the folder that fit or save wrote.")
    try:
        facts = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{folder} holds no finished model (model.json is missing): fit it again.") from None
    except OSError as error:
        raise ModelError(
            f"{folder}/model.json cannot be read ({error.strerror}): check the folder's permissions."
        ) from None
    except ValueError:
        raise ModelError(f"{folder}/model.json is damaged: fit the model again.") from None
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        found = facts.get("format") if isinstance(facts, dict) else None
        raise ModelError(
            f"{folder} is of model format {found}, this version reads format {FORMAT}: fit the model again, "
            "or use the version of lookalike that wrote it."
        )
    try:
        arrays = safetensors.numpy.load_file(folder / "codec.safetensors")
        weights = safetensors.torch.load_file(folder / "weights.safetensors")
        codec = RecordCodec.from_dict(facts["codec"], arrays)
        model.seed, model.history, model.table = facts["seed"], facts["history"], facts.get("table", "")
        model.vae_config = VAEConfig(**facts["vae"])
        model.train_config = TrainConfig(**facts["train"])
        model.denoiser_config = DenoiserConfig(**facts["denoiser"])
        pretrained = facts.get("pretrained") or None
        if pretrained:
            model.setup = Setup.of_facts(pretrained, backbone)
        elif backbone is not None:
            raise ModelError(f"{folder} was learned without a pretrained backbone: leave backbone out.")
        model._build(codec, facts=pretrained)
        if codec.slots:
            model.records.load(weights)
            prior = {k.removeprefix("prior."): v for k, v in weights.items() if k.startswith("prior.")}
            model.prior.load_state_dict(prior)
            model.prior.eval()
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
        raise ModelError(
            f"{folder} is incomplete or damaged ({type(error).__name__}): fit the model again."
        ) from None
    return model
