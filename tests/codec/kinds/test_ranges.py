"""Ranges come back as they are, in their order, whatever the tokens are."""

import datetime
import json
import re

import numpy as np
import pandas as pd
import pytest

from lookalike.codec.grammar import Grammar, byte_tokenizer
from lookalike.codec.kinds import ranges
from lookalike.codec.learned import LEARNED, UNKNOWN
from lookalike.codec.record import RecordCodec
from lookalike.errors import ConditionError, SchemaError
from lookalike.evaluate.columns import read_columns
from lookalike.rules.find import find_rules
from lookalike.table import ranges as table_ranges
from lookalike.table.inferring import infer
from lookalike.table.rule import Joined

PIECES = [b"", *(bytes([byte]) for byte in range(256))]  # token 0 ends a text
TOKENIZER = byte_tokenizer(PIECES, 0, [], lambda text: [byte + 1 for byte in text])
DATES = r"[A-Z][a-z]{2} [1-9]\d? - [A-Z][a-z]{2} [1-9]\d?, \d{4}"


def table(rows: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    days = [datetime.date(2018, 1, 1) + datetime.timedelta(int(n)) for n in rng.integers(0, 900, rows)]
    ends = [day + datetime.timedelta(int(n)) for day, n in zip(days, rng.integers(0, 25, rows), strict=True)]
    when = [f"{a:%b} {a.day} - {b:%b} {b.day}, {b.year}" for a, b in zip(days, ends, strict=True)]
    low, high = rng.integers(20, 60, rows), rng.integers(1, 40, rows)
    pay = [f"${5 * a},000 - ${5 * (a + b)},000" for a, b in zip(low, high, strict=True)]
    pay = [f"from ${5 * a},000" if a % 4 == 0 else cell for a, cell in zip(low, pay, strict=True)]
    out = pd.DataFrame({"when": when, "pay": pay})
    out.loc[:19, "pay"] = "on request"
    out.loc[20:39, "pay"] = None
    return out


def shuffled(codec: RecordCodec, real: pd.DataFrame) -> pd.DataFrame:
    """Rows of which every slot is that of another row."""
    rng = np.random.default_rng(1)
    tokens, cells = codec.encode(real)
    for slot in range(tokens.shape[1]):
        rows = np.flatnonzero(tokens[:, slot] >= 0)
        other = rng.permutation(rows)
        tokens[rows, slot], cells[rows, slot] = tokens[other, slot], cells[other, slot]
    saved = RecordCodec.from_dict(*codec.to_dict())
    return saved.decode(tokens, cells, rng)


def test_every_cell_is_well_formed_and_keeps_the_order() -> None:
    real = table()
    codec = RecordCodec.fit(real, infer(real))
    assert [column.kind for column in codec.schema.columns] == ["range", "range"] and not codec.notes()
    made = shuffled(codec, real)
    assert made["when"].str.fullmatch(DATES).all()
    cells = made["pay"].dropna()
    two = cells[cells.str.contains(" - ")].str.replace("[$,]", "", regex=True).str.split(" - ", expand=True)
    assert (two[0].astype(int) <= two[1].astype(int)).all() and (two.astype(int) % 5_000 == 0).all(axis=None)
    assert cells.str.fullmatch(r"(from )?\$\d{3},000|\$\d{3},000 - \$\d{3},000|on request").all()
    for test in (
        lambda t: t == "on request",
        lambda t: t.isna(),
        lambda t: t.str.startswith("from").fillna(False),
    ):
        assert abs(test(made["pay"]).mean() - test(real["pay"]).mean()) < 0.03


def test_ends_are_those_of_the_real_cells() -> None:
    real = table()
    codec = RecordCodec.fit(real, infer(real))
    back = codec.decode(*codec.encode(real), np.random.default_rng(0))
    first = [
        pd.to_datetime(t["when"].str.replace(" - .*,", ",", regex=True), format="%b %d, %Y")
        for t in (real, back)
    ]
    assert (first[0] - first[1]).abs().median() <= pd.Timedelta(7, "D")


def test_one_cell_can_be_asked_for() -> None:
    real = table()
    codec = RecordCodec.fit(real, infer(real))
    cell = real["pay"][real["pay"].str.contains(" - ", na=False)].iloc[0]
    share = codec.allowed({"pay": cell})
    assert len(share) == 3 and all(0 < one.sum() < one.size for one in share.values())
    assert [one.sum() for one in codec.allowed({"pay": None}).values()] == [1]
    with pytest.raises(ConditionError, match="not written as"):
        codec.allowed({"pay": "13; 26"})
    with pytest.raises(ConditionError, match="ranges"):
        codec.allowed({"pay": ("a", "b")})
    with pytest.raises(ConditionError, match="missing"):
        codec.allowed({"when": None})


def test_what_a_language_model_writes_is_read_as_it_stands() -> None:
    """Not as another cell of its bin; what is no range is a cell of another row."""
    real = table()
    codec = RecordCodec.fit(real, infer(real))
    params, column = codec.params_of("when"), codec.schema["when"]
    inside, odd = ["Jan 2 - Jan 4, 2019", "Mar 3 - Mar 3, 2018"], ["Feb 30 - Feb 31, 2018"]
    # beyond all ends, backwards, too long
    far = ["May 1 - May 3, 2031", "May 3 - May 1, 2018", "May 1 - Sep 1, 2018"]
    cells = [*inside, *odd, *far]
    back = ranges.read(params, column, np.array([json.dumps(cell) for cell in cells], dtype=object))
    assert back[:2].tolist() == inside and not set(back) & {*odd, *far}
    assert back.str.fullmatch(DATES).all()
    pay = codec.params_of("pay")
    texts = ranges.write(pay, codec.schema["pay"], real["pay"])
    same = ranges.read(pay, codec.schema["pay"], texts).fillna("") == real["pay"].fillna("")
    assert 0.95 < same.mean() < 1  # but for ends that few rows hold


def test_json_text_reads_back_as_cells() -> None:
    real = table()
    codec = RecordCodec.fit(real, infer(real))
    params, column = codec.params_of("pay"), codec.schema["pay"]
    texts = ranges.write(params, column, real["pay"])
    back = ranges.read(params, column, texts)
    assert back.isna().tolist() == real["pay"].isna().tolist()
    text, others = ranges.shape(params, column)["anyOf"]
    for cell in real["pay"].map(lambda cell: json.loads(json.dumps(cell))):
        assert cell in others["enum"] or pd.isna(cell) or re.fullmatch(text["pattern"], cell)


def of_pairs(form: str, gap: int = 40) -> pd.Series:
    """Cells of two whole numbers in a format of Python."""
    low = np.random.default_rng(0).integers(20, 600, 400)
    return pd.Series([form.format(int(n), int(n) + 1 + i % gap) for i, n in enumerate(low)])


@pytest.mark.parametrize(
    "cells",
    [
        *(table()[name] for name in ("when", "pay")),
        of_pairs("${:,},000 - ${:,},000"),
        of_pairs("{} to {} kg"),
        of_pairs("{}.5-{}.25"),
        pd.Series([f"{i % 12}:00-{i % 12 + i * i % 11}:30" for i in range(400)]),
        of_pairs("{} 000 € \u2013 {} 000 €"),
    ],
)
def test_a_grammar_of_ranges_lets_the_cells_through_and_ends(cells: pd.Series) -> None:
    real = pd.DataFrame({"cell": cells, "other": 1})
    schema = infer(real)
    assert schema["cell"].kind == "range"
    codec = RecordCodec.fit(real, schema)
    shape = ranges.shape(codec.params_of("cell"), schema["cell"])
    (pattern,) = [one["pattern"] for one in shape.get("anyOf", [shape]) if "pattern" in one]
    assert cells.dropna()[lambda t: t != "on request"].map(lambda t: bool(re.fullmatch(pattern, t))).all()
    grammar = Grammar(shape, TOKENIZER, len(PIECES))
    rng = np.random.default_rng(0)
    walk, live, texts = grammar.walk(40), np.arange(40), [b""] * 40
    for _ in range(120):  # whatever is drawn, and no end is asked for
        mask = walk.mask(live)
        tokens = np.where(mask, rng.random(mask.shape), -1).argmax(axis=1)
        walk.take(live, tokens)
        for row, token in zip(live, tokens, strict=True):
            texts[row] += PIECES[token]
        live = live[tokens != 0]
    assert not len(live)
    read = [json.loads(text) for text in texts]
    _, _, which = table_ranges.read([text for text in read if text is not None], schema["cell"].formats)
    assert (which >= 0).mean() > 0.5


def test_what_was_learned_is_told_from_what_was_not() -> None:
    real = table()
    codec = RecordCodec.fit(real, infer(real))
    values = pd.Series([real["pay"][60], "on request", "no layout at all"])
    found = ranges.learned(codec.params_of("pay"), codec.schema["pay"], values)
    assert found.tolist() == [LEARNED, LEARNED, UNKNOWN]


def test_cells_of_another_layout_are_refused() -> None:
    real = table()
    schema = infer(real)
    real.loc[100:200, "when"] = "somewhere"
    with pytest.raises(SchemaError, match="'somewhere'"):
        RecordCodec.fit(real, schema)


def test_the_report_compares_both_ends() -> None:
    real = table()
    names = [column.name for column in read_columns({"real": real, "synthetic": real[::-1]})]
    assert names == ["when [1]", "when [2]", "pay [1]", "pay [2]"]


def test_a_range_beside_its_ends_is_made_of_them() -> None:
    days = pd.Series(pd.to_datetime("2018-01-01") + pd.to_timedelta(np.arange(400) * 7 % 900, "D"))
    ends = days + pd.to_timedelta(np.arange(400) * 5 % 23, "D")
    pairs = list(zip(days, ends, strict=True))
    real = pd.DataFrame({"start": days.dt.strftime("%Y-%m-%d"), "end": ends.dt.strftime("%Y-%m-%d")})
    real["when"] = real["start"] + " / " + real["end"]
    real["us"] = [f"{a:%b} {a.day} - {b:%b} {b.day}, {b.year}" for a, b in pairs]
    joined = {rule.column: rule.columns[1:] for rule in find_rules(real) if isinstance(rule, Joined)}
    assert joined == {"when": ("start", "end"), "us": ("start", "end")}


def test_the_last_end_is_not_clipped_below_the_first() -> None:
    rng = np.random.default_rng(0)
    low = rng.integers(10, 1_000, 600)
    cells = [
        f"{a}-{a + b} kg" if a < 300 else f"{a}+ kg"
        for a, b in zip(low, rng.integers(0, 9, 600), strict=True)
    ]
    real = pd.DataFrame({"load": cells})
    codec = RecordCodec.fit(real, infer(real))
    made = shuffled(codec, real)["load"]
    two = made[made.str.contains("-")].str.removesuffix(" kg").str.split("-", expand=True).astype(int)
    assert len(two) > 100 and two[0].max() > 300 and (two[0] <= two[1]).all()
