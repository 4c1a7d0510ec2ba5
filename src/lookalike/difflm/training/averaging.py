"""The running mean of the weights of a model, which is what is validated and kept."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


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
