"""Products in bfloat16, where the processor multiplies it: two to three times as fast as in float32."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_KNOWN = "_is_avx512_bf16_supported", "_is_amx_tile_supported"  # not all versions of torch have both
HALF: bool = any(bool(getattr(torch.cpu, name, lambda: False)()) for name in _KNOWN)


def half(x: Tensor) -> Tensor:
    """A factor of a product, as the processor multiplies it fastest."""
    return x.bfloat16() if HALF and x.device.type == "cpu" and x.dtype == torch.float32 else x


def linear(x: Tensor, layer: nn.Linear) -> Tensor:
    """What the layer makes of x; while it learns, in bfloat16 where products are faster so."""
    if not torch.is_grad_enabled():
        return F.linear(x, layer.weight, layer.bias)
    return F.linear(half(x), half(layer.weight), half(layer.bias))
