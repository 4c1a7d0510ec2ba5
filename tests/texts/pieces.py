"""How alike two texts are, counted in the plain way."""

from __future__ import annotations


def alike(text: str, other: str, size: int = 4) -> float:
    """The Jaccard similarity of their pieces of four letters; of words in lower case, one space between."""
    own, theirs = (_pieces(one, size) for one in (text, other))
    return len(own & theirs) / max(len(own | theirs), 1)


def _pieces(text: str, size: int) -> set[str]:
    words = "".join(sign if sign.isalnum() or sign == "_" else " " for sign in text.casefold()).split()
    plain = " ".join(words) or "".join(text.split())
    return {plain[at : at + size] for at in range(max(len(plain) - size + 1, 1))} if plain else set()
