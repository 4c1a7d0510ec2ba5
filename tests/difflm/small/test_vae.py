"""The sizes of the networks."""

import numpy as np
import pandas as pd

RNG = np.random.default_rng(0)
TABLE = pd.DataFrame({"x": RNG.normal(size=60), "kind": RNG.choice(list("abc"), 60)})
NOTES = [f"note {i} says {' '.join(RNG.choice(['sun', 'rain', 'snow', 'wind'], 4))}" for i in range(60)]


def test_a_table_with_texts_gets_a_larger_model(quick) -> None:  # type: ignore[no-untyped-def]
    plain, texts = (quick(1, 1).fit(table).vae.config for table in (TABLE, TABLE.assign(note=NOTES)))
    assert (plain.width, plain.layers, plain.heads, plain.expansion) == (64, 2, 2, 2)
    assert (texts.width, texts.layers, texts.heads, texts.expansion) == (128, 3, 4, 4)
    assert plain.word_dropout == 0 < texts.word_dropout
