"""What the shards in a folder are of: `plan.json` beside them, which refuses another plan in the same
folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lookalike.arguments import shown
from lookalike.errors import DataError, OptionError
from lookalike.files.place import Place
from lookalike.files.sharded import PLAN, part, parts

FORMAT = 1
MILLION = 1_000_000  # rows of a shard where the number of shards is not given
WORDS = {"rows": "the number of rows", "shards": "the number of shards"}


@dataclass(frozen=True)
class Plan:
    """verb: what makes the shards. shards: how many. facts: all else that decides their bytes, as JSON
    values, such as the hash of the model, the seed, the rows.
    """

    verb: str
    shards: int
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {"format": FORMAT, "verb": self.verb, "shards": self.shards, **self.facts}

    def name(self, shard: int) -> str:
        return part(shard, self.shards)

    def begin(self, place: Place) -> set[int]:
        """The shards that are there already and whole; writes the plan where there is none.

        Raises DataError for a folder of another plan, of shards without one, or of a model.
        """
        place.make()
        names = place.names()  # before the plan, which whoever else begins now writes before any shard
        if "model.json" in names:
            raise DataError(f"{place} is the folder of a model: choose a folder of its own.")
        known = place.read(PLAN)
        if known is None:
            odd = sorted(name for name in names if name.startswith("part-"))
            if odd:
                raise DataError(f"{place} holds {odd[0]} without a {PLAN}: choose a folder of its own.")
            place.write(PLAN, (json.dumps(self.to_dict(), indent=1, ensure_ascii=False) + "\n").encode())
            return set()
        self._check(place, known)
        return {shard for shard in parts(names, self.shards) if place.holds_parquet(self.name(shard))}

    def _check(self, place: Place, known: bytes) -> None:
        try:
            found = json.loads(known)
            if not isinstance(found, dict):
                raise ValueError
        except ValueError:
            raise DataError(f"{place.of(PLAN)} is damaged: remove it with the shards beside it.") from None
        own = json.loads(json.dumps(self.to_dict()))
        for name in [*own, *found]:
            if own.get(name) != found.get(name):
                before, now = (shown(one.get(name)) for one in (found, own))
                raise DataError(
                    f"{place} holds the shards of another plan ({WORDS.get(name, name)} was {before}, now it "
                    f"is {now}): choose another folder."
                )


def rows_of(rows: int, shards: int, shard: int) -> tuple[int, int]:
    """(the first row of a shard, how many it has) where `rows` are dealt to shards as evenly as can be."""
    each, more = divmod(rows, shards)
    return shard * each + min(shard, more), each + (shard < more)


def shards_for(rows: int, shards: int | None) -> int:
    """How many shards: those that were asked for, or one a million rows. Raises OptionError for too many."""
    if shards is None:
        return -(-rows // MILLION)
    if shards > rows:
        raise OptionError(f"{rows:,} rows cannot be dealt to {shards:,} shards: choose fewer shards.")
    return shards
