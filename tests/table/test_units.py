"""Units around numbers."""

import pytest

from lookalike.table.units import are_several


@pytest.mark.parametrize(
    ("texts", "several"),
    [
        (["0.00 EUR", "#,##0 JPY"], True),
        (["0 min", "0.0 h"], True),
        (["0.0%", "0.000"], True),
        (["0.0M", "0.0k"], True),
        (["$0.00", "0.00 USD", "US$0"], False),
        (["$#,##0", "$0.00"], False),
        (["0 day", "0 days"], False),
        (["0.0", "0.0 kg"], False),
        (["0.00", "#,##0"], False),
        (["0", "0*", "[0]"], False),
    ],
)
def test_formats_of_several_units(texts: list[str], several: bool) -> None:
    assert are_several(texts) == several
