import numpy as np
import pandas as pd
import pytest

from bench.records.ngram import BEGIN, END, Base, NGram, Writer, tokens

TEXTS = ["the cat sat", "the cat ran", "a dog sat on the cat", "the dog ran", "a cat"]


@pytest.mark.parametrize("text", ["def f(x):\n    return x + 1\n", "  a,b ; c ", "", "é ü\t!", 'it\'s "x"'])
def test_tokens_joined_are_the_text(text):
    assert "".join(tokens(text)) == text


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_the_shares_of_all_tokens_and_of_one_unknown_sum_to_one(order):
    texts = [tokens(text) for text in TEXTS]
    base = Base(texts)
    model = NGram(texts, order, base)
    for context in [(BEGIN,), (BEGIN, "the"), ("the", " cat"), (" sat", " on", " the", " cat"), ("unseen",)]:
        total = sum(model.share(token, context) for token in base.counts)
        assert total + model.share("unknown", context) == pytest.approx(1)


def test_lower_orders_count_the_contexts_of_a_token_not_its_occurrences():
    # "Francisco" is frequent but always after "San": elsewhere it is unlikely
    texts = [
        tokens(t) for t in ["in San Francisco"] * 20 + ["in red", "the red", "a red", "my red", "San red"]
    ]
    model = NGram(texts, 2, Base(texts))
    assert model.share(" Francisco", (" San",)) > 0.8
    # of a context never seen, both fall to the continuation counts: 1 against 5 contexts
    assert model.counts[0][()][" red"] == 5 and model.counts[0][()][" Francisco"] == 1


def test_what_is_written_has_the_shares_of_the_model():
    texts = [tokens(text) for text in TEXTS]
    model = NGram(texts, 3, Base(texts))
    rng = np.random.default_rng(0)
    drawn = [model._next((" dog",), rng) for _ in range(20_000)]
    for token in [" sat", " ran", END, " cat"]:
        share = model.share(token, (" dog",))
        assert np.mean([one == token for one in drawn]) == pytest.approx(
            share, abs=4 * (share / 20_000) ** 0.5
        )


def test_an_order_that_helps_is_chosen_and_classes_keep_their_shares():
    cats = [f"the cat number {i % 7} sat on mat {i % 5}" for i in range(90)]
    dogs = [f"dogs {i % 3} bark at noon" for i in range(30)]
    writer = Writer(cats + dogs, ["cat"] * 90 + ["dog"] * 30, seed=0)
    assert writer.order > 1 and writer.bits[writer.order] < writer.bits[1]
    made = pd.DataFrame(dict(zip(("text", "label"), writer.write(40, seed=0), strict=True)))
    assert made.label.value_counts().to_dict() == {"cat": 30, "dog": 10}
    for label, begins in (("dog", "dogs"), ("cat", "the cat")):  # the rest is what smoothing costs
        assert made[made.label == label].text.str.startswith(begins).mean() >= 0.8
    other = Writer([text[::-1] for text in cats + dogs], ["cat"] * 90 + ["dog"] * 30, seed=0)
    assert other.write(40, seed=0)[1] == made.label.tolist()  # columns written apart have the same rows
    assert writer.write(40, seed=0)[0] == made.text.tolist() != writer.write(40, seed=1)[0]
