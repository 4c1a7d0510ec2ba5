"""Folders and files behind a URL (s3://, gs://, az://, hdfs://, ...) as well as on this machine.

fsspec opens them. Which package speaks a scheme, such as s3fs, and its credentials are the user's. A local
file takes its place by a rename; an object store puts a whole object or none; elsewhere a file is uploaded
under another name and moved.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from lookalike import arguments
from lookalike.atomic import put
from lookalike.errors import DataError, OptionError, UserError, file_errors, first_line

SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
WHOLE = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oci", "memory")  # put an object, or none
PARTIAL = ".partial"  # how a file ends that is not complete yet


def is_url(path: Any) -> bool:
    """Whether a path has a scheme, such as s3://bucket/folder."""
    return isinstance(path, str) and SCHEME.match(path) is not None


def opened(url: str) -> tuple[Any, str]:
    """(fsspec's file system, the path in it). Raises OptionError where the scheme is unknown or its package
    is missing.
    """
    scheme, _, inside = url.partition("://")
    if not inside.strip("/"):
        raise OptionError(f"{url} names no folder and no file: write  {scheme}://bucket/folder.")
    try:
        import fsspec
    except ImportError:
        raise OptionError(f"{url} needs the package 'fsspec': type  pip install fsspec.") from None
    try:
        with remote_errors(url):
            fs, inner = fsspec.core.url_to_fs(url)
            fs.invalidate_cache()  # of what was there before others wrote
            return fs, inner
    except ImportError as error:
        said = first_line(error)
        raise OptionError(f"{url} needs a package that speaks {scheme}:// ({said}): install it.") from None


@contextlib.contextmanager
def remote_errors(url: str, done: str = "reached") -> Iterator[None]:
    """Turns whatever a remote file system raises into one sentence; its errors have no common root."""
    try:
        yield
    except (UserError, ImportError):
        raise
    except FileNotFoundError:
        raise DataError(f"{url} does not exist: check the address.") from None
    except Exception as error:
        said = f"{type(error).__name__}: {first_line(error)}"
        fix = "check the address and the credentials"
        raise DataError(f"{url} cannot be {done} ({said}): {fix}.") from None


class Place:
    """A folder, on this machine or behind a URL; names are those of the files right in it."""

    def __init__(self, where: str | Path) -> None:
        self.url = is_url(where)
        self.path = _bare(str(where)) if self.url else str(arguments.path("the folder", where))
        self._fs: Any = None
        self._root = ""
        if self.url:
            self._fs, self._root = opened(self.path)

    def __str__(self) -> str:
        return self.path

    @property
    def _whole(self) -> bool:
        """Whether it puts an object or none."""
        return self.url and self.path.partition("://")[0].lower() in WHOLE

    def of(self, name: str) -> str:
        """The path or URL of a file in it."""
        return f"{self.path}/{name}" if self.url else str(Path(self.path) / name)

    def make(self) -> None:
        """Makes the folder. Raises DataError where the one above it does not exist, or a file is there. An
        object store has no folders; a bucket of a mistyped name is not made.
        """
        if self._whole:
            return
        if self.url:
            with remote_errors(self.path, "written"):
                self._fs.makedirs(self._root, exist_ok=True)
            return
        folder = Path(self.path)
        if folder.exists() and not folder.is_dir():
            raise DataError(f"{folder} is a file: shards go into a folder, choose another name.")
        if not folder.absolute().parent.is_dir():
            raise DataError(f"{folder}: the folder {folder.parent} does not exist: make it first.")
        with file_errors(folder, "written"):
            folder.mkdir(exist_ok=True)

    def names(self) -> set[str]:
        """The names of its files, hidden ones too; empty where it does not exist."""
        if not self.url:
            folder = Path(self.path)
            with file_errors(folder):
                return {one.name for one in os.scandir(folder) if one.is_file()} if folder.is_dir() else set()
        with remote_errors(self.path, "read"):
            self._fs.invalidate_cache()
            if not self._fs.exists(self._root):
                return set()
            found = self._fs.ls(self._root, detail=True)
        return {one["name"].rstrip("/").rpartition("/")[2] for one in found if one["type"] == "file"}

    def read(self, name: str) -> bytes | None:
        """What a file holds; None where there is no such file."""
        if not self.url:
            path = Path(self.path) / name
            if not path.is_file():
                return None
            with file_errors(path):
                return path.read_bytes()
        with remote_errors(self.of(name), "read"):
            inner = f"{self._root}/{name}"
            self._fs.invalidate_cache()
            return self._fs.cat_file(inner) if self._fs.exists(inner) else None

    def holds_parquet(self, name: str) -> bool:
        """Whether a file ends as Parquet does, which one that was cut off does not; behind a URL, where
        files are put there whole, it is not looked at.
        """
        if self.url:
            return True
        path = Path(self.path) / name
        with file_errors(path), path.open("rb") as file:
            file.seek(max(path.stat().st_size - 4, 0))
            return file.read() == b"PAR1"

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[str]:
        """A local file to write to, with the suffix of `name`; it takes its place when the block ends
        well.
        """
        folder = tempfile.gettempdir() if self.url else self.path
        suffix = "".join(Path(name).suffixes[-1:])
        with file_errors(self.of(name), "written"):
            handle, partial = tempfile.mkstemp(prefix=f".{name}.", suffix=f"{PARTIAL}{suffix}", dir=folder)
            os.close(handle)
        try:
            with _called(self.of(name), partial):
                yield partial
            self.take(partial, name)
        finally:
            with contextlib.suppress(OSError):
                os.unlink(partial)

    def take(self, partial: str, name: str) -> None:
        """Puts a local file that is complete in the place of a name."""
        if not self.url:
            with file_errors(self.of(name), "written"):
                put(partial, self.of(name))
            return
        target = f"{self._root}/{name}"
        with remote_errors(self.of(name), "written"):
            if self._whole:
                self._fs.put_file(partial, target)
                return
            beside = f"{self._root}/.{name}.{os.path.basename(partial)}"
            self._fs.put_file(partial, beside)
            self._fs.mv(beside, target)

    def write(self, name: str, content: bytes) -> None:
        """Puts a file in the place of what has its name."""
        with self.writing(name) as partial:
            Path(partial).write_bytes(content)

    def tidy(self, name: str) -> None:
        """Removes what killed processes left of a file that is complete now. Local folders alone have
        such.
        """
        if self.url:
            return
        for one in os.listdir(self.path):
            if one[0] == "." and one.lstrip(".").startswith(f"{name}.") and PARTIAL in one:
                with contextlib.suppress(OSError):
                    os.unlink(Path(self.path) / one)

    def remove(self, names: Iterable[str]) -> None:
        """Removes files; those that are not there do no harm."""
        for name in set(names) & self.names():
            if not self.url:
                os.unlink(self.of(name))
                continue
            with remote_errors(self.of(name), "removed"):
                self._fs.rm_file(f"{self._root}/{name}")

    def matching(self, pattern: str) -> list[str]:
        """The URLs in it that a glob matches, of a place behind a URL."""
        with remote_errors(self.of(pattern), "read"):
            return sorted(self._fs.unstrip_protocol(one) for one in self._fs.glob(f"{self._root}/{pattern}"))


def _bare(url: str) -> str:
    """Without the slashes at its end, but for those of the scheme."""
    scheme, _, inside = url.partition("://")
    return f"{scheme}://{inside.rstrip('/')}"


def size(path: str) -> int:
    """Bytes of a file, here or behind a URL."""
    if not is_url(path):
        return os.path.getsize(path)
    fs, inner = opened(path)
    with remote_errors(path, "read"):
        return int(fs.size(inner) or 0)


@contextlib.contextmanager
def local(path: str | Path) -> Iterator[str | Path]:
    """A local path of what is behind a URL, a file or a folder, for the length of the block; others as they
    are. Sentences on it name the URL.
    """
    if not is_url(path):
        yield path
        return
    url = _bare(str(path))
    fs, inner = opened(url)
    with tempfile.TemporaryDirectory(prefix="lookalike-") as folder:
        copy = os.path.join(folder, url.rpartition("/")[2])
        with remote_errors(url, "read"):
            if not fs.exists(inner):
                raise DataError(f"{url} does not exist: check the address.")
            fs.get(inner, copy, recursive=fs.isdir(inner))
        with _called(url, copy):
            yield copy


@contextlib.contextmanager
def _called(name: str, copy: str) -> Iterator[None]:
    """Sentences on a local copy name what it is a copy of."""
    try:
        yield
    except UserError as error:
        told = str(error).replace(copy, name)
        if told == str(error):
            raise
        raise _again(error, told) from None


def _again(error: UserError, message: str) -> UserError:
    made = type(error).__new__(type(error))
    made.__dict__.update(error.__dict__)
    Exception.__init__(made, message)
    return made
