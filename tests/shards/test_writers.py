"""What another process needs to know to write as this one would."""

import inspect

from lookalike.prompting import SynAlign
from lookalike.shards.writers import WRITER

OTHERWISE = {"llm", "progress", "steering"}  # it is of a plan that grows, which no shard has


def test_every_argument_goes_along() -> None:
    assert set(WRITER) == set(inspect.signature(SynAlign).parameters) - OTHERWISE
