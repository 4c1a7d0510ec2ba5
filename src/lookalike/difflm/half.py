"""Products in bfloat16, where the processor multiplies it: two to three times as fast as in float32."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HALF: bool = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()


def half(x: Tensor) -> Tensor:
    """A factor of a product, as the processor multiplies it fastest."""
    return x.bfloat16() if HALF and x.device.type == "cpu" and x.dtype == torch.float32 else x


def linear(x: Tensor, layer: nn.Linear) -> Tensor:
    """What the layer makes of x; while it learns, in bfloat16 where products are faster so."""
    if not torch.is_grad_enabled():
        return F.linear(x, layer.weight, layer.bias)
    return F.linear(half(x), half(layer.weight), half(layer.bias))
