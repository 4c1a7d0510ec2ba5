"""The numbers of a record: tables of all their cells, and a mixture of logistics over their normal scores.

A *cell* is one stretch of values of one token. Its normal score is the standard-normal quantile of its rank
among the values that are not spikes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lookalike.codec import Slot

FREQUENCIES = 8  # of the Fourier features; the highest makes 19 waves over the column's ranks
SPIKE_SHARE = 0.1  # of a column's rows, that make a value of few rows a spike
FEWEST = 5  # cells that an order can be learned from
TAIL = 12.0  # the normal score at which the outermost cells are closed


def scores(ranks: np.ndarray) -> np.ndarray:
    """Ranks in [0, 1] as standard-normal quantiles, float64. (scipy's are the same as float32, and to import
    it takes longer than to load a model.)
    """
    found: np.ndarray = torch.special.ndtri(torch.from_numpy(ranks)).numpy()
    return found


@dataclass
class NumberTables:
    """Tables of several number slots, (all their tokens x cells) flattened.

    starts: the first token of each slot; cells: of a token, the most that one has.
    spread: (tokens,) whether a token is a bin of "anywhere else", no spike.
    features: (tokens x cells, features); low, high: (tokens x cells,) normal scores of the edges.
    edges: of each slot, the upper edges of the cells of "anywhere else"; flat: their (token, cell) pairs.
    """

    starts: list[int]
    cells: int
    spread: np.ndarray
    features: np.ndarray
    low: np.ndarray
    high: np.ndarray
    edges: list[np.ndarray]
    flat: list[Tensor]


def number_tables(slots: list[Slot], spike_rows: int = 0) -> NumberTables:
    """Of number slots, each of which has a rank and a value for its cells.

    spike_rows: a single cell of so many rows is a spike; one of fewer is only where it holds a share of
    `SPIKE_SHARE` of the column. 0: every single cell is one.
    """
    cells = max((s.cells for s in slots), default=1)
    tokens = sum(s.tokens for s in slots)
    rank = np.full((tokens, cells), np.nan)
    value, counts = rank.copy(), np.zeros((tokens, cells))
    starts, o = [], 0
    for s in slots:
        assert s.rank is not None and s.value is not None
        rank[o : o + s.tokens, : s.cells] = s.rank
        value[o : o + s.tokens, : s.cells] = s.value
        counts[o : o + s.tokens, : s.cells] = s.counts
        starts.append(o)
        o += s.tokens
    spread = (counts > 0).sum(1) > 1
    for s, o in zip(slots, starts, strict=True):
        part = slice(o, o + s.tokens)
        if spike_rows:
            spread[part] |= _no_spike(counts[part].sum(1), rank[part, 0], spike_rows)
    low, high, score = (np.zeros_like(rank) for _ in range(3))
    edges, flat = [], []
    for s, o in zip(slots, starts, strict=True):
        part = slice(o, o + s.tokens)
        inside = counts[part] * spread[part, None]
        total = max(inside.sum(), 1.0)
        upper = inside.cumsum().reshape(inside.shape)
        low[part] = np.clip(scores((upper - inside) / total), -TAIL, TAIL)
        high[part] = np.clip(scores(np.minimum(upper / total, 1.0)), -TAIL, TAIL)
        everything = np.where(np.isnan(rank[part]), 0.5, rank[part])
        score[part] = np.clip(scores(everything), -TAIL, TAIL)
        where = np.argwhere(inside > 0)
        flat.append(torch.from_numpy(where))
        edges.append(high[part][where[:, 0], where[:, 1]])
    features = _features(rank, value, score)
    features = features.reshape(tokens * cells, features.shape[-1])
    return NumberTables(starts, cells, spread, features, low.reshape(-1), high.reshape(-1), edges, flat)


def _no_spike(rows: np.ndarray, rank: np.ndarray, spike_rows: int) -> np.ndarray:
    """(tokens,) which single cells have too few rows to be learned each for itself."""
    ordered = ~np.isnan(rank)
    before = np.concatenate([[-1.0], np.fmax.accumulate(np.nan_to_num(rank, nan=-1.0))[:-1]])
    small = (rows < min(spike_rows, SPIKE_SHARE * rows.sum())) & (rows > 0)
    found: np.ndarray = small & ordered & (np.nan_to_num(rank) > before)
    return found if found.sum() >= FEWEST else np.zeros_like(found)


def _features(rank: np.ndarray, value: np.ndarray, score: np.ndarray) -> np.ndarray:
    """(..., features) of cells; all zero where there is no rank (missing, infinite)."""
    known = ~np.isnan(rank)
    rank, value = np.nan_to_num(rank), np.nan_to_num(value)
    columns = [np.ones_like(rank), value, 2 * rank - 1, np.clip(score, -3, 3) / 2]
    for k in range(FREQUENCIES):
        phase = math.pi * 2 ** (0.75 * k) * rank
        columns += [np.sin(phase) / (1 + 0.3 * k), np.cos(phase) / (1 + 0.3 * k)]
    return np.stack(columns, -1) * known[..., None]


def scale_of(log_scale: Tensor) -> Tensor:
    """Scales between e^-6 and e^2: a narrower logistic would be narrower than a cell."""
    return log_scale.clamp(-6, 2).exp()


def log_mixture_mass(mixture: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Log of weight x mass between two normal scores, for each logistic.

    mixture: (..., 3 x mixtures); low, high: (...). Returns (..., mixtures). With a and b the standardised
    edges, sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - e^(b - a)), which keeps its precision in the
    tails.
    """
    weight, mean, log_scale = mixture.chunk(3, -1)
    inverse = torch.exp(-log_scale.clamp(-6, 2))
    a = (high.unsqueeze(-1) - mean) * inverse
    b = (low.unsqueeze(-1) - mean) * inverse
    mass = F.logsigmoid(a) + F.logsigmoid(-b) + torch.log1p(-torch.exp((b - a).clamp(max=-1e-6)))
    return weight - weight.logsumexp(-1, keepdim=True) + mass  # log_softmax takes twice as long over so few
