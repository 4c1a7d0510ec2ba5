"""Tables out of files, by suffix (`suffixes.py`): as a whole, or a sample of their rows.

In CSV only an empty cell is missing ("NA", "?" and the like stay what they are, unless declared missing).
The mark between the columns, the decimal mark and the encoding are found from the file; a line on stderr
names those that are not the usual ones. Everything that is wrong with a file raises DataError, one sentence
that names the file and the fix.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lookalike import arguments
from lookalike.errors import DataError, file_errors
from lookalike.files import around, arrow, databases, delimited, excel, parsing, sharded
from lookalike.files.lines import (
    TEXT_END,
    count_lines,
    folder_files,
    folder_table,
    json_array,
    json_table,
    text_table,
)
from lookalike.files.packed import (
    STANDARD,
    UTF8,
    check_encoding,
    in_encoding,
    marked,
    open_bytes,
    packing,
    say_how,
    zip_member,
)
from lookalike.files.place import is_url, local
from lookalike.files.suffixes import DELIMITED, FOLDER, JSON_LINES, KINDS, LINES, TEXT_KINDS, check_suffix
from lookalike.progress import say, working
from lookalike.table.missing import without

_CHUNK = 100_000  # rows read at a time when a table is sampled


def read_table(
    path: str | Path,
    missing: Collection[Any] = (),
    *,
    encoding: str | None = None,
    sep: str | None = None,
    decimal: str | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Reads a table; the suffix of the path says what kind of file it is.

    path: a file; a URL such as "s3://bucket/made/" (`place.py`); a table in a database, such as
    "sqlite:///shop.db?table=orders" (`databases.py`); a folder of tables or a pattern such as
    "made/*.parquet", which is one table in shards (`sharded.py`); or a folder of .py, .sql, .json or .txt
    files, each of which becomes a row. missing: values that mean missing in this table, such as {"?"}.

    encoding, sep, decimal: the encoding of text that is not UTF-8, the character between the columns of
    delimited text, and the decimal sign, "." or ",". None: told from the file. The table's `attrs` keep the
    layout of delimited text (`delimited.py`).

    progress: False for silence where it takes long.

    Raises DataError for whatever is wrong with the file, and for a table without rows; OptionError for values
    that make no sense; MissingDependency for .xlsx without openpyxl.
    """
    path = _path(path)
    doing = f"reading {databases.without_password(str(path))}"
    with working(doing, progress=arguments.switch("progress", progress)):
        table = read_shard(path, missing, encoding=encoding, sep=sep, decimal=decimal)
    if len(table) == 0:
        raise DataError(f"{path} has a header but no rows: give a table with rows.")
    return table


def read_shard(
    path: str | Path,
    missing: Collection[Any] = (),
    *,
    encoding: str | None = None,
    sep: str | None = None,
    decimal: str | None = None,
) -> pd.DataFrame:
    """As `read_table`, but it may have no rows, as a shard of which none was kept."""
    path, missing = _path(path), arguments.sentinels("missing", missing)
    return _read(path, missing, encoding, sep, decimal, None)[0]


def sample_rows(
    path: str | Path,
    rows: int,
    seed: int = 0,
    missing: Collection[Any] = (),
    *,
    encoding: str | None = None,
    sep: str | None = None,
    decimal: str | None = None,
) -> tuple[pd.DataFrame, int]:
    """(uniform sample of at most `rows` rows in file order, rows in the file), in the memory of the sample.

    Files of .json and .xlsx are read whole. Options and errors as of `read_table`. Of shards each is opened
    by itself, so that the table may be larger than memory.
    """
    path = _path(path)
    table, total = _read(path, missing, encoding, sep, decimal, (rows, np.random.default_rng(seed)))
    if total == 0:
        raise DataError(f"{path} has no rows: give a table with rows.")
    return table, total


Choice = tuple[int, np.random.Generator] | None  # how many rows of a sample, drawn so; None: all


def _read(
    path: str | Path,
    missing: Collection[Any],
    encoding: str | None,
    sep: str | None,
    decimal: str | None,
    choice: Choice,
) -> tuple[pd.DataFrame, int]:
    """(the table or a sample of it, rows in the file)."""
    if databases.is_source(path):
        return _chosen(databases.read_source(str(path), missing), choice)
    sep, decimal = delimited.check_options(sep, decimal)
    encoding = None if encoding is None else check_encoding(encoding)

    def read_part(file: str | Path, chosen: Choice) -> tuple[pd.DataFrame, int]:
        return _read(file, missing, encoding, sep, decimal, chosen)

    if shards := sharded.shard_files(path):
        return _read_shards(shards, read_part, choice)
    if is_url(path):
        with local(path) as copy:
            return read_part(copy, choice)
    kind = _readable(path)
    with file_errors(path):
        if kind in DELIMITED:
            return _read_delimited(path, missing, encoding, sep, decimal, kind, choice)
        if kind in TEXT_KINDS:
            read = _TEXTS[kind]
            (table, total), _, guessed = in_encoding(path, encoding, lambda name: read(path, name, choice))
            say_how(path, [], guessed)
        elif kind == FOLDER:
            files = folder_files(path)
            total = len(files)
            files = files if choice is None else [files[i] for i in _choose(total, *choice)]
            table = folder_table(files, encoding or UTF8)
        elif kind == ".xlsx":
            with open_bytes(path) as file:
                table, total = _chosen(excel.read(path, io.BytesIO(file.read())), choice)
        else:
            table, total = _read_arrow(path, kind, choice)
    table = table.reset_index(drop=True)
    delimited.check_names(path, [str(name) for name in table.columns])
    return without(table, missing), total


def _path(path: str | Path) -> str | Path:
    return path if is_url(path) else arguments.path("path", path)


def _read_shards(
    files: list[str], read: Callable[[str, Choice], tuple[pd.DataFrame, int]], choice: Choice
) -> tuple[pd.DataFrame, int]:
    """As `_read`, of all shards together. read: `_read` of a shard."""
    if choice is None:
        whole = sharded.joined(files, [read(file, None)[0] for file in files])
        return whole, len(whole)
    rows, rng = choice
    totals = [_count(file, lambda file: read(file, (0, rng))[1]) for file in files]
    ends = np.cumsum(totals)
    shares = np.diff(np.searchsorted(_choose(int(ends[-1]), rows, rng), [0, *ends]))
    some = [(file, int(share)) for file, share in zip(files, shares, strict=True) if share]
    some = some or [(files[0], 0)]
    return sharded.joined(
        [file for file, _ in some], [read(file, (share, rng))[0] for file, share in some]
    ), int(ends[-1])


def _count(file: str, read: Callable[[str], int]) -> int:
    """The rows of a shard: those of Parquet stand at its end."""
    if not file.lower().endswith(".parquet"):
        return read(file)
    with local(file) as path, file_errors(path):
        return arrow.rows(path)


def _read_delimited(
    path: str | Path,
    missing: Collection[Any],
    encoding: str | None,
    sep: str | None,
    decimal: str | None,
    kind: str,
    choice: Choice,
) -> tuple[pd.DataFrame, int]:
    usual = DELIMITED[kind]

    def read(name: str) -> tuple[parsing.Found, tuple[pd.DataFrame, int]]:
        found = delimited.find(path, name, usual, sep, decimal, missing)
        if choice is not None:
            return found, delimited.sample(path, name, found, missing, *choice, usual)
        return found, delimited.read(path, name, found, missing, usual)

    (found, (table, total)), encoded, guessed = in_encoding(path, encoding, read)
    if encoded != UTF8 or marked(path):
        table.attrs["layout"] = table.attrs.get("layout", {}) | {"encoding": encoded}
    words = [] if sep is not None or found.sep == usual else [delimited.in_words(found.sep)]
    if decimal is None and any(how.get("decimal") == "," for how in found.numbers.values()):
        words.append("decimal commas")
    say_how(path, words, guessed)
    if value := around.nameless(found.header, table):
        say(
            f"{path}: its first line was read as the names of the columns, but seems to be a row, as "
            f"'{value}' stands above numbers: write a line of names above it if it is one"
        )
    if found.doubtful:
        say(
            f"{path}: the commas of column '{found.doubtful[0]}' may stand before decimals or thousands, "
            "so its cells are texts: say which mark stands before decimals with --decimal (decimal=)"
        )
    return table, total


def _read_lines(path: str | Path, encoding: str, choice: Choice) -> tuple[pd.DataFrame, int]:
    if choice is None:
        table = json_table(path, encoding=encoding)
        return table, len(table)
    total = count_lines(path, encoding=encoding)
    return json_table(path, set(_choose(total, *choice).tolist()), encoding), total


def _read_texts(path: str | Path, encoding: str, choice: Choice) -> tuple[pd.DataFrame, int]:
    if choice is None:
        table = text_table(path, encoding=encoding)
        return table, len(table)
    total = count_lines(path, TEXT_END, encoding)
    return text_table(path, set(_choose(total, *choice).tolist()), encoding), total


def _read_array(path: str | Path, encoding: str, choice: Choice) -> tuple[pd.DataFrame, int]:
    return _chosen(json_array(path, encoding), choice)


_TEXTS: dict[str, Callable[[str | Path, str, Choice], tuple[pd.DataFrame, int]]] = {
    **dict.fromkeys(JSON_LINES, _read_lines),
    ".json": _read_array,
    LINES: _read_texts,
}


def _read_arrow(path: str | Path, kind: str, choice: Choice) -> tuple[pd.DataFrame, int]:
    if packing(path):  # of a .zip
        with open_bytes(path) as file:
            return _chosen(arrow.read(io.BytesIO(file.read()), kind), choice)
    if choice is None:
        table = arrow.read(path, kind)
        return table, len(table)
    return arrow.sample(path, kind, lambda total: _choose(total, *choice), _CHUNK)


def _choose(total: int, rows: int, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    return np.arange(total) if rows >= total else np.sort(rng.choice(total, rows, replace=False))


def _chosen(table: pd.DataFrame, choice: Choice) -> tuple[pd.DataFrame, int]:
    return (table if choice is None else table.iloc[_choose(len(table), *choice)]), len(table)


def _readable(path: str | Path) -> str:
    """The suffix of a file to read, or `FOLDER`; that it exists matters more than how it is called."""
    if str(path) == STANDARD:
        return ".csv"
    if Path(path).is_dir():
        return FOLDER
    with file_errors(path):
        open(path, "rb").close()
        if packing(path) == ".zip":
            inside = zip_member(path)
            if any(inside.lower().endswith(kind) for kind in KINDS):
                return check_suffix(inside)
    return check_suffix(path)
