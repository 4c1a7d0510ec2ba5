"""Strings of ids that are not well-formed are seen, beside the real ones."""

import random

import pandas as pd
import pytest

import lookalike
from lookalike.table.check_digits import checked

pytestmark = pytest.mark.usefixtures("few_trees")
RNG = random.Random(0)


def cards(n: int, right: bool = True) -> list[str]:
    some = [f"4{RNG.randrange(10**15):015d}" for _ in range(n)]
    return [checked(text, "luhn") for text in some] if right else some


def table(ids: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"card": ids, "n": [RNG.randrange(5) for _ in ids]})


@pytest.mark.parametrize(("made", "share"), [(cards(200), 1.0), (cards(150) + ["4 of no use"] * 50, 0.75)])
def test_the_share_of_well_formed_cells(made: list[str], share: float) -> None:
    report = lookalike.evaluate(table(cards(300)), table(made), quick=True, only=["fidelity"])
    found = report.to_dict()["fidelity"]["well_formed"]
    assert found["value"] == share and found["reference"] == 1.0
    assert any("column 'card'" in warning for warning in report.to_dict()["warnings"]) == (share < 1)


def test_a_word_in_place_of_an_id_is_none() -> None:
    real = table([*cards(300), *["none"] * 60])
    report = lookalike.evaluate(real, table([*cards(200), *["none"] * 40]), quick=True, only=["fidelity"])
    found = report.to_dict()["fidelity"]["well_formed"]
    assert found["value"] == found["reference"] == 1.0


def test_check_digits_count() -> None:
    report = lookalike.evaluate(
        table(cards(300)), table(cards(200, right=False)), quick=True, only=["fidelity"]
    )
    assert report.to_dict()["fidelity"]["well_formed"]["value"] < 0.3


def test_a_table_without_ids_has_no_such_figure() -> None:
    real = table(cards(60))[["n"]].assign(m=1.5)
    assert (
        "well_formed"
        not in lookalike.evaluate(real, real, quick=True, only=["fidelity"]).to_dict()["fidelity"]
    )
