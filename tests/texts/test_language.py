"""Which texts are plainly not in a language of the real ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lookalike.texts.language import Language, script

FOREIGN = [
    "Ich habe meine Karte noch nicht bekommen, wie lange dauert das?",
    "Ma carte n'est pas encore arrivée, que dois-je faire ?",
    "¿Dónde está mi tarjeta? No la tengo",
    "Non ho ancora ricevuto la mia carta",
    "Waar is mijn kaart gebleven, het duurt te lang",
    "Моя карта не пришла",
    "我的卡还没有到",
    "カードが届きません",
    "أين بطاقتي",
]


@pytest.mark.parametrize("rows", [40, 300])
def test_plain_foreign_texts_are_told_from_real_ones(banking: pd.DataFrame, rows: int) -> None:
    order = np.random.default_rng(0).permutation(len(banking))
    language = Language(banking.text.iloc[order[:rows]].tolist())
    assert language.home == {"English"} and language.scripts == {"LATIN"}
    assert [text for text in FOREIGN if not language.is_foreign(text)] == []
    assert [text for text in banking.text.iloc[order[rows:]] if language.is_foreign(text)] == []


def test_a_german_data_set_takes_german_for_its_own() -> None:
    texts = [
        "Wo ist meine Karte, ich habe sie noch nicht bekommen",
        "Warum wird mir eine Gebühr für die Zahlung berechnet",
        "Wie kann ich das Konto aufladen und was kostet es",
    ] * 10
    language = Language(texts)
    assert language.home == {"German"}
    assert not language.is_foreign("Der Automat hat die Karte nicht angenommen")
    assert language.is_foreign("What is the fee that you have for this card?")


def test_without_function_words_only_the_script_counts() -> None:
    language = Language([f"ACME-{at:04d} steel bolt" for at in range(50)])
    assert language.home == set()
    assert not language.is_foreign("ACME-9999 der die das")
    assert language.is_foreign("болт стальной")
    assert [script(letter) for letter in "aßЯ卡カ5 "] == [
        "LATIN",
        "LATIN",
        "CYRILLIC",
        "CJK",
        "CJK",
        None,
        None,
    ]
