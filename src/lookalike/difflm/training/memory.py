"""Memory: what is free, a sentence before it is too small, and one where it turns out so."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from lookalike.errors import OptionError

_GIGABYTE = 1e9
_KEPT = 32 * 2**20 - 2**16  # bytes: the largest block that glibc takes a hint from, and what stands before it


def free_memory(device: torch.device) -> float:
    """Bytes that are free on a device; infinite where the machine does not tell."""
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            facts = dict(line.split(":") for line in file)
        return float(facts["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return float("inf")


def keep_freed() -> None:
    """Have the C library keep what is freed between steps, up to 64 MB, in place of giving it back.

    A step takes and frees the same memory again and again, and each time the system hands it out page by
    page, zeroed: 5 of 50 ms of a step of training. glibc keeps blocks up to the size of the largest one that
    was ever freed (mallopt(3), M_MMAP_THRESHOLD); this one is not touched, and costs nothing.
    """
    torch.empty(_KEPT, dtype=torch.uint8)


def check_memory(needed: float, device: torch.device, who: str, remedy: str) -> None:
    """Raises OptionError where fewer bytes than `needed` are free. who: "the backbone M needs"."""
    free = free_memory(device)
    if needed > free:
        raise OptionError(
            f"{who} about {needed / _GIGABYTE:.1f} GB of memory and {free / _GIGABYTE:.1f} GB are free "
            f"({device.type}): {remedy}."
        )


def held_bytes(work: Callable[[], Any], known: Iterable[Tensor]) -> int:
    """Bytes that a calculation keeps for its gradients, besides the tensors `known`."""
    there = {tensor.untyped_storage().data_ptr() for tensor in known}
    held: dict[int, int] = {}
    kept = []  # else a place that is given back and taken again is counted once

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in there:
            held[storage.data_ptr()] = storage.nbytes()
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        work()
    return sum(held.values())


def ran_out(error: Exception) -> bool:
    """Whether it says that the memory is too small; on a CPU torch has no error of its own for that."""
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "allocate memory" in str(error)


@contextlib.contextmanager
def enough_memory(name: str, remedy: str, kept: bool = False) -> Iterator[None]:
    """Turns an allocation that fails into an OptionError; kept: whether there is a checkpoint."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not ran_out(error):
            raise
        more = "; the checkpoint is kept" if kept else ""
        raise OptionError(f"the memory is too small for {name}: {remedy}{more}.") from error
