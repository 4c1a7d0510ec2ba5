"""What real texts say is no refusal."""

from __future__ import annotations

from lookalike.texts.refusals import refusals_of


def test_what_real_texts_say_is_no_refusal() -> None:
    said = "I'm sorry, but I can't help with that"
    assert any(one.search(said) for one in refusals_of(["Where is my card?"] * 50))
    spoken = refusals_of(["Where is my card?"] * 49 + ["I'm sorry, but I cannot come tonight"])
    assert not any(one.search("I'm sorry, but I can't come") for one in spoken)
