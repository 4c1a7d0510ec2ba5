"""Texts -> unit vectors: built in, by a sentence-transformers model, or by any function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lookalike.arguments import shown
from lookalike.errors import DataError, MissingDependency, OptionError, first_line
from lookalike.seed import in_32_bits

Embed = Callable[[Sequence[str]], npt.NDArray[Any]]

MOST_TERMS = 50_000
FIT_TEXTS = 20_000  # that the reduction is fitted on, at most
DIMS = 128  # of the built-in embedding
LOCAL, REMOTE = "sentence-transformers:", "openai:"


def embedder(spec: str | Embed | None, texts: Sequence[str], seed: int = 0) -> Embed:
    """A function from n texts to (n, dims) float32 rows of length 1.

    spec: None or "tfidf" is the built-in TF-IDF and SVD (`fit_tfidf`, at most 128 dims), fitted on `texts`,
    the real ones, without any download; "sentence-transformers:<name or path>" is that model, of the hub or
    of a folder; a function from a list of texts to an array is used as it is, and its rows are brought to
    length 1. An endpoint's embeddings ("openai:<model>") are such a function, which whoever knows the
    endpoint passes. A row of zeros (a text without a known word) stays zero.

    Raises OptionError for another name or a model that cannot be loaded, MissingDependency where
    sentence-transformers is not installed; the function that is returned raises DataError where another
    function returns something other than one finite vector a text, always of the same length.
    """
    check_embedder(spec)
    if callable(spec):
        return _checked(spec)
    if spec is None or spec == "tfidf":
        return fit_tfidf(texts, DIMS, seed)
    return _checked(_sentence_transformer(spec.removeprefix(LOCAL)))


def check_embedder(spec: str | Embed | None) -> None:
    """Raises OptionError for what `embedder` does not know, before any work; no model is loaded."""
    if spec is None or callable(spec):
        return
    if not isinstance(spec, str):
        raise OptionError(
            f"the embedder is {shown(spec)}: write tfidf, {LOCAL}<name or path>, or pass a function of texts."
        )
    if spec.startswith(REMOTE):
        raise OptionError(f"the embedder '{spec}' needs an endpoint: name it, or pass a function of texts.")
    if spec != "tfidf" and not (spec.startswith(LOCAL) and len(spec) > len(LOCAL)):
        raise OptionError(
            f"there is no embedder '{spec}': write tfidf, {LOCAL}<name or path>, or pass a function of texts."
        )


def fit_tfidf(texts: Sequence[str], dims: int, seed: int = 0, letters: bool = False) -> Embed:
    """An embedding fitted on texts: TF-IDF of words and pairs of words, reduced by SVD (latent semantic
    analysis, Deerwester et al. 1990).

    Returns a function from n texts to (n, at most dims) float32 rows of length 1; a text of none of the known
    words is all zero. letters: of pieces of 2 to 4 letters inside words, instead. Nothing is downloaded.
    """
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    drawn = np.random.default_rng(seed).permutation(len(texts))[:FIT_TEXTS]
    pieces: dict[str, Any] = {"ngram_range": (1, 2), "token_pattern": r"\w+|[^\w\s]"}
    if letters:
        pieces = {"ngram_range": (2, 4), "analyzer": "char_wb"}
    words = TfidfVectorizer(sublinear_tf=True, max_features=MOST_TERMS, **pieces)
    try:
        weights = words.fit_transform([texts[i] for i in drawn])
    except ValueError:  # no words at all
        return lambda some: np.zeros((len(some), 1), dtype=np.float32)
    reduce = None
    if min(weights.shape) > dims + 1:
        with np.errstate(invalid="ignore"):  # equal texts have no variance to share out
            reduce = TruncatedSVD(dims, random_state=in_32_bits(seed)).fit(weights)

    def embed(some: Sequence[str]) -> npt.NDArray[Any]:
        found = words.transform(some)
        dense = reduce.transform(found) if reduce is not None else found.toarray()
        return _unit(dense)

    return embed


def _unit(rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The rows at length 1, float32; rows of zeros stay."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(length > 1e-12, length, 1.0)).astype(np.float32)


def _checked(function: Embed) -> Embed:
    """The function, with what it returns checked and brought to length 1."""
    width: int | None = None

    def embed(some: Sequence[str]) -> npt.NDArray[Any]:
        nonlocal width
        try:
            rows = np.asarray(function(list(some)), dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise DataError(
                f"the embedder failed, return an array of numbers, a row for each text: {first_line(error)}."
            ) from None
        if rows.ndim != 2 or len(rows) != len(some) or not rows.shape[1]:
            raise DataError(
                f"the embedder made an array of shape {rows.shape} of {len(some)} texts: "
                "return a row of numbers for each text."
            )
        if width not in (None, rows.shape[1]):
            raise DataError(
                f"the embedder made {rows.shape[1]} numbers a text, but {width} before: return as many "
                "each time."
            )
        wrong = ~np.isfinite(rows).all(axis=1)
        if wrong.any():
            text = some[int(wrong.argmax())]
            raise DataError(
                f"the embedder made nan or infinite numbers of {str(text)[:40]!r}: return finite ones."
            )
        width = rows.shape[1]
        return _unit(rows)

    return embed


def _sentence_transformer(name: str) -> Embed:
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise MissingDependency("sentence-transformers", "embed") from None
    try:
        model = SentenceTransformer(name)
    except (OSError, ValueError) as error:
        raise OptionError(
            f"the embedder '{name}' cannot be loaded, check its name or path: {first_line(error)}."
        ) from None
    return lambda some: model.encode(list(some), show_progress_bar=False, convert_to_numpy=True)
