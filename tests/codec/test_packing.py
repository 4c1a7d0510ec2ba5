"""Params as JSON values and arrays, and back."""

import json
from dataclasses import dataclass, field

import numpy as np

from lookalike.codec.packing import pack, unpack
from lookalike.codec.slot import Array


@dataclass(frozen=True)
class Part:
    share: int
    letters: list[str]


@dataclass(frozen=True)
class Whole:
    parts: list[Part]
    counts: Array
    huge: Array
    secret: str = field(default="", metadata={"saved": False})


def test_a_dataclass_becomes_the_dict_of_its_saved_fields() -> None:
    huge = np.array([2**70, -1, None], dtype=object)[:-1]
    whole = Whole([Part(3, ["ab", "c"]), Part(1, [])], np.arange(3.0), huge, "Anna")
    arrays: dict[str, Array] = {}
    packed = json.loads(json.dumps(pack(whole, "7", arrays)))
    assert "Anna" not in str(packed) and list(arrays) == ["7.counts"]
    back = unpack(packed, arrays)
    assert back["parts"] == [{"share": 3, "letters": ["ab", "c"]}, {"share": 1, "letters": []}]
    assert back["counts"].tolist() == [0, 1, 2] and back["huge"].tolist() == [2**70, -1]
    assert set(back) == {"parts", "counts", "huge"}


def test_a_tuple_becomes_a_list() -> None:
    assert unpack(json.loads(json.dumps(pack({"a": (), "b": (1, 2)}, "7", {}))), {}) == {"a": [], "b": [1, 2]}
