"""How exact the numbers of a column are: their decimals, their significant digits, and single precision.

Numbers that were held in single precision, or computed, look more exact than they are: 0.1 is
0.10000000149011612, and 17.6 is 17.599999999999998. Both are found here, and numbers with as much noise are
made (single precision), or none.
"""

from __future__ import annotations

import decimal
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

PLACES = 13  # decimals from here on are not looked for
DIGITS = 15  # significant digits up to which a decimal fraction comes back from a float
_NOISE = 1e-13  # by so large a share of itself may a number be off: 15 decimals of it, or a few sums
_SINGLE = 2.0**-24  # the same of a number in single precision
_CHANCE = 1e-9  # that all numbers of full precision look exact by accident, at most
_LONG = 5  # decimals from which on numbers may be halves of halves, as single precision has them
_FEWER = 2  # digits that numbers of few significant ones have less than their decimals would give, at least
_ROUNDED = 7  # digits at most, that numbers of many sizes are rounded to
_SOME = 200  # numbers in which most precisions show that they are wrong


class Precision(NamedTuple):
    """decimals: digits after the point at most, None = too many to be a decimal fraction; digits: significant
    digits at most, None = as many as a float has; single: the numbers are those of single precision.
    """

    decimals: int | None
    digits: int | None = None
    single: bool = False


def found(finite: Array, dtype: str) -> Precision:
    """The precision of numbers, none infinite or missing. dtype: of their column, by name."""
    exact = decimals(finite, dtype)
    long = exact is None or exact >= _LONG
    if not long or finite.dtype != np.float64 or _narrow(dtype) is not np.float64 or not len(finite):
        return Precision(exact)
    values = np.unique(finite)
    single = bool(_near(in_single(values), values).all())
    if exact is not None and not single:
        few = digits(values)
        rounded = few is not None and few <= min(_ROUNDED, _digits_of(values, exact) - _FEWER)
        return Precision(None, few) if rounded else Precision(exact)
    rough = _noisy_decimals(values, single)
    if single:  # cut to 15 digits in a file, or whole
        return Precision(rough, None if (in_single(values) == values).all() else digits(values), True)
    return Precision(rough, digits(values) if rough is None else None)


def decimals(finite: Array, dtype: str) -> int | None:
    """Digits after the point that all the values have at most; None = too many to be a decimal fraction."""
    if finite.dtype == np.int64:
        return 0
    if finite.dtype == object:
        return max([0, *(-int(v.as_tuple().exponent) for v in finite if isinstance(v, decimal.Decimal))])
    values = np.unique(finite)
    top = float(np.abs(values).max(initial=0))
    narrow = _narrow(dtype)
    for places in range(PLACES):
        scale = 10.0**places
        if top * scale >= 2**53:
            break
        if all(
            bool(((np.rint(part * scale) / scale).astype(narrow).astype(np.float64) == part).all())
            for part in (_few(values), values)
        ):
            return places
    return None


def _narrow(dtype: str) -> Any:
    if "32" in dtype or dtype == "arrow[float]":
        return np.float32
    return np.float16 if "16" in dtype else np.float64


def _few(values: Array) -> Array:
    return values[:: max(1, len(values) // _SOME)]


def _near(made: Array, values: Array) -> Array:
    return np.abs(made - values) <= _NOISE * np.abs(values)


def _noisy_decimals(values: Array, single: bool) -> int | None:
    """The decimals of distinct numbers with noise; None where full precision would look alike by chance."""
    size = np.abs(values)
    width = size * (2 * (_SINGLE if single else _NOISE))
    for digits in range(PLACES):
        step = 10.0**-digits
        with np.errstate(over="ignore"):
            chance = np.log(np.minimum(width[width > 0] / step, 1.0)).sum()
        if chance > np.log(_CHANCE):
            return None
        for part in (_few(values), values):
            with np.errstate(over="ignore"):
                made = np.rint(part / step) / 10.0**digits
            if not _near(in_single(made) if single else made, part).all():
                break
        else:
            return digits
    return None


def _digits_of(values: Array, decimals: int) -> int:
    """Significant digits that half of distinct numbers would have with so many decimals."""
    size = np.median(np.abs(values))
    return decimals + 1 + int(np.floor(np.log10(size))) if size > 0 else 0


def digits(values: Array) -> int | None:
    """Significant digits that distinct numbers have at most; None from 16 on."""
    kept = None
    for digits in range(DIGITS, 0, -1):
        if not all((significant(part, digits) == part).all() for part in (_few(values), values)):
            break
        kept = digits
    return kept


# --- making --------------------------------------------------------------------------------------------


def in_single(values: Array) -> Array:
    """float64 numbers as single precision holds them."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32).astype(np.float64)


def significant(values: Array, digits: int) -> Array:
    """float64 numbers rounded to so many significant digits, from 1 to 15."""
    size = np.abs(values)
    plain = (size > 0) & np.isfinite(values)
    power = np.zeros(len(values))
    power[plain] = digits - 1 - np.floor(np.log10(size[plain]))
    made = np.array(values, dtype=np.float64)
    up, down = plain & (power >= 0) & (power <= 22), plain & (power < 0) & (power >= -22)
    made[up] = np.rint(values[up] * 10.0 ** power[up]) / 10.0 ** power[up]  # both exact: rounded but once
    made[down] = np.rint(values[down] / 10.0 ** -power[down]) * 10.0 ** -power[down]
    for row in np.flatnonzero(plain & ~up & ~down):
        made[row] = float(f"{values[row]:.{digits - 1}e}")
    return made


def rounded(values: Array, precision: Any) -> Array:
    """float64 numbers as a column has them whose `digits` and `single` are as of `Precision`."""
    if precision.single:
        values = in_single(values)
    return values if precision.digits is None else significant(values, precision.digits)
