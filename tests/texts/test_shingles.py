"""Texts as sets of shingles."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lookalike.texts import shingles
from lookalike.texts.shingles import by_words, normal, shingles_of
from tests.texts.pieces import alike


def test_the_normal_form_is_what_is_said() -> None:
    assert normal("  Where IS my card?! ") == "where is my card"
    assert normal("\uff37\uff48\uff45\uff52\uff45 \ufb01ne") == "where fine"  # full width, a ligature
    assert normal("Stra\u00dfe") == normal("STRASSE")
    assert normal(" :-) ") == ": - )" and normal(" : - ) ") == ": - )"
    assert normal("") == normal("  ") == ""


def test_similarity_is_that_of_counting(banking: pd.DataFrame) -> None:
    texts = [
        *banking.text[:40],
        "",
        "a",
        "abc",
        "abcd",
        "where is it",
        "\U0001f600",
        "?!",
        "\u4f60\u597d\u5417",
    ]
    found = shingles_of([normal(text) for text in texts], words=False)
    filled = np.flatnonzero(found.sizes > 0)
    assert len(filled) == len(texts) - 1
    for at in range(len(texts)):
        if found.sizes[at]:
            expected = [alike(texts[at], texts[other]) for other in filled]
            assert found.jaccard(np.full(len(filled), at), filled) == pytest.approx(expected, abs=1e-12)


def test_shingles_do_not_depend_on_how_many_texts_are_cut_at_once(
    banking: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [normal(text) for text in banking.text[:200]]
    for words in (False, True):
        whole = shingles_of(texts, words)
        monkeypatch.setattr(shingles, "BLOCK", 7)
        parts = shingles_of(texts, words)
        monkeypatch.undo()
        assert (whole.hashes == parts.hashes).all() and (whole.ends == parts.ends).all()


def test_a_word_more_of_a_long_text_is_five_shingles() -> None:
    words = [f"word{at}" for at in range(60)]
    found = shingles_of([" ".join(words), " ".join([*words[:30], "other", *words[31:]])], words=True)
    assert found.sizes.tolist() == [56, 56]
    assert found.jaccard(np.array([0]), np.array([1])) == pytest.approx([51 / 61])


@pytest.mark.parametrize(("words", "expected"), [(39, False), (40, True)])
def test_long_texts_are_those_of_forty_words(words: int, expected: bool) -> None:
    assert by_words([" ".join(["word"] * words)] * 3 + ["one"] * 2) == expected
    assert not by_words([])
