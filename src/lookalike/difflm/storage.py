"""A model on disk: model.json, weights.safetensors and codec.safetensors. Never a pickle."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import safetensors
import safetensors.numpy
import safetensors.torch
from torch import Tensor

from lookalike import __version__
from lookalike.codec import RecordCodec
from lookalike.difflm.latent.denoiser import DenoiserConfig
from lookalike.difflm.settings import Pretrained, Settings
from lookalike.difflm.small.sizes import VAEConfig
from lookalike.difflm.training.checkpoint import writing
from lookalike.difflm.training.config import TrainConfig
from lookalike.errors import ModelError
from lookalike.rules.holds import EMPTY
from lookalike.rules.keep import Plan

FORMAT = 7
RENAMED = {  # earlier format that is read -> how names of weights began, and begin
    4: {"vae.runs.": "vae.spans."},
    5: {},
    6: {},
}
FIRST = "0.1.0"  # the version that wrote the formats before those, which did not say who wrote them


@dataclass
class Saved:
    """What is kept of a model.

    arguments: what `DiffLM` was given and a later fit needs again, as JSON values; a model of an earlier
    version has none of them where they do not follow from its settings. table: the fingerprint of what was
    learned. pretrained: `RecordModel.facts`, empty without a pretrained language model.
    """

    seed: int
    arguments: dict[str, Any]
    settings: Settings
    history: list[dict[str, Any]]
    table: str
    codec: RecordCodec
    plan: Plan | None
    pretrained: dict[str, Any]
    weights: dict[str, Tensor]


def save_model(saved: Saved, folder: Path) -> None:
    """model.json is put in place last: a folder without it is an unfinished one. An earlier model stays until
    all of the new one is on disk.

    Raises ModelError where the folder cannot be written.
    """
    codec, arrays = saved.codec.to_dict()
    rules, more = ({}, {}) if saved.plan is None else saved.plan.to_dict()
    arrays |= more
    weights = {k: v.detach().cpu().contiguous() for k, v in saved.weights.items()}
    facts = {
        "format": FORMAT,
        "version": __version__,
        "seed": saved.seed,
        "arguments": saved.arguments,
        "vae": asdict(saved.settings.vae),
        "train": asdict(saved.settings.train),
        "denoiser": asdict(saved.settings.denoiser),
        "history": saved.history,
        "table": saved.table,
        "codec": codec,
        "rules": rules,
        "pretrained": saved.pretrained,
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


def load_model(folder: Path, backbone: str | None = None) -> Saved:
    """What a folder holds; backbone: as in `DiffLM.load`.

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
    found = facts.get("format") if isinstance(facts, dict) else None
    if found not in (FORMAT, *RENAMED):
        raise ModelError(_other_format(folder, found, facts))
    with undamaged(folder):
        weights = safetensors.torch.load_file(folder / "weights.safetensors")
        for before, now in RENAMED.get(found, {}).items():
            weights = {
                k.replace(before, now, 1) if k.startswith(before) else k: v for k, v in weights.items()
            }
        arrays = safetensors.numpy.load_file(folder / "codec.safetensors")
        pretrained = facts.get("pretrained") or {}
        if backbone is not None and not pretrained:
            raise ModelError(f"{folder} was learned without a pretrained backbone: leave backbone out.")
        moved = {} if backbone is None else {"backbone": backbone}
        settings = Settings(
            VAEConfig(**_vae(facts["vae"])),
            TrainConfig(**_tuples(facts["train"])),
            DenoiserConfig(**_tuples(facts["denoiser"])),
            Pretrained.of_facts(pretrained, backbone) if pretrained else None,
        )
        codec, rules = RecordCodec.from_dict(facts["codec"], arrays), facts.get("rules")
        rules = rules if found == FORMAT else _signs(rules)
        return Saved(
            seed=facts["seed"],
            arguments={"seed": facts["seed"]} | _arguments(settings) | facts.get("arguments", {}) | moved,
            settings=settings,
            history=facts["history"],
            table=facts.get("table", ""),
            codec=codec,
            plan=Plan.from_dict(rules, arrays, codec.schema) if rules else None,
            pretrained=pretrained,
            weights=weights,
        )


def _other_format(folder: Path, found: Any, facts: Any) -> str:
    """The sentence on a model that this version does not read, with the version that does."""
    writer = facts.get("version") if isinstance(facts, dict) else None
    if writer is None and isinstance(found, int) and found < min(RENAMED):
        writer = FIRST
    wrote = "another version of lookalike" if writer is None else f"lookalike {writer}"
    return (
        f"{folder} was written by {wrote} (model format {found}), and this version, {__version__}, reads the "
        f"formats {min(RENAMED)} to {FORMAT}: fit the model again, or use {wrote}."
    )


@contextlib.contextmanager
def undamaged(folder: Path) -> Iterator[None]:
    """Turns what goes wrong while a model is read and put together into a ModelError: it is damaged."""
    try:
        yield
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
        raise ModelError(
            f"{folder} is incomplete or damaged ({type(error).__name__}): fit the model again."
        ) from None


def _arguments(settings: Settings) -> dict[str, Any]:
    """The arguments that follow from the settings, of a model that was saved without them."""
    own = settings.pretrained
    if own is None:
        return {"injection": settings.vae.injection}
    return {
        "injection": own.config.injection,
        "backbone": own.backbone,
        "encoder": own.encoder,
        "lora": own.config.lora,
        "beta": own.finetune.beta,
    }


def _vae(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the config; in formats before 7 a token of the latent was a vector."""
    return {"prompts": facts["latent_tokens"], **_tuples(facts)}


def _signs(rules: Any) -> Any:
    """The rules of a model; in formats before 7 another sign stood for an empty cell of a combination."""
    if isinstance(rules, str):
        return rules.replace("\x00", EMPTY)
    if isinstance(rules, list):
        return [_signs(own) for own in rules]
    return {_signs(key): _signs(own) for key, own in rules.items()} if isinstance(rules, dict) else rules


def _tuples(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a config; JSON has lists for its tuples."""
    return {name: _tuple(value) for name, value in facts.items()}


def _tuple(value: Any) -> Any:
    return tuple(map(_tuple, value)) if isinstance(value, list) else value
