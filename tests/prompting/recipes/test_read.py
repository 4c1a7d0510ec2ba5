"""A recipe read: what it says, and one sentence with its line for each mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lookalike.errors import DataError, OptionError
from lookalike.prompting.recipes.columns import Computed, Drawn, Taken, Written
from lookalike.prompting.recipes.read import read

GOOD = '''task = "mails"
label = "topic"

[columns.answer]
prompt = "Answer {{ text }}"
[columns.text]
prompt = """
Write about {{ topic }}
in a {{ tone }} tone."""
check = ["refusal", "words:2..40", "topic in text"]
[columns.topic]
sample = { card = 3, loan = 1 }
[columns.tone]
sample = ["calm"]
given = { topic = { loan = ["sad", "angry"] } }
keep = false
[columns.long]
function = "text | length > 40"
'''


def test_names_give_the_order_and_the_file_the_columns(tmp_path: Path) -> None:
    path = tmp_path / "r.toml"
    path.write_text(GOOD)
    plan = read(path)
    assert [one.name for one in plan.columns] == ["topic", "tone", "text", "long", "answer"]
    assert plan.names == ("answer", "text", "topic", "long")
    assert plan.label == "topic" and plan.texts == ("answer", "text")
    assert isinstance(plan["topic"].source, Drawn) and isinstance(plan["long"].source, Computed)
    assert plan["topic"].source.pool is not None and plan["topic"].source.pool.shares == (0.75, 0.25)
    assert isinstance(plan["text"].source, Written) and plan["text"].needs == {"topic", "tone"}
    assert plan["text"].place == f"{path}, line 6, column 'text'"
    path.write_text(GOOD.replace("calm", "warm"))
    assert read(path).version != plan.version


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("{{ topic }}", "{{ answer }}", 4, "in a circle, 'answer' -> 'text' -> 'answer'"),
        ("in a {{ tone }}", "in a {{ tome }}", 9, "there is no column 'tome'"),
        ("in a {{ tone }} tone", "in a tone", 13, "is not kept, and nothing uses it"),
        ("{{ text }}", "{{ text }", 5, "the template is broken"),
        ("{{ text }}", "{{ text | random }}", 5, "random"),
        (
            'sample = ["calm"]',
            'sample = ["calm"]\nprompt = "x"',
            13,
            "has prompt and sample: give exactly one",
        ),
        ('sample = ["calm"]', 'samples = ["calm"]', 14, "'samples' is no key of a column"),
        (
            'sample = ["calm"]',
            'sampel = ["calm"]',
            14,
            "'sampel' is no key of a column: the nearest is sample.",
        ),
        ('"words:2..40"', '"words:40..2"', 10, "no text has so many words"),
        ('sample = ["calm"]', 'sampel = ["calm"]', 14, "no key of a column: the nearest is sample."),
        ('"words:2..40"', '"words:40..2"', 10, "no text has so many words"),
        ('sample = ["calm"]', "sample = []", 14, "sample is []"),
        ("card = 3", "card = -3", 12, "shares are numbers of at least 0"),
        ('task = "mails"', 'tasks = "mails"', 1, "'tasks' is no key of a recipe"),
        ('"refusal"', '"refusel"', 10, "there is no check 'refusel'"),
        ('"topic in text"', '"topik in text"', 10, "names 'topik'"),
        ("| length > 40", "| length >", 18, "the template is broken"),
        ('"text | length > 40"', '"nowhere:f"', 18, "cannot be loaded: No module named 'nowhere'"),
        ("keep = false", "keep = 0", 16, "keep is 0: write true or false"),
        ("keep = false", "refine = 2", 16, "'refine' is for prompt"),
        ("keep = false", "sentences = 2", 16, "'sentences' is for prompt"),
        (
            'prompt = "Answer {{ text }}"',
            'prompt = "x"\nschema = "integer"\nsentences = 2',
            7,
            "sentences is for texts: leave values and schema out",
        ),
        (
            'prompt = "Answer {{ text }}"',
            'prompt = "x"\nschema = "{{ nothing }}"',
            6,
            "there is no column 'nothing'",
        ),
        ('label = "topic"', 'label = "tone"', 2, "no column that is kept"),
        ("[columns.tone]", "[columns.task]", 13, "cannot be called 'task'"),
        ("[columns.tone]", "[columns.range]", 13, "cannot be called 'range', as a template has it"),
        ("[columns.long]", "[columns.not]", 17, "cannot be called 'not', as a template has it"),
        ("[columns.long]", "[columns.long", 17, "this is not valid TOML"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, said: str
) -> None:
    path = tmp_path / "r.toml"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(OptionError) as error:
        read(path)
    assert str(error.value).startswith(f"{path}, line {line}") and said in str(error.value)
    assert "\n" not in str(error.value) and str(error.value).endswith(".")


def test_what_costs_nothing_is_made_before_what_a_model_writes() -> None:
    columns = {
        "text": {"prompt": "of {{ topic }}"},
        "long": {"function": "text | length"},
        "place": {"given": {"topic": {"sea": ["beach"]}}},
        "topic": {"sample": ["sea", "wood"]},
    }
    assert [one.name for one in read({"columns": columns}).columns] == ["topic", "place", "text", "long"]


@pytest.mark.parametrize(
    ("function", "line"),
    [('"text | int // 0"', 5), ('"""\n{{ text }}\n{{ text | int // 0 }}"""', 7)],
)
def test_a_template_that_fails_is_named_with_its_own_line(tmp_path: Path, function: str, line: int) -> None:
    path = tmp_path / "r.toml"
    path.write_text(f'[columns.text]\nsample = ["a"]\n\n[columns.n]\nfunction = {function}\n')
    source = read(path)["n"].source
    assert isinstance(source, Computed)
    with pytest.raises(OptionError, match=f"line {line}, column 'n': the template fails: integer division"):
        source.function({"text": "7"})


@pytest.mark.parametrize("key", ["max_calls", "max_tokens", "concurrency"])
def test_a_limit_of_whole_things_is_a_whole_number(tmp_path: Path, key: str) -> None:
    path = tmp_path / "r.toml"
    path.write_text(f'{GOOD}[models.strong]\nmodel = "m"\n{key} = 1.5\n')
    with pytest.raises(OptionError, match=f"line 21: {key} is 1.5: write a whole number"):
        read(path)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({}, "there are no columns"),
        ({"a": {"keep": True}}, "says not where it comes from"),
        ({"a": {"prompt": "x", "schema": {"type": "strange"}}}, "not a JSON schema"),
        ({"a": {"prompt": "x", "schema": "text", "values": ["a", "b"]}}, "values or a schema"),
        ({"a": {"prompt": "x", "values": ["a", "a"]}}, "different texts"),
        ({"a": {"prompt": "x", "repeat": [3, 2]}}, "repeat is [3, 2]"),
        ({"a": {"prompt": "x", "stop": "END"}}, "stop is for a column with repeat"),
        ({"a": {"prompt": "x", "judge": {"criteria": "c", "least": 9}}}, "scores go from 1 to 5"),
        ({"a": {"prompt": "x", "model": "strong"}}, "there is no model 'strong'"),
        ({"a": {"prompt": "{{ a }}"}}, "needs itself"),
        ({"a": {"prompt": "x", "call": "c"}, "b": {"prompt": "{{ a }}", "call": "c"}}, "the same reply"),
        ({"a": {"real": 3}}, "real is 3"),
        ({"a": {"sample": {"low": 3, "high": 1}}}, "low must not be above high"),
        ({"a": {"sample": ["x"], "keep": False}}, "nothing uses it"),
    ],
)
def test_a_dict_is_checked_as_a_file_is(columns: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match="the recipe") as error:
        read({"columns": columns})
    assert said in str(error.value)


def test_what_is_no_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        read(tmp_path / "none.toml")
    with pytest.raises(OptionError, match="give the path of a TOML file, or a dict"):
        read(3)  # type: ignore[arg-type]
    (tmp_path / "latin.toml").write_bytes('task = "é"'.encode("latin-1"))
    with pytest.raises(DataError, match="not UTF-8"):
        read(tmp_path / "latin.toml")


def test_real_rows_are_taken_by_name_or_from_the_joint() -> None:
    plan = read(
        {"columns": {"a": {"real": "text"}, "b": {"sample": "real"}, "c": {"real": True, "several": 3}}}
    )
    taken = [plan[name].source for name in "abc"]
    assert taken == [Taken("text", None, None), Taken("b", None, None), Taken("c", 3, None)]
