"""A memory that is too small is a sentence, be it before or while something is computed."""

import platform

import pytest
import torch

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


def test_freed_memory_is_kept() -> None:
    resource = pytest.importorskip("resource")  # Windows has none

    def taken() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(20):
            torch.ones(2 * 2**20)  # 8 MB, 2,048 pages
        return int(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

    memory.keep_freed()
    taken()
    if "glibc" not in platform.libc_ver():
        pytest.skip("another C library")
    assert taken() < 2048  # less than once for all: it was 20 times
