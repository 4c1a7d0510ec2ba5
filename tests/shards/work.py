"""Jobs for the tests, in a module that worker processes can import: they import nothing that takes time."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lookalike.errors import OptionError


@dataclass(frozen=True)
class Squares:
    """Shard i has i rows and tells i squared; marks each beginning in a folder."""

    folder: str
    dies: int | None = None  # the shard that kills its worker
    times: int = 1
    wrong: int | None = None  # the shard that raises an OptionError
    faulty: int | None = None  # the shard that raises something else

    def open(self) -> Callable[[int], tuple[int, Any]]:
        Path(self.folder, f"opened-{os.getpid()}").touch()
        return self.shard

    def shard(self, shard: int) -> tuple[int, Any]:
        begun = len(list(Path(self.folder).glob(f"begun-{shard}-*")))
        Path(self.folder, f"begun-{shard}-{begun}").touch()
        if shard == self.dies and begun < self.times:
            os.kill(os.getpid(), signal.SIGKILL)
        if shard == self.wrong:
            raise OptionError(f"shard {shard} is wrong: choose another.")
        if shard == self.faulty:
            raise ZeroDivisionError("by design")
        print("workers may print")
        return shard, shard * shard


@dataclass(frozen=True)
class Alone(Squares):
    """A shard that always ends its worker ends no other."""

    alone: bool = True


@dataclass(frozen=True)
class Slow:
    """Shard 0 is done at once, the others wait to be stopped."""

    folder: str

    def open(self) -> Callable[[int], tuple[int, Any]]:
        return self.shard

    def shard(self, shard: int) -> tuple[int, Any]:
        try:
            Path(self.folder, f"at-{shard}").touch()
            time.sleep(60 if shard else 0)
        finally:
            Path(self.folder, f"tidied-{shard}").touch()
        return 1, None
