"""What a coding agent is told: all verbs and options there are, and commands that can be given."""

import re
import shlex
from pathlib import Path

import pytest

from lookalike.cli.agent import text
from lookalike.cli.examples import EXITS
from lookalike.cli.main import main
from lookalike.cli.parser import parse, parsers


def test_every_verb_option_and_exit_code_is_told() -> None:
    told = text()
    for verb, one in parsers()[1].items():
        part = told.partition(f"### lookalike {verb}\n")[2].partition("\n### ")[0]
        names = [name for action in one._actions for name in action.option_strings]
        missing = [name for name in names if name not in part and name not in ("-h", "--help", "--config")]
        assert not missing and "None" not in part.partition("Examples:")[0], (verb, missing)
    assert all(f"\n- {code}: " in told for code in EXITS)


def test_the_commands_of_the_skill_can_be_given() -> None:
    skill = text().partition("## Verbs")[0]
    commands = re.findall(r"^lookalike (.+)$", skill, re.MULTILINE)
    assert len(commands) >= 8
    for command in commands:
        parse(shlex.split(command))


def test_the_skill_is_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    yaml = pytest.importorskip("yaml")
    assert main(["agent"]) == 0
    printed = capsys.readouterr().out
    assert main(["agent", "-o", str(tmp_path / "SKILL.md")]) == 0
    assert (tmp_path / "SKILL.md").read_text(encoding="utf-8") == printed
    facts = yaml.safe_load(printed.split("---\n")[1])
    assert facts["name"] == "lookalike" and len(facts["description"]) < 1024
    assert main(["agent", "-o", str(tmp_path / "gone" / "SKILL.md")]) == 2
