"""The cells of a column, of whatever dtype, as arrays that two tables can be compared by."""

from __future__ import annotations

import datetime
import decimal
import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.table import date_formats
from lookalike.table.column import Column
from lookalike.table.dates import read_several
from lookalike.table.dtypes import as_numbers
from lookalike.table.formatted import lenient, read_column
from lookalike.table.kinds import read_datetimes
from lookalike.table.repeats import RARE

Array = npt.NDArray[Any]

LETTER = re.compile(r"[^\W\d_]")  # a unit or a code: "5 lb" is no number beside "5 kg"
ZONE = re.compile(r"(:\d\d(?:\.\d+)?)\s*(?:Z|[+-]\d\d:?\d\d)$")  # after a time


def is_nan(series: pd.Series) -> Array:
    """Where a cell is missing and `notna` does not know it: a Decimal's NaN, or nan in an Arrow array."""
    if series.dtype == object:
        return np.array([isinstance(v, decimal.Decimal) and v.is_nan() for v in series], dtype=bool)
    if pd.api.types.is_float_dtype(series.dtype):
        return np.isnan(series.to_numpy(np.float64, na_value=np.nan))
    return np.zeros(len(series), dtype=bool)


def numbers(series: pd.Series) -> tuple[Array, Array]:
    """(values, missing or unreadable) of a number column: int64 where all are whole, else float64."""
    try:
        values, missing = as_numbers(series)
    except (ValueError, TypeError):  # some cannot be read
        cells = series.astype(object).where(series.notna(), None)
        values, missing = as_numbers(pd.to_numeric(cells.map(_number_or_text), errors="coerce"))
        odd = np.flatnonzero(missing & series.notna().to_numpy(bool))
        if len(odd):
            codes, found = pd.factorize(cells.iloc[odd].map(str))
            read = [None if LETTER.search(cell) else lenient(cell) for cell in found]
            values, missing = values.astype(np.float64), missing.copy()
            values[odd] = np.array([np.nan if one is None else one for one in read])[codes]
            missing[odd] = np.isnan(values[odd])
    if values.dtype == object:
        values = np.array([_float(v) for v in values])
    return values, missing | (np.isnan(values) if values.dtype.kind == "f" else False)


def formatted_numbers(series: pd.Series, column: Column) -> tuple[Array, Array, Array]:
    """(values, missing or unreadable, odd) of a column whose real cells are numbers in formats.

    odd: 1 ... for each of the column's exceptions, 0 for everything else. Other formats are read, too.
    """
    if pd.api.types.is_numeric_dtype(series.dtype):
        return *numbers(series), np.zeros(len(series), dtype=np.int64)
    ticks, _, odd = read_column(series, column)
    values = ticks.astype(np.float64) / 10.0 ** (column.decimals or 0)
    unread = (odd < 0) & series.notna().to_numpy(bool)
    values[odd != 0] = np.nan
    if unread.any():
        found, gone = numbers(series[unread])
        values[unread] = np.where(gone, np.nan, found.astype(np.float64))
    return values, np.isnan(values), np.maximum(odd, 0).astype(np.int64)


def spans(series: pd.Series, real: pd.Series) -> pd.Series:
    """Spans of time in the unit of the real ones, or missing where they cannot be read as such."""
    cells = series.astype(object).where(series.notna(), None)
    return pd.to_timedelta(cells, errors="coerce").astype(real.dtype)


def _number_or_text(cell: Any) -> Any:
    return cell if cell is None or isinstance(cell, (int, float, decimal.Decimal, np.number)) else str(cell)


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number of more than 308 digits
        return float("inf") if value > 0 else float("-inf")


def moments(series: pd.Series, column: Column) -> tuple[Array, Array]:
    """(microseconds since 1970 as int64, missing or unreadable); where there is a time zone, of wall time."""
    if isinstance(series.dtype, pd.ArrowDtype) and series.dtype.kind == "M":
        series = series.dt.tz_localize(None) if series.dt.tz is not None else series
        series = pd.Series(series.to_numpy("datetime64[us]"), name=series.name)
    if series.dtype.kind == "M":
        wall = series.dt.tz_localize(None) if series.dt.tz is not None else series
        found = wall.to_numpy().astype("datetime64[us]")
    elif column.formats:
        found = read_datetimes(series, column)[0].astype("datetime64[us]")
        other = (
            np.isnat(found)
            & series.notna().to_numpy(bool)
            & ~series.isin(column.exceptions or []).to_numpy(bool)
        )
        if other.any() and series.dtype.kind not in "iuf":  # written otherwise
            found[other] = _any_moment(series[other])
    else:
        found = _any_moment(series)
    missing = np.isnat(found)
    return np.where(missing, np.datetime64(0, "us"), found).astype(np.int64), missing


def _any_moment(series: pd.Series) -> Array:
    """(rows,) datetime64[us], NaT where it is none: texts by the formats that the whole column has, so that
    01/02/2020 beside 31/01/2020 is in February; what they do not read, cell by cell."""
    cells = series.astype(object).map(_wall)
    found = np.full(len(cells), np.datetime64("NaT"), dtype="datetime64[us]")
    texts = cells.map(lambda cell: isinstance(cell, str)).to_numpy(bool)
    if texts.any():
        codes, distinct = pd.factorize(cells[texts])
        formats, _ = date_formats.find(distinct, np.bincount(codes), RARE)
        if formats:
            found[texts] = read_several(distinct, formats)[0].astype("datetime64[us]")[codes]
    other = np.isnat(found)
    read = pd.to_datetime(cells[other], errors="coerce", format="mixed")
    found[other] = read.to_numpy().astype("datetime64[us]")
    return found


def _wall(cell: Any) -> Any:
    """A moment as the wall clock shows it, without its zone."""
    if isinstance(cell, str):
        return ZONE.sub(r"\1", cell)
    return cell.replace(tzinfo=None) if isinstance(cell, datetime.datetime) and cell.tzinfo else cell


def strings(series: pd.Series) -> tuple[Array, Array]:
    """(strings, missing): what agrees between dtypes (1 and 1.0, True and "True") gives one string."""
    missing = series.isna().to_numpy(bool)
    if pd.api.types.is_float_dtype(series.dtype):
        values = series.to_numpy(np.float64, na_value=np.nan)
        texts = np.array([f"{v:.0f}" if v.is_integer() else repr(v) for v in values.tolist()], dtype=object)
    else:
        texts = series.astype(object).map(str).to_numpy(object)
    return texts, missing
