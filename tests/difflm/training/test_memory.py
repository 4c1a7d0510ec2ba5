"""A memory that is too small is a sentence, be it before or while something is computed."""

import pytest

from lookalike.difflm.training import memory
from lookalike.errors import OptionError


def test_memory_that_runs_out_is_a_sentence() -> None:
    with (
        pytest.raises(OptionError, match=r"too small for M.*the checkpoint is kept"),
        memory.enough_memory("M", "choose another", True),
    ):
        raise MemoryError
    for other in (ZeroDivisionError, NotImplementedError):  # the latter is a RuntimeError
        with pytest.raises(other), memory.enough_memory("M", "choose another"):
            raise other
