"""Which strings are real ones, without holding them: bits that salted hashes set."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from lookalike.codec.slot import Array

_BUCKETS = 8  # at least, for a real string


@dataclass(frozen=True)
class Taken:
    """A set of strings of which `in` is never False for one that is in it, and seldom True for another: of
    those up to one in eight.

    salt: of the hashes; bits: packed.
    """

    salt: str
    bits: Array

    @classmethod
    def of(cls, texts: Collection[str]) -> Taken:
        """The set of some strings, the same whatever their order."""
        plain = sorted(texts)
        salt = hashlib.blake2b("\n".join(plain).encode("utf-8", "replace"), digest_size=16).hexdigest()
        size = 2 ** int(np.ceil(np.log2(max(64, _BUCKETS * len(plain)))))
        found = np.zeros(size, dtype=bool)
        found[[_bucket(text, salt, size) for text in plain]] = True
        return cls(salt, np.packbits(found))

    def __contains__(self, text: object) -> bool:
        at = _bucket(str(text), self.salt, 8 * len(self.bits))
        return bool(self.bits[at // 8] >> (7 - at % 8) & 1)


def _bucket(text: str, salt: str, size: int) -> int:
    plain = " ".join(text.casefold().split()).encode("utf-8", "replace")
    return int.from_bytes(hashlib.blake2b(plain, key=salt.encode(), digest_size=8).digest()) % size
