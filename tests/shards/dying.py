"""A job that samples and is killed, in a module that worker processes can import."""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lookalike.files.place import Place
from lookalike.shards.sampling import Sampling


@dataclass(frozen=True)
class Dying(Sampling):
    """Draws shards, and is killed in the middle of writing the second one, once."""

    def open(self) -> Callable[[int], tuple[int, Any]]:
        draw = super().open()

        def shard(number: int) -> tuple[int, Any]:
            marker = Path(self.out, ".died")
            if number == 1 and not marker.exists():
                with Place(self.out).writing(self.plan.name(number)) as partial:
                    Path(partial).write_bytes(b"PAR1 and then")
                    marker.touch()
                    os.kill(os.getpid(), signal.SIGKILL)
            return draw(number)

        return shard
