"""How many tokens a training around a language model may have in memory at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from lookalike.difflm.pretrained.hub import SMALLER, logits_bytes, most_tokens
from lookalike.difflm.pretrained.tokens import padded
from lookalike.difflm.pretrained.vae import PretrainedVAE
from lookalike.difflm.training.memory import check_memory, enough_memory, free_memory, held_bytes
from lookalike.progress import say

SHARE = 0.5  # of the free memory; a step took 1.6 to 2.4 times what it keeps, on a CPU
PARTS = (1, 2, 4)
FEWEST_TOKENS = 256  # at once; fewer do not help where the memory is short
AGAIN = 50  # steps at most after which more tokens are tried again: what took the memory may have ended


@dataclass
class AtOnce:
    """How many tokens of a step are in memory at once: fewer while another process has the memory.

    tokens: now; most: where nothing is short; cost: bytes that one takes. More are tried again after 2 steps,
    and each time that they do not fit after twice as many.
    """

    tokens: int
    most: int
    cost: float
    device: torch.device
    wait: int = 2
    due: int = 0

    def within(self, descend: Callable[[int], Any], step: int) -> Any:
        """What `descend(tokens)` gives; with fewer tokens where the memory that was free is taken."""
        asked = max(self.tokens, self._fitting()) if step >= self.due else self.tokens
        tokens = asked
        while True:
            try:
                found = descend(tokens)
                break
            except torch.OutOfMemoryError:
                if tokens <= FEWEST_TOKENS:
                    raise
            tokens //= 2
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
        if step >= self.due:
            self.due = step + self.wait
            self.wait = 2 if tokens == self.most else min(2 * self.wait, AGAIN)
        self.tokens = tokens
        return found

    def _fitting(self) -> int:
        free = free_memory(self.device)
        if self.device.type == "cuda":
            free += torch.cuda.memory_reserved(self.device) - torch.cuda.memory_allocated(self.device)
        return next((n for part in PARTS if self.cost * (n := self.most // part) < SHARE * free), 0)


def tokens_at_once(vae: PretrainedVAE, records: list[list[int]], micro: int, progress: bool) -> AtOnce:
    """`micro`, or fewer where the memory is short; then the layers are also computed twice, if need be.

    records: some of a usual length and the longest one; what they keep for the gradients is measured.
    Raises OptionError where not even the longest one fits.
    """
    held = _held_bytes(vae, records)
    device, longest = vae.words.device, len(records[-1])
    logits, layers = logits_bytes(vae.vocabulary, 1), vae.language.config.get_text_config().num_hidden_layers
    whole = held + logits * 2 / 3  # a third of the latter is kept by the forward pass
    lean = (held - logits / 3) / layers + layers * vae.hidden * vae.embeddings[0].weight.itemsize + logits
    free = free_memory(device)
    most = most_tokens(vae.vocabulary, micro, device)
    costs = [whole, lean]
    if vae.config.injection == "kv_memory":  # which cannot do without its cache
        costs.remove(lean)
    elif vae.checkpointing:
        costs.remove(whole)
    steps = [(cost, most // part) for cost in costs for part in PARTS]
    fits = [step for step in steps if step[0] * max(step[1], longest) < SHARE * free]
    cost, found = (fits or steps[-1:])[0]
    if not fits:
        check_memory(cost * longest, device, f"training around {vae.name} needs", SMALLER)
    if cost == lean and not vae.checkpointing:
        vae.checkpoint_layers()
        say("memory is short: layers are computed twice, which takes a third longer", progress=progress)
    return AtOnce(found, most, cost, device)


def _held_bytes(vae: PretrainedVAE, records: list[list[int]]) -> float:
    """Bytes of a token that the forward pass keeps for the gradients, measured on these records."""
    known, held = [*vae.parameters(), *vae.buffers()], 0.0
    for rows in (records[:-1], records[-1:]):
        with enough_memory(vae.name, SMALLER):
            tokens, mask = (x.to(vae.words.device) for x in padded(rows, vae.pad))
            latent = torch.zeros(len(rows), vae.latent_size, device=vae.words.device)
            held = max(held, held_bytes(partial(vae, latent, tokens, mask), known) / tokens.numel())
    return held
