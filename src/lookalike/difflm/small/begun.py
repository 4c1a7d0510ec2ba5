"""Rows that are begun with their time, of which those are gone on with that no other row has.

A time that another row has is seen as soon as it is drawn: what comes after it is written of the others
alone. As more rows are begun than are needed, by the share that will have a time again (`times.py`), few have
to be drawn one after the other.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from lookalike.difflm.sampling.drawing import Drawing
from lookalike.difflm.sampling.times import TRIES, Once
from lookalike.difflm.sampling.told import Told
from lookalike.difflm.small.ahead import Ahead
from lookalike.difflm.small.draft import Draft
from lookalike.difflm.small.vae import VAE
from lookalike.difflm.training.threads import Threads

MARGIN = 3.0  # standard deviations of how many rows have a time again
STEP = 0.25  # of the rows, in which more are begun: for each number of rows there are kernels, which stay
FEW = 0.25  # of such a step, that are rather begun afterwards


@torch.inference_mode()
def decode_once(
    vae: VAE,
    latent: Tensor,
    generator: torch.Generator,
    once: Once,
    turn: int,
    *,
    threads: Threads | None = None,
    told: Told | None = None,
    spare: dict[int, Tensor] | None = None,
    ahead: Ahead | None = None,
) -> tuple[Tensor, Tensor]:
    """As `decode`, a record per latent without conditions, with times of their own, taken in this turn.

    latent: (rows, latent size); for rows whose time another one has there are others. The records have no
    texts, and there is an axis. threads, told, spare, ahead: as of `decode`.
    """
    assert vae.axis is not None
    rows = len(latent)
    order = vae.order(torch.zeros(1, len(vae.columns), dtype=torch.bool, device=latent.device))[0].tolist()
    stop = 1 + max(order.index(slot) for slot in vae.axis.slots)  # all of the time is written there
    first, more = _candidates(once, turn, rows, vae.positions(stop) / vae.positions(len(order)))
    if first > rows:
        latent = torch.cat([latent, once.fresh(first - rows, generator)])
    threads, told = threads or Threads(torch.get_num_threads()), told or Told()
    draft = Draft(vae, latent, generator, {}, Drawing(), {}, threads, told, spare, ahead)
    amount = float(first * stop + rows * (len(order) - stop))
    told.expect(amount)
    threads.begin()
    draft.write(order, 0, stop, unfinished=True)
    with once.times.turn(turn):
        _apart(draft, order, stop, rows, once, more)
    if draft.cache is not None:
        draft.cache.widen(vae.positions(len(order)))
    draft.write(order, stop, len(order))
    threads.end(amount)
    return draft.tokens, draft.cells


def _candidates(once: Once, turn: int, rows: int, share: float) -> tuple[int, int]:
    """How many rows are begun at once, and how many may be begun afterwards.

    share: of the positions, that a row takes which is begun: they take no more memory than those that are
    written. As many are begun as if a row were tried `1 + TRIES` times.
    """
    again, step = once.times.foreseen(turn), math.ceil(STEP * rows)
    if not again:
        return rows, TRIES * rows
    more = rows * sum(again**tried for tried in range(1, TRIES + 1)) + MARGIN * math.sqrt(rows * again)
    steps = min(math.ceil(more / step - FEW), int(rows * (1 / share - 1) / step))
    return rows + steps * step, max(0, math.ceil(more) - steps * step)


def _apart(draft: Draft, order: list[int], stop: int, rows: int, once: Once, more: int) -> None:
    """Keep `rows` of the rows that are begun: those with a time of their own, then others.

    order, stop: order[:stop] is written; more: rows that may be begun in place of those without.
    """
    times, step = once.times, math.ceil(STEP * rows)
    if times.over:
        draft.select(torch.arange(rows, device=draft.latent.device))
        return
    new = _taken(draft, once, rows)
    draft.select(torch.cat([new.nonzero()[:, 0], (~new).nonzero()[:, 0]])[:rows])
    left = torch.arange(int(new.sum()), rows, device=new.device)
    for _ in range(TRIES):
        if not len(left) or more <= 0:
            break
        count = math.ceil(min(len(left), more) / step) * step
        more -= count
        other = draft.another(once.fresh(count, draft.generator))
        other.write(order, 0, stop, unfinished=True)
        at = _taken(other, once, len(left)).nonzero()[:, 0]
        draft.put(left[: len(at)], other, at)
        left = left[len(at) :]
    times.leave(len(left), rows)


def _taken(draft: Draft, once: Once, most: int) -> Tensor:
    """(rows,) bool: those of a draft whose time no row has yet, `most` at most; it is theirs now."""
    assert draft.vae.axis is not None
    found: np.ndarray = draft.vae.axis.order(draft.tokens, draft.cells).cpu().numpy()
    return torch.from_numpy(once.times.take(found, most)).to(draft.latent.device)
