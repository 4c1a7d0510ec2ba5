"""A figure and what is said of it; what several chapters find, as one."""

import numpy as np
import pytest

from lookalike.evaluate.section import Entry, Section, entry, share


def test_an_entry_says_only_what_is_known() -> None:
    assert entry(float("nan"), 0.5, 0.1).to_dict() == {
        "value": None,
        "reference": 0.5,
        "low": None,
        "high": None,
    }
    found = entry(np.float64(0.5), None, 0.1, 0.2).to_dict()
    assert found == {
        "value": 0.5,
        "reference": None,
        "low": pytest.approx(0.304),
        "high": pytest.approx(0.696),
        "chance": 0.2,
    }
    assert type(found["value"]) is float
    assert Entry(0.1, allowed=(0.1, 0.5)).to_dict()["chance"] is None
    assert Entry(0.1, allowed=(0.1, 0.5)).to_dict()["allowed"] == [0.1, 0.5]


def test_an_interval_ends_where_the_figure_does() -> None:
    assert (entry(0.05, spread=0.1).low, entry(0.95, spread=0.1).high) == (0.0, 1.0)
    assert entry(0.05, spread=0.1, bounds=(-1.0, 1.0)).low == pytest.approx(0.05 - 0.196)


def test_a_share_of_rows_has_the_spread_of_a_coin() -> None:
    found = share(np.repeat([True, False], [20, 80]), np.array([True, False]))
    assert (found.value, found.reference) == (0.2, 0.5)
    assert found.high - found.value == pytest.approx(1.96 * np.sqrt(0.2 * 0.8 / 100))


def test_sections_are_merged() -> None:
    one = Section({"fidelity": {"a": Entry(1.0)}}, sizes={"pairs": 3}, warnings=["first"])
    one.add(Section({"fidelity": {"b": Entry(2.0)}, "privacy": {"c": Entry(3.0)}}, warnings=["second"]))
    one.add(Section(sizes={"detection": 4}, verbatim=[]))
    assert one.entries == {
        "fidelity": {"a": Entry(1.0), "b": Entry(2.0)},
        "privacy": {"c": Entry(3.0)},
    }
    assert one.sizes == {"pairs": 3, "detection": 4}
    assert one.warnings == ["first", "second"] and one.verbatim == [] and one.spectra is None
