"""Every cell that is made is as well-formed as the real ones, however short the training."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest

from lookalike import DiffLM, Schema, infer
from lookalike.codec import RecordCodec
from lookalike.errors import SchemaError
from lookalike.evaluate import evaluate

pytestmark = pytest.mark.usefixtures("few_trees", "quick_fits", "few_candidates")

ROWS = 240
RNG = np.random.default_rng(0)
AMOUNT = np.exp(RNG.normal(5, 1, ROWS)).round(2)
SIGNED = RNG.normal(0, 300, ROWS).round(1)
STAMPS = pd.to_datetime("2015-01-06") + pd.to_timedelta(RNG.integers(0, 2900 * 86400, ROWS), unit="s")
MONTH = "(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"


def blanked(cells: list[str], *words: str) -> list[str]:
    """Every tenth cell is one of the words."""
    return [words[i // 10 % len(words)] if i % 10 == 0 else cell for i, cell in enumerate(cells)]


def european(cell: str) -> str:
    return cell.translate(str.maketrans(",.", ".,"))


COLUMNS: dict[str, tuple[list[object], str]] = {
    "dollars": ([f"${x:,.2f}" for x in AMOUNT], r"\$\d{1,3}(,\d{3})*\.\d\d"),
    "euros": ([european(f"{x:,.2f} €") for x in AMOUNT], r"\d{1,3}(\.\d{3})*,\d\d €"),
    "percent": ([f"{x % 100:.1f}%" for x in AMOUNT], r"\d\d?\.\d%|100\.0%"),
    "weight": ([f"{x % 60 + 40:.1f} kg" for x in AMOUNT], r"\d{2,3}\.\d kg"),
    "tiny": ([f"{x * 1e-11:.1e}" for x in AMOUNT], r"[1-9]\.\de-\d\d"),
    "padded": ([f"{int(x) % 1000:03d}" for x in AMOUNT], r"\d{3}"),
    "zeros": ([f"{x / 1000:.1f}" for x in SIGNED], r"-?\d\.\d"),
    "fixed": ([f"{x:.2f}" for x in AMOUNT], r"\d+\.\d\d"),
    "large": ([f"{1 + int(x) % 9}E{int(x) % 7}" for x in AMOUNT], r"[1-9]E\d"),
    "brackets": ([f"({-x:,.1f})" if x < 0 else f"{x:,.1f}" for x in SIGNED], r"\([\d,]+\.\d\)|[\d,]+\.\d"),
    "signed": ([f"{x:+.1f}" for x in SIGNED], r"[+-]\d+\.\d"),
    "francs": ([f"CHF {x:,.2f}".replace(",", "'") for x in AMOUNT], r"CHF \d{1,3}('\d{3})*\.\d\d"),
    "two": ([f"${x:.2f}" if i % 3 else f"{x:.2f}" for i, x in enumerate(AMOUNT)], r"\$?\d+\.\d\d"),
    "blank": (blanked([f"{x:.2f}" for x in AMOUNT], " "), r" |\d+\.\d\d"),
    "unknown": (blanked([f"{x:.1f}" for x in AMOUNT], "?", "N/A"), r"\?|N/A|\d+\.\d"),
    "sentinel": (blanked([f"{x:.1f}" for x in AMOUNT], "-999.0"), r"-999\.0|\d+\.\d"),
    "day": (list(STAMPS.strftime("%d %b, %y")), rf"\d\d {MONTH}, \d\d"),
    "utc": (list(STAMPS.strftime("%Y-%m-%d %H:%M:%S UTC")), r"20[12]\d-\d\d-\d\d \d\d:\d\d:\d\d UTC"),
    "sql": (list(STAMPS.strftime("%Y-%m-%d %H:%M:%S.0000000")), r"20[12].{16}\.0000000"),
    "apache": (list(STAMPS.strftime("%d/%b/%Y:%H:%M:%S")), rf"\d\d/{MONTH}/20[12]\d:\d\d:\d\d:\d\d"),
    "offset": (
        [f"{t:%Y-%m-%dT%H:%M:%S}{'+02:00' if t.month in range(4, 11) else '+01:00'}" for t in STAMPS],
        r"20[12].{16}\+0[12]:00",
    ),
    "american": (list(STAMPS.strftime("%m/%d/%Y")), r"(0[1-9]|1[0-2])/\d\d/20[12]\d"),
    "open": (blanked(list(STAMPS.strftime("%Y-%m-%d")), "9999-12-31"), r"9999-12-31|20[12]\d-\d\d-\d\d"),
    "undated": (blanked(list(STAMPS.strftime("%Y-%m-%d")), "0000-00-00"), r"0000-00-00|20[12]\d-\d\d-\d\d"),
    "noon": (list(STAMPS.strftime("%I:%M %p")), r"(0[1-9]|1[0-2]):[0-5]\d [AP]M"),
    "ymd": ([int(t) for t in STAMPS.strftime("%Y%m%d")], r"20[12]\d(0[1-9]|1[0-2])([0-2]\d|3[01])"),
    "ym": ([int(t) for t in STAMPS.strftime("%Y%m")], r"20[12]\d(0[1-9]|1[0-2])"),
    "clock": ([int(t) for t in STAMPS.strftime("%H%M")], r"(1?\d|2[0-3])?[0-5]?\d"),
    "words": (["TRUE" if x > 0 else "FALSE" for x in SIGNED], "TRUE|FALSE"),
}
TABLE = pd.DataFrame({name: cells for name, (cells, _) in COLUMNS.items()})
DATES = ("day", "utc", "sql", "apache", "offset", "american", "open", "undated", "noon", "ymd", "ym", "clock")


@pytest.fixture(scope="module")
def model() -> DiffLM:
    found = DiffLM(progress=False, seed=0)
    found.train_config = dataclasses.replace(
        found.train_config, steps=(3, 3), epochs_limits=(0.0, 1e9), denoiser_steps=3, denoiser_batch=128
    )
    return found.fit(TABLE)


@pytest.fixture(scope="module")
def made(model: DiffLM) -> pd.DataFrame:
    return model.sample(400)


@pytest.mark.parametrize("name", COLUMNS)
def test_every_cell_is_well_formed_after_a_few_steps(name: str, made: pd.DataFrame) -> None:
    kind = infer(TABLE[[name]])[name].kind
    assert kind == ("datetime" if name in DATES else "category" if name == "words" else "number")
    assert made[name].dtype == TABLE[name].dtype
    wrong = [cell for cell in made[name].map(str) if not re.fullmatch(COLUMNS[name][1], cell)]
    assert not wrong
    assert all(re.fullmatch(COLUMNS[name][1], str(cell)) for cell in TABLE[name])
    if name in DATES:
        schema = infer(TABLE[[name]])
        again = infer(pd.concat([TABLE[[name]], made[[name]]], ignore_index=True))
        assert again[name].format == schema[name].format  # so every one is a date


@pytest.mark.parametrize("name", ["blank", "unknown", "sentinel", "open", "undated", "two", "offset"])
def test_what_recurs_recurs_as_often(name: str) -> None:
    codec = RecordCodec.fit(TABLE[[name]], infer(TABLE[[name]]))
    back = codec.decode(*codec.encode(TABLE), np.random.default_rng(0))[name]
    for cell in (" ", "?", "N/A", "-999.0", "9999-12-31", "0000-00-00"):
        assert ((back == cell) == (TABLE[name] == cell)).all()
    if name == "two":
        assert (back.str.startswith("$") == TABLE[name].str.startswith("$")).all()
    if name == "offset":
        assert (back.str[-5:] == TABLE[name].str[-5:]).all()


def test_conditions_are_by_number_and_by_cell(model: DiffLM) -> None:
    made = model.sample(50, where={"dollars": (100, 200), "unknown": "?", "day": ("2016", "2017")})
    amounts = made["dollars"].str.strip("$").astype(float)
    assert amounts.between(100, 200).all() and (made["unknown"] == "?").all()
    assert made["day"].str[-2:].isin(["16", "17"]).all()
    assert (model.sample(20, where={"two": (None, 300), "percent": ("10.0%", "20%")})["two"] != "").all()
    cell = TABLE["dollars"][3]
    assert (model.sample(5, where={"dollars": cell})["dollars"] == cell).all()
    made = model.sample(5, where=[f"dollars={TABLE['dollars'].max()}", "ymd=20160101..20161231"])
    assert made["ymd"].between(20160101, 20161231).all()


def test_given_cells_come_back_to_the_letter(model: DiffLM) -> None:
    given = TABLE.head(20).drop(columns=["percent", "apache"])
    made = model.sample(given=given)
    pd.testing.assert_frame_equal(made[given.columns], given)
    holes = TABLE.head(20).copy()
    holes.loc[::2, ["dollars", "unknown", "utc"]] = None
    filled = model.impute(holes)
    assert filled.notna().all().all()
    assert ((filled == holes) | holes.isna()).all().all()


def test_a_schema_with_formats_is_saved_and_edited() -> None:
    table = TABLE[["dollars", "two", "unknown"]]
    schema = infer(table)
    assert "written $#,##0.00" in repr(schema) and "or '?', 'N/A'" in repr(schema)
    again = Schema.from_dict(schema.to_dict())
    assert again == schema
    again["dollars"].format = "0.0 USD"
    with pytest.raises(SchemaError, match=r"which is not written as 0\.0 USD"):
        RecordCodec.fit(table, again)


def test_the_report_reads_numbers_and_dates_however_they_are_written(made: pd.DataFrame) -> None:
    names = ["dollars", "unknown", "day", "ymd"]
    other = made[names].assign(
        dollars=made["dollars"].str.strip("$").str.replace(",", "").astype(float),
        day=pd.to_datetime(made["day"], format="%d %b, %y"),
    )
    first, second = (evaluate(TABLE[names], one).to_dict()["columns"] for one in (made[names], other))
    assert [first[name]["kind"] for name in names] == ["number", "number", "datetime", "datetime"]
    for name in names:
        assert first[name]["shape_error"]["value"] == second[name]["shape_error"]["value"]
    words = made[names].assign(unknown="?")
    assert evaluate(TABLE[names], words).to_dict()["columns"]["unknown"]["shape_error"]["value"] > 0.8
