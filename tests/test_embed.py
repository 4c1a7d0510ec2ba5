"""Texts -> unit vectors: the built-in embedding, a function's, and what they may not return."""

import sys
import types
from collections.abc import Sequence

import numpy as np
import pytest

from lookalike.embed import embedder
from lookalike.errors import DataError, MissingDependency, OptionError

TEXTS = ["the film was good", "the film was great", "a bank account", "my bank card was lost"]


@pytest.mark.parametrize("spec", [None, "tfidf"])
def test_built_in(spec: str | None) -> None:
    rows = embedder(spec, TEXTS)(TEXTS)
    assert rows.dtype == np.float32 and len(rows) == 4
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.2
    assert not embedder(spec, TEXTS)(["xyzzy"]).any()


def test_a_function_is_brought_to_unit_length() -> None:
    rows = embedder(lambda texts: [[3.0, 4.0]] * len(texts), TEXTS)(TEXTS)  # type: ignore[arg-type,return-value]
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, [[0.6, 0.8]] * 4, atol=1e-6)


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (lambda texts: np.ones((1, 3)), r"shape \(1, 3\) of 4 texts"),
        (lambda texts: np.ones(len(texts)), r"shape \(4,\) of 4 texts"),
        (lambda texts: np.array([[1.0], [np.nan], [1.0], [1.0]]), "'the film was great'"),
        (lambda texts: [[1], [1, 2], [1], [1]], "the embedder failed"),
        (lambda texts: None, "the embedder"),
    ],
)
def test_what_a_function_may_not_return(made: object, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        embedder(made, TEXTS)(TEXTS)  # type: ignore[arg-type]


def test_the_width_may_not_change() -> None:
    def grows(texts: Sequence[str]) -> np.ndarray:
        return np.ones((len(texts), len(texts)))

    embed = embedder(grows, TEXTS)
    embed(TEXTS)
    with pytest.raises(DataError, match="3 numbers a text, but 4 before"):
        embed(TEXTS[:3])


def test_names(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OptionError, match="there is no embedder 'bert'"):
        embedder("bert", TEXTS)
    with pytest.raises(OptionError, match="needs an endpoint"):
        embedder("openai:text-embedding-3-small", TEXTS)
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingDependency, match=r"'\.\[embed\]'"):
        embedder("sentence-transformers:any", TEXTS)


def test_a_sentence_transformer_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in for the package, which is large: its class is called as its documentation says."""

    class SentenceTransformer:
        def __init__(self, name: str) -> None:
            if name != "some/model":
                raise OSError(f"{name} is not a local folder")

        def encode(self, texts: list[str], **options: object) -> np.ndarray:
            return np.array([[len(text), 1.0] for text in texts])

    package = types.ModuleType("sentence_transformers")
    package.SentenceTransformer = SentenceTransformer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sentence_transformers", package)
    rows = embedder("sentence-transformers:some/model", TEXTS)(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    with pytest.raises(OptionError, match="'other' cannot be loaded"):
        embedder("sentence-transformers:other", TEXTS)
