"""The fixed slots of the rows of a table, as the trees of a base look at them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lookalike.codec.slot import Array
from lookalike.difflm.small.fields import Fields

INPUTS = 48  # slots that a tree looks at, at most: those that tell most of its own


@dataclass
class View:
    """The fixed slots of the rows, as the fitting looks at them.

    score: (rows, slots) normal scores of numbers, 0 elsewhere; codes: (rows, slots) tokens, `empty` where
    there is none; number: (slots,) whether a slot is a number; classes: (rows, slots); other: (slots,) the
    class "anywhere else", -1 where there is none; sizes, tokens: (slots,) classes and tokens (one more for
    `empty`); low, high: (rows, slots) edges of the cells, as normal scores among the values elsewhere.
    """

    score: Array
    codes: Array
    number: Array
    classes: Array
    other: Array
    sizes: Array
    tokens: Array
    low: Array
    high: Array

    def middle(self, slot: int) -> Array:
        from scipy.special import ndtr, ndtri

        return np.clip(ndtri((ndtr(self.low[:, slot]) + ndtr(self.high[:, slot])) / 2), -3.5, 3.5)


def telling(view: View, before: list[int], target: Array, here: Array) -> list[int]:
    """At most `INPUTS` of the slots before: those that tell most of the target, each alone."""
    if len(before) <= INPUTS:
        return list(before)
    ranks = np.argsort(np.argsort(target[here], kind="stable"), kind="stable").astype(float)
    ranks -= ranks.mean()
    total = float(np.square(ranks).sum()) or 1.0
    told = []
    for u in before:
        if view.number[u]:
            own = view.score[here, u] - view.score[here, u].mean()
            told.append(float((own @ ranks) ** 2 / (total * max(float(own @ own), 1e-9))))
        else:
            counts = np.bincount(view.codes[here, u])
            sums = np.bincount(view.codes[here, u], weights=ranks)
            told.append(
                float((sums**2 / np.maximum(counts, 1)).sum() / total) - (counts > 0).sum() / len(ranks)
            )
    kept = np.sort(np.argsort(-np.array(told), kind="stable")[:INPUTS])
    return [before[i] for i in kept]


def scores_of(fields: Fields) -> Tensor:
    """Normal scores of the cells of all numbers, as the features of their embeddings have them."""
    return fields.features[:, 3].cpu() * 2 if len(fields.numbers) else torch.zeros(0)


def view_of(fields: Fields, tokens: Tensor, cells: Tensor) -> View:
    """The fixed slots of (rows, fixed slots) records."""
    rows, count = tokens.shape
    score, low, high = (np.zeros((rows, count), dtype=np.float64) for _ in range(3))
    codes = np.zeros((rows, count), dtype=np.int64)
    classes = np.zeros((rows, count), dtype=np.int64)
    table = scores_of(fields)
    for slot in range(count):
        own = tokens[:, slot]
        codes[:, slot] = torch.where(own < 0, fields.token_counts[slot], own).numpy()
        classes[:, slot] = fields.class_table[slot].cpu()[own.clamp(min=0)].numpy()
        if slot in fields.numbers:
            n = fields.numbers.index(slot)
            at = (own.clamp(min=0) + int(fields.number_start[n])) * fields.cells + cells[:, slot]
            score[:, slot] = torch.where(own < 0, 0.0, table[at]).numpy()
            low[:, slot], high[:, slot] = fields.low.cpu()[at].numpy(), fields.high.cpu()[at].numpy()
    number = np.isin(np.arange(count), fields.numbers)
    sizes = np.array([len(one) for one in fields.token_of])
    return View(
        score,
        codes,
        number,
        classes,
        np.array(fields.other),
        sizes,
        np.array(fields.token_counts) + 1,
        low,
        high,
    )
