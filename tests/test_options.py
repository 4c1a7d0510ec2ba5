"""Options from a TOML file, and back."""

from argparse import ArgumentParser
from pathlib import Path

import pytest

from lookalike import options
from lookalike.errors import UserError


@pytest.fixture
def parser() -> ArgumentParser:
    one = ArgumentParser()
    one.add_argument("real")
    one.add_argument("-n", "--rows", type=int)
    one.add_argument("--where", action="append", default=[])
    one.add_argument("--gen-size", type=int, default=10)
    one.add_argument("--quiet", action="store_true")
    one.add_argument("--key")
    one.add_argument("--config")
    return one


def test_the_command_line_counts_more_than_the_file(parser: ArgumentParser, tmp_path: Path) -> None:
    file = tmp_path / "o.toml"
    file.write_text('real = "a.csv"\nrows = 5\ngen-size = 3\nquiet = true\nwhere = ["a=1", "b=-2"]\n')
    found = parser.parse_args(options.expand(parser, ["--rows", "7", f"--config={file}"]))
    assert (found.real, found.rows, found.gen_size, found.quiet) == ("a.csv", 7, 3, True)
    assert found.where == ["a=1", "b=-2"]
    assert options.expand(parser, ["b.csv", "--rows", "7"]) == ["b.csv", "--rows", "7"]


def test_what_is_written_is_read_again(parser: ArgumentParser, tmp_path: Path) -> None:
    file = tmp_path / "o.toml"
    text = 'a "quoted" \\ naïve\ttext\n with lines, 中文 and \x7f'
    values = {
        "real": text,
        "rows": 4,
        "where": [text, "-x"],
        "gen_size": None,
        "quiet": True,
        "key": "secret",
    }
    options.write(file, values)
    assert "secret" not in file.read_text(encoding="utf-8")
    found = parser.parse_args(options.expand(parser, ["--config", str(file)]))
    assert (found.real, found.rows, found.where, found.gen_size, found.quiet) == (
        text,
        4,
        [text, "-x"],
        10,
        True,
    )
    assert found.key is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("gen_size = 3", "'gen_size' is not an option that it may hold"),
        ('key = "secret"', "'key' is not an option"),
        ('config = "other.toml"', "'config' is not an option"),
        ("rows = 2026-01-01", "write a text, a number"),
        ("rows = [[1]]", "write a text, a number"),
        ('quiet = "no"', "quiet is 'no': write true or false"),
        ("rows", "o.toml cannot be read"),
        ("a = '\xff'", "o.toml cannot be read|is not UTF-8"),
    ],
)
def test_a_bad_file_is_one_sentence(parser: ArgumentParser, tmp_path: Path, content: str, words: str) -> None:
    file = tmp_path / "o.toml"
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(UserError, match=words) as error:
        options.expand(parser, ["a.csv", "--config", str(file)])
    assert str(file) in str(error.value)
    assert "secret" not in str(error.value)


def test_a_missing_file_is_named(parser: ArgumentParser) -> None:
    with pytest.raises(UserError, match=r"nowhere\.toml does not exist"):
        options.expand(parser, ["--config", "nowhere.toml"])
