"""How many tokens a training around a language model may have in memory at once."""

from __future__ import annotations

from functools import partial

import torch

from lookalike.difflm.pretrained.hub import SMALLER, logits_bytes, most_tokens
from lookalike.difflm.pretrained.tokens import padded
from lookalike.difflm.pretrained.vae import PretrainedVAE
from lookalike.difflm.training.memory import check_memory, enough_memory, free_memory, held_bytes
from lookalike.progress import say

SHARE = 0.5  # of the free memory; a step took 1.6 to 2.4 times what it keeps, on a CPU


def tokens_at_once(vae: PretrainedVAE, records: list[list[int]], micro: int, progress: bool) -> int:
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
    steps = [(cost, most // part) for cost in costs for part in (1, 2, 4)]
    fits = [step for step in steps if step[0] * max(step[1], longest) < SHARE * free]
    cost, found = (fits or steps[-1:])[0]
    if not fits:
        check_memory(cost * longest, device, f"training around {vae.name} needs", SMALLER)
    if cost == lean and not vae.checkpointing:
        vae.checkpoint_layers()
        say("memory is short: layers are computed twice, which takes a third longer", progress=progress)
    return found


def _held_bytes(vae: PretrainedVAE, records: list[list[int]]) -> float:
    """Bytes of a token that the forward pass keeps for the gradients, measured on these records."""
    known, held = [*vae.parameters(), *vae.buffers()], 0.0
    for rows in (records[:-1], records[-1:]):
        with enough_memory(vae.name, SMALLER):
            tokens, mask = (x.to(vae.words.device) for x in padded(rows, vae.pad))
            latent = torch.zeros(len(rows), vae.latent_size, device=vae.words.device)
            held = max(held, held_bytes(partial(vae, latent, tokens, mask), known) / tokens.numel())
    return held
