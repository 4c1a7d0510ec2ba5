"""Pieces of HTML: whole, and nothing in them is read as a tag."""

from lookalike.markup import shown


def test_a_table_and_notes() -> None:
    html = shown("a < b", ("column", "kind"), [("<script>", 1)], ["x & y"])
    assert html.startswith("<p><b>a &lt; b</b></p><table>") and html.endswith("<ul><li>x &amp; y</li></ul>")
    assert html.count("<td") == html.count("<th ") == 2 and "&lt;script&gt;" in html
    assert shown("none", (), ()) == "<p><b>none</b></p>"
