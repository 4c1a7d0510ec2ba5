"""A second process that computes the gradients of some rows beside this one (`gradients.py`).

Steps of a small model are hundreds of operations of microseconds: torch's threads wait for each other after
every one of them, and Python's for its lock. A process waits once a step. It is started as any program is,
because users' scripts need no guard against being imported again, and torch does not survive a fork.

Both look at the same memory, which no name leads to and which is gone with them: the weights; gradients of
the same shapes, which the partner writes; and a desk for what it is told. They wait for each other in pipes,
so that neither keeps a core busy, and each hears at once when the other one is gone, however it ended.
"""

from __future__ import annotations

import math
import mmap
import os
import pickle
import select
import struct
import subprocess
import sys
from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from lookalike.difflm.training.memory import keep_freed
from lookalike.jobs import search_path

START = "import sys; from lookalike.difflm.small.partner import work; work(int(sys.argv[1]))"
TOLD = struct.Struct("<QQ")  # bytes of the desk, and of what lies on it
SAID = struct.Struct("<dd")  # both terms of the bound of the rows; the first answer says that it is ready
PATIENCE = 10.0  # seconds for an answer that takes hundredths of one; then the partner is given up
ALIGNED = 64  # bytes: where a tensor begins, as torch has it
ROOM = 1.25  # times what is laid on the desk at first: later parts may be longer


class Task(Protocol):
    """What is sent to the partner, by pickle."""

    def learn(self, model: nn.Module) -> tuple[float, float]:
        """Adds the gradients of its rows to those of the model; returns both terms of their bound."""


class Partner:
    """The process, from its start to its end. Raises OSError where none can be started here."""

    def __init__(self) -> None:
        if not hasattr(os, "memfd_create") or not sys.executable or getattr(sys, "frozen", False):
            raise OSError("no second process can be started here")
        self._ready, self._desk = False, memoryview(b"")
        self._weights: list[Tensor] = []
        self._gradients: list[Tensor] = []
        self._memory = os.memfd_create("lookalike")
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", START, str(self._memory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                pass_fds=(self._memory,),
                env=os.environ | {"PYTHONPATH": search_path(), "OMP_NUM_THREADS": "1"},
                start_new_session=True,  # Ctrl-C is for this process, which ends the other one
            )
        except BaseException:
            os.close(self._memory)
            raise

    def share(self, model: nn.Module, task: Task) -> None:
        """Move the weights where both look at them, and tell the partner the model that it is to learn.

        task: as large as any that follows. Raises OSError where the memory is too small.
        """
        weights, told = list(model.parameters()), pickle.dumps(model)
        room = _aligned(max(len(told), int(ROOM * len(pickle.dumps(task)))))
        os.posix_fallocate(self._memory, 0, room + 2 * sum(_aligned(one.nbytes) for one in weights))
        self._desk, places, self._gradients = _shared(self._memory, room, weights)
        self._weights = weights
        for weight, place in zip(weights, places, strict=True):
            place.copy_(weight.data)
            weight.data = place
        self._tell(told)

    def ready(self) -> bool:
        """Whether it can be asked. Raises OSError where it is gone."""
        self._ready = self._ready or self._heard(0) is not None
        return self._ready

    def ask(self, task: Task) -> None:
        """Have it compute the gradients of a task. Raises OSError where it cannot."""
        self._tell(pickle.dumps(task, protocol=pickle.HIGHEST_PROTOCOL))

    def answer(self) -> tuple[tuple[float, float], list[Tensor]]:
        """What it was asked for: both terms of the bound, and a gradient for each weight, which lies where
        the next ones will. Raises OSError where it is gone, or does not answer.
        """
        said = self._heard(PATIENCE)
        if said is None:
            raise OSError("the second process does not answer")
        return said, self._gradients

    def end(self) -> None:
        """End it; the model has its weights to itself again."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        os.close(self._memory)
        for weight in self._weights:
            weight.data = weight.data.clone()
        self._weights, self._gradients, self._desk = [], [], memoryview(b"")

    def _tell(self, told: bytes) -> None:
        if len(told) > len(self._desk):
            raise OSError("the task is too large for the desk")
        self._desk[: len(told)] = told
        assert self._process.stdin is not None
        self._process.stdin.write(TOLD.pack(len(self._desk), len(told)))

    def _heard(self, seconds: float) -> tuple[float, float] | None:
        """What it says within so many seconds."""
        assert self._process.stdout is not None
        waiting = select.poll()
        waiting.register(self._process.stdout, select.POLLIN)
        if not waiting.poll(1000 * seconds):
            return None
        said = self._process.stdout.read(SAID.size)
        if len(said or b"") < SAID.size:
            raise OSError("the second process is gone")
        loss, rate = SAID.unpack(said)
        return loss, rate


def _aligned(size: int) -> int:
    return math.ceil(size / ALIGNED) * ALIGNED


def _shared(
    memory: int, desk: int, weights: Sequence[Tensor]
) -> tuple[memoryview, list[Tensor], list[Tensor]]:
    """The desk, of so many bytes, and tensors of the shapes of the weights, twice: they hold the memory."""
    whole = mmap.mmap(memory, 0)

    def tensors(at: int) -> list[Tensor]:
        found = []
        for one in weights:
            there = torch.empty_like(one)
            if one.numel():
                there = torch.frombuffer(whole, dtype=one.dtype, count=one.numel(), offset=at)
            found.append(there.view(one.shape))
            at += _aligned(one.nbytes)
        return found

    begin = desk + sum(_aligned(one.nbytes) for one in weights)
    return memoryview(whole)[:desk], tensors(desk), tensors(begin)


def work(memory: int) -> None:
    """What the partner does, until nobody tells it anything more; memory: by its number among the files."""
    torch.set_num_threads(1)
    keep_freed()
    if (told := _told()) is None:
        return
    with mmap.mmap(memory, 0) as whole:
        model: nn.Module = pickle.loads(whole[: told[1]])
    weights = list(model.parameters())
    desk, places, gradients = _shared(memory, told[0], weights)
    for weight, place in zip(weights, places, strict=True):
        weight.data = place
    said = (0.0, 0.0)
    while True:
        os.write(1, SAID.pack(*said))
        if (told := _told()) is None:
            return
        task: Task = pickle.loads(desk[: told[1]])
        for weight in weights:
            weight.grad = None
        said = task.learn(model)
        for weight, gradient in zip(weights, gradients, strict=True):
            if weight.grad is None:
                gradient.zero_()
            else:
                gradient.copy_(weight.grad)


def _told() -> tuple[int, int] | None:
    """Bytes of the desk and of what lies on it; None: who told is gone."""
    read = sys.stdin.buffer.read(TOLD.size)
    if len(read) < TOLD.size:
        return None
    desk, length = TOLD.unpack(read)
    return desk, length
