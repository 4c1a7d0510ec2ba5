"""JSON columns: what comes back, that whatever is decoded is valid, and conditions on one value."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from jsonschema import Draft202012Validator

from lookalike.codec import NOT_MISSING, RecordCodec
from lookalike.codec.kinds import structure
from lookalike.errors import ConditionError, SchemaError
from lookalike.table.inferring import infer
from lookalike.table.schema import Schema
from lookalike.texts.syntax import exact
from tests.paths import DATA

BFCL = [json.loads(line) for line in (DATA / "bfcl.jsonl").open(encoding="utf-8")]
ARGUMENTS: list[Any] = [
    {"city": ["Rome", "Łódź", "Oslo"][i % 3], "days": i, "exact": [i / 4] if i % 2 else []} for i in range(60)
]


def codec_of(values: list[Any], **facts: Any) -> RecordCodec:
    table = pd.DataFrame({"x": pd.Series(values, dtype=object)})
    schema = infer(table)
    for name, value in facts.items():
        setattr(schema["x"], name, value)
    assert schema["x"].kind == "json"
    return RecordCodec.fit(table, schema)


def there_and_back(codec: RecordCodec, values: list[Any]) -> list[Any]:
    tokens, cells = codec.encode(pd.DataFrame({"x": pd.Series(values, dtype=object)}))
    return codec.decode(tokens, cells, np.random.default_rng(0))["x"].tolist()


def shape(codec: RecordCodec) -> Any:
    return exact(Draft202012Validator)(json.loads(codec.params[0].shape))


def test_values_come_back_as_they_were() -> None:
    values = [*ARGUMENTS, None, None]
    codec = codec_of(values)
    assert there_and_back(codec, values) == values
    again = RecordCodec.from_dict(*codec.to_dict())
    assert there_and_back(again, values) == values


@pytest.mark.parametrize(
    "style",
    [
        {},
        {"separators": (",", ":")},
        {"ensure_ascii": False},
        {"indent": 2},
        {"separators": (",", ":"), "ensure_ascii": False},
    ],
    ids=str,
)
def test_text_comes_back_in_its_style(style: dict[str, Any]) -> None:
    texts = [json.dumps(value, **style) for value in ARGUMENTS]
    made = there_and_back(codec_of(texts), texts)
    short = [i for i, value in enumerate(ARGUMENTS) if len(json.dumps(value)) < 45]  # none of them is cut
    assert len(short) > 10 and [made[i] for i in short] == [texts[i] for i in short]


@pytest.mark.parametrize("values", [ARGUMENTS, [row["function"] for row in BFCL]], ids=["arguments", "tools"])
def test_whatever_the_tokens_the_values_are_valid(values: list[Any]) -> None:
    codec = codec_of(values)
    rng = np.random.default_rng(0)
    tokens = rng.integers(-1, codec.slots[0].tokens, (300, len(codec.slots))).astype(np.int32)
    tokens[tokens == structure.text.MISSING] = 5
    real, _ = codec.encode(pd.DataFrame({"x": values}))
    mixed = np.where(
        rng.random((len(real), real.shape[1])) < 0.9, real, tokens[: len(real)]
    )  # wrong in places
    for some in (tokens, real, mixed):
        made = codec.decode(some, np.zeros(some.shape, np.int16), rng)["x"]
        assert len(made) == len(some) and all(shape(codec).is_valid(value) for value in made)


GIVEN = {
    "type": "object",
    "properties": {"days": {"type": "integer", "minimum": 0}, "city": {"type": "string"}, "exact": {}},
    "required": ["days", "city"],
    "additionalProperties": False,
}


def test_a_schema_that_is_given_is_kept_and_checked() -> None:
    codec = codec_of(ARGUMENTS, json_schema=GIVEN)
    assert json.loads(codec.params[0].shape) == GIVEN
    assert all(list(value) == ["days", "city", "exact"] for value in there_and_back(codec, ARGUMENTS))
    with pytest.raises(SchemaError, match=r"'x'.*row 0 at \$: .*'exact' was unexpected"):
        codec_of(ARGUMENTS, json_schema=GIVEN | {"properties": {"days": {}, "city": {}}})
    with pytest.raises(SchemaError, match=r"'x'.*uniqueItems"):
        codec_of([[i] for i in range(20)], json_schema={"type": "array", "uniqueItems": True})


def test_a_schema_file_keeps_a_json_schema_as_it_is(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": ARGUMENTS})
    schema = infer(table)
    schema["x"].json_schema = GIVEN
    schema.save(tmp_path / "schema.json")
    assert json.loads((tmp_path / "schema.json").read_text())["columns"][0]["json_schema"] == GIVEN
    back = Schema.load(tmp_path / "schema.json")
    assert back["x"] == schema["x"]
    assert json.loads(RecordCodec.fit(table, back).params[0].shape) == GIVEN


def test_one_exact_value_can_be_asked_for() -> None:
    values = [*({"n": i % 9, "t": "ab"[i % 2]} for i in range(90)), None]
    codec = codec_of(values)
    tokens, _ = codec.encode(pd.DataFrame({"x": values}))
    for wanted in (values[4], json.dumps(values[4]), '{"t":"a","n":4}'):
        shares = codec.allowed({"x": wanted})
        assert {slot: int(share[:, 0].argmax()) for slot, share in shares.items()} == {
            slot: token for slot, token in enumerate(tokens[4].tolist()) if token >= 0
        }
    assert codec.allowed({"x": None})[0][structure.text.MISSING, 0] == 1
    assert codec.allowed({"x": NOT_MISSING})[0][structure.text.MISSING, 0] == 0
    for refused in ('{"n": ', (1, 2)):
        with pytest.raises(ConditionError, match="'x'"):
            codec.allowed({"x": refused})


def test_every_sub_word_may_be_needed() -> None:
    codec = codec_of(ARGUMENTS)
    assert all((slot.counts[structure.text.FIRST :] > 0).all() for slot in codec.slots)


def test_the_grammar_is_compiled_once_and_speaks_the_slots_tokens() -> None:
    codec = codec_of(ARGUMENTS)
    grammar = structure.grammar(codec.params[0], codec.schema["x"])
    assert structure.grammar(codec.params[0], codec.schema["x"]) is grammar
    tokens, _ = codec.encode(pd.DataFrame({"x": ARGUMENTS}))
    walk = grammar.walk(len(tokens))
    live = np.arange(len(tokens))
    for slot in tokens.T:
        live = live[slot[live] >= 0]
        mask = walk.mask(live)
        assert mask.shape == (len(live), codec.slots[0].tokens)
        assert mask[np.arange(len(live)), slot[live]].all()
        walk.take(live, slot[live])
