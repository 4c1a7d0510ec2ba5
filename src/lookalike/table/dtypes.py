"""Exact dtypes: what a column's dtype is called in a schema, and how values get that dtype back."""

from __future__ import annotations

import datetime
import decimal
import re
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.errors import DataError
from lookalike.table.dates import write_dates
from lookalike.table.nested import holds_values

Array = npt.NDArray[Any]

_ARROW = r"(u?int\d+|halffloat|float|double|decimal\d+|bool|string|large_string|timestamp|date\d+|duration)\b"
_REFUSED = (
    *(datetime.time, datetime.timedelta, pd.Period, pd.Interval, bytes, bytearray, memoryview),
    *(complex, tuple, set, frozenset, np.ndarray),
)  # types of Python's that no column may hold
_DIGIT, _WHOLE = re.compile(r"\d"), re.compile(r"-?\d+")
_FIX = "convert it to numbers, strings or dates first"


def dtype_name(series: pd.Series) -> str:
    """The JSON name of a Series' dtype; `dtype_from_name` reads it back.

    The names are those of pandas, except where pandas gives two dtypes one name: strings carry their storage
    (`str[pyarrow]` has nan for missing, `string[pyarrow]` has NA) and Arrow dtypes are `arrow[TYPE]`.

    Raises DataError for dtypes that hold no table values (complex, period, sparse ...).
    """
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return "category"
    if isinstance(dtype, pd.StringDtype):
        missing = getattr(dtype, "na_value", pd.NA)
        return f"{'string' if missing is pd.NA else 'str'}[{dtype.storage}]"
    if isinstance(dtype, pd.ArrowDtype) and re.match(_ARROW, str(dtype.pyarrow_dtype)):
        return f"arrow[{dtype.pyarrow_dtype}]"
    known = isinstance(dtype, pd.DatetimeTZDtype) or re.fullmatch(
        r"object|u?int\d+|float(16|32|64)|U?Int\d+|Float\d+|bool(ean)?|(datetime|timedelta)64\[\w+\]",
        str(dtype),
    )
    if not known:
        raise DataError(f"column '{series.name}' has the dtype {dtype}, which is not supported: {_FIX}.")
    return str(dtype)


def dtype_from_name(name: str) -> Any:
    """The pandas dtype of a name written by `dtype_name` (categories are rebuilt by `restore`)."""
    if name.startswith("arrow["):
        import pyarrow as pa

        return pd.ArrowDtype(_arrow_type(pa, name[6:-1]))
    if match := re.fullmatch(r"(str|string)\[(\w+)\]", name):
        if match[1] == "string":
            return pd.StringDtype(match[2])
        try:
            return pd.StringDtype(match[2], na_value=np.nan)
        except TypeError:  # pandas before 2.3 has no such dtype
            return np.dtype(object)
    return pd.api.types.pandas_dtype(name)


def _arrow_type(pa: Any, text: str) -> Any:
    if match := re.fullmatch(r"decimal(\d+)\((\d+), (-?\d+)\)", text):
        return getattr(pa, f"decimal{match[1]}")(int(match[2]), int(match[3]))
    if match := re.fullmatch(r"timestamp\[(\w+), tz=(.+)\]", text):
        return pa.timestamp(match[1], match[2])
    try:
        return pa.type_for_alias(text)
    except ValueError:
        raise DataError(f"the Arrow type {text} is not supported: {_FIX}.") from None


def python_type(series: pd.Series) -> str | None:
    """What an object column holds: "str", "bool", "int", "float", "decimal", "date", "datetime", "json",
    "mixed int", "mixed float", "mixed datetime" or "mixed".

    None for other dtypes. `series` has no missing values. A column with a dict or list is "json". Numbers, or
    datetimes, beside words (`N/A` in a workbook) are treated as their strings, and come back as they are.
    Values of several other types are "mixed": they come back as their strings.
    """
    if series.dtype != object:
        return None
    if holds_values(series):
        return "json"
    kind = pd.api.types.infer_dtype(series, skipna=True)
    names = {"string": "str", "boolean": "bool", "integer": "int", "floating": "float", "decimal": "decimal"}
    names |= {
        "mixed-integer-float": "float",
        "date": "date",
        "datetime": "datetime",
        "datetime64": "datetime",
    }
    if kind in names:
        return names[kind]
    if kind == "empty":
        return "str"
    if len(series) and isinstance(series.iloc[0], _REFUSED):
        kind = type(series.iloc[0]).__name__
        raise DataError(
            f"column '{series.name}' holds values of the type {kind}, which is not supported: {_FIX}."
        )
    return _beside_words(series)


def _beside_words(series: pd.Series) -> str:
    """What a column of several types is, with the type of what stands beside words."""
    words = {value for value in series if isinstance(value, str)}
    types = {type(value) for value in series if not isinstance(value, str)}
    if not words or not types:
        return "mixed"
    if types <= {int, float}:
        number = "float" if float in types else "int"
        return "mixed" if any(map(_DIGIT.search, words)) else f"mixed {number}"
    dates = all(issubclass(one, datetime.datetime) for one in types)
    return "mixed datetime" if dates and not any(map(_DIGIT.search, words)) else "mixed"


def _as_it_was(value: Any, python: str) -> Any:
    """The value that a string of a mixed column stands for."""
    text = str(value)
    try:
        if python == "mixed datetime":
            return pd.Timestamp(text).to_pydatetime() if _DIGIT.search(text) else text
        return int(text) if _WHOLE.fullmatch(text) else float(text)
    except ValueError:
        return text


def is_arrow(dtype: Any, *names: str) -> bool:
    """Whether a dtype is an Arrow dtype whose type name starts with one of `names`."""
    return isinstance(dtype, pd.ArrowDtype) and str(dtype.pyarrow_dtype).startswith(names)


def as_numbers(series: pd.Series) -> tuple[Array, Array]:
    """The values of a number column, and where they are missing.

    Returns (values, missing): values is int64, float64, or object holding exact Python ints or Decimals
    (where int64 is too small); what stands at missing places is meaningless. Timedeltas are counted in their
    own unit. Strings must read as numbers. Raises ValueError(bad value) where one does not.
    """
    missing = series.isna().to_numpy(dtype=bool)
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        series = series.astype(dtype.categories.dtype if not missing.any() else object)
        dtype = series.dtype
    if dtype.kind == "m" and not isinstance(dtype, pd.ArrowDtype):
        return series.to_numpy().astype(np.int64), missing
    if is_arrow(dtype, "duration"):
        unit = str(dtype.pyarrow_dtype)[9:-1]
        return series.to_numpy(f"timedelta64[{unit}]").astype(np.int64), missing
    if is_arrow(dtype, "decimal"):
        return series.to_numpy(object), missing
    if pd.api.types.is_bool_dtype(dtype):
        return series.fillna(False).to_numpy(bool).astype(np.int64), missing
    if pd.api.types.is_float_dtype(dtype):
        return series.to_numpy(np.float64, na_value=np.nan), missing
    if pd.api.types.is_unsigned_integer_dtype(dtype):
        wide = series.fillna(0).to_numpy(np.uint64) if missing.any() else series.to_numpy(np.uint64)
        small = len(wide) == 0 or int(wide.max()) < 2**63
        return wide.astype(np.int64 if small else object), missing
    if pd.api.types.is_integer_dtype(dtype):
        return (series.fillna(0) if missing.any() else series).to_numpy(np.int64), missing
    return _object_numbers(series.to_numpy(object), missing), missing


def _object_numbers(values: Array, missing: Array) -> Array:
    values = values.copy()
    values[missing] = 0
    present = values[~missing]
    if len(present) and all(isinstance(v, decimal.Decimal) for v in present):
        values[missing] = decimal.Decimal(0)
        if all(v.is_finite() for v in present):
            return values
        return values.astype(np.float64)
    if any(isinstance(v, str) for v in present):
        values = np.array([_read_number(v) for v in values], dtype=object)
    if all(isinstance(v, (int, np.integer)) for v in values):
        small = all(-(2**63) <= int(v) < 2**63 for v in values)
        return values.astype(np.int64) if small else np.array([int(v) for v in values], dtype=object)
    try:
        return values.astype(np.float64)
    except (TypeError, ValueError):
        bad = next(v for v in present if not isinstance(v, (int, float, np.number)))
        raise ValueError(bad) from None


def _read_number(value: Any) -> int | float:
    if not isinstance(value, str):
        return value
    try:
        return int(value) if re.fullmatch(r"\s*[+-]?\d+\s*", value) else float(value)
    except ValueError:
        raise ValueError(value) from None


def restore(values: Any, column: Any) -> pd.Series:
    """The values of a `schema.Column` with its exact dtype, as a Series of the column's name.

    values: a Series, array or list with missing as None, nan, NaT or NA. Numbers are plain numbers (Decimals
    where the column holds them, counts of `column.resolution` for timedeltas); datetimes are naive datetime64
    (wall time where the column has a time zone); everything else is in its own type.
    """
    series = values if isinstance(values, pd.Series) else pd.Series(values, dtype=object)
    restored = _restored(series, column)
    return restored.rename(column.name)


def _restored(series: pd.Series, column: Any) -> pd.Series:
    name = column.dtype
    if name == "category":
        categories = pd.Index(column.categories)
        return pd.Series(pd.Categorical(series.astype(object), categories=categories, ordered=column.ordered))
    dtype = dtype_from_name(name)
    if column.is_date and series.dtype.kind == "M":
        return _restored_datetime(series, column, dtype)
    if getattr(dtype, "kind", "") == "m" or is_arrow(dtype, "duration"):
        return _restored_timedelta(series, column, dtype)
    if pd.api.types.is_object_dtype(dtype):
        return _restored_object(series, column)
    if isinstance(dtype, np.dtype) and column.sentinel is not None:
        series = series.astype(object).where(series.notna(), column.sentinel)
    if isinstance(dtype, pd.StringDtype) or is_arrow(dtype, "string", "large_string"):
        if column.is_number:
            series = series.map(str, na_action="ignore").astype(object)
        return series.astype(object).where(series.notna(), None).astype(dtype)
    if isinstance(dtype, np.dtype) and dtype.kind == "f":
        return pd.Series(series.to_numpy(dtype, na_value=np.nan))
    if not isinstance(dtype, np.dtype) and series.dtype.kind in "fO":
        # dtypes that know NA take neither nan nor pandas' other missing values for it
        return pd.Series(pd.array(series.astype(object).where(series.notna(), None).tolist(), dtype=dtype))
    return series.astype(dtype)


def _restored_object(series: pd.Series, column: Any) -> pd.Series:
    make: Any
    python = str(column.python)
    if python in ("mixed int", "mixed float", "mixed datetime"):
        make = partial(_as_it_was, python=python)
    elif column.is_number:
        make = {"int": int, "float": float, "decimal": lambda v: v}.get(python, str)
    elif column.is_date:
        make = {
            "date": lambda v: pd.Timestamp(v).date(),
            "datetime": lambda v: pd.Timestamp(v).to_pydatetime(),
        }.get(column.python or "", str)
    else:
        return series.astype(object).where(series.notna(), None)
    items = [None if gone else make(v) for v, gone in zip(series, series.isna(), strict=True)]
    return pd.Series(items, dtype=object)


def _restored_datetime(series: pd.Series, column: Any, dtype: Any) -> pd.Series:
    if column.format is not None:
        strings = pd.Series(write_dates(series.to_numpy(), column.formats[0]), dtype=object)
        return strings if pd.api.types.is_object_dtype(dtype) else strings.astype(dtype)
    if pd.api.types.is_object_dtype(dtype):
        return _restored_object(series, column)
    if isinstance(dtype, pd.ArrowDtype):
        if zone := getattr(dtype.pyarrow_dtype, "tz", None):
            series = _localised(series, zone)
        return series.astype(dtype)
    if isinstance(dtype, pd.DatetimeTZDtype):
        return _localised(series, dtype.tz).astype(dtype)
    return series.astype(dtype)


def _localised(series: pd.Series, zone: Any) -> pd.Series:
    """Wall times in a zone: an hour that exists twice is the first, one that does not exist moves on."""
    first = np.ones(len(series), dtype=bool)
    return series.dt.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")


def _restored_timedelta(series: pd.Series, column: Any, dtype: Any) -> pd.Series:
    unit = str(dtype.pyarrow_dtype)[9:-1] if isinstance(dtype, pd.ArrowDtype) else np.datetime_data(dtype)[0]
    if (
        series.dtype == object
        and len(series)
        and not isinstance(series.iloc[0], (int, type(None), np.integer))
    ):
        return series.astype(f"timedelta64[{unit}]").astype(dtype)  # values that are timedeltas already
    missing = series.isna().to_numpy(bool)
    counts = series.fillna(0).astype(np.int64).to_numpy() * timedelta_units(column.resolution, unit)
    steps = counts.astype(f"timedelta64[{unit}]")
    steps[missing] = np.timedelta64("NaT")
    return pd.Series(steps).astype(dtype)


def timedelta_units(resolution: str, unit: str) -> int:
    """How many of `unit` (s, ms, us, ns) one `resolution` (day ... ns) is."""
    one, step = np.array([1], f"m8[{RESOLUTIONS[resolution]}]"), np.array([1], f"m8[{unit}]")
    return int((one // step)[0])


RESOLUTIONS = {  # names of resolutions, coarsest first -> numpy's unit
    "year": "Y",
    "month": "M",
    "day": "D",
    "hour": "h",
    "minute": "m",
    "second": "s",
    "ms": "ms",
    "us": "us",
    "ns": "ns",
}
