"""`lookalike recipe` and `generate --recipe`: with and without a real table, killed, and misused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lookalike.cli.main import main
from lookalike.cli.parser import parse
from lookalike.cli.recipes import NOT_OF_A_RECIPE
from tests.cli.test_verbs import started, wait_for
from tests.paths import DATA
from tests.prompting.recipes.conftest import WRITER

pytest.importorskip("aiohttp")
pytestmark = pytest.mark.usefixtures("few_trees")
RECIPE = """rows = 12
label = "kind"
[columns.kind]
sample = ["sea", "wood"]
[columns.n]
sample = { low = 0, high = 1000000000 }
keep = false
[columns.text]
prompt = "Write on {{ kind }}, {{ n }}."
check = ["refusal", "near"]
[columns.more]
prompt = "Go on: {{ text }}"
"""


@pytest.fixture
def writing(serve: Callable[..., Any]) -> Callable[..., Any]:
    return lambda function="good", *options: serve("--writer", f"{WRITER}:{function}", "--sampling", *options)


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "r.toml").write_text(RECIPE)
    return tmp_path / "r.toml"


def command(recipe: Path, url: str, *more: object) -> list[str]:
    out = recipe.with_name("o.jsonl")
    options = ["--recipe", recipe, "-o", out, "--llm", url, "--model", "m", *more]
    return ["generate", *map(str, options)]


def test_a_cold_start_writes_rows_and_says_what_is_not_measured(
    writing: Callable[..., Any], recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = writing("half_refusing")
    assert main([*command(recipe, server.url), "--report", str(recipe.with_name("r.html"))]) == 0
    told = capsys.readouterr()
    assert "estimate: at least 24 calls" in told.out and "12 rows -> " in told.out
    assert "not measured: privacy" in told.out and "text: refusal" in told.out
    table = pd.read_json(recipe.with_name("o.jsonl"), lines=True)
    assert list(table.columns) == ["kind", "text", "more"] and len(table) == 12
    run = recipe.with_name("o.jsonl.run")
    assert json.loads((run / "decisions.json").read_text())["rows"] >= 12
    assert len((run / "provenance.jsonl").read_text().splitlines()) == 12
    assert {json.loads(one)["column"] for one in (run / "rejected.jsonl").read_text().splitlines()} <= {
        "text",
        "more",
    }


def test_a_dry_run_asks_nothing(
    writing: Callable[..., Any], recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = writing()
    assert main([*command(recipe, server.url), "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert "estimate: at least 24 calls" in told and "--- prompt 1 ---" in told and "Write on" in told
    assert server.stats()["calls"] == 0 and not recipe.with_name("o.jsonl.run").exists()


def test_a_killed_run_is_gone_on_with_and_asks_nothing_twice(
    writing: Callable[..., Any], recipe: Path
) -> None:
    server = writing("half_refusing", "--latency", "0.05", "--fault", "500=0.05")
    arguments = [*command(recipe, server.url), "-n", "30", "--concurrency", "4", "--quiet"]
    killed = started(*arguments)
    wait_for(lambda: server.stats()["answered"] > 25, killed)
    killed.kill()
    killed.communicate()
    assert main(["resume", str(recipe.with_name("o.jsonl.run")), "--quiet"]) == 0
    summary = json.loads((recipe.with_name("o.jsonl.run") / "summary.json").read_text())
    assert summary["accepted"] == 30 and summary["known"] > 15
    again = server.stats()["answered"] - summary["replies"]
    assert 0 <= again <= 8  # those that were in flight at the kill


def test_with_a_real_table_the_report_compares_what_both_have(
    writing: Callable[..., Any], recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"kind": kind, "age": 3 * at} for at in range(60) for kind in ("sea", "wood")]
    pd.DataFrame(rows).to_csv(tmp_path / "real.csv", index=False)
    arguments = command(recipe, writing().url, "-n", "40", "--quiet")
    assert main([arguments[0], str(tmp_path / "real.csv"), *arguments[1:]]) == 0
    told = capsys.readouterr().out
    assert "real.csv" in told and "40 rows -> " in told


def test_what_was_written_is_learned_and_the_bulk_needs_no_call(
    writing: Callable[..., Any], recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = writing()
    then = ["--then", "difflm", "--write", "40", "-n", "100", "--max-time", "0.5s", "--threads", "1"]
    assert main(command(recipe, server.url, *then, "--quiet")) == 0
    assert server.stats()["calls"] == 80
    table = pd.read_json(recipe.with_name("o.jsonl"), lines=True)
    assert len(table) == 100 and set(table.kind) == {"sea", "wood"}
    run = recipe.with_name("o.jsonl.run")
    assert len((run / "accepted.jsonl").read_text().splitlines()) == 40
    more = recipe.with_name("more.jsonl")
    assert main(["sample", str(run / "model"), "-n", "20", "-o", str(more), "--quiet"]) == 0
    assert len(more.read_text().splitlines()) == 20


@pytest.mark.parametrize(
    "then", [[], ["--then", "difflm", "--write", "40", "--max-time", "1s", "--threads", "1"]]
)
def test_rows_of_a_class_with_texts_are_compared_with_real_ones(
    writing: Callable[..., Any], tmp_path: Path, then: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    path, real = tmp_path / "r.toml", tmp_path / "real.csv"
    path.write_text(
        'label = "category"\n[columns.category]\nreal = "category"\n'
        '[columns.text]\nprompt = "A question about {{ category }}."\n'
    )
    pd.read_csv(DATA / "banking77.csv").to_csv(real, index=False)
    arguments = command(path, writing().url, "-n", "90", "--quiet", *then)
    assert main([arguments[0], str(real), *arguments[1:]]) == 0
    told = capsys.readouterr().out
    assert "90 rows -> " in told
    hurts = "train on the real rows alone" in told  # texts of random words teach nothing
    assert hurts == (not then)  # what a model has learned of them has no writer of its own


def test_a_fitted_model_draws_the_typed_columns_and_the_model_writes_their_text(
    writing: Callable[..., Any], small_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "r.toml"
    path.write_text(
        f"""
[columns.age]
sample = "model:{small_model}"
where = "age=30..40"
[columns.work]
sample = "model:{small_model}"
column = "workclass"
[columns.text]
prompt = "A person of {{{{ age }}}} years, {{{{ work }}}}."
"""
    )
    server = writing()
    assert main([*command(path, server.url), "-n", "30", "--where", "sex=Male", "--quiet"]) == 0
    table = pd.read_json(tmp_path / "o.jsonl", lines=True)
    assert len(table) == 30 and table.age.between(30, 40).all() and table.age.nunique() > 3
    wrong = path.read_text().replace("age=30..40", "aeg=30..40")
    path.write_text(wrong)
    assert main([*command(path, server.url), "-n", "30", "--quiet"]) == 2
    assert f"{path}, line 2, column 'age'" in capsys.readouterr().err
    path.write_text(wrong.replace("aeg", "age").replace("small.model", "none.model"))
    assert main([*command(path, server.url), "-n", "30", "--quiet"]) == 2
    told = capsys.readouterr().err
    assert f"{path}, line 2, column 'age'" in told and "none.model" in told


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{{ text }}", "{{ tekst }}", "line 12, column 'more': there is no column 'tekst'"),
        ("{{ kind }}", "{{ more }}", "needs itself in a circle"),
        ("check =", "checks =", "line 10, column 'text': 'checks' is no key of a column"),
        ("keep = false", "keep = false\nfunction = '1'", "has sample and function"),
        ("rows = 12", "", "the number of rows is not given"),
        ("keep = false", 'keep = false\n[columns.bad]\nfunction = "no.py:f"', "there is no such file"),
    ],
)
def test_a_mistake_in_a_recipe_is_one_sentence_before_any_call(
    recipe: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    recipe.write_text(RECIPE.replace(old, new, 1))
    assert main(command(recipe, "http://127.0.0.1:9/v1")) == 2
    told = capsys.readouterr().err
    assert said in told and told.count("\n") == 1 and str(recipe) in told
    assert not recipe.with_name("o.jsonl.run").exists()


def test_a_function_that_fails_on_one_row_exits_with_2_and_keeps_what_was_paid(
    writing: Callable[..., Any], recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = writing()
    recipe.with_name("own.py").write_text("def f(row):\n    return 10 // (int(row['n']) % 5)\n")
    recipe.write_text(RECIPE + '[columns.bad]\nfunction = "own.py:f"\n')
    assert main(command(recipe, server.url, "-n", "40", "--quiet")) == 2
    told = capsys.readouterr().err
    assert f"{recipe}, line 14, column 'bad': the function own.py:f fails with ZeroDivisionError" in told
    assert f"({recipe.with_name('own.py')}, line 2)" in told
    paid = server.stats()["answered"]
    recipe.write_text(RECIPE)
    assert main(command(recipe, server.url, "-n", "40", "--quiet")) == 0
    assert server.stats()["answered"] == 80 or paid <= server.stats()["answered"] <= 80


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--text", "x"], "--text is not for a recipe"),
        (["--grow", "even"], "--grow is not for a recipe"),
        (["--fail-under", "c2st=0.6"], "--fail-under needs the real table"),
        (["--holdout", "h.csv"], "--holdout needs the real table"),
        (["--curate", "near"], "--curate needs the real table"),
        (["--write", "5"], "--write is for --then"),
        (["--max-time", "5s"], "--max-time is for a model that is learned here"),
        (["--where", "a=1"], "where holds for columns of a saved model"),
    ],
)
def test_options_that_do_not_go_with_a_recipe(
    recipe: Path, capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    assert main(command(recipe, "http://127.0.0.1:9/v1", *more)) == 2
    assert said in capsys.readouterr().err


def test_options_that_need_a_recipe_or_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "o.csv")
    for arguments, said in (
        (["-n", "5"], "the real table is not named"),
        (["--recipe", "r.toml"], "a recipe needs a language model"),
        (["real.csv", "-n", "5", "--then", "difflm"], "--then is for rows that a language model writes"),
        (["real.csv"], "the number of rows is not given"),
    ):
        assert main(["generate", *arguments, "-o", out]) == 2
        assert said in capsys.readouterr().err
    args = parse(["generate", "real.csv", "-n", "5", "-o", out])
    assert all(not getattr(args, name) for name in NOT_OF_A_RECIPE)


def test_a_recipe_is_written_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "qa.toml"
    assert main(["recipe"]) == 0 and "tool-calls" in capsys.readouterr().out
    assert main(["recipe", "qa", "-o", str(out)]) == 0 and "columns.question" in out.read_text()
    assert main(["recipe", "qa", "-o", str(out)]) == 2 and "exists" in capsys.readouterr().err
    assert main(["recipe", "qa", "-o", str(tmp_path / "qa.csv")]) == 2
    assert main(["recipe", "qa"]) == 0 and "[columns.answer]" in capsys.readouterr().out
