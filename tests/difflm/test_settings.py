"""The arguments of DiffLM are checked, and a fit derives its settings from them."""

import pytest

from lookalike.difflm import DiffLM
from lookalike.errors import OptionError


def test_the_options_of_a_model_are_checked() -> None:
    for options in (
        {"rate": -1},
        {"injection": "x"},
        {"epochs": 0},
        {"seed": -1},
        {"device": "x"},
        {"max_time": "x"},
    ):
        with pytest.raises(OptionError, match=r"\.$"):
            DiffLM(**options)
    with pytest.raises(OptionError, match="learned nothing yet"):
        DiffLM().sample(3)
