"""Sums over the rows of a batch, made of those of its two halves.

A batch of a table without texts is learned in two halves, whose gradients are added: one process computes
both, or a second process computes those of the second half (`small/partner.py`), and the bits are the same.
One process reads the whole batch at once, because operations on fewer rows cost nearly as much. What is done
row by row has the same bits then; what adds up over rows is done for each half on its own, here.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

import torch
from torch import Tensor


class _Here(threading.local):
    cut: int | None = None  # rows of the first half, None where a batch is not cut


_here = _Here()


@contextlib.contextmanager
def halved(rows: int) -> Iterator[None]:
    """In the block a batch of so many rows is cut into its halves, the first of `first_half(rows)`."""
    _here.cut = first_half(rows)
    try:
        yield
    finally:
        _here.cut = None


def first_half(rows: int) -> int:
    """How many of the rows are in the first half."""
    return (rows + 1) // 2


def cut() -> int | None:
    """Rows of the first half, None where a batch is not cut."""
    return _here.cut


def by_halves(work: Callable[..., Tensor], *given: Tensor, dim: int = 0) -> Tensor:
    """What `work` makes of tensors whose dimension `dim` is the rows, as is that of what it returns."""
    if _here.cut is None:
        return work(*given)
    halves = zip(*(one.split(_here.cut, dim) for one in given), strict=True)
    return torch.cat([work(*half) for half in halves], dim)


def added(work: Callable[..., Tensor], *given: Tensor, cut: int | None, rows: int) -> Tensor:
    """What `work` sums up of tensors, of each half in float32.

    given: (n x rows, ...), n of any size for each; cut: rows of the first half, None for no halves.
    """
    if cut is None:
        return work(*given).float()
    first, second = zip(*(one.split(len(one) // rows * cut) for one in given), strict=True)
    return work(*first).float().add_(work(*second))
