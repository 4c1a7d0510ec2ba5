"""Products in bfloat16, where the processor multiplies it: two to three times as fast as in float32."""

from __future__ import annotations

import torch
from torch import Tensor

HALF: bool = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()


def half(x: Tensor) -> Tensor:
    """A factor of a product, as the processor multiplies it fastest."""
    return x.bfloat16() if HALF and x.device.type == "cpu" and x.dtype == torch.float32 else x
