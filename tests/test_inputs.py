"""What `generate` takes of its arguments, before any training or call."""

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

import lookalike
from lookalike.errors import ConditionError
from lookalike.inputs import inputs_of

REAL = pd.DataFrame({"age": [20, 35, 50, 65] * 10, "city": list("abcd") * 10, "note": ["x"] * 40})
NOTHING: dict[str, Any] = {name: None for name in ("where", "target", "curate", "holdout", "out", "seed")}


def asked(synthesizer: Any = None, schema: Any = None, **arguments: Any) -> Any:
    return inputs_of(REAL, None, synthesizer, schema, **NOTHING | arguments, progress=False)


def test_what_is_not_given_follows_from_the_table() -> None:
    given = asked()
    assert isinstance(given.synthesizer, lookalike.DiffLM)
    assert (given.n, given.seed, given.target, given.curation) == (40, 0, None, None)
    assert given.codec is given.conditions is given.holdout is None
    assert given.alike.equals(REAL) and given.schema.names == ["age", "city", "note"]


def test_a_seed_is_that_of_the_call_else_of_the_synthesizer() -> None:
    model = lookalike.DiffLM(seed=5, progress=False)
    assert asked(model).seed == 5
    assert asked(model, seed=7).seed == 7
    assert asked(seed=7).synthesizer.seed == 7
    nameless = SimpleNamespace(fit=print, sample=print, seed=None)
    assert asked(nameless).seed == 0


def test_dropped_columns_are_gone_from_both_tables() -> None:
    schema = lookalike.infer(REAL)
    schema["note"].kind = "drop"
    given = asked(schema=schema, holdout=REAL.head(5))
    assert list(given.real) == list(given.holdout) == ["age", "city"]


def test_the_report_compares_with_the_rows_that_satisfy_the_conditions() -> None:
    given = asked(where=["city=a,b"], holdout=REAL[REAL["city"].isin(["b", "c"])])
    assert set(given.alike["city"]) == {"a", "b"} and len(given.real) == 40
    assert set(given.alike_holdout["city"]) == {"b"}
    assert asked(where={"city": "a"}, holdout=REAL[REAL["city"] == "d"]).alike_holdout is None
    with pytest.raises(ConditionError, match="no real row satisfies all the conditions at once"):
        asked(where={"city": "a", "age": (50, 60)})


def test_the_usual_checks_are_asked_for_by_true() -> None:
    assert asked(curate=True, target="city").curation == {"label": "city"}
    assert asked(curate={"near": 0.8}).curation == {"near": 0.8}
