"""Kinds of columns, and what they have in common."""

import ast
from pathlib import Path

import pytest

from lookalike.codec.codecs import CODECS
from lookalike.table.column import Column
from lookalike.table.kind_groups import KINDS
from tests.paths import PACKAGE

ALIKE = {
    "is_number": {"number"},
    "is_date": {"datetime"},
    "is_number_or_date": {"number", "datetime"},
    "is_categorical": {"category", "boolean"},
    "is_textual": {"text", "code", "json"},
    "is_of_entities": {"key", "pseudonym"},
    "is_made": {"id", "key", "pseudonym"},
}
HERE = "table/kind_groups.py"
PYTHON_TYPES = {"table/dtypes.py", "table/kinds.py"}  # where "datetime" is the name of a type of Python


@pytest.mark.parametrize("asked", ALIKE)
def test_kinds_that_are_alike(asked: str) -> None:
    assert {kind for kind in KINDS if getattr(Column("x", kind, "object"), asked)} == ALIKE[asked]


def test_every_kind_has_a_file_and_no_name_comes_twice() -> None:
    assert len(set(KINDS)) == len(KINDS)
    assert set(CODECS) == set(KINDS)


def groups_in(path: Path) -> list[int]:
    """Lines of a file that know by themselves that numbers and dates, or kinds of text, are alike."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            names = {one.value for one in node.elts if isinstance(one, ast.Constant)}
            alike = [kinds for kinds in ALIKE.values() if len(kinds) > 1 and kinds <= names <= set(KINDS)]
            found += [node.lineno] if alike else []
        if isinstance(node, ast.Constant) and node.value == "datetime":
            found.append(node.lineno)
    return found


@pytest.mark.parametrize("room", ["curate", "difflm", "evaluate", "rules", "prompting", "codec", "table"])
def test_one_file_alone_knows_which_kinds_are_alike(room: str) -> None:
    for path in (PACKAGE / room).rglob("*.py"):
        place = path.relative_to(PACKAGE).as_posix()
        if place != HERE and place not in PYTHON_TYPES:
            assert groups_in(path) == [], place
