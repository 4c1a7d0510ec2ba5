"""Every dtype comes back exactly."""

import json

import numpy as np
import pandas as pd
import pytest

from lookalike.codec import RecordCodec
from lookalike.table.inferring import infer
from tests.table.columns import many_dtypes


@pytest.mark.parametrize(("name", "series"), many_dtypes().items())
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_every_dtype_comes_back_exactly(name: str, series: pd.Series) -> None:
    table = pd.DataFrame({name: series})
    codec = RecordCodec.fit(table, infer(table))
    facts, arrays = codec.to_dict()
    codec = RecordCodec.from_dict(json.loads(json.dumps(facts)), arrays)  # as a saved model would have it
    back = codec.decode(*codec.encode(table), np.random.default_rng(0))[name]
    assert back.dtype == series.dtype
    assert (back.isna() == series.isna()).all()
    real, made = series.dropna(), back.dropna()
    if series.dtype == object and len(real):
        assert {type(value) for value in made} == {type(value) for value in real}
    if codec.schema[name].kind in ("number", "datetime"):
        assert real.min() <= made.min() and made.max() <= real.max()
    elif codec.schema[name].kind != "id":
        assert set(made) <= set(real)
    else:
        assert not set(made) & set(real) and made.is_unique
