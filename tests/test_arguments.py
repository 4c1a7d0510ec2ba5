"""What a caller hands over, checked."""

import pytest

from lookalike.arguments import close

KNOWN = [
    "age",
    "income",
    "education",
    "occupation",
    "relationship",
    "race",
    "Native-Country",
    "marital-status",
]


@pytest.mark.parametrize(
    ("wanted", "near"),
    [
        ("agee", ["age"]),
        ("eduction", ["education"]),
        ("country", ["Native-Country"]),
        ("name", []),  # income, age and race share letters with it
        ("status", ["marital-status"]),
        ("a", []),
    ],
)
def test_names_that_may_have_been_meant(wanted: str, near: list[str]) -> None:
    assert close(wanted, KNOWN) == near
