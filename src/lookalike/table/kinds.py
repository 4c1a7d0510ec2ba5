"""Which kind a column is, and the facts of that kind; for `infer`; values of cells as JSON, for schemas."""

from __future__ import annotations

import datetime
import decimal
import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from lookalike.errors import SchemaError
from lookalike.table import (
    codes,
    compound,
    date_formats,
    duration_formats,
    formatted,
    lists,
    patterns,
    range_formats,
    units,
)
from lookalike.table.check_digits import find_check
from lookalike.table.codes import ADDRESS, MAIL, has_check, looks_like_id, made_afresh
from lookalike.table.column import Column, plain_values
from lookalike.table.dates import read_several, write_dates
from lookalike.table.dtypes import RESOLUTIONS, as_numbers, dtype_name, is_arrow
from lookalike.table.kind_groups import DATE, NUMBER
from lookalike.table.nested import is_json_text
from lookalike.table.personal import says_key, says_measure, says_rows
from lookalike.table.repeats import LITTLE, RARE, SEVERAL, are_codes, as_category, why
from lookalike.texts.syntax import language

Array = npt.NDArray[Any]

_DATES = 3  # distinct dates of a column of them, at least: a code may look like one
_ID_ROWS = 50  # fewer unique values may be chance
_COUNTED = 20  # fewer numbers are no keys, whatever the name of the column
_MADE = ("id", "key", "compound")  # kinds of strings that a word may stand in place of
_GAPS = 0.05  # the share of the rows that may have no key


def guess(present: pd.Series, values: pd.Series, column: Column, rows: int) -> str:
    """The kind of a column with at least two distinct values, none missing."""
    kind = _guess(present, values, column, rows)
    if kind in ("text", *_MADE) and column.exceptions is None and is_strings(present):
        return _beside_words(present, values, column, rows) or kind
    return kind


def _guess(present: pd.Series, values: pd.Series, column: Column, rows: int) -> str:
    """The kind of a column, all of its cells alike."""
    dtype = present.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return "category"
    if pd.api.types.is_bool_dtype(dtype) or column.python == "bool":
        return "boolean"
    if is_datetime(dtype) or column.python in ("date", "datetime"):
        return DATE
    if column.python in ("int", "float", "decimal") or _is_numeric(dtype):
        column.format = _format_of_numbers(present)
        if column.format is not None:
            return DATE
        if has_check(whole_numbers(present)):
            return "id" if present.is_unique else "category" if are_codes(present, column.min_rows) else "key"
        return "id" if _is_integer_id(present, column, rows) else NUMBER
    if not is_string(dtype, column):
        raise SchemaError(f"column '{column.name}' has the dtype {dtype}, which is not supported.")
    counts = values.value_counts()
    distinct = values.drop_duplicates().to_numpy(object)
    unique = len(distinct) == rows
    least = column.min_rows or RARE
    lost, better = as_category(counts, least)
    mixed = column.is_mixed
    spans = None if mixed else duration_formats.written(counts, least)
    if spans is not None:
        column.format, column.exceptions = spans.told()
        return NUMBER
    dates = None if mixed and column.python != "mixed datetime" else date_formats.written(counts, least)
    if dates is not None and dates.lost <= formatted.LOST and (lost > LITTLE or dates.numbers >= _DATES):
        column.format, column.exceptions = dates.told()
        return DATE
    coded = unique and has_check(distinct)
    written = None if coded else formatted.written(counts, least)
    if written is not None and units.holds_numbers(written, counts, lost):
        column.format, column.exceptions = written.told()
        return NUMBER
    between = range_formats.written(counts, least) if not mixed and lost > LITTLE else None
    if between is not None:
        forms, exceptions = between
        column.format = forms[0] if len(forms) == 1 else forms
        column.exceptions = exceptions or None
        return "range"
    several = compound.of_numbers(counts) if not mixed and lost > LITTLE else None
    if several is not None:
        column.format = several
        return "compound"
    items = lists.written(counts, least) if not mixed and lost > LITTLE else None
    if items is not None:
        column.format, column.exceptions = items
        return "list"
    if not mixed and (unique or (len(counts) >= SEVERAL and lost > LITTLE)):
        strings = [str(value) for value in distinct]
        if is_json_text(strings):
            return "json"
        if len(strings) >= SEVERAL and language(strings) in ("python", "sql"):
            return "code"
    angles = compound.of_angles(counts) if not mixed and lost > LITTLE else None
    if angles is not None:
        column.format = angles
        return "compound"
    alone = len(distinct) == len(values) >= _ID_ROWS
    if coded or (alone and looks_like_id(distinct)):
        return "id"
    usual, bare = (distinct, 0.0) if alone or better is None else codes.with_digits(counts)
    usual = usual if bare <= codes.WITHOUT else distinct
    if (
        (alone or better is not None)
        and len(usual) >= _ID_ROWS
        and made_afresh(usual, alone or better == "rare")
    ):
        return "key"
    addresses = better is not None and all(re.fullmatch(ADDRESS, str(s)) for s in distinct)
    worded = better in ("rare", "measurements") or addresses  # 1.10.3 is none that a number can be
    several = compound.words(counts, least) if worded and not mixed else None
    if several is not None:
        column.format = several
        return "compound"
    if addresses and len(distinct) >= _ID_ROWS:
        return "key"
    if (
        better is not None
        and len(distinct) >= _ID_ROWS
        and (bare <= LITTLE or (bare == 1 and len(distinct) >= (1 - LITTLE) * len(values)))
        and codes.are_codes(distinct, alone)
    ):
        return "id" if alone else "key"
    few = compound.of_numbers(counts, codes=True) if better is not None and not mixed else None
    if few is not None:  # codes of which most are there: 1009-2
        column.format = few
        return "compound"
    kind = "category" if better is None else "text"
    if lost > LITTLE and len(counts) >= SEVERAL:
        column.note = why(kind, better, counts, lost, column.min_rows or RARE)
    column.note = _nearly(kind, dates, DATE) or _nearly(kind, written, NUMBER) or column.note
    return kind


def _beside_words(present: pd.Series, values: pd.Series, column: Column, rows: int) -> str | None:
    """The kind of strings that are ids, keys or compounds but for a few words, such as `N/A`, which become
    the column's exceptions, and for up to 1% other cells without a digit, such as `Total`; None of others.
    """
    counts = values.value_counts()
    words = formatted.words_of(counts, column.min_rows or RARE)
    bare = [cell for cell in counts.index if cell not in words and not re.search(r"\d", str(cell))]
    bare = bare if counts[bare].sum() <= codes.WITHOUT * len(values) else []
    others = ~values.isin([*words, *bare]).to_numpy(bool)
    if others.all() or values[others].nunique() < SEVERAL:
        return None
    own = Column(column.name, "category", column.dtype, True, column.python, min_rows=column.min_rows)
    kind = _guess(present[others], values[others], own, int(others.sum()))
    if kind not in _MADE or own.exceptions:
        return None
    column.format, column.exceptions = own.format, words or None
    return kind


def _format_of_numbers(present: pd.Series) -> str | None:
    """How dates that are whole numbers are written, None where the numbers are no dates."""
    if not (pd.api.types.is_integer_dtype(present.dtype) or pd.api.types.is_float_dtype(present.dtype)):
        return None
    for part in (present.iloc[:1000], present):  # most columns show in a few rows that they have none
        values = as_numbers(part)[0]
        if values.dtype == object or not np.isfinite(values).all() or (values % 1 != 0).any():
            return None
    return date_formats.of_numbers(np.unique(values).astype(np.int64)) if values.max() < 10**15 else None


def _nearly(kind: str, found: formatted.Written | None, what: str) -> tuple[str, str] | None:
    """(kind, why) of strings most of which are numbers or dates; None of others."""
    if found is None or found.lost > 0.5 or found.lost <= formatted.LOST or found.numbers < SEVERAL:
        return None
    return kind, (
        f"is learned as {'a category' if kind == 'category' else 'text'}, because {found.lost:.0%} of its "
        f"cells are no {what}, though the others are, written {' or '.join(found.formats)}: list those cells "
        f'in the exceptions of the column in the schema, and set its kind to "{what}"'
    )


def is_datetime(dtype: Any) -> bool:
    return pd.api.types.is_datetime64_any_dtype(dtype) or is_arrow(dtype, "timestamp", "date")


def _is_numeric(dtype: Any) -> bool:
    return (
        pd.api.types.is_numeric_dtype(dtype)
        or pd.api.types.is_timedelta64_dtype(dtype)
        or is_arrow(dtype, "decimal", "duration")
    )


def is_string(dtype: Any, column: Column) -> bool:
    """Whether a column holds strings, or values of several types, which are treated as their strings."""
    return (
        isinstance(dtype, pd.StringDtype)
        or column.python == "str"
        or column.is_mixed
        or is_arrow(dtype, "string", "large_string")
    )


def whole_numbers(present: pd.Series) -> Array:
    """The distinct values of a column of whole numbers, as Python's; none of any other column."""
    if not pd.api.types.is_integer_dtype(present.dtype):
        return np.zeros(0, dtype=object)
    return present.drop_duplicates().to_numpy(object)


def _is_integer_id(present: pd.Series, column: Column, rows: int) -> bool:
    """Whether whole numbers, of which none comes twice, are keys: by the column's name, or, where they are
    not few, if they lie close together.
    """
    whole = pd.api.types.is_integer_dtype(present.dtype) and present.is_unique
    if not whole or len(present) < max(_COUNTED, (1 - _GAPS) * rows):
        return False
    low, high = int(present.min()), int(present.max())
    years = low >= 1500 and high <= 2200
    if says_key(column.name) or (says_rows(column.name) and not years):
        return True
    if low < 0 or years or says_measure(column.name) or len(present) < _ID_ROWS or column.nullable:
        return False
    return high - low < 2 * len(present)


def is_strings(present: pd.Series) -> bool:
    """Whether a column without missing values holds strings alone."""
    return isinstance(present.dtype, pd.StringDtype) or all(isinstance(value, str) for value in present)


def describe_pattern(present: pd.Series, column: Column) -> None:
    """The pattern of ids and keys that are strings, or whole numbers with a check digit; which check."""
    strings = [str(value) for value in present.drop_duplicates()]
    address = all(re.fullmatch(ADDRESS, s) for s in strings)
    strings = codes.counted(strings) if column.kind == "id" else strings
    shapes = None if address else patterns.learn(strings, RARE, patterns.sequential(strings))
    mails = column.personal == "email"
    short = codes.short_key(strings) if shapes is None and column.kind == "id" and not address else None
    if short is not None:
        column.pattern = short
    elif shapes is not None and not mails:
        column.pattern = patterns.expression(shapes)
        column.check = column.check or find_check(strings)
    elif mails:
        column.pattern = MAIL


def timedelta_resolution(present: pd.Series, counts: Array) -> str:
    unit = dtype_name(present).rstrip("]").rpartition("[")[2]
    return _coarsest(
        counts.astype(f"timedelta64[{unit}]"), ("day", "hour", "minute", "second", "ms", "us", "ns")
    )


def _coarsest(values: Array, names: tuple[str, ...]) -> str:
    for name in names:
        if (values.astype(f"{values.dtype.kind}8[{RESOLUTIONS[name]}]") == values).all():
            return name
    return "ns"


def naive_datetimes(series: pd.Series, column: Column) -> Array:
    """datetime64 (wall time where there is a zone) of a datetime column, NaT where missing, and where a cell
    has none of the column's formats. Raises SchemaError for what is no date in a column without formats.
    """
    dtype = series.dtype
    if is_datetime(dtype):
        if isinstance(dtype, pd.ArrowDtype):
            import pyarrow as pa

            unit = getattr(dtype.pyarrow_dtype, "unit", "s")
            if is_arrow(dtype, "date"):
                series = series.astype(
                    pd.ArrowDtype(pa.timestamp("s" if dtype.pyarrow_dtype.bit_width == 32 else "ms"))
                )
            zone = getattr(dtype.pyarrow_dtype, "tz", None)
            series = series.dt.tz_localize(None) if zone else series
            return np.asarray(series.to_numpy(f"datetime64[{unit}]", na_value=np.datetime64("NaT")))
        return np.asarray((series.dt.tz_localize(None) if getattr(dtype, "tz", None) else series).to_numpy())
    if column.formats:
        return read_datetimes(series, column)[0]
    missing = series.isna().to_numpy(bool)
    out = np.full(len(series), np.datetime64("NaT", "us"))
    values = series.to_numpy(object)[~missing]
    bad = next((v for v in values if not isinstance(v, (datetime.date, np.datetime64))), None)
    if bad is not None:
        raise SchemaError(
            f"column '{column.name}' is declared a datetime, but holds {bad!r}: change its kind."
        )
    out[~missing] = np.array(
        [v.replace(tzinfo=None) if hasattr(v, "tzinfo") else v for v in values], "M8[us]"
    )
    return out


def read_datetimes(series: pd.Series, column: Column) -> tuple[Array, Array, Array]:
    """(dates, which, odd) of the cells of a datetime column that has formats.

    dates: datetime64, NaT for what is none; which: the format of each, -1 for none; odd: 0 for a date, 1 ...
    for each of `column.exceptions`, -1 for what is neither, and for what is missing.
    """
    codes, distinct = pd.factorize(plain_values(series, column))
    cells = np.asarray(distinct, dtype=object)
    dates, which = read_several(cells, column.formats)
    places = {cell: i + 1 for i, cell in enumerate(column.exceptions or [])}
    odd = np.array([places.get(str(c), min(int(w), 0)) for c, w in zip(cells, which, strict=True)], np.int16)
    none = np.full(1, -1, dtype=np.int16)
    return (
        np.concatenate([dates, np.full(1, np.datetime64("NaT"), dates.dtype)])[codes],
        np.concatenate([which, none])[codes],
        np.concatenate([odd, none])[codes],
    )


def describe_datetime(present: pd.Series, column: Column, hidden: int) -> None:
    """Formats, exceptions, resolution and range of a datetime column.

    Raises SchemaError where more than a few cells are neither dates nor exceptions.
    """
    if is_string(present.dtype, column) and column.format is None:
        found = date_formats.written(plain_values(present, column).value_counts(), column.min_rows or RARE)
        if found is not None:
            column.format, exceptions = found.told()
            column.exceptions = exceptions if column.exceptions is None else column.exceptions
    elif column.format is None and pd.api.types.is_numeric_dtype(present.dtype):
        column.format = _format_of_numbers(present)
    if is_string(present.dtype, column) or column.formats:
        dates, _, odd = read_datetimes(present, column)
        if (odd < 0).mean() > formatted.LOST or not (odd == 0).any():
            bad = present.iloc[int((odd != 0).argmax())]
            how = f"is not written as {' or '.join(column.formats)}" if column.formats else "is no date"
            raise SchemaError(
                f"column '{column.name}' is declared a datetime, but holds {plain(bad)!r}, which {how}: "
                "change its kind, or list it in the column's exceptions."
            )
    else:
        dates = naive_datetimes(present, column)
    dates = dates[~np.isnat(dates)]
    if column.resolution is None:
        column.resolution = _coarsest(dates, tuple(RESOLUTIONS))
    if column.minimum is None and column.maximum is None:
        ordered = np.sort(dates)
        skip = min(hidden - 1, (len(ordered) - 1) // 4)
        ends = ordered[[skip, len(ordered) - 1 - skip]].astype(f"M8[{RESOLUTIONS[column.resolution]}]")
        column.minimum, column.maximum = (
            write_dates(ends, column.formats[0]) if column.formats else ends.astype(str)
        )


def need_strings(present: pd.Series, column: Column) -> None:
    """Raises SchemaError if a column that is declared text holds something else."""
    if not is_string(present.dtype, column):
        raise SchemaError(
            f"column '{column.name}' is declared {column.kind}, but holds {plain(present.iloc[0])!r}: make "
            "it a category, or convert it to strings."
        )


# --- values in JSON ------------------------------------------------------------------------------------


def plain(value: Any) -> Any:
    """A numpy scalar as the Python one; everything else as it is."""
    return value.item() if isinstance(value, np.generic) and not isinstance(value, np.datetime64) else value


def to_json(value: Any) -> Any:
    """A JSON value for anything that a cell of a table can hold."""
    value = plain(value)
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else {"float": str(value)}
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, (pd.Timestamp, np.datetime64)):
        stamp = pd.Timestamp(value)
        return {
            "timestamp": stamp.tz_convert("UTC").isoformat() if stamp.tz else stamp.isoformat(),
            "zone": str(stamp.tz) if stamp.tz else None,
            "unit": stamp.unit,
        }
    if isinstance(value, datetime.datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, datetime.date):
        return {"date": value.isoformat()}
    if isinstance(value, pd.Timedelta):
        return {"timedelta": value.value}
    if isinstance(value, decimal.Decimal):
        return {"decimal": str(value)}
    if isinstance(value, pd.Interval):
        return {"interval": [to_json(value.left), to_json(value.right)], "closed": value.closed}
    raise SchemaError(f"the value {value!r} cannot be kept in a schema: convert it to a string.")


def from_json(value: Any) -> Any:
    """Reads `to_json`."""
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "timestamp" in value:
        stamp = pd.Timestamp(value["timestamp"])
        return (stamp.tz_convert(value["zone"]) if value["zone"] else stamp).as_unit(value["unit"])
    if "interval" in value:
        return pd.Interval(*(from_json(end) for end in value["interval"]), closed=value["closed"])
    make: dict[str, Any] = {
        "float": float,
        "datetime": datetime.datetime.fromisoformat,
        "date": datetime.date.fromisoformat,
        "timedelta": pd.Timedelta,
        "decimal": decimal.Decimal,
    }
    ((name, text),) = value.items()
    return make[name](text)
