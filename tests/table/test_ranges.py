"""Ranges are read end by end, and written back as they stand."""

import numpy as np
import pytest

from lookalike.errors import SchemaError
from lookalike.table import ranges
from lookalike.table.column import Column


@pytest.mark.parametrize(
    ("texts", "cell", "ends"),
    [
        (["{%Y-%m-%d} / {%Y-%m-%d}"], "2019-01-03 / 2019-01-09", ("2019-01-03", "2019-01-09")),
        (["{%b %-d} - {%b %-d, %Y}"], "Aug 20 - Aug 28, 2018", ("2018-08-20", "2018-08-28")),
        (["{%b %-d} - {%b %-d, %Y}"], "Dec 28 - Jan 3, 2019", ("2018-12-28", "2019-01-03")),
        (["{%b %-d, %Y} - {%b %-d}"], "Dec 28, 2018 - Jan 3", ("2018-12-28", "2019-01-03")),
        (["{%b %-d}-{%-d, %Y}"], "Aug 20-28, 2018", ("2018-08-20", "2018-08-28")),
        (["{%-d}-{%-d %b %Y}"], "20-28 Aug 2018", ("2018-08-20", "2018-08-28")),
        (["{%-d. %{de}B} bis {%-d. %{de}B %Y}"], "3. März bis 9. Mai 2018", ("2018-03-03", "2018-05-09")),
        (["{%-H:%M}-{%-H:%M}"], "9:00-17:30", ("09:00:00", "17:30:00")),
        (["{%-I:%M}-{%-I:%M %p}"], "9:00-11:30 PM", ("21:00:00", "23:30:00")),
        (["{$#,##0} - {$#,##0}"], "$1,000 - $1,500", ("1000", "1500")),
        (["{0}-{0} kg", "{0.0#}-{0.0#} kg"], "1.5-2.25 kg", ("1.5", "2.25")),
        (["{0} to {0} years", "{0}+ years"], "5 to 7 years", ("5", "7")),
        (["{0} to {0} years", "{0}+ years"], "5+ years", ("5", None)),
        (["{[hh]:mm}-{[hh]:mm}"], "09:00-26:00", ("09:00", "26:00")),
    ],
)
def test_cells_are_read_and_written_back(texts: list[str], cell: str, ends: tuple[str, str | None]) -> None:
    first, last, which = ranges.read([cell, None, "nothing 1"], texts)
    assert (first[0], last[0]) == ends and which[0] >= 0 and (which[1:] == -1).all()
    assert first[1] is None and first[2] is None
    assert ranges.write(first, last, which, texts).tolist() == [cell, None, None]


def test_a_format_that_does_not_say_both_ends_gives_way_to_one_that_does() -> None:
    texts = ["{%b %-d}-{%-d, %Y}", "{%b %-d} - {%b %-d, %Y}", "{%b %-d, %Y} - {%b %-d, %Y}"]
    first = np.array(["2018-08-20", "2018-08-30", "2016-08-30"], dtype=object)
    last = np.array(["2018-08-28", "2018-09-02", "2018-09-02"], dtype=object)
    made = ranges.write(first, last, np.zeros(3, dtype=int), texts)
    assert made.tolist() == ["Aug 20-28, 2018", "Aug 30 - Sep 2, 2018", "Aug 30, 2016 - Sep 2, 2018"]


@pytest.mark.parametrize(
    "text", [None, "plain", "{0}", "{0}{0}", "{0}-{%Y}", "{0}-{0}-{0}", ["{0}-{0}", "{%Y}-{%Y}"]]
)
def test_a_format_without_two_ends_is_refused(text: object) -> None:
    with pytest.raises(SchemaError, match="format of each end"):
        ranges.check_format(Column("x", "range", "object", format=text))  # type: ignore[arg-type]
