"""`lookalike select` on a table of texts."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from lookalike.cli.main import main


def test_the_rows_to_label_are_written_and_methods_compared(
    banking: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, out = tmp_path / "t.csv", tmp_path / "next.csv"
    banking[["text"]].drop_duplicates()[:60].to_csv(table, index=False)
    assert main(["select", str(table), "-n", "70", "-o", str(out), "--quiet"]) == 0
    assert "60 instead of 70" in capsys.readouterr().out and len(pd.read_csv(out)) == 60
    assert main(["select", str(table), "-n", "6", "-o", str(out), "--compare", "--quiet"]) == 0
    said = capsys.readouterr().out
    assert all(f"\n{method} " in f"\n{said}" for method in ("explore", "vote-k", "k-means", "random"))
    assert pd.read_csv(out).columns.tolist() == ["row", "text"]


def test_a_mistake_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, out = tmp_path / "t.csv", tmp_path / "next.csv"
    table.write_text("text\nhello there\n")
    assert main(["select", str(table), "-n", "1", "-o", str(out), "--method", "entropy"]) == 2
    assert "learns from labels" in capsys.readouterr().err and not out.exists()
    table.write_text("id,price,text\n" + "".join(f"{i},${i}.50,hello {i}\n" for i in range(60)))
    for column, shown in (("id", "'0'"), ("price", "'$0.50'")):
        assert main(["select", str(table), "-n", "1", "-o", str(out), "--text", column]) == 2
        said = capsys.readouterr().err
        assert f"column '{column}' of {table} holds no texts, but values such as {shown}: name a" in said
        given = ["--real", str(table), "--synthetic", str(table), "-n", "9", "-o", str(out)]
        assert main(["align", *given, "--text", column]) == 2 and not out.exists()
        assert f"column '{column}' of {table} holds no texts" in capsys.readouterr().err
