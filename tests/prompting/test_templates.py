"""Prompts: shown, replaced by the user's own, and broken ones named by file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from lookalike.errors import OptionError
from lookalike.prompting.templates import VARIABLES, Templates, show

VALUES = {
    "n": 3, "given": {"label": "a<b"}, "attributes": {}, "demonstrations": [], "part": 1, "plan": [],
}  # fmt: skip


def test_all_templates_are_shown_and_a_users_own_replaces_one(tmp_path: Path) -> None:
    assert set(show()) == set(VARIABLES)
    assert "in a few words of your own" in show()["attributes.j2"]
    (tmp_path / "records.j2").write_text("Give me {{ n }} & no more.")
    own = show(tmp_path)
    assert own["records.j2"].startswith("Give me")
    assert own["system.j2"] == show()["system.j2"]
    templates = Templates(tmp_path)
    assert templates.render("records.j2", **VALUES) == "Give me 3 & no more."
    assert templates.version != Templates().version


def test_values_stand_in_the_prompt_as_json_and_are_not_escaped_as_html() -> None:
    prompt = Templates().render(
        "records.j2", **{**VALUES, "demonstrations": [{"text": "é <b> 'x' \"y\""}], "part": 2}
    )
    assert 'Every record has label = "a<b".' in prompt
    assert '\n{"text": "é <b> \'x\' \\"y\\""}\n' in prompt
    assert "This is part 2" in prompt


def test_what_is_not_given_is_not_mentioned() -> None:
    prompt = Templates().render("records.j2", **{**VALUES, "given": {}})
    assert prompt == "Write 3 new records that differ from each other in content and wording."


@pytest.mark.parametrize(
    ("name", "source", "words"),
    [
        ("records.j2", "Write {{ n }}\n\n{% if %}", ["records.j2, line 3", "expression"]),
        (
            "records.j2",
            "Write {{ n }}\nof {{ colour }}",
            ["records.j2, line 2", "'colour'", "demonstrations"],
        ),
        ("names.j2", "{{ records | jsonn }}", ["names.j2, line 1", "jsonn"]),
        ("record.j2", "Write", ["record.j2 is not one of the templates", "records.j2"]),
    ],
)
def test_a_template_that_cannot_be_used_is_named_with_its_line(
    tmp_path: Path, name: str, source: str, words: list[str]
) -> None:
    (tmp_path / name).write_text(source)
    with pytest.raises(OptionError) as caught:
        Templates(tmp_path)
    assert all(word in str(caught.value) for word in [*words, str(tmp_path)])


def test_a_template_that_fails_on_its_values_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "records.j2").write_text("Write\n{{ n }}\n{{ given.label.wrong.again }}")
    with pytest.raises(OptionError, match=r"records\.j2, line 3, cannot be used: .*wrong"):
        Templates(tmp_path).render("records.j2", **VALUES)
    (tmp_path / "records.j2").write_text("{{ ''.__class__.__mro__ }}")
    with pytest.raises(OptionError, match=r"line 1, cannot be used: .*unsafe"):
        Templates(tmp_path).render("records.j2", **VALUES)


def test_a_folder_without_templates_is_named(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"holds none: put one of system\.j2"):
        Templates(tmp_path / "nowhere")
