"""Lists of items as tokens, and as JSON text."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from lookalike.codec.celltext import Asked
from lookalike.codec.kinds import lists
from lookalike.codec.learned import LEARNED, UNKNOWN
from lookalike.codec.record import RecordCodec
from lookalike.errors import ConditionError, SchemaError
from lookalike.table.inferring import infer
from tests.table.test_lists import WORDS, drawn


def table(ordered: bool = True) -> pd.DataFrame:
    made = drawn(ordered=ordered)
    for own in made[:3]:
        own.append("Western")  # of too few rows
    cells = [*(str(own) for own in made), *["[]"] * 20]
    return pd.DataFrame({"x": [*cells, None, None], "n": range(len(cells) + 2)})


def codec(real: pd.DataFrame) -> RecordCodec:
    return RecordCodec.fit(real, infer(real))


@pytest.mark.parametrize("ordered", [True, False])
def test_cells_come_back_as_they_are(ordered: bool) -> None:
    real = table(ordered)
    own = codec(real)
    assert own.schema["x"].kind == "list" and own.params_of("x").ordered == ordered
    saved = RecordCodec.from_dict(*own.to_dict())
    for one in (own, saved):
        back = one.decode(*one.encode(real), np.random.default_rng(0))
        pd.testing.assert_series_equal(back["x"][3:], real["x"][3:])
    assert not back["x"].str.contains("Western").any()
    assert own.notes() == [
        "column 'x': 1 of 10 items occur in too few rows and are not reproduced: 'Western'; keep them with "
        "--keep-rare"
    ]
    assert "Western" not in own.notes(names=False)[0] and "Western" not in json.dumps(own.to_dict()[0])


def test_slots_end_behind_the_last_item() -> None:
    real = table()
    own = codec(real)
    params, tokens = own.params_of("x"), own.encode(real)[0]
    first = [slot.column for slot in own.slots].index("x")
    tokens = tokens[:, first : first + len(params.counts)]
    end = params.token(lists.END)
    for row, cell in zip(tokens, real["x"], strict=True):
        many = 0 if not isinstance(cell, str) or cell == "[]" else cell.count(",") + 1
        assert (row[many + 1 :] == -1).all() and (many in (0, len(row)) or row[many] == end)
    slot = own.slots[first]
    assert set(slot.ends) == {end, params.token(lists.MISSING), params.token(lists.SPECIAL)}
    assert slot.banned == (params.token(lists.OTHER),) and slot.counts[:, 0].sum() == len(real)
    assert (
        slot.counts[params.token(lists.MISSING), 0] == 2 and slot.counts[params.token(lists.SPECIAL), 0] == 20
    )


@pytest.mark.parametrize("ordered", [True, False])
def test_whatever_is_drawn_no_item_comes_twice_and_the_order_is_kept(ordered: bool) -> None:
    own = codec(table(ordered))
    params, column = own.params_of("x"), own.schema["x"]
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, len(params.items), (500, len(params.counts)))
    tokens[:, 4] = params.token(lists.END)
    made = lists.decode(params, column, tokens, np.zeros_like(tokens), rng)
    items = [json.loads(cell.replace("'", '"')) for cell in made]
    assert all(len(one) == len(set(one)) == 4 and set(one) <= set(WORDS) for one in items)
    assert all(one == sorted(one, key=WORDS.index) for one in items) == ordered
    other = np.full_like(tokens, params.token(lists.OTHER))
    assert lists.decode(params, column, other, other, rng).notna().all()


def test_one_cell_can_be_asked_for() -> None:
    own = codec(table())
    params = own.params_of("x")
    share = own.allowed({"x": "['Drama', 'Crime']"})
    wanted = [params.items.index("Drama"), params.items.index("Crime"), params.token(lists.END)]
    assert [int(share[place][:, 0].argmax()) for place in sorted(share)] == wanted
    assert all(one.sum() == 1 for one in share.values())
    assert own.allowed({"x": None})[min(share)].sum() == 1
    assert own.allowed({"x": "[]"})[min(share)].sum() == 1
    for wrong in ("Drama", "['Drama', 'Opera']", "['Western']"):
        with pytest.raises(ConditionError, match=r"not written as .* such as 'Drama'"):
            own.allowed({"x": wrong})
    with pytest.raises(ConditionError, match="several items"):
        own.allowed({"x": ["['Drama']", "['Crime']"]})
    with pytest.raises(ConditionError, match="no value of column 'x' is missing"):
        codec(table().dropna()).allowed({"x": None})


def test_what_was_learned_is_told_from_what_was_not() -> None:
    own = codec(table())
    values = pd.Series(["['War', 'Drama']", "[]", "['Opera']", "Drama", "['Western']"])
    known = lists.learned(own.params_of("x"), own.schema["x"], values).tolist()
    assert known == [LEARNED, LEARNED, UNKNOWN, UNKNOWN, UNKNOWN]


def test_cells_as_json_text() -> None:
    real = table()
    own = codec(real)
    params, column = own.params_of("x"), own.schema["x"]
    shape = lists.shape(params, column)
    assert shape["anyOf"][1] == {"enum": ["[]", None]}
    pattern = re.compile(shape["anyOf"][0]["pattern"])
    texts = lists.write(params, column, real["x"])
    cells = [json.loads(text) for text in texts]
    assert all(cell is None or cell == "[]" or pattern.fullmatch(cell) for cell in cells[3:])
    assert not pattern.fullmatch("['Opera']") and not pattern.fullmatch("[]")
    pd.testing.assert_series_equal(lists.read(params, column, texts)[3:], real["x"][3:], check_names=False)


def test_what_a_language_model_is_told() -> None:
    real = table()
    told = lists.asked(real["x"].dropna(), codec(real).schema["x"])
    assert isinstance(told, Asked) and '"Drama"' in told.said and "Western" not in told.said
    assert told.value("['War', 'Drama']") == "['War', 'Drama']" and told.value("[]") == "[]"
    for wrong in ("['War', 'War']", "['Western']", "War"):
        with pytest.raises(ValueError, match=re.escape(wrong)):
            told.value(wrong)


def test_a_column_can_be_declared_a_list() -> None:
    cells = np.random.default_rng(0).choice(["a|b", "a", "b|c", "a|b|c"], 200)
    real = pd.DataFrame({"x": cells})
    schema = infer(real)
    assert schema["x"].kind == "category"
    schema["x"].kind, schema["x"].format = "list", "{item}|{item}"
    assert RecordCodec.fit(real, schema).params_of("x").items == ["a", "b", "c"]
    schema["x"].format = "<{item}|{item}>"
    with pytest.raises(SchemaError, match="declared a list, but holds"):
        RecordCodec.fit(real, schema)
    schema["x"].format = None
    with pytest.raises(SchemaError, match="write the item twice"):
        RecordCodec.fit(real, schema)
