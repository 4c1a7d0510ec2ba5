"""What can be counted of a text, and the limits that real texts set to it.

The measurements are those of the filters for web pages (Gopher: Rae et al. 2021, section A1.1; C4: Raffel et
al. 2020, section 2.2); their limits would remove most short texts, so the limits here are learned.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

TAIL = 0.001  # share of the real values on each side that may lie outside of what is widened
WIDER = 0.5  # of the distance from the median, by which limits are widened
ENOUGH = 100  # real values, of fewer of which the tails are hardly seen
GRAM = 10  # letters of a piece that should not come again
_SPACE = re.compile(r"\s+")
_ROW = re.compile(r"(.)\1{3,}")
_BROKEN = re.compile(  # the sign for what could not be read, controls, and UTF-8 that was read as Latin-1
    "\ufffd|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\u00e2\u20ac.|\u00c3[\u0080-\u00bf]|\u00c2[\u0080-\u00bf]"
)


def letters(text: str) -> float:
    """How many letters and signs it has, spaces at its ends not counted."""
    return float(len(text.strip()))


def repetition(text: str) -> float:
    """0..1, the share of its pieces of 10 letters that came before in it, or of one letter in a row."""
    joined = _SPACE.sub(" ", text.casefold()).strip()
    pieces = len(joined) - GRAM + 1
    again = 1 - len({joined[at : at + GRAM] for at in range(pieces)}) / pieces if pieces > 1 else 0.0
    in_a_row = max((len(one.group()) for one in _ROW.finditer(joined)), default=0)
    return max(again, in_a_row / max(len(joined), 1))


def symbols(text: str) -> float:
    """0..1, the share of its signs, spaces left out, that are neither letters nor digits."""
    signs = _SPACE.sub("", text)
    return sum(not sign.isalnum() for sign in signs) / len(signs) if signs else 0.0


def broken(text: str) -> float:
    """How many of its signs were damaged on their way: unreadable, controls, or read in a wrong encoding."""
    return float(len(_BROKEN.findall(text)))


MEASURES: dict[str, Callable[[str], float]] = {
    "length": letters,
    "repetition": repetition,
    "symbols": symbols,
    "encoding": broken,
}
OF_PROSE = ("repetition", "symbols")  # whose absolute limits say nothing of code and JSON
ABSOLUTE = {  # where no real texts are known
    "length": (1.0, 100_000.0),
    "repetition": (0.0, 0.5),
    "symbols": (0.0, 0.4),
    "encoding": (0.0, 0.0),
}
LEEWAY = {  # beyond the real texts, at least: few of them repeat nothing at all, which the next one may
    "length": 2.0,
    "repetition": 0.1,
    "symbols": 0.05,
}
ONE_SIDED = ("repetition", "encoding")  # a text is not at fault for less of it than real ones have


def learned(name: str, texts: Sequence[str]) -> tuple[float, float]:
    """The limits that real texts set to one of `MEASURES`; absolute ones without any."""
    if not texts:
        return ABSOLUTE[name]
    low, high = limits([MEASURES[name](text) for text in texts])
    leeway = LEEWAY.get(name, 0.0) * max(1.0, ENOUGH / len(texts))
    return (0.0 if name in ONE_SIDED else low - leeway), high + leeway


def limits(values: Sequence[float] | Array) -> tuple[float, float]:
    """What real values allow: all but the outermost .1% on each side, widened by half of their distance from
    the median. values: finite, at least one. Fewer than 100 of them hardly show their tails, so that limits
    are widened by so many times more.
    """
    found = np.asarray(values, dtype=float)
    low, middle, high = np.quantile(found, [TAIL, 0.5, 1 - TAIL])
    wider = WIDER * max(1.0, ENOUGH / len(found))
    return float(low - wider * (middle - low)), float(high + wider * (high - middle))
