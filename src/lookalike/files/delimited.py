"""Tables of delimited text (CSV and its kin): what stands between the columns, how numbers are written.

Both are told from the first megabyte. A table that was read has its layout in `attrs`, so that a synthetic
one can be written alike:

    {"sep": ";", "numbers": {"price": {"decimal": ",", "places": 2, "group": "."}}}

sep: between columns, left out where the suffix says it. numbers, of each column that is written in its own
way: decimal, the mark before the decimals ("." where it is left out); places, how many decimals each number
has (0: whole numbers with cells missing among them); group, the mark between thousands.
"""

from __future__ import annotations

import contextlib
import csv
import io
import re
import warnings
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import pandas as pd

from lookalike.errors import DataError, OptionError, first_line
from lookalike.files.packed import open_bytes, open_text

SEPARATORS = ("\t", ";", "|", ",")  # the first counts most where two of them would do
NAMED = {"\t": "tabs", ";": "';'", "|": "'|'", ",": "commas"}
WHOLE = "\x1f"  # between the columns of a file that has only one
LOOKED_AT = 1 << 20  # characters
LONG = 16  # digits from which a number with a fraction cannot hold every whole one
_POINT = re.compile(r"[+-]?\d+(\.(?P<places>\d+))?")
_COMMA = re.compile(r"[+-]?(\d+|(?P<group>[1-9]\d{0,2}(\.\d{3})+))(,(?P<places>\d+))?")
_ENGLISH = re.compile(r"[+-]?(\d+|(?P<group>[1-9]\d{0,2}(,\d{3})+))(\.(?P<places>\d+))?")
_DOUBTFUL = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")  # thousands, or three decimals
_WHOLE = re.compile(r"[+-]?\d+")
# before pandas 3.1 the floats of a CSV were off in the last digit, unless asked; now asking is deprecated
_OLD_PANDAS = tuple(int(part) for part in pd.__version__.split(".")[:2]) < (3, 1)
_EXACT_FLOATS = {"float_precision": "round_trip"} if _OLD_PANDAS else {}

Numbers = dict[str, dict[str, Any]]  # the layout of columns


class Found(NamedTuple):
    """What the start of a file tells; doubtful: columns whose commas may be of decimals or of thousands."""

    names: list[str]
    sep: str
    numbers: Numbers
    doubtful: list[str]

    @property
    def marked(self) -> Numbers:
        """The columns whose numbers are no numbers to pandas, or others."""
        odd = {"group", "long"}
        return {n: how for n, how in self.numbers.items() if how.get("decimal") == "," or odd & set(how)}


def check_options(sep: str | None, decimal: str | None) -> tuple[str | None, str | None]:
    """A separator and a decimal mark as they are used; raises OptionError."""
    sep = {"tab": "\t", "\\t": "\t"}.get(sep, sep) if sep is not None else None
    if sep is not None and (len(sep) != 1 or sep in '"\r\n'):
        raise OptionError(f"{sep!r} cannot stand between columns: write one character, or tab.")
    if decimal not in (None, ".", ","):
        raise OptionError(f"{decimal!r} cannot stand before decimals: write . or , there.")
    return sep, decimal


def find(
    path: str | Path,
    encoding: str,
    usual: str,
    sep: str | None = None,
    decimal: str | None = None,
    missing: Collection[Any] = (),
) -> Found:
    """What the start of a file tells; usual: the separator that its suffix names; sep, decimal: as given.

    Raises DataError for an empty file and for two columns of one name.
    """
    with open_text(path, encoding=encoding) as file:
        text = file.read(LOOKED_AT)
    if not text.strip():
        raise DataError(f"{path} is empty: give a table with a header and rows.")
    cut = len(text) == LOOKED_AT
    sep = sep if sep is not None else _separator(text, cut, usual)
    names, *rows = _rows(text, sep, cut) or [[]]
    check_names(path, names)
    gone = {"", *(str(value) for value in missing)}
    columns = {name: [row[i] for row in rows if i < len(row) and row[i] not in gone]
               for i, name in enumerate(names)}  # fmt: skip
    numbers, doubtful = _numbers(columns, sep, decimal)
    return Found(names, sep, numbers, doubtful)


def in_words(sep: str) -> str:
    """What stands between the columns, for a reader."""
    return "no other column" if sep == WHOLE else f"{NAMED.get(sep, repr(sep))} between columns"


def check_names(path: str | Path, names: Sequence[str]) -> None:
    """Raises DataError for two columns of one name."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DataError(f"{path} has two columns named '{name}': rename one of them.")
        seen.add(name)


def _rows(text: str, sep: str, cut: bool) -> list[list[str]]:
    """The records of the start of a file; cut: it goes on, so that the last one may not be whole."""
    with _wide_cells():
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=sep) if row]
    return rows[:-1] if cut and len(rows) > 1 else rows


def _separator(text: str, cut: bool, usual: str) -> str:
    """What stands between the columns: it splits the header, and the rows into as many fields.

    A comma counts where it splits the header; the others have to stand in the rows, too, so that a column of
    texts is left whole, even where its commas lack quotes: `WHOLE` then stands nowhere.
    """
    best, sep = (0.0, 0, 0), usual
    for rank, candidate in enumerate(reversed(SEPARATORS), 1):
        if candidate not in text:
            continue
        header, *rows = _rows(text, candidate, cut)
        width = len(header)
        fits = sum(len(row) == width for row in rows) / len(rows) if rows else 1.0
        stands = candidate == usual or not rows or any(len(row) > 1 for row in rows)
        if width > 1 and stands and (fits, width, rank) > best:
            best, sep = (fits, width, rank), candidate
    if not best[1] and len({len(row) for row in _rows(text, usual, cut)[1:]}) > 1:
        return WHOLE
    return sep


# --- numbers -------------------------------------------------------------------------------------------


def _numbers(columns: dict[str, list[str]], sep: str, decimal: str | None) -> tuple[Numbers, list[str]]:
    """How the numbers of columns are written, by their cells; columns that may mean two things."""
    styles = {name: _style(cells) for name, cells in columns.items() if cells}
    marks = {mark for mark in styles.values() if mark in (".", ",")}
    told = sep != "," or decimal is not None  # in a file of commas, one inside a number is rare, and no guess
    usual = decimal or ("," if told and "," in marks else ".")
    clear = decimal is not None or marks == {usual}
    numbers: Numbers = {}
    doubtful = []
    for name, style in styles.items():
        if style is None or (style == "," and (not told or decimal == ".")):
            continue
        if style[:1] == "?":
            if style == "?," and not clear:
                doubtful += [name] if told else []
                continue
            style = usual if clear else "."
        how = _how(columns[name], style, told)
        if told and "," in marks and style == ".":
            how["decimal"] = "."
        if how:
            numbers[name] = how
    return numbers, doubtful


def _style(cells: list[str]) -> str | None:
    """The mark before decimals in the cells of a column: "." or ","; "?." or "?," where it may be one between
    thousands; "" for whole numbers; None for what are no numbers.
    """
    if all(map(_WHOLE.fullmatch, cells)):
        return ""
    for mark, pattern in ((".", _ENGLISH), (",", _COMMA)):
        if all(map(pattern.fullmatch, cells)):
            other = "," if mark == "." else "."
            marked = [cell for cell in cells if not _WHOLE.fullmatch(cell)]
            if not all(map(_DOUBTFUL.fullmatch, marked)):
                return mark
            return "?" + (mark if mark in marked[0] else other)
    return None


def _how(cells: list[str], mark: str, told: bool) -> dict[str, Any]:
    """The entry of a column in a layout."""
    pattern = _COMMA if mark == "," else _ENGLISH if told else _POINT
    found = [pattern.fullmatch(cell) for cell in cells]
    if not all(found):
        return {}
    how: dict[str, Any] = {}
    places = {len(one["places"] or "") for one in found if one is not None}
    if mark == "," and (places != {0} or any("." in cell for cell in cells)):
        how["decimal"] = ","
    if any(one is not None and one.groupdict().get("group") for one in found):
        how["group"] = "." if mark == "," else ","
    if len(places) == 1:
        how["places"] = places.pop()
    if places == set() and how.get("places") == 0 and any(len(cell) >= LONG for cell in cells):
        how["long"] = True
    return how


def _as_numbers(column: pd.Series, how: dict[str, Any]) -> pd.Series:
    """A column of texts as numbers; as pandas reads it where not all of them are written so."""
    decimal, pattern = how.get("decimal", "."), _COMMA if how.get("decimal") == "," else _ENGLISH
    cells = column.astype(object).where(column.notna(), None).tolist()
    if not all(cell is None or pattern.fullmatch(cell) for cell in cells):
        return _as_pandas(cells)
    group = "." if decimal == "," else ","
    plain = [None if cell is None else cell.replace(group, "").replace(",", ".") for cell in cells]
    if all(one is None or _WHOLE.fullmatch(one) for one in plain):
        whole = [None if one is None else int(one) for one in plain]
        small = all(one is None or abs(one) < 2**63 for one in whole)
        if "long" in how and not small:
            return _as_pandas(cells)
        if small and (None not in whole or "long" in how):
            kind = "Int64" if None in whole else "int64"
            return pd.Series(whole, index=column.index, name=column.name, dtype=kind)
    values = [np.nan if one is None else float(one) for one in plain]
    return pd.Series(values, index=column.index, name=column.name, dtype="float64")


def _as_pandas(cells: list[str | None]) -> pd.Series:
    """Cells as pandas reads them."""
    lines = pd.Series(cells, name="x", dtype=object).to_csv(index=False, lineterminator="\r\n")
    return pd.read_csv(io.StringIO(lines), **_csv_options(",", ()), skip_blank_lines=False).iloc[:, 0]


def layout(table: pd.DataFrame, found: Found, usual: str) -> dict[str, Any]:
    """What `attrs` holds of a table that was read; usual: the separator that the suffix names."""
    numbers = {
        name: {key: value for key, value in how.items() if key != "long"}
        for name, how in found.numbers.items()
        if name in table.columns
        and pd.api.types.is_numeric_dtype(table[name])
        and ("group" in how or table[name].dtype == "float64")
    }
    sep = {} if found.sep in (usual, WHOLE) else {"sep": found.sep}
    return sep | ({"numbers": numbers} if numbers else {})


def written(table: pd.DataFrame, numbers: Numbers, sep: str) -> pd.DataFrame:
    """The table with its numbers as texts where the layout says how they are written."""
    comma = sep != "," and any(how.get("decimal") == "," for how in numbers.values())
    texts = {}
    for name in table.columns:
        how = numbers.get(str(name), {"decimal": ","} if comma else {})
        if sep == ",":  # a comma in a number would make a text of it
            how = {key: value for key, value in how.items() if key == "places"}
        if how and pd.api.types.is_numeric_dtype(table[name]) and not pd.api.types.is_bool_dtype(table[name]):
            texts[name] = _texts(table[name], how)
    return table.assign(**texts) if texts else table


def write(table: pd.DataFrame, file: IO[str], sep: str, header: bool) -> None:
    """Appends a table to a file, its numbers as texts already; lines end in a line feed."""
    table.to_csv(_Lines(file), sep=sep, index=False, header=header, lineterminator="\r\n")


class _Lines:
    """What pandas writes to: the end of each line that comes becomes a line feed. Only where lines end in two
    characters does pandas quote a carriage return in a cell, which else is read as the end of a line.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, line: str) -> None:
        self._file.write(line.removesuffix("\r\n") + "\n")


def _texts(column: pd.Series, how: dict[str, Any]) -> pd.Series:
    """Numbers as texts; with more decimals than `places` where a number has more."""
    decimal, group, places = how.get("decimal", "."), how.get("group", ""), how.get("places")
    if not pd.api.types.is_float_dtype(column):
        if not group:
            return column
        places = 0
    values = column.astype(object).where(column.notna(), None).tolist()
    some = np.array([value for value in values if value is not None], dtype=float)
    if places is not None and not (np.round(some, places) == some).all():
        places = None
    comma = "," if group else ""
    form = "{:" + comma + ("}" if places is None else f".{places}f}}")
    swap = str.maketrans({".": decimal, ",": group})
    texts = [None if value is None else form.format(value).translate(swap) for value in values]
    return pd.Series(texts, index=column.index, name=column.name, dtype=object)


# --- reading -------------------------------------------------------------------------------------------


def _csv_options(sep: str, missing: Collection[Any]) -> dict[str, Any]:
    return {
        "sep": sep,
        "keep_default_na": False,
        "na_values": ["", *(str(value) for value in missing)],
        "index_col": False,  # else a row with one field too many would move all columns
        "low_memory": False,
        **_EXACT_FLOATS,
    }


def read(path: str | Path, encoding: str, found: Found, missing: Collection[Any]) -> pd.DataFrame:
    """The whole table. Raises DataError for rows of too many or too few fields, with the line."""
    texts = dict.fromkeys(found.marked, str)
    with open_bytes(path) as file, warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            table = pd.read_csv(file, encoding=encoding, dtype=texts, **_csv_options(found.sep, missing))
        except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
            raise _unreadable(path, encoding, found, error) from None
    # pandas fills rows that are too short with missing values; those end in one
    if len(table) and table.iloc[:, -1].isna().any():
        _check_fields(path, encoding, found)
    return _named(table, found)


def sample(
    path: str | Path,
    encoding: str,
    found: Found,
    missing: Collection[Any],
    rows: int,
    rng: np.random.Generator,
    chunk: int,
) -> tuple[pd.DataFrame, int]:
    """(uniform sample of at most `rows` rows in file order, rows in the file); chunk: rows read at a time."""
    options = {**_csv_options(found.sep, ()), "na_values": [], "dtype": str}
    kept, keys, total, checked = pd.DataFrame(), np.zeros(0), 0, False
    with open_bytes(path) as file, warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            for piece in pd.read_csv(file, encoding=encoding, chunksize=chunk, **options):
                # the rows with the smallest random keys are a uniform sample, however many there are
                kept = pd.concat([kept, piece]) if total else piece
                keys = np.concatenate([keys, rng.random(len(piece))])
                total += len(piece)
                # a row that is too short ends in an empty cell
                if not checked and piece.iloc[:, -1].isin(["", np.nan]).any():
                    _check_fields(path, encoding, found)
                    checked = True
                if len(kept) > rows:
                    smallest = np.sort(np.argpartition(keys, rows)[:rows])
                    kept, keys = kept.iloc[smallest], keys[smallest]
        except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
            raise _unreadable(path, encoding, found, error) from None
    if not total:
        return kept, 0
    # the sample is read again, as one table, so that every column gets one dtype
    text = io.StringIO(kept.to_csv(index=False, sep=found.sep, lineterminator="\r\n"))
    texts = dict.fromkeys(found.marked, str)
    table = pd.read_csv(text, dtype=texts, **_csv_options(found.sep, missing))
    return _named(table, found), total


def _named(table: pd.DataFrame, found: Found) -> pd.DataFrame:
    """The table with its numbers as such, and with the names of the file: pandas invents some for none."""
    for name, how in found.marked.items():
        if name in table.columns:
            table[name] = _as_numbers(table[name], how)
    if len(found.names) == len(table.columns):
        table.columns = pd.Index(found.names)
    return table


def _unreadable(path: str | Path, encoding: str, found: Found, error: Exception) -> DataError:
    _check_fields(path, encoding, found)
    return DataError(f"{path} is not a readable CSV file ({first_line(error)}): repair or export it again.")


@contextlib.contextmanager
def _wide_cells() -> Iterator[None]:
    """Python's csv reader refuses cells of more than 128 KB; pandas does not."""
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _check_fields(path: str | Path, encoding: str, found: Found) -> None:
    """Raises DataError for the first row whose number of fields is not that of the header."""
    width = len(found.names)
    mark = {",": "a comma", "\t": "a tab"}.get(found.sep, f"'{found.sep}'")
    with open_text(path, encoding=encoding) as file, _wide_cells():
        reader = csv.reader(file, delimiter=found.sep)
        for row in reader:
            if row and len(row) != width:
                raise DataError(
                    f"{path} has {len(row)} fields in line {reader.line_num} where its header has {width}: "
                    f"repair that line (a value with {mark} needs quotes)."
                )
