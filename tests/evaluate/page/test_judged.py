"""The page of a judge: what it says, and that nothing of a table is markup."""

from lookalike.evaluate.page.judged import judged_page
from lookalike.evaluate.section import Entry, JudgedTable, Judgement


def judgement(usable: bool = True) -> Judgement:
    table = JudgedTable(
        40,
        Entry(0.31, None, 0.2, 0.42),
        0.1,
        Entry(870.0, None, 800.0, 940.0),
        {"natural": Entry(3.5)},
        Entry(0.28, None, 0.2, 0.36),
        (0.1, 0.5),
        0.6,
        25,
    )
    share = Entry(0.95, None, 0.9, 1.0)
    figures = {"controls": share, "kinds": {"label": (19, 20)}, "usable": usable, "consistency": share}
    odds = {"first": share, "first_odds": Entry(0.1), "length_odds": Entry(0.2)}
    return Judgement("<i>m</i>", "Which?", {"<b>a": table}, {"natural": Entry(4.2)}, **figures, **odds)


def test_the_page_holds_every_figure_and_no_markup_of_a_name() -> None:
    page = judged_page(judgement(), "2026-01-02T03:04:05+00:00", "1.0", 7)
    for part in ("31% (20 to 42%)", "870 (800 to 940)", "3.50", "4.20", "28% (20 to 36%)", "label 19 of 20"):
        assert part in page, part
    assert "2026-01-02 03:04" in page and "seed 7" in page and "&lt;b&gt;a" in page
    assert "<b>a" not in page and "<i>m" not in page and "unusable" not in page


def test_an_unusable_judge_is_said_first() -> None:
    page = judged_page(judgement(usable=False), "2026-01-02T03:04:05+00:00", "1.0", 7)
    assert page.count("unusable") >= 2 and "✕" in page
