import pytest

from bench import command


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--data", "/a b", "--seeds", "0"], "python -m bench.x --data FOLDER --seeds 0"),
        (["--data=/a", "--out=/b/c", "--jobs=2"], "python -m bench.x --data FOLDER --jobs=2"),
        (
            ["--results", "/r.md", "--out", "o", "--again", "real holdout"],
            "python -m bench.x --again 'real holdout'",
        ),
        ([], "python -m bench.x"),
    ],
)
def test_a_published_command_names_no_place(words, text):
    assert command.quoted("bench.x", words) == text


def test_options_have_no_short_forms_that_would_be_published(capsys):
    parser = command.parser("bench.x", None)
    parser.add_argument("--data")
    with pytest.raises(SystemExit):
        parser.parse_args(["--dat", "/place"])


def test_names_and_files_that_are_not_there_are_a_sentence(tmp_path, capsys):
    parser = command.parser("bench.x", None)
    parser.add_argument("--data", type=command.folder)
    parser.add_argument("--train", type=command.file)
    there = tmp_path / "a.csv"
    there.touch()
    args = parser.parse_args([f"--data={tmp_path}", f"--train={there}"])
    assert (args.data, args.train) == (tmp_path, there)
    command.chosen(parser, "set", ["a"], {"a": 1, "b": 2})
    command.present(parser, [there])
    for ends, sentence in (
        (
            lambda: command.chosen(parser, "set", ["a", "c"], {"a": 1, "b": 2}),
            "there is no set 'c': choose from a, b",
        ),
        (
            lambda: command.present(parser, [there, tmp_path / "b.csv"]),
            "b.csv': --data names the folder of the data",
        ),
        (
            lambda: parser.parse_args([f"--data={there}"]),
            f"argument --data: there is no folder {str(there)!r}",
        ),
        (
            lambda: parser.parse_args([f"--train={tmp_path}"]),
            f"argument --train: there is no file {str(tmp_path)!r}",
        ),
    ):
        with pytest.raises(SystemExit) as ended:
            ends()
        assert ended.value.code == 2 and sentence in capsys.readouterr().err
