"""What the options of `DiffLM` say, checked: the device, the seed, and the pretrained language model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
import torch

from lookalike.arguments import as_number, choice, shown, text, whole
from lookalike.codec import RecordCodec
from lookalike.defaults import DEVICES, LORA_RANK
from lookalike.difflm.small import injection as small
from lookalike.difflm.training.threads import Threads
from lookalike.errors import OptionError, SchemaError
from lookalike.table.schema import Schema

if TYPE_CHECKING:
    from lookalike.difflm.pretrained.records import TextRecords
    from lookalike.difflm.pretrained.train import FinetuneConfig
    from lookalike.difflm.pretrained.vae import PretrainedConfig


@dataclass(frozen=True)
class Setup:
    """A pretrained language model, and how it is used; its packages are imported only here and only then."""

    backbone: str
    encoder: str | None
    config: PretrainedConfig
    finetune: FinetuneConfig

    @classmethod
    def of(
        cls,
        backbone: str | None,
        encoder: str | None,
        lora: bool | int,
        injection: str,
        beta: str | None,
        epochs: float | None,
    ) -> Setup | None:
        """None without a backbone. Raises OptionError for values that do not fit together."""
        if backbone is None:
            choice("injection", injection, small.VARIANTS)
            plain = lora is None or lora is False or as_number(lora) == 0
            unset = {"encoder": encoder is None, "lora": plain, "beta": beta is None}
            for name, left_out in unset.items():
                if not left_out:
                    raise OptionError(
                        f"{name} is for a pretrained language model: add backbone, or leave it out."
                    )
            return None
        from lookalike.difflm.pretrained.train import BETAS, FinetuneConfig
        from lookalike.difflm.pretrained.vae import VARIANTS, PretrainedConfig

        choice("injection", injection, VARIANTS)
        text("backbone", backbone, "name a folder, or OWNER/NAME on the Hugging Face hub")
        if encoder is not None:
            text("encoder", encoder, "name a folder, or OWNER/NAME on the Hugging Face hub")
        if isinstance(lora, bool):
            rank = LORA_RANK if lora else 0
        else:
            rank = whole("lora", lora, 0, 1024, "True, False or a rank from 1 to 1024")
        beta = FinetuneConfig.beta if beta is None else beta
        choice("beta", beta, BETAS)
        passes: dict[str, Any] = {} if epochs is None else {"epochs": epochs, "steps": (1, 10**9)}
        finetune = FinetuneConfig(beta=beta, **passes)
        return cls(backbone, encoder, PretrainedConfig(injection=injection, lora=rank), finetune)

    @classmethod
    def of_facts(cls, facts: Mapping[str, Any], backbone: str | None = None) -> Setup:
        """That of a saved model; backbone: where its language model is now, if it has moved."""
        from lookalike.difflm.pretrained.train import FinetuneConfig
        from lookalike.difflm.pretrained.vae import PretrainedConfig

        finetune = FinetuneConfig(**{**facts["finetune"], "steps": tuple(facts["finetune"]["steps"])})
        config = PretrainedConfig(**facts["config"])
        return cls(backbone or facts["backbone"], facts["encoder"], config, finetune)

    def records(
        self,
        codec: RecordCodec,
        table: pd.DataFrame | None,
        device: torch.device,
        threads: Threads,
        facts: dict[str, Any] | None = None,
    ) -> TextRecords:
        """The records of a table, or with `facts` those of a saved model."""
        from lookalike.codec.serialised import Serialised
        from lookalike.difflm.pretrained.records import TextRecords

        serialised = Serialised.of(codec, facts["texts"]) if facts else Serialised.fit(codec, table)
        return TextRecords(
            serialised, self.backbone, self.encoder, self.config, self.finetune, device, threads, facts
        )


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
