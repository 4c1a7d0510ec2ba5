"""Cells of delimited text as values, and values as cells: only where every cell comes back as it stood.

A column becomes whole numbers (`Int64` with cells missing among them), floats or booleans if what is written
of them is each cell exactly; else it stays a column of strings. How numbers are written, where that is not
Python's own way, is the layout of the column:

    {"decimal": ",", "places": 2, "group": ".", "bare": True}

decimal: the mark before the decimals ("." where it is left out); places: how many decimals each number has;
group: the mark between thousands; bare: whole numbers among fractions have no decimals (3, not 3.0).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

Numbers = dict[str, dict[str, Any]]  # the layout of columns
WHOLE = "\x1f"  # between the columns of a file that has only one
_SURE = 15  # significant digits up to which a decimal fraction comes back from a float
_BOOLEANS = {"True": True, "False": False}


def column(cells: Any, how: dict[str, Any]) -> tuple[pd.Series, dict[str, Any]]:
    """(the values, their layout) of a chunked Arrow array of strings, null where a cell is missing.

    how: the marks that were found in the first cells, `decimal` and `group`; others are left out.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if cells.null_count == len(cells):
        return pd.Series(np.full(len(cells), np.nan)), {}
    marks = {key: how[key] for key in ("decimal", "group") if key in how}
    decimal, group = marks.get("decimal", "."), marks.get("group")
    plain = cells
    try:
        if decimal == "," or group:
            plain = _plain(cells, decimal, group)
        found = _whole(plain) if plain is cells or not _any(pc.match_substring(plain, ".")) else None
        if found is not None and group is None:
            return found, {}
        values = found if found is not None else _float(plain)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return _booleans(cells), {}
    style = None if values is None else {"places": 0} if found is not None else _style(plain, values)
    if values is None or style is None:
        return strings(cells), {}
    layout = marks | style
    if group and not _all(pc.equal(pa.chunked_array([texts(values, layout)]), cells)):
        return strings(cells), {}
    return values, {key: value for key, value in layout.items() if found is None or key != "places"}


def strings(cells: Any) -> pd.Series:
    """A column of strings, missing where a cell is."""
    found = cells.to_pandas()
    return found if found.dtype != object else found.where(found.notna(), np.nan)


def _all(array: Any) -> bool:
    """Whether all that is not null is true."""
    import pyarrow.compute as pc

    return pc.all(array).as_py() is not False


def _any(array: Any) -> bool:
    import pyarrow.compute as pc

    return pc.any(array).as_py() is True


def _plain(cells: Any, decimal: str, group: str | None) -> Any:
    """The cells with a point before decimals and no mark of thousands; ArrowInvalid for another point."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if group:
        cells = pc.replace_substring(cells, group, "")
    if decimal == ",":
        if _any(pc.match_substring(cells, ".")):
            raise pa.ArrowInvalid("two marks")
        cells = pc.replace_substring(cells, ",", ".")
    return cells


def _whole(cells: Any) -> pd.Series | None:
    """Whole numbers; None where one is written otherwise. ArrowInvalid where one is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for kind in (pa.int64(), pa.uint64()):
        try:
            values = pc.cast(cells, kind)
        except pa.ArrowInvalid:
            continue
        if not _all(pc.equal(pc.cast(values, pa.string()), cells)):
            return None
        named = str(kind).replace("i", "I").replace("uI", "UI") if values.null_count else str(kind)
        return pd.Series(_masked(values, kind) if values.null_count else values.to_numpy(), dtype=named)
    return None


def _masked(values: Any, kind: Any) -> Any:
    """pandas' nullable whole numbers; the detour keeps every digit."""
    import pyarrow.compute as pc

    dtype = {"int64": pd.Int64Dtype(), "uint64": pd.UInt64Dtype()}[str(kind)]
    gone = pc.is_null(values).to_numpy()
    full = pc.fill_null(values, 0).to_numpy().copy()
    made = pd.arrays.IntegerArray(full, np.asarray(gone, dtype=bool).copy())
    return made.astype(dtype)


def _float(cells: Any) -> pd.Series | None:
    """Floats; None where one is not finite but is written in another way. ArrowInvalid for none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    values = pc.cast(cells, pa.float64())
    if _any(pc.is_nan(values)):
        return None
    return pd.Series(pc.fill_null(values, np.nan).to_numpy())


def _style(cells: Any, values: pd.Series) -> dict[str, Any] | None:
    """How floats are written with a point; None where there is no one way."""
    import pyarrow as pa
    import pyarrow.compute as pc

    one = next(cell for cell in cells if cell.is_valid).as_py()
    places = len(one.partition(".")[2])
    if places and "e" not in one.lower() and _fixed(cells, places):
        return {"places": places}
    numbers = pa.chunked_array([pa.array(values, from_pandas=True)])
    size = pc.abs(numbers)
    same = pc.equal(pc.cast(numbers, pa.string()), cells)
    odd = pc.or_(pc.and_(pc.less(size, 1e-4), pc.greater(size, 0)), pc.greater_equal(size, 1e15))
    unsure = pc.fill_null(pc.or_(pc.invert(same), odd), False)
    # what Arrow writes in Python's way is sure, but for whole numbers: those have no decimals there
    rest = cells.filter(unsure).to_pylist()
    whole = pc.and_(same, pc.equal(pc.floor(numbers), numbers))
    whole = pc.and_(whole, pc.invert(pc.match_substring(cells, "e")))  # 1e+16 has none in any case
    bare = _any(whole)
    if all(_short(cell, bare) for cell in rest):
        return {"bare": True} if bare else {}
    return None


def _short(cell: str, bare: bool) -> bool:
    text = repr(float(cell))
    return cell == (text.removesuffix(".0") if bare else text)


def _fixed(cells: Any, places: int) -> bool:
    """Whether every number has so many decimals, and comes back from a float."""
    import pyarrow.compute as pc

    if not _all(pc.match_substring_regex(cells, rf"^-?(0|[1-9][0-9]*)\.[0-9]{{{places}}}$")):
        return False
    long = cells.filter(pc.fill_null(pc.greater(pc.binary_length(cells), _SURE + 1), False)).to_pylist()
    return all(f"{float(cell):.{places}f}" == cell for cell in long)


def _booleans(cells: Any) -> pd.Series:
    """True and False as such, where all cells are; else strings."""
    import pyarrow.compute as pc

    first = next(cell for cell in cells if cell.is_valid).as_py()
    if first not in _BOOLEANS:
        return strings(cells)
    distinct = {value for value in pc.unique(cells).to_pylist() if value is not None}
    if not distinct <= set(_BOOLEANS):
        return strings(cells)
    values = [_BOOLEANS.get(cell) for cell in cells.to_pylist()]
    return pd.Series(values, dtype="boolean" if cells.null_count else "bool")


# --- writing -------------------------------------------------------------------------------------------


def texts(series: pd.Series, how: dict[str, Any]) -> Any:
    """An Arrow array of strings, null where a value is missing. how: the layout of the column, {} for none.

    A number with more decimals than `places` is written with all of them.
    """
    import pyarrow as pa

    dtype = series.dtype
    gone = series.isna().to_numpy(bool)
    if isinstance(dtype, pd.CategoricalDtype):
        return texts(series.astype(dtype.categories.dtype if not gone.any() else object), how)
    if isinstance(dtype, pd.StringDtype):
        own = pa.array(series.array).cast(pa.string())
        return own.combine_chunks() if isinstance(own, pa.ChunkedArray) else own
    if pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype):
        if isinstance(dtype, np.dtype) and dtype.kind in "iuf" and dtype.itemsize == 8:
            return _distinct_texts(series, how)
        return _number_texts(series, gone, how)
    if pd.api.types.is_object_dtype(dtype) or pd.api.types.is_bool_dtype(dtype):
        cells = [None if out else str(cell) for cell, out in zip(series.tolist(), gone, strict=True)]
        return pa.array(cells, type=pa.string())
    lines = pd.Series(series.to_numpy() if isinstance(dtype, np.dtype) else series.array)
    written = lines.to_csv(index=False, header=False, lineterminator="\n").split("\n")[: len(series)]
    plain = [None if out else cell.strip('"') for cell, out in zip(written, gone, strict=True)]
    return pa.array(plain, type=pa.string())


def _distinct_texts(series: pd.Series, how: dict[str, Any]) -> Any:
    """Of plain numbers of 64 bits, those that are different being written once: many cells hold each.

    Those of other bits are different, as 0.0 and -0.0 are.
    """
    import pyarrow as pa

    codes, bits = pd.factorize(series.to_numpy().view(np.int64))
    distinct = pd.Series(bits.view(series.dtype))
    return _number_texts(distinct, distinct.isna().to_numpy(bool), how).take(pa.array(codes))


def _number_texts(series: pd.Series, gone: Any, how: dict[str, Any]) -> Any:
    import pyarrow as pa

    decimal, group, places = how.get("decimal", "."), how.get("group", ""), how.get("places")
    floats = pd.api.types.is_float_dtype(series.dtype)
    values = series.tolist()
    if not floats:
        form = "{:,}" if group else "{}"
        swap = str.maketrans({",": group})
        cells = [None if out else form.format(v).translate(swap) for v, out in zip(values, gone, strict=True)]
        return pa.array(cells, type=pa.string())
    some = series.to_numpy(dtype=np.float64, na_value=np.nan)
    some = some[np.isfinite(some)]
    if places is not None and not (np.round(some, places) == some).all():
        places = None
    if places is not None:
        form = "{:" + ("," if group else "") + f".{places}f}}"
        cells = [None if out else form.format(v) for v, out in zip(values, gone, strict=True)]
    else:
        short = series.to_numpy()  # of float32 the shortest text of a float32
        narrow = isinstance(series.dtype, np.dtype) and series.dtype.itemsize < 8
        plain = (
            [str(v) for v in short]
            if narrow
            else [None if o else repr(v) for v, o in zip(values, gone, strict=True)]
        )
        cells = [None if out else text for text, out in zip(plain, gone, strict=True)]
        if how.get("bare"):
            cells = [None if cell is None else cell.removesuffix(".0") for cell in cells]
        if group:
            cells = [None if cell is None else _grouped(cell) for cell in cells]
    if decimal != "." or group:
        swap = str.maketrans({".": decimal, ",": group})
        cells = [None if cell is None else cell.translate(swap) for cell in cells]
    return pa.array(cells, type=pa.string())


def _grouped(text: str) -> str:
    whole, point, rest = text.partition(".")
    return f"{int(whole):,}{point}{rest}" if whole.lstrip("-").isdigit() else text
