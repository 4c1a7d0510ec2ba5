"""Named streams of random numbers: each use of a seed has a generator of its own, and no two overlap."""

from __future__ import annotations

import hashlib
import json

import numpy as np


def child(seed: int, *names: str | int) -> np.random.Generator:
    """The generator that belongs to a seed and some names, such as `child(7, "sample", "chunk", 3)`.

    The same seed and names give the same stream on every machine. Other seeds or names give a stream that is
    independent of it, because a hash of all of them is the entropy (`numpy.random.SeedSequence`).
    """
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(_hashed(seed, names))))


def child_seed(seed: int, *names: str | int) -> int:
    """A whole number of [0, 2**63) that belongs to a seed and some names: a seed for a library that has
    generators of its own, such as torch (on a CPU that uses the lower 32 bits). It starts other streams than
    `child` does.
    """
    return _hashed(seed, (*names, "child seed")) >> 193


def in_32_bits(seed: int) -> int:
    """A seed for scikit-learn, which takes none of 2**32 or more; smaller ones stay as they are."""
    return seed % 2**32


def _hashed(seed: int, names: tuple[str | int, ...]) -> int:
    """256 bits. JSON tells the number 1 from the text "1", and one name from two."""
    own = json.dumps([int(seed), *(name if isinstance(name, str) else int(name) for name in names)])
    return int.from_bytes(hashlib.sha256(own.encode()).digest(), "big")
