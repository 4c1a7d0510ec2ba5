import numpy as np
import pandas as pd
import pytest

from lookalike.codec.kinds import compound
from lookalike.codec.learned import LEARNED, UNKNOWN
from lookalike.codec.record import RecordCodec
from lookalike.errors import ConditionError, SchemaError
from lookalike.table.inferring import infer


def table(rows: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x = np.round(rng.normal(13, 1, rows), 2)
    names = [
        f"{a} {b}"
        for a, b in zip(rng.choice(["Ada", "Ben"], rows), rng.choice(list("VWXYZ"), rows), strict=True)
    ]
    out = pd.DataFrame({"at": [f"({a}, {a * 2:.2f})" for a in x], "name": names})
    out.loc[:9, "at"] = None
    out.loc[10:39, "name"] = [f"Ada {chr(945 + i)}{chr(945 + i)}" for i in range(24)] + ["Ben V"] * 6
    return out


def codec(real: pd.DataFrame) -> RecordCodec:
    schema = infer(real)
    schema["name"].kind, schema["name"].format = "compound", "{word} {word}"
    return RecordCodec.fit(real, schema)


def test_cells_come_back_as_they_are_and_missing_ones_missing() -> None:
    real = table()
    own = codec(real)
    assert own.schema["at"].kind == "compound" and own.schema["at"].format == "({number}, {number})"
    tokens, cells = own.encode(real)
    assert (tokens[:10, 1] == -1).all()  # the second member of a missing cell is empty
    back = own.decode(tokens, cells, np.random.default_rng(0))
    assert back["at"].isna().tolist() == real["at"].isna().tolist()
    there = back["at"].dropna()
    assert there.str.fullmatch(r"\(\d+\.\d{1,2}, \d+\.\d{2}\)").all()
    first = there.str[1:].str.split(",").str[0].astype(float)
    assert np.abs(first - real["at"].dropna().str[1:].str.split(",").str[0].astype(float)).median() < 0.1


def test_a_cell_of_words_that_a_single_row_holds_is_not_written_again() -> None:
    real = table()
    own = codec(real)
    back = own.decode(*own.encode(real), np.random.default_rng(0))
    single = set(real["name"].value_counts().loc[lambda n: n == 1].index)
    assert len(single) > 10 and not single & set(back["name"])
    saved = RecordCodec.from_dict(*own.to_dict())
    again = saved.decode(*own.encode(real), np.random.default_rng(0))
    pd.testing.assert_frame_equal(again, back)


def test_one_cell_can_be_asked_for() -> None:
    real = table()
    own = codec(real)
    share = own.allowed({"at": real["at"][20]})
    assert set(share) == {0, 1} and all(0 < one.sum() < one.size for one in share.values())
    assert own.allowed({"at": None})[0].sum() == 1
    with pytest.raises(ConditionError, match="not written as"):
        own.allowed({"at": "13; 26"})
    with pytest.raises(ConditionError, match="several numbers or words"):
        own.allowed({"at": ("a", "b")})
    with pytest.raises(ConditionError, match="missing"):
        own.allowed({"name": None})


def test_what_was_learned_is_told_from_what_was_not() -> None:
    own = codec(table())
    params, column = own.params_of("name"), own.schema["name"]
    values = pd.Series(["Ada V", "Eve V", "no layout at all"])
    assert compound.learned(params, column, values).tolist() == [LEARNED, UNKNOWN, UNKNOWN]


def test_cells_of_another_layout_are_refused() -> None:
    real = table()
    real.loc[100:200, "at"] = "somewhere"
    schema = infer(real)
    schema["at"].kind, schema["at"].format = "compound", "({number}, {number})"
    schema["at"].exceptions = None
    with pytest.raises(SchemaError, match="'somewhere'"):
        RecordCodec.fit(real, schema)


def test_json_text_reads_back_as_cells() -> None:
    real = table()
    own = codec(real)
    params, column = own.params_of("at"), own.schema["at"]
    texts = compound.write(params, column, real["at"])
    assert texts[0] == "null" and texts[20] == f'"{real["at"][20]}"'
    back = compound.read(params, column, texts)
    assert back.isna().tolist() == real["at"].isna().tolist()
    assert 0.9 < (back.fillna("") == real["at"].fillna("")).mean() < 1  # but for ends that few rows hold
    assert compound.shape(params, column)["anyOf"][1] == {"enum": [None]}


@pytest.mark.parametrize(
    ("cells", "shape"),
    [
        ([f"{n * 7 % 80 + 90}/{n * 3 % 60 + 50}" for n in range(300)], r"\d+/\d+"),
        ([f"({n * 7 % 97 / 10}, {n * 13 % 89 / 10})" for n in range(300)], r"\(\d\.\d, \d\.\d\)"),
        (
            [f"{'ABCDEF'[n % 6]}nn {'ABCDEFGHIJK'[n % 11]}ee {'QRSTUVW'[n % 7]}." for n in range(300)],
            r"[A-F]nn [A-K]ee [Q-W]\.",
        ),
    ],
)
def test_a_word_in_place_of_several_members_is_an_exception(cells: list[str], shape: str) -> None:
    real = pd.DataFrame({"x": [*cells, *["not recorded"] * 60, *[None] * 40], "n": np.arange(400) % 7})
    column = infer(real)["x"]
    assert (column.kind, column.exceptions) == ("compound", ["not recorded"])
    own = RecordCodec.fit(real, infer(real))
    tokens, places = own.encode(real)
    assert (tokens[300:, 1] == -1).all()  # the other members of a word are empty
    back = RecordCodec.from_dict(*own.to_dict()).decode(tokens, places, np.random.default_rng(0))["x"]
    assert (back[300:360] == "not recorded").all() and back[360:].isna().all()
    assert back[:300].str.fullmatch(shape).all()
    assert own.allowed({"x": "not recorded"})[0].sum() == 1
    texts = compound.write(own.params_of("x"), own.schema["x"], real["x"])
    again = compound.read(own.params_of("x"), own.schema["x"], texts)
    assert (again[300:360] == "not recorded").all() and again[360:].isna().all()
    assert compound.shape(own.params_of("x"), own.schema["x"])["anyOf"][1] == {"enum": ["not recorded", None]}
