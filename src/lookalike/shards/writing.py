"""The last pass of `curate_shards`: each shard is written without the rows that are dropped."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lookalike.decisions import Decisions
from lookalike.files.place import Place
from lookalike.files.reading import read_shard
from lookalike.files.writing import ChunkWriter
from lookalike.shards.looking import Looking, array_of, decided
from lookalike.shards.plan import Plan
from lookalike.shards.repeating import decisions_of


@dataclass(frozen=True)
class Writing:
    """The last pass over a shard: its rows without those that are dropped. what was decided between
    shards lies beside each."""

    looking: Looking
    plan: Plan

    def open(self) -> Callable[[int], tuple[int, Any]]:
        place, own = Place(self.looking.out), self.looking

        def write(shard: int) -> tuple[int, Any]:
            table = read_shard(own.files[shard], own.missing, **own.how)
            single = json.loads(bytes(array_of(place, shard, "facts")))
            decisions = Decisions.of([*single, *decisions_of(place, shard)], len(table), own.label)
            kept, name = decisions.apply(table), self.plan.name(shard)
            with place.writing(decided(shard)) as partial:
                decisions.save(partial)
            with place.writing(name) as partial, ChunkWriter(partial, table.attrs.get("layout")) as writer:
                writer.write(kept)
            place.tidy(name)
            return len(table), len(kept)

        return write
