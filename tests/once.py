"""What takes seconds to make is made by one of the processes that run the tests; the others read it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

Once = Callable[[str, Callable[[Path], object]], Path]


def once(factory: pytest.TempPathFactory, worker: str) -> Once:
    """Gives a function (name, make) -> the path of that name, where make(path) has made a file or folder.

    worker: the fixture `worker_id` of pytest-xdist.
    """
    folder = factory.getbasetemp()
    home = folder if worker == "master" else folder.parent

    def path(name: str, make: Callable[[Path], object]) -> Path:
        place = home / name
        with FileLock(f"{place}.lock"):
            if not place.with_name(f"{name}.made").exists():
                make(place)
                place.with_name(f"{name}.made").touch()
        return place

    return path
