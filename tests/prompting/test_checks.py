"""What is wrong with a record: each check finds what it is for and lets held-out real rows pass."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lookalike.embed import embedder
from lookalike.prompting.checks import Accepted, Checker, Judge, Originals, judge_of, refusals_of
from lookalike.prompting.record import form_of
from lookalike.texts.language import Language, script
from tests.work import steps

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


@pytest.fixture(scope="module")
def halves(banking: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """200 rows that count as real, 100 others that were held out."""
    order = np.random.default_rng(0).permutation(len(banking))
    return banking.iloc[order[:200]].reset_index(drop=True), banking.iloc[order[200:]]


@pytest.fixture(scope="module")
def judge(halves: tuple[pd.DataFrame, pd.DataFrame]) -> Judge | None:
    texts = halves[0].text.tolist()
    return judge_of(embedder(None, texts), texts, halves[0].category.tolist(), seed=0)


def checker_of(real: pd.DataFrame, judge: Judge | None = None) -> Checker:
    texts = real.text.tolist()
    return Checker(form_of(real, ["text"], "category"), texts, Originals(texts), judge)


def test_real_rows_that_were_held_out_pass(
    halves: tuple[pd.DataFrame, pd.DataFrame], judge: Judge | None
) -> None:
    real, held_out = halves
    assert judge is not None
    reasons = checker_of(real, judge).reasons(held_out.to_dict("records"), held_out.category.tolist())
    assert sum(reason is not None for reason in reasons) <= 5


@pytest.mark.parametrize(
    ("text", "category", "reason"),
    [
        ("My own text about why the plastic is late again", "pending_top_up", None),
        ("My own text about why the plastic is late again", "exchange_charge", "label"),
        ("   ", "pending_top_up", "empty"),
        ("late " * 500, "pending_top_up", "too long"),
        ("As an AI language model, I do not own a card.", "pending_top_up", "refusal"),
        ("I'm sorry, but I can't assist with that request.", "pending_top_up", "refusal"),
        (FOREIGN[0], "pending_top_up", "language"),
    ],
)
def test_each_reason(
    halves: tuple[pd.DataFrame, pd.DataFrame], text: str, category: str, reason: str | None
) -> None:
    record = {"text": text, "category": category}
    assert checker_of(halves[0]).reasons([record], ["pending_top_up"]) == [reason]


def test_copies_of_real_rows_are_found_with_their_row() -> None:
    real = [
        "How long does it take until a bank transfer from abroad shows up in my account?",
        "Where is my card",
        "What should I do now that my new card has been declined at the cash machine twice",
    ]
    originals = Originals(real)
    assert (
        originals.copied("HOW long does it take, until a bank transfer from abroad shows up in my account")
        == 0
    )
    assert originals.copied(real[2] + " today") == 2  # 13 of 14 4-grams
    assert originals.copied("Tell me now: " + real[0]) == 0  # 12 of 15
    assert originals.copied("Tell me at once and right now: " + real[0]) is None  # 12 of 19
    assert originals.copied("where is my card?") == 1
    assert originals.copied("do now that my new") is None  # a few words lie inside many texts
    assert (
        originals.copied("Twice the cash machine declined the new card that I have, what should I do") is None
    )
    assert originals.copied("") is None and originals.copied("?!") is None


def test_copies_in_scripts_without_spaces_are_found() -> None:
    originals = Originals(["我的新卡已经两个星期没有到了请帮忙查询", "怎么充值"])
    assert originals.copied("我的新卡已经两个星期没有到了请帮忙查询!") == 0
    assert originals.copied("我的新卡已经两个星期没有到了请帮忙查一下") == 0
    assert originals.copied("为什么我的转账被拒绝了而且收了手续费") is None


def test_a_text_is_not_compared_with_each_real_or_accepted_one() -> None:
    rng = np.random.default_rng(0)
    words = np.array([f"w{at}" for at in range(3000)])
    draw = np.minimum(rng.zipf(1.3, (12_000, 14)) - 1, 2999)
    real = [" ".join(row) for row in words[draw]]
    shuffled = [" ".join(rng.permutation(text.split())) for text in real[:900]]
    some, costs = [*shuffled[:40], *real[:20]], []
    for rows in (1_000, 10_000):  # the second has ten times as many as the first
        originals, accepted = Originals(real[:rows]), Accepted()
        for text in real[-rows // 5 :]:
            accepted.add(text)
        copied = steps(lambda one=originals: [one.copied(text) for text in some])
        costs.append((copied, steps(lambda one=accepted: [one.add(text) for text in some])))
    (few, early), (many, late) = costs
    assert many < 2 * few and late < 2 * early  # more of the words are known
    assert all(originals.copied(text) is not None for text in real[:100])
    assert sum(originals.copied(text) is not None for text in shuffled) < 10
    fresh = Accepted()
    assert sum(fresh.add(text) for text in shuffled) > 800


def test_near_duplicates_are_those_with_four_of_five_word_pairs_in_common() -> None:
    accepted = Accepted()
    text = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    assert accepted.add(text)
    assert not accepted.add(text.upper() + "!")
    assert not accepted.add(text + " seventeen")  # 16 of 19 pairs
    assert accepted.add(text.replace("sixteen", "last"))  # 15 of 19
    assert accepted.add("where is my card")
    assert accepted.add("where is my phone")
    assert accepted.add("?!") and not accepted.add("...")


def test_counting_finds_what_comparing_all_texts_finds(banking: pd.DataFrame) -> None:
    rng = np.random.default_rng(1)
    texts = []
    for text in banking.text[:150]:
        words = text.split()
        words[int(rng.integers(len(words)))] = "other"
        texts += [text, " ".join(words)]

    def pairs(text: str) -> set[tuple[str, str]]:
        words = "".join(
            letter if letter.isalnum() or letter == "_" else " " for letter in text.lower()
        ).split()
        return set(zip(["", *words], [*words, ""], strict=True))

    accepted, kept, expected, found = Accepted(), [], [], []
    for text in texts:
        own = pairs(text)
        alike = any(len(own & other) >= 0.8 * len(own | other) for other in kept)
        expected.append(not alike)
        if not alike:
            kept.append(own)
        found.append(accepted.add(text))
    assert found == expected
    assert 0 < expected.count(False) < 150


def test_what_real_texts_say_is_no_refusal() -> None:
    said = "I'm sorry, but I can't help with that"
    assert any(one.search(said) for one in refusals_of(["Where is my card?"] * 50))
    spoken = refusals_of(["Where is my card?"] * 49 + ["I'm sorry, but I cannot come tonight"])
    assert not any(one.search("I'm sorry, but I can't come") for one in spoken)


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


def test_the_judge_rejects_rows_of_another_class_and_few_others(
    halves: tuple[pd.DataFrame, pd.DataFrame], judge: Judge | None
) -> None:
    held_out = halves[1]
    texts, labels = held_out.text.tolist(), held_out.category.tolist()
    assert judge is not None
    assert np.mean(judge.wrong(texts, labels)) <= 0.05
    others = [labels[(at + 37) % len(labels)] for at in range(len(labels))]
    differ = [at for at, (one, other) in enumerate(zip(labels, others, strict=True)) if one != other]
    wrong = judge.wrong([texts[at] for at in differ], [others[at] for at in differ])
    assert np.mean(wrong) > 0.3  # only what is sure
    assert judge.wrong(["anything"], ["a class that it never saw"]) == [False]


def test_no_judge_where_the_real_rows_do_not_tell_the_classes_apart(banking: pd.DataFrame) -> None:
    texts, labels = banking.text.tolist(), banking.category.tolist()
    embed = embedder(None, texts)
    shuffled = np.random.default_rng(0).permutation(labels).tolist()
    assert judge_of(embed, texts, shuffled, 0) is None
    assert judge_of(embed, texts[:59], labels[:59], 0) is None
    assert judge_of(embed, texts, ["one"] * len(texts), 0) is None
