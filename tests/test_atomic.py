"""A file is replaced as a whole or not at all."""

import os
from pathlib import Path

import pytest

from lookalike.atomic import replace_text, replacing


def test_a_text_takes_the_place_of_another(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text("old, and longer than the new one")
    replace_text(path, "né")
    assert path.read_text(encoding="utf-8") == "né"
    assert [one.name for one in tmp_path.iterdir()] == ["t.json"]
    mask = os.umask(0)
    os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~mask


def test_what_fails_halfway_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), replacing(path) as partial:
        Path(partial).write_text("new")
        raise ZeroDivisionError
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 1
