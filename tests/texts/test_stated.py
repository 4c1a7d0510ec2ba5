"""Whether a text states a value."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest

from lookalike.texts.stated import states

REPORT = "ON 2/14/2014 IN ST. LOUIS COUNTY. DAMAGE WAS 12,345 DOLLARS at 3.5 mph."
LETTER = "On February 14th, 2014 at 10:30 PM near the blue_bird of Rome, 5 cars; 3 Mar. 2015 at noon."


@pytest.mark.parametrize(
    ("text", "value", "stated"),
    [
        (REPORT, "2/14/2014 0:00", True),
        (REPORT, "2014-02-14", True),
        (REPORT, pd.Timestamp("2014-02-14"), True),
        (REPORT, date(2014, 2, 14), True),
        (REPORT, "14/2/2014", False),
        (REPORT, "2/14/2014 10:30", False),
        (REPORT, 12345, True),
        (REPORT, 12345.0, True),
        (REPORT, "12345", True),
        (REPORT, 2345, False),
        (REPORT, 14, False),  # it is part of a date
        (REPORT, 3.5, True),
        (REPORT, 5, False),
        (REPORT, "St. Louis", True),
        (REPORT, "Louis St", False),
        (REPORT, ["St. Louis", 12345], True),
        (REPORT, ["St. Louis", 1], False),
        (REPORT, None, True),
        (REPORT, float("nan"), True),
        (REPORT, "", True),
        (LETTER, "14.02.2014", True),
        (LETTER, "2/14/2014 22:30", True),
        (LETTER, "2/14/2014 10:31", False),
        (LETTER, "2014-02-15", False),
        (LETTER, "2015-03-03", True),
        (LETTER, "blue bird", True),
        (LETTER, -5, True),
        (LETTER, True, False),
        ("", "x", False),
        ("am 3. 2.2014", "2014-02-03", False),
    ],
)
def test_what_a_text_states(text: str, value: Any, stated: bool) -> None:
    assert states(text, value) is stated
