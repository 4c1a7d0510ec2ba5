"""The running mean of the weights of a model, which is what is validated and kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

LENGTH = 0.08  # of the steps of a training, over which `Mean` takes its mean


class Averaged(AveragedModel):
    """torch's, for a model whose parameters stay the same tensors and whose buffers stay as they are.

    torch looks all of them up at every step and copies the buffers, which took a sixth of a step on a small
    table: there the buffers are the trees that the network corrects.
    """

    def __init__(self, model: nn.Module, decay: float):
        super().__init__(model)
        self._mix = get_ema_multi_avg_fn(decay)
        self._mean: list[Tensor] = list(self.module.parameters())
        self._weights: list[Tensor] = list(model.parameters())

    @torch.no_grad()
    def update(self) -> None:
        """Take the weights of the model as they are now into the mean; the first time they are the mean."""
        if self.n_averaged:
            self._mix(self._mean, self._weights, self.n_averaged)
        else:
            torch._foreach_copy_(self._mean, self._weights)
        self.n_averaged += 1


class Mean:
    """The running mean of what is trained of a large model, over a share of the steps.

    There is no second model: the mean takes the place of the weights while it is validated.
    """

    def __init__(self, module: nn.Module):
        self._module = module
        self._weights = [one.detach() for one in module.parameters()]
        self._mean = [one.clone() for one in self._weights]

    def update(self, step: int, steps: int) -> None:
        """Take the weights into the mean; step: how many steps were made, this one too, of so many."""
        torch._foreach_lerp_(self._mean, self._weights, max(1 / step, min(1.0, 1 / (LENGTH * steps))))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The weights are the mean, and what they were again at the end."""
        kept = [one.clone() for one in self._weights]
        torch._foreach_copy_(self._weights, self._mean)
        try:
            yield
        finally:
            torch._foreach_copy_(self._weights, kept)

    def tensors(self) -> dict[str, Tensor]:
        """name -> the mean, to be saved."""
        return {f"mean.{name}": one for name, one in zip(self._names(), self._mean, strict=True)}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """What `tensors` gave."""
        for name, one in zip(self._names(), self._mean, strict=True):
            one.copy_(tensors[f"mean.{name}"])

    def _names(self) -> list[str]:
        return [name for name, _ in self._module.named_parameters()]
