"""The slots of a batch that are in use."""

import torch

from lookalike.difflm.small.used import Used


def test_a_span_has_as_many_slots_as_the_longest_text_of_the_batch() -> None:
    tokens = torch.tensor([[4, 7, 3, -1, 1, -1, -1], [4, 7, 2, 9, 1, -1, -1]])  # texts in 2, 3 and 4 to 6
    used = Used.of(tokens, 7, [0, 1], [[2, 3], [4, 5, 6]])
    assert used.slots.tolist() == [0, 1, 2, 3, 4]
    assert used.inner.tolist() == [0, 1, 2, 3, 4, -1, -1]
    assert used.spans == [(2, 4), (4, 5)]


def test_a_text_of_no_sub_words_keeps_its_first_slot() -> None:
    used = Used.of(torch.full((2, 3), -1), 3, [], [[0, 1, 2]])
    assert used.slots.tolist() == [0] and used.spans == [(0, 1)]


def test_without_texts_all_slots_are_in_use() -> None:
    used = Used.of(torch.zeros(2, 3, dtype=torch.long), 3, [2, 0, 1], [])
    assert used.slots.tolist() == [2, 0, 1] and used.inner.tolist() == [1, 2, 0] and used.spans == []
