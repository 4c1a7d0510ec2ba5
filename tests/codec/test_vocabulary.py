"""Sub-words and phrases: every text comes back, what is frequent is one token, what is rare is not."""

import numpy as np

from lookalike.codec.vocabulary import MOST, PHRASE, Vocabulary

RNG = np.random.default_rng(0)
CITIES = ["".join(RNG.choice(list("abcdefghij"), 7)) for _ in range(400)]
QUERIES = [
    f'SELECT name , age FROM people WHERE city = "{city}" AND age > {i % 50} ;'
    for i, city in enumerate(CITIES)
]
QUESTIONS = [f"Who in {city} is older than {i % 50} ?" for i, city in enumerate(CITIES)]
VOCABULARY = Vocabulary.learn([QUESTIONS, QUERIES], [False, True], rare=5)


def text(tokens: list[int]) -> str:
    return b"".join(VOCABULARY.pieces[token] for token in tokens).decode()


def test_every_text_comes_back_also_unseen_ones() -> None:
    texts = [
        *QUERIES[:20],
        *QUESTIONS[:20],
        "",
        " ",
        "\n\t x",
        "ünïcode 😀 \U0010ffff",
        "DROP TABLE x;--",
        "\x00",
    ]
    assert [text(own) for own in VOCABULARY.encode(texts)] == texts


def test_a_phrase_is_one_token() -> None:
    ((first, *_), *_) = VOCABULARY.encode(QUERIES[:1])
    assert VOCABULARY.pieces[first].startswith(b"SELECT name , age FROM people WHERE city =")
    assert max(map(len, VOCABULARY.encode(QUERIES))) < 16


def test_what_is_rarer_than_a_phrase_or_is_prose_keeps_its_sub_words() -> None:
    few = [
        f"{word} and {word} or {word} = {word} ;"
        for word in ("alpha", "beta", "gamma")
        for _ in range(PHRASE // 3)
    ]
    for texts, formal in (([few], [True]), ([QUESTIONS], [False])):
        found = Vocabulary.learn([*texts], [*formal], 5)
        assert not any(b" " in piece.strip() for piece in found.pieces)
        assert found.encode(texts[0])


def test_a_value_has_the_same_tokens_in_question_and_query() -> None:
    shared = 0
    for question, query, city in zip(*map(VOCABULARY.encode, (QUESTIONS, QUERIES)), CITIES, strict=True):
        said = [VOCABULARY.pieces[token] for token in set(question) & set(query)]
        shared += any(piece.strip() and piece.strip() in city.encode() for piece in said)
    assert shared / len(CITIES) > 0.9


def test_it_is_saved_as_text_and_of_bounded_size() -> None:
    again = Vocabulary.of(VOCABULARY.text)
    assert again.pieces == VOCABULARY.pieces and again.encode(QUERIES) == VOCABULARY.encode(QUERIES)
    assert max(map(len, again.pieces)) <= 1024
    assert again.size == len(again.pieces) == len(set(again.pieces)) <= MOST
    assert Vocabulary.learn([QUESTIONS, QUERIES], [False, True], rare=5).text == VOCABULARY.text
