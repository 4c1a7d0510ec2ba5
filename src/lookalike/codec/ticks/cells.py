"""A fine partition of ordered values: exact values and intervals ("cells"), grouped into bins ("tokens").

Values with much mass are tokens of their own (a spike such as 0); values with less but still a cell's worth
of rows are cells of their own, so that heaping on round numbers survives; what lies between them is cut into
intervals of near equal mass. A frequent value far from all others (-999 for "unknown") is a token, too, and
no interval spans a wide gap. Every cell stands for at least `rare` training rows: a value held by fewer rows
is only ever reproduced by chance, as a draw inside an interval.

Values are int64 (ticks of a grid), float64, or object (exact Python ints that int64 cannot hold).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from lookalike.codec.slot import Array
from lookalike.codec.ticks.endings import endings_of, with_endings
from lookalike.codec.ticks.grid import grain_of, grid_of
from lookalike.sampling import in_groups

BINS = 64
CELLS = 16
TENS = 10  # a grid of as many ticks, off zero, says how all numbers end


class Cells(NamedTuple):
    """The cells in ascending order; one array entry per cell.

    A cell holds the values in [low, high]; `share` of its rows lie in [low, knee]. Exact cells have low ==
    high.
    `token` is the bin of the cell and `place` its position inside that bin. `rows` is how many it was fitted
    on.
    `grain` is (tokens, levels): the chance that a draw in the bin's intervals is rounded to at least each of
    `units` behind the first, such as 10, 50 and 100 ticks, so that values are as round as the real ones. All
    values of intervals are `offset` and a multiple of `step`, the first unit: halves, fives, prices that end
    in .99, one day of the week. `endings` is as `endings_of` gives it, empty where there are none.
    """

    low: Array
    knee: Array
    high: Array
    share: Array
    rows: Array
    token: Array
    place: Array
    grain: Array
    step: int = 1
    offset: int = 0
    units: Sequence[int] = ()
    endings: Sequence[Array] = ()

    @property
    def tokens(self) -> int:
        return int(self.token.max()) + 1

    def table(self) -> Array:
        """(tokens, cells): the index of each cell; places beyond a token's last cell repeat it."""
        width = int(self.place.max()) + 1
        size = np.bincount(self.token, minlength=self.tokens)
        index = np.zeros((self.tokens, width), dtype=np.int64)
        index[self.token, self.place] = np.arange(len(self.token))
        last = index[np.arange(self.tokens), size - 1]
        return np.where(np.arange(width)[None, :] < size[:, None], index, last[:, None])


def partition(
    values: Array, counts: Array, rare: int, bins: int = BINS, cells: int = CELLS, endings: bool = False
) -> Cells:
    """Cells of sorted distinct `values` that occur `counts` times; at least one value. endings: they may have
    some, as prices do.
    """
    n = int(counts.sum())
    alone, gaps = _isolated(values, counts, rare)
    spike, heap, size = _own_cells(counts, alone, n, rare, bins, cells)
    bounds = _intervals(counts, spike | heap, gaps, max(size, rare), rare)  # (first, last, touches_next)
    exact = np.flatnonzero(spike | heap)
    if not len(exact) and not bounds:
        bounds = [(0, len(values) - 1, False)]
    spans = _with_wide_ends(sorted([(int(i), int(i), False) for i in exact] + bounds), counts, rare)
    low, knee, high, share = [], [], [], []
    lowest, highest = _outer(values, counts, n, rare)
    total = np.cumsum(counts)
    follows = False
    border: Any = None
    for first, last, touches in spans:
        a, b = values[first], values[last]
        start = border if follows else a
        if touches:
            upper, border = _between(values[last], values[last + 1])
        else:
            upper = b
        m, part = _knee(values, counts, total, first, last)
        start, upper = (min(max(x, lowest), highest) for x in (start, upper))
        if m <= start < upper:  # cut at the low end: half of the draws would be its end
            m, part = upper, 1.0
        low.append(start)
        high.append(upper)
        knee.append(min(max(m, start), upper))
        share.append(part)
        follows = touches
    dtype = values.dtype
    arrays = [_array(x, dtype) for x in (low, knee, high)]
    index = locate(arrays[0], arrays[2], values)
    count = np.bincount(index, weights=counts, minlength=len(spans))
    own = np.array([spike[first] and first == last for first, last, _ in spans])
    token, place = _group(count, own, bins, cells)
    interval = arrays[0] < arrays[2]
    step, offset = grid_of(values, np.where(interval[index], counts, 0))
    grain, units = grain_of(values, counts, index, arrays[0], interval, token, 1 if offset else step)
    if offset:
        grain, units = grain[:, :0], [step]
    ends = (arrays[0], arrays[1], arrays[2], np.array(share))
    inside = np.where(interval[index], counts, 0)
    endings = endings and not (offset and step >= TENS)
    found = endings_of(values, inside, token[index], int(token.max()) + 1, rare) if endings else None
    return Cells(*ends, count, token, place, grain, step, offset, units, found or ())


def _array(items: list[Any], dtype: Any) -> Array:
    array = np.empty(len(items), dtype=dtype)
    array[:] = items
    return array


def _isolated(values: Array, counts: Array, rare: int) -> tuple[Array, Array]:
    """(values,) which are frequent and far from all others; and after which a wide gap follows.

    A gap is wide if it is wider than all that lies between it and the median of the distinct values, and than
    half of their interquartile range; at both sides of it are at least `rare` rows. So no gap in a long tail
    is wide, where every value is far from the next.
    """
    if len(values) < 3:
        return np.zeros(len(values), dtype=bool), np.zeros(len(values), dtype=bool)
    floats = values.astype(np.float64) / 4  # quarters, so that the difference of two is finite
    quarter = len(values) // 4
    middle = floats[len(values) // 2]
    least = (floats[len(values) - 1 - quarter] - floats[quarter]) / 2
    inner = np.maximum(np.maximum(floats[:-1] - middle, middle - floats[1:]), least)
    below = np.cumsum(counts)[:-1]
    wide = (np.diff(floats) > inner) & (below >= rare) & (counts.sum() - below >= rare)
    alone = np.concatenate([[True], wide]) & np.concatenate([wide, [True]]) & (counts >= rare)
    return alone, np.concatenate([wide, [False]])


def _own_cells(
    counts: Array, alone: Array, n: int, rare: int, bins: int, cells: int
) -> tuple[Array, Array, float]:
    """Which values are tokens of their own, which only cells, and the rows an interval should hold.

    alone: values that are tokens however few rows they have.
    """
    common = counts >= rare
    if common.sum() <= bins and counts[common].sum() >= 0.95 * n:
        return common, np.zeros_like(common), float(rare)
    bins = max(1, min(bins, n // (4 * rare)))  # small tables: bins of a few cells each
    spike = alone.copy()
    free, left = max(1, bins - int(spike.sum())), int(counts[~spike].sum())
    while free > 0 and left > 0:
        new = ~spike & (counts >= max(rare, left / free))
        if not new.any():
            break
        spike |= new
        free, left = bins - int(spike.sum()), int(counts[~spike].sum())
    size = max(float(rare), left / (max(free, 1) * cells))
    return spike, ~spike & (counts >= size), size


def _intervals(
    counts: Array, exact: Array, gaps: Array, size: float, rare: int
) -> list[tuple[int, int, bool]]:
    """Stretches of values between exact ones, cut into intervals of about `size` rows.

    Returns (first, last, touches): indices of the values, and whether the next interval follows without an
    exact value between. A stretch of fewer than `rare` rows has no interval: its rows go to the nearest cell.
    gaps: after which values a stretch ends.
    """
    bounds: list[tuple[int, int, bool]] = []
    edges = np.flatnonzero(np.diff(np.concatenate([[True], exact, [True]]).astype(np.int8)))
    cuts = np.flatnonzero(gaps) + 1
    stretches = [
        (int(a), int(b))
        for start, stop in edges.reshape(-1, 2)
        for a, b in itertools.pairwise([start, *cuts[(cuts > start) & (cuts < stop)], stop])
    ]
    for start, stop in stretches:
        inside = counts[start:stop]
        rows = int(inside.sum())
        if rows < rare:
            continue
        pieces = max(1, int(rows / size))
        middle = np.cumsum(inside) - inside / 2
        group = np.minimum((middle * pieces / rows).astype(np.int64), pieces - 1)
        firsts = np.flatnonzero(np.diff(group, prepend=-1))
        masses = np.add.reduceat(inside, firsts)
        kept = firsts[in_groups(masses, rare)].tolist()  # the first value of every piece of enough rows
        lasts = [k - 1 for k in kept[1:]] + [len(inside) - 1]
        for i, piece in enumerate(zip(kept, lasts, strict=True)):
            bounds.append((int(start) + piece[0], int(start) + piece[1], i + 1 < len(kept)))
    return bounds


def _with_wide_ends(
    spans: list[tuple[int, int, bool]], counts: Array, rare: int
) -> list[tuple[int, int, bool]]:
    """The spans, the outermost of them joined with the next where the cut at the ends leaves it hardly a row.

    All its rows would have about the same value, that of one row.
    """
    total = np.cumsum(counts)
    n = int(total[-1])
    skip = min(rare - 1, (n - 1) // 4)
    while len(spans) > 1 and spans[0][2] and total[spans[0][1]] - skip < rare:
        spans = [(spans[0][0], *spans[1][1:]), *spans[2:]]
    while len(spans) > 1 and spans[-2][2] and n - (total[spans[-1][0]] - counts[spans[-1][0]]) - skip < rare:
        spans = [*spans[:-2], (spans[-2][0], spans[-1][1], False)]
    return spans


def _outer(values: Array, counts: Array, n: int, rare: int) -> tuple[Any, Any]:
    """The `rare`-th smallest and largest value (nearer the ends in tiny tables): no single row is told."""
    skip = min(rare - 1, (n - 1) // 4)
    total = np.cumsum(counts)
    low = values[np.searchsorted(total, skip, side="right")]
    return low, values[np.searchsorted(total, n - 1 - skip, side="right")]


def _between(a: Any, b: Any) -> tuple[Any, Any]:
    """The end of the cell whose last value is a, and the start of the next, whose first value is b."""
    if isinstance(a, (int, np.integer)):
        middle = int(a) + (int(b) - int(a)) // 2
        return middle, middle + 1
    return a / 2 + b / 2, a / 2 + b / 2


def _knee(values: Array, counts: Array, total: Array, first: int, last: int) -> tuple[Any, float]:
    """The median of values[first..last], and the share of their rows that is not above it."""
    before = int(total[first] - counts[first])
    rows = int(total[last]) - before
    at = int(np.searchsorted(total, before + (rows + 1) // 2))
    if isinstance(values[at], (int, np.integer)):
        return values[at], float(total[at] - before) / rows
    if rows % 2 == 0 and total[at] == before + rows // 2 and at < last:
        return values[at] / 2 + values[at + 1] / 2, 0.5
    return values[at], 0.5


def _group(count: Array, own: Array, bins: int, cells: int) -> tuple[Array, Array]:
    """Bins of near equal mass and at most `cells` cells; spikes keep theirs for themselves."""
    token, place = np.zeros(len(count), dtype=np.int64), np.zeros(len(count), dtype=np.int64)
    free = max(1, bins - int(own.sum()))
    target = max(count[~own].sum() / free, 1.0)
    names, current, mass, width = 0, -1, 0.0, 0
    for i, rows in enumerate(count):
        if own[i]:
            token[i], names = names, names + 1
            continue
        if current < 0 or width == cells or mass + rows / 2 > target:
            current, names, mass, width = names, names + 1, 0.0, 0
        token[i], place[i] = current, width
        mass, width = mass + rows, width + 1
    return token, place


def locate(low: Array, high: Array, values: Array) -> Array:
    """Index of the cell that holds each value, or of the nearest cell."""
    right = np.minimum(np.searchsorted(high, values, side="left"), len(high) - 1)
    left = np.maximum(right - 1, 0)
    if values.dtype == np.int64:  # distances as unsigned: a difference of two int64 may not fit
        above = low[right].astype(np.uint64) - values.astype(np.uint64)
        below = values.astype(np.uint64) - high[left].astype(np.uint64)
    else:
        with np.errstate(over="ignore"):
            above, below = low[right] - values, values - high[left]
    nearer_left = (values < low[right]) & (values > high[left]) & (below <= above)
    return np.where(nearer_left, left, right)


def _widths(cells: Cells) -> tuple[Array, Array]:
    """Width of [low, knee] and of [knee, high] as float64; integers count their ticks."""
    if cells.low.dtype == np.float64:
        with np.errstate(over="ignore"):
            return np.minimum(cells.knee - cells.low, 1e308), np.minimum(cells.high - cells.knee, 1e308)
    lower = (cells.knee.astype(object) - cells.low.astype(object) + 1).astype(np.float64)
    return lower, (cells.high.astype(object) - cells.knee.astype(object)).astype(np.float64)


def _below(cells: Cells, bound: Any) -> Array:
    """Share of each cell's mass that lies below `bound` (for integers: strictly below)."""
    lower, upper = _widths(cells)
    if cells.low.dtype == np.float64:
        with np.errstate(over="ignore", invalid="ignore"):
            offset = np.clip(bound - cells.low, 0, lower + upper)
    else:
        low, high = cells.low.astype(object), cells.high.astype(object)
        offset = (np.minimum(np.maximum(bound, low), high + 1) - low).astype(np.float64)
    share = np.where(upper > 0, cells.share, 1.0)
    first = np.divide(np.minimum(offset, lower), lower, out=np.zeros_like(lower), where=lower > 0)
    second = np.divide(np.maximum(offset - lower, 0), upper, out=np.zeros_like(upper), where=upper > 0)
    first = np.where((lower == 0) & (offset > 0), 1.0, first)
    return share * first + (1 - share) * second


def mass(cells: Cells, low: Any, high: Any) -> Array:
    """Share of each cell's mass in [low, high], both ends included; the ends may be infinite.

    A single value inside an interval of reals gets a tiny share, so that it can still be asked for.
    """
    low, high = max(low, cells.low[0]), min(high, cells.high[-1])
    inside = (cells.low <= high) & (cells.high >= low)
    if cells.low.dtype == np.float64:
        part = np.where(cells.low == cells.high, 1.0, _below(cells, high) - _below(cells, low))
        return np.where(inside, np.maximum(part, 1e-9), 0.0)
    return np.where(inside, _below(cells, high + 1) - _below(cells, low), 0.0)


def draw(
    cells: Cells, index: Array, rng: np.random.Generator, ranges: list[tuple[Any, Any]] | None = None
) -> Array:
    """One value for each cell index, piecewise uniform inside the cell.

    With `ranges` (inclusive, disjoint) the value lies in one of them wherever the cell meets any of them.
    """
    chance = rng.random(len(index))
    values = _quantile(cells, index, chance)
    if not ranges:
        return _rounded(cells, index, values, rng, cells.low[index], cells.high[index])
    masses = np.stack([mass(cells, low, high) for low, high in ranges])  # (ranges, cells)
    total = masses.sum(0)
    which = (rng.random(len(index)) * total[index] >= np.cumsum(masses, 0)[:, index]).sum(0)
    which = np.minimum(which, len(ranges) - 1)
    for i, (low, high) in enumerate(ranges):
        low, high = max(low, cells.low[0]), min(high, cells.high[-1])
        rows = np.flatnonzero((which == i) & (masses[i][index] > 0))
        cell = index[rows]
        step = 0 if cells.low.dtype == np.float64 else 1
        start, stop = _below(cells, low)[cell], _below(cells, high + step)[cell]
        inner = _quantile(cells, cell, start + (stop - start) * chance[rows])
        lowest, highest = np.maximum(cells.low[cell], low), np.minimum(cells.high[cell], high)
        inner = np.minimum(np.maximum(inner, lowest), highest)
        values[rows] = _rounded(cells, cell, inner, rng, lowest, highest)
    return values


def _rounded(
    cells: Cells, index: Array, values: Array, rng: np.random.Generator, low: Array, high: Array
) -> Array:
    """Draws of intervals rounded as the real values are, where that keeps them in [low, high]."""
    if not cells.grain.shape[1] and cells.step == 1 and not len(cells.endings):
        return values
    rows = np.flatnonzero(cells.low[index] < cells.high[index])
    if len(cells.endings):
        of, ends, chances = (one[cells.token[index[rows]]] for one in cells.endings)
        ended, given = with_endings(values[rows], low[rows], high[rows], (of, ends, chances), rng)
        values[rows[given]] = ended[given]
        rows = rows[~given]
    level = np.zeros(len(rows), dtype=np.int64)
    if cells.grain.shape[1]:
        chance = rng.random(len(rows))[:, None]
        level = (chance < cells.grain[cells.token[index[rows]]]).sum(1)
    tens = [math.lcm(cells.step, 10**k) for k in range(cells.grain.shape[1] + 1)]  # of an older model
    units = np.array(cells.units or tens)
    drawn, low, high = values[rows], low[rows], high[rows]
    while True:
        unit = units[level]
        down = (drawn - cells.offset) // unit * unit + cells.offset
        nearer, other = np.where((drawn - down) * 2 < unit, [down, down + unit], [down + unit, down])
        fits, fits_too = ((x >= low) & (x <= high) for x in (nearer, other))
        stuck = (level > 0) & ~fits & ~fits_too
        if not stuck.any():
            break
        level = np.where(stuck, level - 1, level)
    values[rows] = np.where(fits, nearer, np.where(fits_too, other, drawn))
    return values


def _quantile(cells: Cells, index: Array, chance: Array) -> Array:
    low, knee, high = cells.low[index], cells.knee[index], cells.high[index]
    lower, upper = (width[index] for width in _widths(cells))
    share = np.where(upper > 0, cells.share[index], 1.0)
    first = np.minimum(chance / share, 1.0)
    second = np.clip((chance - share) / np.maximum(1 - share, 1e-300), 0.0, 1.0)
    in_first = (chance < share) | (upper == 0)
    if low.dtype == np.float64:  # weighted means, since a width may not fit into a float
        values = np.where(in_first, low * (1 - first) + knee * first, knee * (1 - second) + high * second)
        return np.clip(values, low, high)
    offset = np.floor(np.where(in_first, first * lower, lower + second * upper))
    if low.dtype == object:
        moved = low + np.array([int(x) for x in offset], dtype=object)
    else:
        moved = low + offset.astype(np.int64)
    return np.minimum(np.maximum(moved, low), high)
