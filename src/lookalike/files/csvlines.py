"""Lines of delimited text out of a table, in the layout of the file that it came from (`delimited.py`)."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from typing import IO, Any

import pandas as pd

from lookalike.files import numerals
from lookalike.files.numerals import WHOLE
from lookalike.progress import say


class LineWriter:
    """Writes pieces of a table to a file of bytes.

    layout: as in `delimited.py`. usual: the separator that the suffix names;
    fixed: whether no other is possible.
    """

    def __init__(
        self, file: IO[bytes], name: str, layout: Mapping[str, Any], usual: str, fixed: bool
    ) -> None:
        self._file = file
        self._name = name
        self._layout = layout
        self._usual, self._fixed = usual, fixed
        self._begun = False
        self._encoder: codecs.IncrementalEncoder | None = None

    def write(self, table: pd.DataFrame) -> None:
        """Appends a piece; the first one brings the header."""
        layout = self._layout
        sep = self._usual if self._fixed else layout.get("sep", self._usual)
        sep = self._usual if sep == WHOLE and table.shape[1] > 1 else sep
        newline, ends = layout.get("newline", "\n"), layout.get("end", True)
        lines = [] if self._begun else [header(table, layout, sep)]
        lines += rows(table, layout, sep)
        if not lines:
            return
        text = newline.join(lines)
        # a file whose last line has no end gets one only before the next line
        text = text + newline if ends else (newline if self._begun else "") + text
        self._begun = True
        self._file.write(self._encoded(text))

    def _encoded(self, text: str) -> bytes:
        encoding = self._layout.get("encoding", "utf-8")
        if self._encoder is None:
            self._encoder = codecs.getincrementalencoder(encoding)()
        try:
            return self._encoder.encode(text)
        except UnicodeEncodeError as error:
            say(
                f"{self._name}: {encoding} has no character {text[error.start]!r}: such ones are written as ?"
            )
            self._encoder = codecs.getincrementalencoder(encoding)("replace")
            return self._encoder.encode(text)


def header(table: pd.DataFrame, layout: Mapping[str, Any], sep: str) -> str:
    """The line of the names."""
    twice, loud = layout.get("names", {}), layout.get("header", ())
    names = []
    for name in map(str, table.columns):
        own = str(twice.get(name, name))
        names.append(
            _quoted(own) if name in loud or _needs(own, sep) or table.columns.size == 1 > len(own) else own
        )
    return sep.join(names)


def rows(table: pd.DataFrame, layout: Mapping[str, Any], sep: str) -> list[str]:
    """The lines of the rows, without their ends."""
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = layout.get("numbers", {})
    comma = sep != "," and any(how.get("decimal") == "," for how in numbers.values())
    needed = f'[{re.escape(sep)}"\r\n]'
    columns = []
    for at, name in enumerate(table.columns):
        how = numbers.get(str(name), {"decimal": ","} if comma else {})
        if sep == "," and layout.get("sep") != ",":  # the decimal commas of another separator
            how = {key: value for key, value in how.items() if key in ("places", "bare")}
        cells = numerals.texts(table.iloc[:, at], how)
        if not len(cells):
            return []
        always = str(name) in layout.get("quoted", ())
        odd = pc.or_(pc.match_substring_regex(cells, needed), pc.equal(cells, ""))
        if always or pc.any(odd).as_py():
            quoted = pc.binary_join_element_wise('"', pc.replace_substring(cells, '"', '""'), '"', "")
            cells = quoted if always else pc.if_else(odd, quoted, cells)
        # of one column a missing cell would be a blank line, which is none
        gone = '""' if str(name) in layout.get("blank", ()) or table.shape[1] == 1 else ""
        columns.append(pc.fill_null(cells, gone))
    if not columns:
        return []
    lines: list[str] = pc.binary_join_element_wise(*columns, pa.scalar(sep)).to_pylist()
    return lines


def _needs(text: str, sep: str) -> bool:
    return any(mark in text for mark in (sep, '"', "\r", "\n"))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
