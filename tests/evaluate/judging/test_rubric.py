"""Rubrics: read from files and dicts, shown in prompts, and refused with a sentence."""

from pathlib import Path
from typing import Any

import pytest

from lookalike.errors import DataError, OptionError
from lookalike.evaluate.judging.rubric import LONGEST, USUAL, rubric

FILE = """
task = "questions to a bank"
question = "Which would a customer write?"
[criteria.clear]
ask = "Is it clear?"
1 = "No."
5 = "Yes."
"""


def test_a_file_and_a_dict_make_the_same_rubric(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(FILE)
    read = rubric(tmp_path / "r.toml")
    clear = {"ask": "Is it clear?", "1": "No.", 5: "Yes."}
    given = {"task": "questions to a bank", "question": "Which would a customer write?"}
    assert rubric(given | {"criteria": {"clear": clear}}) == read
    assert rubric(None) == USUAL and rubric({"task": "x"}).criteria == USUAL.criteria
    assert rubric({"criteria": {}}).criteria == ()


def test_the_prompt_holds_both_records_in_order_and_asks_for_the_reason_first() -> None:
    one = rubric({"task": "questions to a bank", "question": "Which would a customer write?"})
    system, user = one.pair("first text", "second text", "label = fees")
    assert "questions to a bank" in system["content"]
    places = [user["content"].index(part) for part in ("label = fees", "first text", "second text", "Which")]
    assert places == sorted(places)
    assert user["content"].index("reason") < user["content"].index("verdict")
    assert list(one.verdict_schema["properties"]) == ["reason", "verdict"]
    for each in one.scores_schema["properties"].values():
        assert list(each["properties"]) == ["reason", "score"]
    assert "What the record is to be" not in one.pair("a", "b", "")[1]["content"]
    assert len(one.pair("x" * 10**6, "b", "")[1]["content"]) < LONGEST + 2000


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"qestion": "?"}, "'qestion' is not part of a rubric"),
        ({"task": 5}, "task is 5"),
        ({"criteria": ["clear"]}, "write each as a table"),
        ({"criteria": {"clear": {"1": "a", "5": "b"}}}, "'clear' asks nothing"),
        ({"criteria": {"clear": {"ask": "?", "1": "a"}}}, "what deserves 1 and what 5"),
        ({"criteria": {"clear": {"ask": "?", "1": "a", "5": "b", "6": "c"}}}, "from 1 to 5"),
        ({"criteria": {f"c{n}": {"ask": "?", "1": "a", "5": "b"} for n in range(11)}}, "11 criteria"),
    ],
)
def test_a_wrong_rubric_is_one_sentence(given: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        rubric(given)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text("task = \nx = 1")
    with pytest.raises(OptionError, match=r"r\.toml is not valid TOML .*line 1"):
        rubric(tmp_path / "r.toml")
    with pytest.raises(DataError, match="does not exist"):
        rubric(tmp_path / "none.toml")
