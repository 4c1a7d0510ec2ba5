"""A column <-> tokens: one file per kind of column, and the record that joins them.

Every codec file has the same plain functions:
    analyse(series, column, rare) -> params         what is learned of a column
    slots(params, column) -> [Slot]                 the column's positions in a record
    encode(params, series, column) -> tokens, cells             each (rows, slots of the column)
    decode(params, column, tokens, cells, rng, condition) -> Series
    allowed(params, column, condition) -> {slot of the column: (tokens, cells) share}
"""

from __future__ import annotations

from typing import Any

from lookalike.codec import category, constant, datetime, drop, ids, keys, number, structure, text

CODECS: dict[str, Any] = {
    "category": category,
    "boolean": category,
    "number": number,
    "datetime": datetime,
    "text": text,
    "code": text,
    "json": structure,
    "id": ids,
    "constant": constant,
    "key": keys,
    "pseudonym": keys,
    "drop": drop,
}
RUNS = ("text", "code", "json")  # their slots are runs: `analyse` gives `texts`, and they have `room`

from lookalike.codec.record import RecordCodec, dropped_notes  # noqa: E402  (it needs CODECS)
from lookalike.codec.slot import Slot  # noqa: E402
from lookalike.codec.where import NOT_MISSING, parse_where  # noqa: E402

__all__ = ["CODECS", "NOT_MISSING", "RUNS", "RecordCodec", "Slot", "dropped_notes", "parse_where"]
