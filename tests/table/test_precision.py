"""How exact numbers are: decimals behind noise, significant digits, single precision."""

import io

import numpy as np
import pandas as pd
import pytest

from lookalike.codec.record import RecordCodec
from lookalike.errors import OptionError
from lookalike.table.inferring import infer
from lookalike.table.precision import Precision, found, in_single, significant
from lookalike.table.schema import Schema

RNG = np.random.default_rng(0)
FULL = RNG.normal(10, 3, 400)
CENTS = FULL.round(2)
WRITTEN = np.array([float(f"{x:.15g}") for x in in_single(CENTS)])  # in a file of 15 digits


@pytest.mark.parametrize(
    ("values", "precision"),
    [
        (FULL, Precision(None)),
        (CENTS, Precision(2)),
        (in_single(CENTS), Precision(2, None, True)),
        (WRITTEN, Precision(2, 15, True)),
        (in_single(FULL), Precision(None, None, True)),
        (CENTS + 0.1 + 0.2 - 0.3, Precision(2)),  # 9.940000000000001
        (significant(FULL / 12, 15), Precision(None, 15)),
        (significant(RNG.normal(size=400) * 10.0 ** RNG.integers(-20, 20, 400), 7), Precision(None, 7)),
        (np.array([0.1, 0.2, 0.1 + 0.2]), Precision(1)),
        (in_single(RNG.normal(1e5, 1e4, 5)), Precision(None, None, True)),  # two decimals would be chance
        (significant(10.0 ** RNG.uniform(-9, 0, 400), 3), Precision(None, 3)),  # chances, not 11 decimals
        (RNG.normal(0.5, 0.1, 400).round(6), Precision(6)),
        (np.array([1e308, 0.3, -1e-308]), Precision(None, 1)),
        (np.arange(60) * 1.37e30, Precision(None)),  # 0 is whole, which says nothing of the others
    ],
)
def test_what_is_found(values: np.ndarray, precision: Precision) -> None:
    assert found(values, "float64") == precision


@pytest.mark.parametrize("digits", [1, 3, 7, 12])
def test_significant_digits_are_those_of_the_text(digits: int) -> None:
    values = RNG.normal(size=2000) * 10.0 ** RNG.integers(-300, 300, 2000)
    wanted = [float(f"{value:.{digits - 1}e}") for value in values]
    assert significant(values, digits).tolist() == wanted
    assert significant(np.array([0.0, -0.0, np.inf]), digits).tolist() == [0.0, 0.0, np.inf]


def drawn(values: np.ndarray) -> pd.Series:
    """400 values that are made of the tokens of a column."""
    table = pd.DataFrame({"x": values})
    codec = RecordCodec.fit(table, infer(table))
    return codec.decode(*codec.encode(table), np.random.default_rng(1))["x"]


def test_what_is_drawn_is_as_exact_as_the_real_numbers() -> None:
    made = drawn(in_single(CENTS))
    assert not (made == made.round(2)).all() and (made == in_single(made.round(2).to_numpy())).all()
    assert made.nunique() > 150
    assert (drawn(WRITTEN).map(lambda x: float(f"{x:.15g}")) == drawn(WRITTEN)).all()
    assert (drawn(in_single(FULL)) == in_single(drawn(in_single(FULL)).to_numpy())).all()
    noisy = drawn(CENTS + 0.1 + 0.2 - 0.3)
    assert (noisy == noisy.round(2)).all()
    assert drawn(significant(FULL / 12, 15)).map(repr).map(len).max() <= 17
    assert drawn(FULL).map(repr).map(len).max() >= 18


def test_numbers_beside_a_cell_that_is_none_are_as_exact() -> None:
    for values in (in_single(CENTS), CENTS + 0.1 + 0.2 - 0.3, significant(FULL / 12, 15)):
        cells = ["NA", "NA", "NA", "NA", "NA", *map(repr, values.tolist())]
        table = pd.DataFrame({"x": cells})
        schema = infer(table)
        exact = found(values, "float64")
        assert (schema["x"].decimals, schema["x"].digits, schema["x"].single) == exact
        codec = RecordCodec.fit(table, schema)
        made = codec.decode(*codec.encode(table), np.random.default_rng(1))["x"]
        assert (made == "NA").sum() == 5
        numbers = made[made != "NA"].astype(float).to_numpy()
        assert found(numbers, "float64") == exact and made[made != "NA"].map(len).max() <= 19
    powers = infer(pd.DataFrame({"x": ["NA"] * 5 + [f"{x:.2E}" for x in (FULL * 1e3).tolist()]}))
    assert powers["x"].decimals is None and powers["x"].format == "0.00E+00"
    chances = significant(10.0 ** RNG.uniform(-9, 0, 400), 3)
    table = pd.DataFrame({"x": ["NA"] * 5 + [f"{x:.3g}" for x in chances.tolist()]})
    codec = RecordCodec.fit(table, infer(table))
    made = codec.decode(*codec.encode(table), np.random.default_rng(1))["x"]
    assert found(made[made != "NA"].astype(float).to_numpy(), "float64") == Precision(None, 3)


def test_the_schema_keeps_and_says_it() -> None:
    table = pd.read_csv(
        io.StringIO("a,b\n" + "\n".join(f"{x!r},{10 ** (x - 25):.6g}" for x in WRITTEN.tolist()))
    )
    schema = infer(table)
    assert (schema["a"].decimals, schema["a"].digits, schema["a"].single) == (2, 15, True)
    assert (schema["b"].decimals, schema["b"].digits, schema["b"].single) == (None, 6, False)
    assert Schema.from_dict(schema.to_dict()).columns == schema.columns
    assert "2 decimals, single precision" in repr(schema) and "6 digits" in repr(schema)
    schema["b"].digits = 16
    with pytest.raises(OptionError, match="digits of column 'b' is 16"):
        Schema.from_dict(schema.to_dict())
