"""The sizes of the networks."""

import numpy as np
import pandas as pd

SHIPPED = True  # the sizes of its networks
RNG = np.random.default_rng(0)
TABLE = pd.DataFrame({"x": RNG.normal(size=60), "kind": RNG.choice(list("abc"), 60)})
NOTES = [f"note {i} says {' '.join(RNG.choice(['sun', 'rain', 'snow', 'wind'], 4))}" for i in range(60)]


def test_a_table_with_texts_gets_a_larger_model(quick) -> None:  # type: ignore[no-untyped-def]
    plain, texts = (quick(1, 1).fit(table).vae.config for table in (TABLE, TABLE.assign(note=NOTES)))
    assert (plain.width, plain.layers, plain.heads, plain.expansion) == (64, 2, 2, 2)
    assert (texts.width, texts.layers, texts.heads, texts.expansion) == (128, 3, 4, 4)
    assert plain.word_dropout == 0 < texts.word_dropout


def test_columns_that_lose_values_are_written_after_the_others(quick) -> None:  # type: ignore[no-untyped-def]
    """Else what is written in place of a lost value would change the columns after it."""
    often = pd.Series(RNG.choice(list("abc"), 240))
    seldom = [f"s{i}" if i < 40 else kind for i, kind in enumerate(RNG.choice(list("uv"), 240))]
    table = pd.DataFrame({"seldom": seldom, "often": often, "x": RNG.normal(size=240).round(2)})
    model = quick(1, 1).fit(table)
    assert [slot.column for slot in model.fitted.slots if slot.lost > 0.1] == ["seldom"]
    order = [model.fitted.records.columns[column] for column in model.vae.arranged]
    assert order == ["often", "x", "seldom"]
