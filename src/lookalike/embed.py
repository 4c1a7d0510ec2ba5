"""Texts -> unit vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Embed = Callable[[Sequence[str]], npt.NDArray[Any]]

MOST_TERMS = 50_000
FIT_TEXTS = 20_000  # that the reduction is fitted on, at most


def fit_tfidf(texts: Sequence[str], dims: int, seed: int = 0) -> Embed:
    """An embedding fitted on texts: TF-IDF of words and pairs of words, reduced by SVD (latent semantic
    analysis, Deerwester et al. 1990).

    Returns a function from n texts to (n, at most dims) float32 rows of length 1; a text of none of the known
    words is all zero. Nothing is downloaded.
    """
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    drawn = np.random.default_rng(seed).permutation(len(texts))[:FIT_TEXTS]
    words = TfidfVectorizer(
        ngram_range=(1, 2), token_pattern=r"\w+|[^\w\s]", sublinear_tf=True, max_features=MOST_TERMS
    )
    try:
        weights = words.fit_transform([texts[i] for i in drawn])
    except ValueError:  # no words at all
        return lambda some: np.zeros((len(some), 1), dtype=np.float32)
    reduce = None
    if min(weights.shape) > dims + 1:
        reduce = TruncatedSVD(dims, random_state=seed).fit(weights)

    def embed(some: Sequence[str]) -> npt.NDArray[Any]:
        found = words.transform(some)
        dense = reduce.transform(found) if reduce is not None else found.toarray()
        length = np.linalg.norm(dense, axis=1, keepdims=True)
        return (dense / np.where(length > 1e-12, length, 1.0)).astype(np.float32)

    return embed
