"""Fresh strings of a pattern (`table/patterns.py`): none a real one, none twice, check digits right.

Each row has a few numbers of its own, which are written into the places whose letters are all about as
frequent: so two rows differ, whatever chunk they are made in. The other places are drawn by their shares. Of
the row's numbers the first is taken whose string is no real one (`Taken`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import gcd
from typing import Any

import numpy as np

from lookalike.codec.made.taken import Taken
from lookalike.codec.slot import Array
from lookalike.table.check_digits import checked
from lookalike.table.patterns import Part, Shape

EVEN = 4.0  # times the mean share that a letter may have at a place for the row's number
TRIES = 16  # numbers that a row has of its own, at most
_START, _LEAP = 0x9E3779B97F4A7C15F39CC0605CEDC834, 0xD1B54A32D192ED03C2B2AE3D27D4EB4F  # digits of no sense
AGAIN = 100  # draws of the other places for a row: where most strings are real ones, many are needed


def shape_of(facts: Mapping[str, Any]) -> Shape:
    """The shape of a saved model, whose fields are `facts`."""
    return Shape(facts["share"], [Part(**part) for part in facts["parts"]])


def make(
    shapes: Sequence[Shape], check: str | None, taken: Taken, first: int, rows: int, rng: np.random.Generator
) -> list[str]:
    """Strings for the row numbers from `first` on."""
    sizes = np.array([shape.share for shape in shapes], dtype=np.float64)
    which = rng.choice(len(shapes), size=rows, p=sizes / sizes.sum())
    made: list[str] = [""] * rows
    seen: set[str] = set()
    for number, shape in enumerate(shapes):
        own = np.flatnonzero(which == number)
        if len(own):
            for row, text in zip(own, _of_shape(shape, check, taken, first + own, rng, seen), strict=True):
                made[row] = text
    return made


def _of_shape(
    shape: Shape, check: str | None, taken: Taken, numbers: Array, rng: np.random.Generator, seen: set[str]
) -> list[str]:
    fixed = _check_places(shape, check)
    coded = [i for i, part in enumerate(shape.parts) if _even(part)]
    room = 1
    for i in coded:
        room *= _room(shape.parts[i], fixed.get(i, ()))
    tries = max(1, min(TRIES, room // max(4 * shape.share, 1)))
    step, start = _step(room), _START % room
    waiting, made = np.arange(len(numbers)), [""] * len(numbers)
    for turn in range(tries * AGAIN):
        codes = [((int(n) * tries + turn % tries) * step + start) % room for n in numbers[waiting]]
        crowded = 2 * turn >= tries * AGAIN
        if crowded:  # the numbers of the row are real ones: any other
            codes = [int(n) % room for n in rng.integers(2**62, size=len(waiting))]
        columns = []
        for i, part in enumerate(shape.parts):
            spots = fixed.get(i, ())
            if i not in coded:
                columns.append(drawn(part, len(waiting), rng))
                continue
            columns.append(_written(part, codes, rng, spots))
            codes = [code // _room(part, spots) for code in codes]
        left = []
        last = turn == tries * AGAIN - 1
        for row, pieces in zip(waiting, zip(*columns, strict=True), strict=True):
            text = "".join(pieces)
            text = checked(text, check) if check else text
            # where there is no room for more, one comes again rather than that it is a real one
            if (text in taken or (text in seen and 4 * turn < 3 * tries * AGAIN)) and not last:
                left.append(row)
                continue
            seen.add(text)
            made[row] = text
        waiting = np.array(left, dtype=np.int64)
        if not left:
            break
    return made


def _check_places(shape: Shape, check: str | None) -> dict[int, tuple[int, ...]]:
    """Part -> its places that hold check digits, which say nothing by themselves."""
    if check is None:
        return {}
    spots = []
    for i, part in enumerate(shape.parts):
        width = len(part.values[0]) if part.values else part.lengths[0][0] if part.lengths else 0
        text = part.values[0] if part.values else ""
        alnum = [at for at in range(width) if not text or text[at].isalnum() or part.rest]
        spots += [(i, at) for at in alnum]
    wanted = {"iban": spots[2:4], "vin": spots[8:9]}.get(check, spots[-1:])
    found: dict[int, tuple[int, ...]] = {}
    for i, at in wanted:
        found[i] = (*found.get(i, ()), at)
    return found


def _even(part: Part) -> bool:
    """Whether the row's number can be written into a part: nothing in it is much more frequent."""
    if part.low is not None and part.high is not None:
        return not part.values and part.high > part.low
    if part.lengths:
        return not part.values and len(part.lengths) == 1
    return len(part.values) > 20 and max(part.counts) * len(part.values) <= EVEN * sum(part.counts)


def _free(part: Part, fixed: Sequence[int]) -> list[int]:
    """The places of a part of letters that the row's number goes into."""
    return [
        at
        for at, weights in enumerate(part.weights)
        if at not in fixed and len(weights) > 1 and max(weights) * len(weights) <= EVEN * sum(weights)
    ]


def _room(part: Part, fixed: Sequence[int]) -> int:
    if part.low is not None and part.high is not None:
        return part.high - part.low + 1
    if part.lengths:
        size = 1
        for at in _free(part, fixed):
            size *= len(part.letters[at])
        return size
    return len(part.values)


def _step(room: int) -> int:
    """A step through all numbers below `room` that leaps about."""
    step = max(1, _LEAP % room)
    while gcd(step, room) != 1:
        step += 1
    return step


def _written(part: Part, codes: list[int], rng: np.random.Generator, fixed: Sequence[int]) -> list[str]:
    """The strings of one part that numbers are written into."""
    if part.low is not None:
        size = _room(part, fixed)
        return [str(part.low + code % size) for code in codes]
    if not part.lengths:
        return [part.values[code % len(part.values)] for code in codes]
    texts, free = _others(part, len(codes), rng), _free(part, fixed)
    for row, code in enumerate(codes):
        letters = list(texts[row])
        for at in free:
            code, digit = divmod(code, len(part.letters[at]))
            letters[at] = part.letters[at][digit]
        texts[row] = "".join(letters)
    return texts


def drawn(part: Part, rows: int, rng: np.random.Generator) -> list[str]:
    """Strings of one part by their shares."""
    texts = _others(part, rows, rng) if part.rest else [""] * rows
    if not part.values:
        return texts
    shares = np.array([*part.counts, part.rest], dtype=np.float64)
    picked = rng.choice(len(shares), size=rows, p=shares / shares.sum())
    return [texts[row] if at == len(part.values) else part.values[at] for row, at in enumerate(picked)]


def _others(part: Part, rows: int, rng: np.random.Generator) -> list[str]:
    """Strings in place of the values that are too rare to be kept."""
    if part.low is not None and part.high is not None:
        return [str(number) for number in rng.integers(part.low, part.high + 1, size=rows)]
    columns = []
    for letters, weights in zip(part.letters, part.weights, strict=True):
        shares = np.array(weights, dtype=np.float64)
        columns.append(np.array(list(letters))[rng.choice(len(letters), size=rows, p=shares / shares.sum())])
    sizes = np.array([n for n, _ in part.lengths])
    shares = np.array([m for _, m in part.lengths], dtype=np.float64)
    ends = sizes[rng.choice(len(sizes), size=rows, p=shares / shares.sum())]
    grid = np.stack(columns, axis=1) if columns else np.zeros((rows, 0), dtype="U1")
    return ["".join(line[:end]) for line, end in zip(grid, ends, strict=True)]
