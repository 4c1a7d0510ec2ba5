"""Rows that are begun with their time, of which those are gone on with that no other row has.

A time that another row has is seen as soon as it is drawn. The part of it that is written last, such as the
hour, is then drawn anew, among those that leave a time which no row has; where the network finds all of these
unlikely, another row is begun in its place. So what comes after the time is written of rows that stay.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from lookalike.difflm.categorical import IMPOSSIBLE, pick
from lookalike.difflm.sampling.drawing import Drawing
from lookalike.difflm.sampling.times import TRIES, Once
from lookalike.difflm.sampling.told import Told
from lookalike.difflm.small.ahead import Ahead
from lookalike.difflm.small.draft import Draft
from lookalike.difflm.small.vae import VAE
from lookalike.difflm.training.threads import Threads

STEP = 0.125  # of the rows, in which others are begun: for each number of rows there are kernels, which stay
LIKELY = 0.3  # of the last part of a time: what no row has, together, at least; else another row is begun


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

    latent: (rows, latent size); rows that are begun in place of others have others. The records have no
    texts, and there is an axis. threads, told, spare, ahead: as of `decode`.
    """
    assert vae.axis is not None
    order = vae.order(torch.zeros(1, len(vae.columns), dtype=torch.bool, device=latent.device))[0].tolist()
    stop = 1 + max(order.index(slot) for slot in vae.axis.slots)  # all of the time is written there
    threads, told = threads or Threads(torch.get_num_threads()), told or Told()
    draft = Draft(vae, latent, generator, {}, Drawing(), {}, threads, told, spare, ahead)
    amount = float(len(latent) * len(order))
    told.expect(amount)
    threads.begin()
    draft.write(order, 0, stop, room=len(order))
    with once.times.turn(turn):
        _apart(draft, order[:stop], once)
    draft.write(order, stop, len(order))
    threads.end(amount)
    return draft.tokens, draft.cells


def _apart(draft: Draft, order: list[int], once: Once) -> None:
    """Give rows times that no other row has, or begin others in their place. order: what is written."""
    rows, times = len(draft.latent), once.times
    if times.over:
        return
    step = math.ceil(STEP * rows)
    left = (~_taken(draft, order[-1], once, rows)).nonzero()[:, 0]
    for _ in range(TRIES):
        if not len(left):
            break
        count = math.ceil(len(left) / step) * step
        other = draft.another(once.fresh(count, draft.generator))
        other.write(order, 0, len(order), room=len(order))
        at = _taken(other, order[-1], once, len(left)).nonzero()[:, 0]
        draft.put(left[: len(at)], other, at)
        left = left[len(at) :]
    times.leave(len(left), rows)


def _taken(draft: Draft, last: int, once: Once, most: int) -> Tensor:
    """(rows,) bool: those of a draft whose time no row has yet, `most` at most; it is theirs now.

    last: the slot that was written last, which is drawn anew where another row has the time.
    """
    own = torch.zeros(len(draft.latent), dtype=torch.bool, device=draft.latent.device)
    rows = torch.arange(len(own), device=own.device)
    for tried in range(TRIES + 1):
        if tried:
            rows = _moved(draft, last, once, (~own).nonzero()[:, 0])
        left = most - int(own.sum())
        if not left or not len(rows):
            break
        own[rows] = _held(draft, rows, once, left)
    return own


def _held(draft: Draft, rows: Tensor, once: Once, most: int) -> Tensor:
    """As `_taken`, of these rows as they are."""
    assert draft.vae.axis is not None
    found: np.ndarray = draft.vae.axis.order(draft.tokens[rows], draft.cells[rows]).cpu().numpy()
    return torch.from_numpy(once.times.take(found, most)).to(rows.device)


def _moved(draft: Draft, last: int, once: Once, rows: Tensor) -> Tensor:
    """Draw the last slot of these rows anew, among the times that no row has; returns the rows of which it
    was: those where what may be drawn is likely enough, and none where the slot is no choice of a few.
    """
    axis, field = draft.vae.axis, int(draft.vae.field_of[last])
    assert axis is not None and draft.before is not None
    options = draft.ahead.heads.options(field, draft.before[rows])
    if options is None or draft.vae.base is not None:
        return rows[:0]
    each = axis.order_each(draft.tokens[rows], draft.cells[rows], last)
    free = torch.from_numpy(once.times.free(each.cpu().numpy())).to(rows.device)
    free &= draft.tokens[rows, last].unsqueeze(1) >= 0  # else the time has no such part
    chosen = (options.softmax(-1) * free).sum(-1) >= LIKELY
    rows = rows[chosen]
    draft.tokens[rows, last] = pick(options[chosen].masked_fill(~free[chosen], IMPOSSIBLE), draft.generator)
    return rows
