"""Low-rank adapters (LoRA, Hu et al. 2021) of a language model, computed in the numbers of its weights."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lookalike.errors import MissingDependency

NAME = "default"  # that peft gives the adapters of a model


class Adapters:
    """Puts adapters of a rank on all linear layers of a model; `model` is what peft makes of it.

    peft computes each adapter by itself in float32, with two casts and a product for its scale. On a GPU a
    step of a small model waits for the CPU that asks for them: an adapter took 19 kernels, the layer itself
    3. Here all adapters are cast and scaled together before the model runs, and each takes 2 kernels more
    than its layer. What is trained stays in float32, under the names of peft.
    """

    def __init__(self, language: Any, rank: int):
        try:
            import peft
        except ImportError:
            raise MissingDependency("peft", "pretrained") from None
        config = peft.LoraConfig(
            r=rank,
            lora_alpha=2 * rank,
            lora_dropout=0.0,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says that it sets an option right by itself
            self.model = peft.get_peft_model(language, config)
        found: list[Any] = [one for one in self.model.modules() if hasattr(one, "lora_A")]
        own = [one for one in found if type(one.base_layer) is nn.Linear]  # others are left to peft
        self._low: list[nn.Parameter] = [one.lora_A[NAME].weight for one in own]
        self._high: list[nn.Parameter] = [one.lora_B[NAME].weight for one in own]
        self._scale: float = own[0].scaling[NAME] if own else 1.0
        self._dtype: torch.dtype = own[0].base_layer.weight.dtype if own else torch.float32
        self._cast: list[tuple[Tensor, Tensor]] = []
        self._versions: list[int] = []
        for place, layer in enumerate(own):
            layer.forward = partial(self._computed, place, layer.base_layer)
        self.model.register_forward_pre_hook(self._refresh)

    def __getstate__(self) -> dict[str, Any]:
        """For a copy of the model, which computes with its own adapters."""
        return self.__dict__ | {"_cast": [], "_versions": []}

    def _refresh(self, *_: Any) -> None:
        """Cast and scale all adapters, if they are trained or have changed since the last time."""
        if not self._low:
            return
        versions = [one._version for one in (*self._low, *self._high)]
        if not torch.is_grad_enabled() and versions == self._versions:
            return
        low, high = _together(self._low, 1.0, self._dtype), _together(self._high, self._scale, self._dtype)
        self._cast = list(zip(low, high, strict=True))
        # after it: another thread that finds its versions here finds what they are of
        self._versions = [] if torch.is_grad_enabled() else versions

    def _computed(self, place: int, layer: nn.Linear, x: Tensor) -> Tensor:
        """What a layer and its adapter make of x together."""
        low, high = self._cast[place]
        rows = x.flatten(0, -2)
        found = torch.addmm(F.linear(rows, layer.weight, layer.bias), F.linear(rows, low), high.T)
        return found.view(*x.shape[:-1], found.shape[-1])


def _together(parts: list[nn.Parameter], scale: float, dtype: torch.dtype) -> list[Tensor]:
    """The matrices, scaled and in other numbers, by a few operations for all of them."""
    flat = (torch.cat([part.flatten() for part in parts]) * scale).to(dtype)
    pieces = flat.split([part.numel() for part in parts])
    return [piece.view(part.shape) for piece, part in zip(pieces, parts, strict=True)]
