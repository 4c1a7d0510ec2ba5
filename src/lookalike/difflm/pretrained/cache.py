"""The cache of keys and values while texts are written: it grows in place."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor

from lookalike.difflm.pretrained.hub import hugging_face

ROOM = 64  # tokens that are made room for at once


def empty_cache() -> Any:
    """A cache that grows. Without gradients it has room for the next tokens.

    So the tokens before them are not copied at every token. (64 records of SmolLM2 that have 300 tokens, on a
    CPU: of the time of a token three quarters were the copies.) Older transformers have no layers of caches:
    with these it is the usual cache, too.
    """
    cache = hugging_face().DynamicCache()
    if not torch.is_grad_enabled() and hasattr(cache, "layer_class_to_replicate"):
        cache.layer_class_to_replicate = _layer()
    return cache


def cached_bytes(config: Any, number: int) -> int:
    """Bytes of one token in the cache of a language model; number: bytes of a number."""
    text = config.get_text_config()
    heads = text.num_attention_heads
    width = getattr(text, "head_dim", None) or text.hidden_size // heads
    return 2 * number * text.num_hidden_layers * (getattr(text, "num_key_value_heads", None) or heads) * width


@functools.cache
def _layer() -> type:
    from transformers.cache_utils import DynamicLayer

    class RoomyLayer(DynamicLayer):  # type: ignore[misc]
        """keys and values are the beginnings of two tensors that have room for more tokens."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.places: list[Tensor | None] = [None, None]
            self.keys: Tensor
            self.values: Tensor

        def update(
            self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
        ) -> tuple[Tensor, Tensor]:
            if not self.is_initialized:
                return super().update(key_states, value_states, *args, **kwargs)
            self.keys = self._joined(0, self.keys, key_states)
            self.values = self._joined(1, self.values, value_states)
            return self.keys, self.values

        def _joined(self, which: int, held: Tensor, added: Tensor) -> Tensor:
            """(rows, heads, tokens, width) of what is held and of what is added."""
            known, place = held.shape[-2], self.places[which]
            total = known + added.shape[-2]
            # rows that were selected are another tensor
            if place is None or place.data_ptr() != held.data_ptr() or place.shape[-2] < total:
                rows, heads, _, width = added.shape
                place = added.new_empty(rows, heads, total + ROOM, width)
                place[:, :, :known] = held
                self.places[which] = place
            place[:, :, known:total] = added
            return place[:, :, :total]

    return RoomyLayer
