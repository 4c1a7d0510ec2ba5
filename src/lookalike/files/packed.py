"""Files of text as bytes and as characters: packed or not, in which encoding, from standard input.

UTF-8, and UTF-16 with a mark at its start, are read as they are. A file that is neither is read as
Windows-1252 (which has Latin-1 in it) where the text that comes out looks like one, and a
line on stderr says so; any other file is refused.
"""

from __future__ import annotations

import bz2
import codecs
import functools
import gzip
import io
import lzma
import re
import sys
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, TypeVar, cast

from lookalike.errors import DataError, OptionError
from lookalike.progress import say

T = TypeVar("T")
PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")
STANDARD = "-"  # standard input and output
UTF8 = "utf-8-sig"  # with or without a mark at its start
GUESS = "cp1252"
_MARKS = {codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32", codecs.BOM_UTF16_LE: "utf-16",
          codecs.BOM_UTF16_BE: "utf-16", codecs.BOM_UTF8: UTF8}  # fmt: skip
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_INSIDE = "\u2019\xb7\u2013\u2014\xa0"  # signs that stand between two letters: apostrophe, dot, dashes, space
# signs of Windows-1252 that texts have: Latin-1's, and euro, quotes, ellipsis, bullet, trade mark
_SIGNS = frozenset(
    _INSIDE
    + "".join(map(chr, range(0xA0, 0xC0)))
    + "\xd7\xf7\u20ac\u2026\u2022\u2122\u201a\u201e\u2018\u201c\u201d\u2039\u203a"
)
_SUSPECT = 0.1  # share of odd places above which a text is in another encoding


def packing(path: str | Path) -> str:
    """How a file is packed, by its name: one of `PACKED`, or "" for a plain one."""
    return next((suffix for suffix in PACKED if str(path).lower().endswith(suffix)), "")


def open_bytes(path: str | Path) -> IO[bytes]:
    """The bytes of a file, unpacked; of standard input for "-".

    Raises DataError for a .zip of several files.
    """
    if str(path) == STANDARD:
        return io.BytesIO(_standard_input())
    kind = packing(path)
    if kind == ".gz":
        return cast(IO[bytes], gzip.open(path, "rb"))
    if kind == ".bz2":
        return bz2.open(path, "rb")
    if kind == ".xz":
        return lzma.open(path, "rb")
    if kind == ".zip":
        return zipfile.ZipFile(path).open(zip_member(path))
    if kind == ".zst":
        import pyarrow as pa

        return io.BufferedReader(pa.input_stream(str(path), compression="zstd"))
    return open(path, "rb")


@functools.cache
def _standard_input() -> bytes:
    """All of it: a table is read more than once."""
    return sys.stdin.buffer.read()


def zip_member(path: str | Path) -> str:
    """The name of the one file in a .zip; those that a Mac puts beside it do not count."""
    with zipfile.ZipFile(path) as packed:
        files = [one for one in packed.infolist() if not one.is_dir()]
    shown = [one for one in files if not one.filename.startswith("__MACOSX/")]
    shown = [one for one in shown if not one.filename.rpartition("/")[2].startswith(".")]
    if len(shown) != 1:
        raise DataError(f"{path} holds {len(shown)} files: pack the one that is the table.")
    if shown[0].flag_bits & 1:
        raise DataError(f"{path} is locked with a password: unpack it first.")
    return shown[0].filename


def open_text(path: str | Path, newline: str = "", encoding: str = UTF8) -> IO[str]:
    """A text file for reading, unpacked, with its line ends; newline: as of `open`."""
    return io.TextIOWrapper(open_bytes(path), encoding=encoding, newline=newline)


def open_packed(path: str | Path, name: str, closing: ExitStack) -> IO[bytes]:
    """A file to write bytes to, packed as its final name says. The same bytes give the same file: no time and
    no name is kept in it. closing: takes what is to be closed when the file is.
    """
    raw: IO[bytes] = closing.enter_context(open(path, "wb"))  # noqa: SIM115
    kind = packing(name)
    if kind == ".gz":
        packed: Any = gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0)
        return closing.enter_context(packed)
    if kind == ".bz2":
        return closing.enter_context(bz2.BZ2File(raw, "wb"))
    if kind == ".xz":
        return closing.enter_context(lzma.LZMAFile(raw, "wb"))
    if kind == ".zip":
        folder = closing.enter_context(zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED))
        member = zipfile.ZipInfo(Path(name).name[: -len(kind)])
        member.compress_type = zipfile.ZIP_DEFLATED
        return closing.enter_context(folder.open(member, "w", force_zip64=True))
    if kind == ".zst":
        import pyarrow as pa

        return closing.enter_context(pa.CompressedOutputStream(raw, "zstd"))
    return raw


def check_encoding(name: str) -> str:
    """The name of an encoding of text. Raises OptionError for what is none."""
    try:
        "a".encode(name)
    except (LookupError, ValueError):
        raise OptionError(f"there is no encoding {name!r}: write one such as latin-1 or cp1251.") from None
    return name


def in_encoding(path: str | Path, wanted: str | None, read: Callable[[str], T]) -> tuple[T, str, str | None]:
    """(what `read` makes of a file in its encoding, the encoding, how it is called where it was guessed).

    wanted: the encoding of a file that is not UTF-8; None: it is told from the file. Raises DataError where
    the file is in another.
    """
    found = marked(path) or UTF8
    if wanted is not None and found == UTF8 and not _beyond_ascii(path):
        found = wanted
    try:
        return read(found), found, None
    except UnicodeDecodeError as error:
        if found != UTF8:
            raise DataError(
                f"{path} is not {found} ({error.reason} at position {error.start}): name its encoding."
            ) from None
    if not looks_western(path):
        raise DataError(f"{path} {broken_byte(path)}, or name its encoding.") from None
    return read(GUESS), GUESS, "Windows-1252 (cp1252)"


def marked(path: str | Path) -> str | None:
    """The encoding that the first bytes of a file name."""
    with open_bytes(path) as file:
        start = file.read(4)
    return next((name for mark, name in _MARKS.items() if start.startswith(mark)), None)


def _beyond_ascii(path: str | Path) -> bool:
    """Whether a file is UTF-8 and has characters beyond ASCII: then it is in no other encoding."""
    beyond, decoder = False, codecs.getincrementaldecoder("utf-8")()
    with open_bytes(path) as file:
        try:
            while some := file.read(1 << 20):
                beyond |= not some.isascii()
                decoder.decode(some)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return beyond


def looks_western(path: str | Path) -> bool:
    """Whether a file is one of Western letters in Windows-1252: they stand in words with ASCII letters."""
    good = odd = 0
    with open_bytes(path) as file:
        for raw in file:
            if raw.isascii():
                continue
            try:
                line = raw.decode(GUESS)
            except UnicodeDecodeError:
                return False
            for found in _FOREIGN.finditer(line):
                start, end = found.span()
                fits = _fits(found[0], line[max(start - 1, 0) : start], line[end : end + 1])
                good, odd = good + (fits is True), odd + (fits is False)
    return good > 0 and odd <= _SUSPECT * (good + odd)


def _fits(run: str, before: str, after: str) -> bool | None:
    """Whether characters beyond ASCII make sense between their neighbours: one or two letters of a word, or a
    sign that stands where it can. A letter that stands alone tells nothing: None.
    """
    letters = [one.isascii() and one.isalpha() for one in (before, after)]
    if all(one in _SIGNS for one in run):
        return not all(letters) or run in _INSIDE
    if len(run) == 1 and run.isalpha() and not any(letters):
        return None
    camel = before.islower() and run[0].isupper()  # as Mac's and DOS's letters come out
    return run.isalpha() and "ƒ" not in run and len(run) <= 2 and any(letters) and not camel


def broken_byte(path: str | Path) -> str:
    """Where a file stops being UTF-8."""
    start, line = 0, 1
    with open_bytes(path) as file:
        for raw in file:
            try:
                raw.decode("utf-8")
            except UnicodeDecodeError as error:
                return (
                    f"is not UTF-8: the byte 0x{raw[error.start]:02x} at position {start + error.start} "
                    f"(line {line}) is no character: save the file as UTF-8"
                )
            start, line = start + len(raw), line + 1
    return "is not UTF-8: save it as UTF-8"


def say_how(path: str | Path, found: list[str], encoding: str | None) -> None:
    """One line that says how a file was read, where that was guessed."""
    parts = [f"with {' and '.join(found)}"] if found else []
    parts += [] if encoding is None else [f"as {encoding}"]
    if parts:
        say(f"{'standard input' if str(path) == STANDARD else path}: read {', '.join(parts)}")
