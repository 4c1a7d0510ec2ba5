"""The classes of a slot: its tokens, and one for all bins of a number that is spread out."""

import numpy as np
import torch

from lookalike.codec.slot import plain_slot
from lookalike.difflm.categorical import IMPOSSIBLE
from lookalike.difflm.small.classes import Classes, grouped, start


def test_tokens_that_are_no_class_of_their_own_are_anywhere_else() -> None:
    slot = plain_slot("x", "", np.array([5, 1, 2, 8]))
    own = Classes.among(slot, np.array([True, False, False, True]))
    assert own.of.tolist() == [0, 2, 2, 1] and own.token.tolist() == [0, 3, 0]
    assert own.other == 2 and own.mass.tolist() == [5, 8, 3]
    every = Classes.among(slot, np.ones(4, dtype=bool))
    assert every.of.tolist() == every.token.tolist() == [0, 1, 2, 3] and every.other == -1


def test_a_group_has_slots_of_about_as_many_classes() -> None:
    assert grouped([100, 2, 8, 3, 150, 200]) == [[1, 3, 2], [0, 4], [5]]
    assert grouped([]) == []


def test_heads_start_from_the_real_shares_and_emit_nothing_that_is_banned_or_was_never_there() -> None:
    slots = [plain_slot("x", "", np.array([6, 0, 4]), banned=(2,)), plain_slot("y", "", np.array([1, 1]))]
    bias, emit = start([Classes.among(slot, np.ones(slot.tokens, dtype=bool)) for slot in slots], slots)
    assert bias.shape == emit.shape == (2, 1, 3)
    shares = bias[0, 0].exp()
    assert torch.allclose(shares, torch.tensor([6.1, 0.1, 4.1]) / 10.3)
    assert emit[0, 0].tolist() == [0, IMPOSSIBLE, IMPOSSIBLE]  # no row has the second, the third is banned
    assert emit[1, 0].tolist() == [0, 0, IMPOSSIBLE]  # the slot has no third


def test_a_slot_of_nothing_but_banned_tokens_still_emits() -> None:
    slot = plain_slot("x", "", np.array([3, 2]), banned=(0, 1))
    _, emit = start([Classes.among(slot, np.ones(2, dtype=bool))], [slot])
    assert emit.tolist() == [[[0, 0]]]
