"""`lookalike review`: served and stopped, from a file of answers, and how far two files agree."""

from __future__ import annotations

import json
import signal
import socket
import urllib.request
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import lookalike
from lookalike.cli.main import main
from tests.forks import Forked, command


@pytest.fixture
def table(banking: pd.DataFrame, tmp_path: Path) -> Path:
    """A file of 40 texts."""
    path = tmp_path / "rows.csv"
    banking.drop_duplicates("text").sample(40, random_state=0).to_csv(path, index=False)
    return path


def lines(answers: list[dict[str, Any]]) -> str:
    return "".join(json.dumps({"turn": 1, "reviewer": "ann"} | one) + "\n" for one in answers)


def send(url: str, row: int, answer: str) -> None:
    """An answer to a running server."""
    host, _, token = url.partition("/?token=")
    told = {"key": f"{row}", "row": row, "turn": 1, "reviewer": "ann", "answer": answer}
    request = urllib.request.Request(f"{host}/api/answer", json.dumps(told).encode(), {"X-Token": token})
    urllib.request.urlopen(request).close()


def test_ctrl_c_writes_the_files_and_the_same_command_goes_on(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    for turn in range(2):
        process = Forked(command, ["review", str(table), "-o", str(out), "--label", "category"])
        url = next(line.strip() for line in process.stderr if "token=" in line)
        send(url, turn, "drop")
        process.send_signal(signal.SIGINT if turn == 0 else signal.SIGTERM)
        said = process.communicate(timeout=60)[0]
        assert process.returncode == 0
        assert f"{turn + 1} answers -> {out}.answers.jsonl" in said and "the same command" in said
    assert len(lookalike.read_table(out)) == 38
    decisions = lookalike.Decisions.load(f"{out}.decisions.json")
    assert decisions.dropped() == [0, 1]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "out.csv",
        "out.csv.answers.jsonl",
        "out.csv.decisions.json",
        "out.csv.review",
        "rows.csv",
    ]


def test_answers_of_another_place_are_imported(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, given = tmp_path / "out.jsonl", tmp_path / "given.jsonl"
    given.write_text(lines([{"row": 0, "answer": "drop"}, {"row": 99, "answer": "keep"}]))
    command = ["review", str(table), "-o", str(out), "--label", "category", "--import", str(given)]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "1 answers from" in said and "are on rows that the table does not have" in said
    assert len(lookalike.read_table(out)) == 39
    assert main(command) == 0
    assert "0 answers from" in capsys.readouterr().out


def test_a_static_page_is_written(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.html"
    command = ["review", str(table), "-o", str(tmp_path / "out.csv"), "--static", str(page), "--queue", "10"]
    assert main(command) == 0
    assert "a page of 10 items" in capsys.readouterr().out
    assert page.stat().st_size > 10_000 and "__DATA__" not in page.read_text()


def test_the_agreement_of_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, own in (
        ("ann", "keep keep drop keep"),
        ("bob", "keep drop drop keep"),
        ("cyd", "keep keep drop x"),
    ):
        answers = [
            {"row": row, "answer": "label" if one == "x" else one, "reviewer": name, "value": None}
            for row, one in enumerate(own.split())
        ]
        (tmp_path / f"{name}.jsonl").write_text(lines(answers))
    two = [str(tmp_path / f"{name}.jsonl") for name in ("ann", "bob")]
    assert main(["review", "--agreement", *two]) == 0
    said = capsys.readouterr().out
    # o = 1 pair of 4 apart, totals 5 keep and 3 drop: alpha = 1 - 7 * 2 / (2 * 5 * 3)
    assert f"alpha {1 - 7 * 2 / 30:.3f}" in said and "ann and bob: Cohen's kappa 0.500" in said
    assert "3 of 4 items" in said
    assert main(["review", "--agreement", *two, str(tmp_path / "cyd.jsonl")]) == 0
    assert "Dawid and Skene" in capsys.readouterr().out
    assert main(["review", "--agreement", two[0], two[0]]) == 0  # one name in two files: two reviewers
    assert "alpha 1.000" in capsys.readouterr().out
    assert main(["review", "--agreement", two[0]]) == 0
    assert "no item has two answers" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["-o", "{}/out.csv", "--label", "klass"], "the label 'klass' is not a column"),
        (["-o", "{}/no/out.csv"], "does not exist: make it first"),
        (["-o", "{}/rows.csv"], "is an input of this command"),
        (["-o", "-"], "name a file in place of '-'"),
        ([], "the table or the output is not given"),
        (["-o", "{}/out.csv", "--port", "70000"], "a port is a whole number from 0"),
        (["-o", "{}/out.csv", "--static", "{}/p.html", "--import", "{}/a.jsonl"], "give one of them"),
        (["-o", "{}/out.csv", "--queue", "0"], "write a whole number of at least 1"),
        (["-o", "{}/out.csv", "--decisions", "{}/rows.csv"], "holds no decisions"),
        (["-o", "{}/out.csv", "--import", "{}/nothing.json"], "does not exist"),
        (["-o", "{}/out.csv", "--pair", "text", "texts"], "the pair 'texts' is not a column"),
    ],
)
def test_mistakes_are_one_sentence(
    options: list[str], sentence: str, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["review", str(table), *(one.format(tmp_path) for one in options)]) == 2
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1
    assert not (tmp_path / "out.csv").exists()


def test_a_port_in_use_is_one_sentence(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["review", str(table), "-o", str(tmp_path / "out.csv"), "--port", str(port)]) == 2
    assert f"port {port} is in use: choose another one with --port" in capsys.readouterr().err
