"""Files on disk that are replaced as a whole: whatever happens, the earlier file or the new one is there.
Folders in which one process is at work.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def alone(folder: str | Path) -> Iterator[bool]:
    """Whether no other process is at work in a folder, which is made where it is not there; until the block
    ends, others are told that one is. Always True where the system or the disk knows no such locks.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    try:
        import fcntl

        handle = os.open(folder, os.O_RDONLY)
    except (ImportError, OSError):  # Windows
        yield True
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        free = True
    except BlockingIOError:
        free = False
    except OSError:  # some network disks
        free = True
    try:
        yield free
    finally:
        os.close(handle)


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[str]:
    """A file beside `path` to write to; it takes that place when the block ends well, else it is removed."""
    path = Path(path)
    handle, partial = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
    os.close(handle)
    try:
        yield partial
        put(partial, path)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(partial)


def put(partial: str, path: str | Path) -> None:
    """Puts a temporary file in the place of another, in one step."""
    os.chmod(partial, 0o666 & ~_umask())  # temporary files are private, results are not
    os.replace(partial, path)


def replace_text(path: str | Path, text: str) -> None:
    """Writes a text (UTF-8) in the place of what a file holds."""
    with replacing(path) as partial:
        Path(partial).write_text(text, encoding="utf-8")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
