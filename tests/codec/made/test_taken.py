"""What is in it is always known; what is not is seldom taken for it; nothing is told."""

import numpy as np

from lookalike.codec.made.taken import Taken


def test_a_string_that_is_in_it_is_in_it_and_few_others() -> None:
    texts = [f"a{i}" for i in range(1000)]
    taken = Taken.of(texts)
    assert all(text in taken for text in texts) and "A7 " in taken  # whatever its case and blanks
    assert sum(f"b{i}" in taken for i in range(1000)) < 200
    assert np.unpackbits(taken.bits).mean() <= 1 / 8
    same = Taken.of(texts[::-1])
    assert same.salt == taken.salt and (same.bits == taken.bits).all()
