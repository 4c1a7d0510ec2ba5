"""A table that comes alone lies where it lies among all tables."""

import numpy as np
import pandas as pd
import pytest

from lookalike.errors import DataError
from lookalike.evaluate.columns import read_columns
from lookalike.evaluate.placing import Space
from lookalike.evaluate.space import points
from tests.evaluate.every_kind import table


def test_parts_lie_where_the_whole_does():
    real, synthetic = table(60, 0), table(40, 1)
    whole = points(read_columns({"real": real, "synthetic": synthetic}), 0)[0]["synthetic"]
    space, order = Space(real, synthetic, 0), np.argsort(synthetic["x"].to_numpy())
    parts = [space(synthetic.iloc[order[:7]]), space(synthetic.iloc[order[7:]])]
    assert np.concatenate(parts) == pytest.approx(whole[order], abs=1e-6)


def test_an_unknown_category_is_none_of_the_known():
    real = pd.DataFrame({"a": ["x", "y"] * 10})
    found = Space(real, real, 0)(pd.DataFrame({"a": ["x", "z", None, "w"]}))
    assert (found[1] == found[3]).all() and len(np.unique(found, axis=0)) == 3


def test_what_does_not_fit_is_a_sentence():
    real = pd.DataFrame({"a": ["x", "y"] * 10, "b": range(20)})
    space = Space(real, real, 0)
    with pytest.raises(DataError, match="no column 'b'"):
        space(real[["a"]])
    with pytest.raises(DataError, match="'b' holds numbers in the real table, but 'many'"):
        space(pd.DataFrame({"a": ["x"], "b": ["many"]}))
    with pytest.raises(DataError, match="unique ids"):
        Space(pd.DataFrame({"a": [f"id-{i:06}" for i in range(100)]}), real[["a"]], 0)
