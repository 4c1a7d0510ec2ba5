"""Pieces of HTML: whole, and nothing in them is read as a tag; colours that every page has."""

import re

from lookalike.markup import palette, shown
from tests.paths import PACKAGE


def test_a_table_and_notes() -> None:
    html = shown("a < b", ("column", "kind"), [("<script>", 1)], ["x & y"])
    assert html.startswith("<p><b>a &lt; b</b></p><table>") and html.endswith("<ul><li>x &amp; y</li></ul>")
    assert html.count("<td") == html.count("<th ") == 2 and "&lt;script&gt;" in html
    assert shown("none", (), ()) == "<p><b>none</b></p>"


def test_every_colour_that_a_page_names_is_in_the_palette_by_day_and_by_night() -> None:
    known = re.findall(r"(--[\w-]+):", palette())
    assert {known.count(name) for name in known} == {2}
    pages = [*PACKAGE.rglob("page.html"), *PACKAGE.rglob("*.j2")]
    for page in pages:
        assert set(re.findall(r"var\((--[\w-]+)\)", page.read_text(encoding="utf-8"))) <= set(known), page
