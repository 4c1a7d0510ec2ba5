"""Latent -> record tokens: cached decoding of many rows at once, with columns given or restricted.

Given and restricted columns are written first. For every row several candidate latents can be tried; each is
weighted by the likelihood that the language model gives to what is given (the mass that it leaves to what is
allowed) and one is drawn by these weights: sampling-importance-resampling (Rubin 1987), exact in the limit of
many candidates, bounded work.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from .backbone import Cache
from .fields import Allowed, pick
from .vae import VAE


@torch.no_grad()
def decode(
    vae: VAE,
    latent: Tensor,
    generator: torch.Generator,
    *,
    given: Mapping[int, tuple[Tensor, Tensor]] | None = None,
    allowed: Mapping[int, Allowed] | None = None,
    candidates: int = 1,
) -> tuple[Tensor, Tensor]:
    """Write one record per row.

    latent: (rows x candidates, latent size), the candidates of a row one after the other. given: slot ->
    tokens and cells, each (rows,), that are kept as they are; allowed: slot -> what a condition leaves of it,
    the same for all rows. Slots of a column are given all or none. Returns tokens and cells, (rows, slots);
    token -1 where a slot is empty.
    """
    given, allowed = given or {}, allowed or {}
    first = [c for c, slots in enumerate(vae.columns) if any(s in given or s in allowed for s in slots)]
    order = vae.order(first)
    conditions = sum(len(vae.columns[c]) for c in first)
    if not conditions:  # nothing to weigh the candidates by
        latent, candidates = latent[::candidates], 1
    column_of = {s: c for c, slots in enumerate(vae.columns) for s in slots}
    total, device = len(latent), latent.device
    tokens = torch.full((total, len(order)), -1, dtype=torch.long, device=device)
    cells = torch.zeros_like(tokens)
    log_weight = torch.zeros(total, device=device)
    cache = Cache(vae.config.layers)
    memory, added = vae.injection.memory(latent), vae.injection.added(latent)
    x = vae.injection.prefix(latent)
    x = torch.cat([x[:, :-1], x[:, -1:] + vae.next_slot[order[0]]], 1)
    for position, slot in enumerate(order):
        if position == conditions and candidates > 1:
            kept = _resample(log_weight, candidates, bool(given), generator)
            tokens, cells, x, total = tokens[kept], cells[kept], x[kept], len(kept)
            cache.select(kept)
            log_weight = log_weight[kept]
            added = added[kept] if isinstance(added, Tensor) else added
            candidates = 1
        hidden = vae.backbone(x, cache, memory)[:, -1]
        if slot in given:
            token, cell = (t.repeat_interleave(candidates) for t in given[slot])
            log_weight = log_weight + vae.fields.log_prob(slot, hidden, token, cell)
        else:
            token, cell, mass = vae.fields.draw(slot, hidden, generator, allowed.get(slot))
            ended = _ended(vae, slot, tokens, vae.columns[column_of[slot]])
            if ended is not None:
                token, cell = torch.where(ended, -1, token), torch.where(ended, 0, cell)
                mass = torch.where(ended, 0.0, mass)
            log_weight = log_weight + mass
        tokens[:, slot], cells[:, slot] = token, cell
        if position + 1 < len(order):
            following = vae.fields.embed_slot(slot, token, cell) + vae.next_slot[order[position + 1]]
            x = following.unsqueeze(1) + added
    if candidates > 1:  # every column was given or restricted
        kept = _resample(log_weight, candidates, bool(given), generator)
        tokens, cells = tokens[kept], cells[kept]
    return tokens, cells


def _ended(vae: VAE, slot: int, tokens: Tensor, column: list[int]) -> Tensor | None:
    """(rows,) True where an earlier slot of the same column has ended it."""
    place = column.index(slot)
    if place == 0:
        return None
    before = tokens[:, column[place - 1]]
    ended = before < 0
    for token in vae.ends[column[place - 1]]:
        ended = ended | (before == token)
    return ended


def _resample(log_weight: Tensor, candidates: int, by_row: bool, generator: torch.Generator) -> Tensor:
    """Indices of the candidates kept, one per row: within each row, or systematically over all of them."""
    if by_row:
        choice = pick(log_weight.view(-1, candidates), generator)
        return torch.arange(len(choice), device=choice.device) * candidates + choice
    rows = len(log_weight) // candidates
    cumulative = log_weight.double().softmax(0).cumsum(0)
    start = torch.rand(1, generator=generator, device=log_weight.device, dtype=torch.float64)
    at = (torch.arange(rows, device=log_weight.device) + start) / rows * cumulative[-1]
    return torch.searchsorted(cumulative, at.contiguous()).clamp(max=len(log_weight) - 1)
