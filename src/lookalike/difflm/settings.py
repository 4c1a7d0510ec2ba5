"""The arguments of `DiffLM`, checked, and the settings that `fit` derives from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from lookalike.arguments import as_number, choice, number, shown, switch, text, whole
from lookalike.codec import RecordCodec
from lookalike.defaults import DEVICES, LORA_RANK
from lookalike.difflm.latent.denoiser import DenoiserConfig
from lookalike.difflm.small import injection as small
from lookalike.difflm.small.sizes import TEXT_SIZES, VAEConfig
from lookalike.difflm.training.config import TEXT_RATE, TEXT_TRAINING, TrainConfig
from lookalike.difflm.training.threads import Threads
from lookalike.errors import OptionError, SchemaError
from lookalike.progress import parse_time
from lookalike.table.schema import Schema

if TYPE_CHECKING:
    from lookalike.difflm.pretrained.train import FinetuneConfig
    from lookalike.difflm.pretrained.vae import PretrainedConfig

NAMED = "name a folder, a GGUF file, or OWNER/NAME on the Hugging Face hub"
Config = TypeVar("Config", VAEConfig, TrainConfig)


@dataclass(frozen=True)
class Arguments:
    """The arguments of `DiffLM` in the form in which they are used.

    max_time: seconds. rate, epochs, beta, refine: None where they follow from the table or from the lane.
    lora: the rank of the adapters, 0 for none: then the backbone stays as it is.
    """

    max_time: float | None
    seed: int
    device: torch.device
    rate: float | None
    injection: str
    epochs: float | None
    backbone: str | None
    encoder: str | None
    lora: int
    beta: str | None
    refine: bool | None
    threads: Threads
    progress: bool

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Arguments:
        """given: name of an argument -> what the constructor was given.

        Raises OptionError for a value that cannot be used, and for values that do not fit together.
        """
        rate, epochs, backbone = given["rate"], given["epochs"], given["backbone"]
        advice = f"0 nats or more, e.g. {TrainConfig.rate}"
        rate = None if rate is None else number("rate", rate, 0, advice=advice)
        advice = "a number above 0, or None to have it chosen"
        epochs = None if epochs is None else number("epochs", epochs, 0, advice=advice, above=True)
        max_time, seed = parse_time(given["max_time"]), whole("seed", given["seed"])
        progress, device = switch("progress", given["progress"]), pick_device(given["device"])
        threads = Threads(given["threads"] if device.type == "cpu" else torch.get_num_threads())
        check = _check_small if backbone is None else _check_pretrained
        check(given)
        return cls(
            max_time=max_time,
            seed=seed,
            device=device,
            rate=rate,
            injection=given["injection"],
            epochs=epochs,
            backbone=backbone,
            encoder=given["encoder"],
            lora=0 if backbone is None else _rank(given["lora"]),
            beta=given["beta"],
            refine=None if given["refine"] is None else switch("refine", given["refine"]),
            threads=threads,
            progress=progress,
        )


def _check_small(given: Mapping[str, Any]) -> None:
    choice("injection", given["injection"], small.VARIANTS)
    lora = given["lora"]
    plain = lora is None or lora is False or as_number(lora) == 0
    unset = {"encoder": given["encoder"] is None, "lora": plain, "beta": given["beta"] is None}
    for name, left_out in unset.items():
        if not left_out:
            raise OptionError(f"{name} is for a pretrained language model: add backbone, or leave it out.")


def _check_pretrained(given: Mapping[str, Any]) -> None:
    from lookalike.difflm.pretrained.train import BETAS
    from lookalike.difflm.pretrained.vae import VARIANTS

    choice("injection", given["injection"], VARIANTS)
    text("backbone", given["backbone"], NAMED)
    if given["encoder"] is not None:
        text("encoder", given["encoder"], NAMED)
    if given["beta"] is not None:
        choice("beta", given["beta"], BETAS)


def _rank(lora: Any) -> int:
    if lora is None or isinstance(lora, bool):
        return 0 if lora is False else LORA_RANK
    return whole("lora", lora, 0, 1024, "True, False or a rank from 1 to 1024")


@dataclass(frozen=True)
class Pretrained:
    """A pretrained language model by name, the encoder that goes with it, and how both are used."""

    backbone: str
    encoder: str | None
    config: PretrainedConfig
    finetune: FinetuneConfig

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any], backbone: str | None = None) -> Pretrained:
        """That of a saved model; backbone: where its language model is now, if it has moved."""
        from lookalike.difflm.pretrained.train import FinetuneConfig
        from lookalike.difflm.pretrained.vae import PretrainedConfig

        finetune = FinetuneConfig(**{**facts["finetune"], "steps": tuple(facts["finetune"]["steps"])})
        return cls(
            backbone or facts["backbone"], facts["encoder"], PretrainedConfig(**facts["config"]), finetune
        )


@dataclass(frozen=True)
class Settings:
    """What a model is trained with: the sizes and the schedule of each network.

    vae: of the model that is trained from scratch; pretrained: None where it is that one.
    """

    vae: VAEConfig = field(default_factory=VAEConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    denoiser: DenoiserConfig = field(default_factory=DenoiserConfig)
    pretrained: Pretrained | None = None


def derive(
    arguments: Arguments,
    base: Settings,
    texts: bool,
    config: PretrainedConfig | None = None,
    finetune: FinetuneConfig | None = None,
    rows: int | None = None,
    slots: int | None = None,
) -> Settings:
    """The settings of a fit: the arguments are laid over those of `base`, and what texts need over both.

    texts: whether a record has texts; what they need changes only what is still at its default. rows, slots:
    of the table and of a record; None: not known, so that neither trees nor more passes nor a selector follow
    from them.
    config, finetune: what the arguments of a pretrained language model are laid over; None: their defaults.
    """
    passes: dict[str, Any] = {}
    if arguments.epochs is not None:
        passes = {"epochs": arguments.epochs, "epochs_limits": (arguments.epochs, arguments.epochs)}
    vae, train = replace(base.vae, injection=arguments.injection), replace(base.train, **passes)
    if texts:
        vae, train = _at_default(vae, TEXT_SIZES), _at_default(train, TEXT_TRAINING)
    train = replace(train, refine=True if texts and arguments.refine is None else arguments.refine)
    if arguments.rate is not None:
        train = replace(train, rate=arguments.rate)
    elif texts:
        train = _at_default(train, {"rate": TEXT_RATE})
    if slots is not None and not texts and arguments.backbone is None:
        if rows is not None and rows <= train.based_rows and slots <= train.based_slots:
            vae = replace(vae, based=True)
        elif arguments.epochs is None:
            fewest, most = train.epochs_limits
            train = replace(train, epochs_limits=(fewest, most * _oftener(slots, train)))
    return Settings(vae, train, base.denoiser, _pretrained(arguments, config, finetune))


def _oftener(slots: int, train: TrainConfig) -> float:
    """How many times as often a record of so many slots is read: 1 to 2. Its steps are short."""
    return 1 + min(1.0, max(0.0, (train.many_slots - slots) / (train.many_slots - train.few_slots)))


def _pretrained(
    arguments: Arguments, config: PretrainedConfig | None, finetune: FinetuneConfig | None
) -> Pretrained | None:
    if arguments.backbone is None:
        return None
    from lookalike.difflm.pretrained.train import FinetuneConfig
    from lookalike.difflm.pretrained.vae import PretrainedConfig

    config, finetune = config or PretrainedConfig(), finetune or FinetuneConfig()
    config = replace(config, injection=arguments.injection, lora=arguments.lora)
    if arguments.epochs is not None:
        finetune = replace(finetune, epochs=arguments.epochs, steps=(1, 10**9))
    if arguments.beta is not None:
        finetune = replace(finetune, beta=arguments.beta)
    return Pretrained(arguments.backbone, arguments.encoder, config, finetune)


def _at_default(config: Config, changes: Mapping[str, Any]) -> Config:
    """A config with those of the changes that concern what is still at its default."""
    default = type(config)()
    free = {key: value for key, value in changes.items() if getattr(config, key) == getattr(default, key)}
    return replace(config, **free)


def codec_of(value: Any, schema: Schema | None, names: Sequence[Any]) -> RecordCodec | None:
    """The codec that `fit` is given, None for none; names: the columns of the table that is fitted.

    Raises OptionError for anything else, SchemaError where it was not fitted with this schema or this table.
    """
    if value is None:
        return None
    if not isinstance(value, RecordCodec):
        raise OptionError(f"the codec is {shown(value)}: give what RecordCodec.fit made, or leave it out.")
    own, other = (
        [(one.name, one.kind) for one in of.columns] for of in (value.schema, schema or value.schema)
    )
    if own != other:
        raise SchemaError("the codec was fitted with another schema: give only one of them, or fit it again.")
    if not set(names) <= set(value.schema.names):  # a column that is gone is named where it is read
        raise SchemaError("the codec was fitted on a table of other columns: fit it again on this table.")
    return value


def schema_of(value: Any) -> Schema | None:
    """The schema that `fit` is given, None for none. Raises SchemaError for anything else, such as labels."""
    if value is None or isinstance(value, Schema):
        return value
    raise SchemaError(
        f"the schema is {shown(value)}, which lookalike.infer did not make: put labels into the table as a "
        "column of their own, and read a file with lookalike.Schema.load."
    )


def pick_device(name: str) -> torch.device:
    """The device of that name ("auto": the GPU where there is one). Raises OptionError if it is not there."""
    name = choice("device", name, DEVICES)
    if name == "cuda" and not torch.cuda.is_available():
        raise OptionError("device cuda was asked for, but torch sees no GPU: choose cpu or auto.")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
