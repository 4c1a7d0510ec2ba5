"""What another process needs to know to write as this one would."""

import inspect

from lookalike.prompting import SynAlign
from lookalike.shards.writers import WRITER


def test_every_argument_goes_along() -> None:
    assert set(WRITER) == set(inspect.signature(SynAlign).parameters) - {"llm", "progress"}
