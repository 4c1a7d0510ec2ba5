"""Tables <-> tokens, and cells <-> JSON text: a file for each kind of column (`kinds/`), the record joins
them.

`codecs.py` lists what a kind's file holds, and names the kinds.
"""

from __future__ import annotations

from lookalike.codec.codecs import CODECS, SPANS
from lookalike.codec.record import RecordCodec, dropped_notes
from lookalike.codec.slot import Slot
from lookalike.codec.where import NOT_MISSING, parse_where

__all__ = ["CODECS", "NOT_MISSING", "SPANS", "RecordCodec", "Slot", "dropped_notes", "parse_where"]
