"""Every verb of the command line, on a table of 300 rows."""

import io
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import lookalike
from lookalike.cli.main import main
from lookalike.files import packed
from tests.forks import Forked, command
from tests.processes import environment
from tests.short_fits import HERE

pytestmark = pytest.mark.usefixtures("few_trees", "quick_fits", "few_candidates")

VERBS = ["schema", "generate", "resume", "prompts", "fit", "sample", "impute", "align", "curate", "evaluate"]


def run(*arguments: object) -> None:
    assert main([str(argument) for argument in arguments]) == 0


@pytest.mark.parametrize("verb", VERBS)
def test_help_has_examples(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main([verb, "--help"])
    assert exit_.value.code == 0
    assert f"\n  lookalike {verb} " in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"lookalike {lookalike.__version__}\n"


def test_generate(small_csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, report = tmp_path / "synthetic.parquet", tmp_path / "report.html"
    where = ["--where", "sex=Female", "--where", "age=25..50"]
    run(
        "generate",
        small_csv,
        "-n",
        120,
        "-o",
        out,
        *where,
        "--target",
        "income",
        "--holdout",
        small_csv,
        "--report",
        report,
        "--max-time",
        "1s",
    )
    real, synthetic = lookalike.read_table(small_csv), lookalike.read_table(out)
    assert len(synthetic) == 120
    assert list(synthetic.columns) == list(real.columns)
    assert synthetic.dtypes.astype(str).tolist() == real.dtypes.astype(str).tolist()
    assert set(synthetic["sex"]) == {"Female"}
    assert synthetic["age"].between(25, 50).all()
    page = report.read_text(encoding="utf-8")
    assert "<html" in page and small_csv.name in page and out.name in page
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "synthetic.parquet"]
    assert "120 rows" in capsys.readouterr().out


def test_fit_leaves_a_complete_model_and_no_checkpoint(small_model: Path) -> None:
    assert not (small_model / "checkpoint").exists()
    assert lookalike.DiffLM.load(small_model).schema["age"].kind == "number"


def test_fit_with_an_edited_schema(small_csv: Path, tmp_path: Path) -> None:
    schema = lookalike.infer(lookalike.read_table(small_csv))
    schema["education-num"].kind = "category"
    schema.save(tmp_path / "schema.json")
    run("fit", small_csv, "-o", tmp_path / "m", "--max-time", "0.5s", "--schema", tmp_path / "schema.json")
    assert lookalike.DiffLM.load(tmp_path / "m").schema["education-num"].kind == "category"


@pytest.fixture
def intents_csv(tmp_path: Path) -> Path:
    """200 rows: two intents of many rows, two of three rows each; and a town that only repeats."""
    intent = ["pay", "send"] * 97 + ["rare one"] * 3 + ["rare, too"] * 3
    table = pd.DataFrame({"intent": intent, "town": [f"town{i % 60}" for i in range(200)]})
    table.to_csv(tmp_path / "intents.csv", index=False)
    return tmp_path / "intents.csv"


def test_schema_shows_and_writes_what_a_fit_would_learn(
    intents_csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("schema", intents_csv, "-o", tmp_path / "s.json", "--missing", "pay")
    out = capsys.readouterr().out
    assert "town    text" in out and "intent  category" in out and "yes" in out
    assert "note: column 'town' is learned as text" in out
    assert "note: column 'intent': 2 of 3 values occur in fewer than 5 rows (6 of 200 rows)" in out
    schema = lookalike.Schema.load(tmp_path / "s.json")
    assert schema.missing == ("pay",) and "rare one" not in (tmp_path / "s.json").read_text()
    run("schema", intents_csv, "--keep-rare")
    out = capsys.readouterr().out
    assert "town    category" in out and "not reproduced" not in out
    before = intents_csv.read_text()
    for wrong, said in (
        (intents_csv, "is written as .json"),
        (tmp_path / "no" / "s.json", "does not exist"),
    ):
        assert main(["schema", str(intents_csv), "-o", str(wrong)]) == 2
        assert said in capsys.readouterr().err
    assert main(["schema", str(tmp_path / "s.json"), "-o", str(tmp_path / "s.json")]) == 2
    assert intents_csv.read_text() == before


def test_rare_values_are_named_when_learned_and_kept_when_asked_for(
    intents_csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("schema", intents_csv, "--keep-rare", "-o", tmp_path / "s.json")  # town is a category, which is fast
    schema = json.loads((tmp_path / "s.json").read_text())
    for column in schema["columns"]:
        column.pop("min_rows")
    (tmp_path / "s.json").write_text(json.dumps(schema))
    given = ["--schema", tmp_path / "s.json", "--max-time", "0.5s"]
    run("fit", intents_csv, "-o", tmp_path / "m", *given)
    said = capsys.readouterr().err
    assert "'intent': 2 of 4 values occur in fewer than 5 rows (6 of 200 rows) and are not reproduced" in said
    assert "'rare one', 'rare, too'; keep them with --keep-rare" in said
    assert not any("rare one" in path.read_text("utf-8", "ignore") for path in (tmp_path / "m").iterdir())
    ask = ["sample", str(tmp_path / "m"), "-n", "10", "-o", str(tmp_path / "x.csv")]
    assert main([*ask, "--where", "intent=rare one"]) == 2
    assert "one of the 2 that were dropped as rare" in capsys.readouterr().err
    run(*ask, "--balance", "intent")
    assert "'intent' is balanced without 2 of its 4 values" in capsys.readouterr().err
    make = ["generate", intents_csv, "-n", 60, "-o", tmp_path / "y.csv", *given, "--where", "intent=rare one"]
    assert main([str(one) for one in make]) == 2
    assert "'rare one' of column 'intent' was dropped as rare" in capsys.readouterr().err
    run(*make, "--keep-rare")
    assert set(lookalike.read_table(tmp_path / "y.csv")["intent"]) == {"rare one"}


def test_sample(small_model: Path, small_csv: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.csv.gz"
    run("sample", small_model, "-n", 500, "-o", out, "--where", "sex=Male", "--where", "income=<=50K,>50K")
    rows = lookalike.read_table(out)
    assert len(rows) == 500
    assert list(rows.columns) == list(lookalike.read_table(small_csv).columns)
    assert set(rows["sex"]) == {"Male"}


@pytest.mark.parametrize("out", ["", "/", "/schema.json", "/rows.csv"])
def test_a_sample_leaves_its_model_as_it_was(
    out: str, small_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name: path.read_bytes() for path in small_model.iterdir()}
    assert main(["sample", str(small_model), "-n", "5", "-o", f"{small_model}{out}"]) == 2
    assert "the folder of a model: choose" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in small_model.iterdir()} == before


def test_the_same_seed_gives_the_same_table(small_model: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run("sample", small_model, "-n", 50, "-o", tmp_path / f"{name}.csv", "--seed", seed)
    a, b, c = ((tmp_path / f"{name}.csv").read_text() for name in "abc")
    assert a == b
    assert a != c


def test_sample_like(small_model: Path, small_csv: Path, tmp_path: Path) -> None:
    run("sample", small_model, "-n", 40, "-o", tmp_path / "o.csv", "--like", small_csv, "--strength", 0.2)
    assert len(lookalike.read_table(tmp_path / "o.csv")) == 40


def test_a_strength_without_rows_to_be_far_from_is_a_mistake(
    small_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = ["sample", str(small_model), "-n", "5", "-o", str(tmp_path / "o.csv")]
    assert main([*ask, "--strength", "0.5"]) == 2
    assert "add  --like FILE" in capsys.readouterr().err


def test_sample_given_completes_every_row(small_model: Path, small_csv: Path, tmp_path: Path) -> None:
    given = lookalike.read_table(small_csv)[["age", "sex"]].head(30)
    given.to_csv(tmp_path / "given.csv", index=False)
    run("sample", small_model, "-o", tmp_path / "out.csv", "--given", tmp_path / "given.csv")
    rows = lookalike.read_table(tmp_path / "out.csv")
    assert len(rows) == 30
    assert rows["age"].tolist() == given["age"].tolist()
    assert rows["sex"].tolist() == given["sex"].tolist()
    assert rows["income"].isin(["<=50K", ">50K"]).all()


def test_sample_balance(small_model: Path, tmp_path: Path) -> None:
    run("sample", small_model, "-n", 100, "-o", tmp_path / "out.csv", "--balance", "income")
    assert lookalike.read_table(tmp_path / "out.csv")["income"].value_counts().tolist() == [50, 50]


def test_impute(
    small_model: Path, small_csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = lookalike.read_table(small_csv).head(20)
    whole = table.copy()
    table["age"] = table["age"].astype("float").where(table.index % 2 == 0)
    table.loc[3:5, "sex"] = None
    table.to_csv(tmp_path / "gaps.csv", index=False)
    run("impute", small_model, tmp_path / "gaps.csv", "-o", tmp_path / "full.csv")
    full = lookalike.read_table(tmp_path / "full.csv")
    assert not full.isna().to_numpy().any()
    assert full["age"][::2].tolist() == whole["age"][::2].tolist()
    assert full["income"].tolist() == whole["income"].tolist()
    said = capsys.readouterr().out
    assert "13 missing cells filled" in said and "not made" not in said
    table.drop(columns="age").to_csv(tmp_path / "gaps.csv", index=False)
    run("impute", small_model, tmp_path / "gaps.csv", "-o", tmp_path / "full.csv")
    assert "columns that the table has not are not made: age;" in capsys.readouterr().out


def test_evaluate(small_csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(
        "evaluate",
        "--real",
        small_csv,
        "--synthetic",
        small_csv,
        "--target",
        "income",
        "-o",
        tmp_path / "report.html",
        "--json",
        tmp_path / "report.json",
    )
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    figures = json.loads((tmp_path / "report.json").read_text())
    assert "<html" in page and figures["about"]["tables"]["real"]["name"] == small_csv.name
    assert figures["verdict"]["headline"] == "Every synthetic row is a copy of a real one."
    printed = capsys.readouterr()
    assert small_csv.name in page and small_csv.name in printed.out and str(small_csv.parent) not in page
    assert "Warning" not in printed.err
    assert not figures["show_real"] and "may show values" not in page
    tables = ["--real", small_csv, "--synthetic", small_csv, "--only", "privacy", "--quick"]
    run("evaluate", *tables, "--show-real", "-o", tmp_path / "all.html")
    assert "may show values" in (tmp_path / "all.html").read_text(encoding="utf-8")


def test_evaluate_judges_by_the_schema(small_csv: Path, tmp_path: Path) -> None:
    schema = lookalike.infer(lookalike.read_table(small_csv))
    schema["education-num"].kind, schema["fnlwgt"].kind = "category", "drop"
    schema.save(tmp_path / "schema.json")
    command = [
        "evaluate",
        "--real",
        str(small_csv),
        "--synthetic",
        str(small_csv),
        "--only",
        "fidelity",
        "--quick",
    ]
    figures = tmp_path / "f.json"
    assert main([*command, "--schema", str(tmp_path / "schema.json"), "--json", str(figures), "--quiet"]) == 0
    columns = json.loads(figures.read_text())["columns"]
    assert columns["education-num"]["kind"] == "category" and "fnlwgt" not in columns


def test_evaluate_is_a_gate(small_csv: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tables = ["--real", small_csv, "--synthetic", small_csv, "--only", "fidelity,privacy", "--quick"]
    run("evaluate", *tables, "--fail-under", "c2st=0.60")
    printed = capsys.readouterr().out
    assert "fidelity:" in printed and "privacy:" in printed and "diversity:" not in printed
    failed = ["evaluate", *tables, "--fail-under", "c2st=0.60,copies=0.5"]
    assert main([str(part) for part in failed]) == 3
    assert "exact copies is 100%, above 50.0%" in capsys.readouterr().err
    assert main([*map(str, failed[:-1]), "speed=1"]) == 2


def test_align(small_csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    real = pd.read_csv(small_csv)
    rich = real["income"] == ">50K"
    biased = pd.concat([real[rich], real[~rich].head(60)])
    biased.to_csv(tmp_path / "biased.csv", index=False)
    out, figures = tmp_path / "out.csv", tmp_path / "figures.json"
    tables = ["--real", small_csv, "--synthetic", tmp_path / "biased.csv", "-n", 200, "-o", out]
    run("align", *tables, "--label", "income", "--json", figures)
    shown = capsys.readouterr().out
    assert "MMD^2" in shown and "p-value" in shown and f"200 rows -> {out}" in shown
    found = json.loads(figures.read_text())
    assert found["classes"][">50K"]["aligned"] == round(200 * rich.mean())
    assert found["most_repeated"] <= 5
    aligned = pd.read_csv(out)
    assert list(aligned.columns) == list(real.columns)
    assert (aligned["income"] == ">50K").sum() == round(200 * rich.mean())
    run("align", *tables, "--label", "income", "--quiet")
    assert pd.read_csv(out).equals(aligned)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--label", "no"], "the label 'no' is not a column of the real table"),
        (["--text", "sex", "--embedder", "bert"], "there is no embedder 'bert'"),
        (["--most-repeats", 0], "--most-repeats 0"),
        (["--most-repeats", 1, "-n", 301], "allow more repeats"),
        (["--json", "figures.html"], "written as .json"),
    ],
)
def test_mistakes_of_align(
    small_csv: Path, tmp_path: Path, options: list[object], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["align", "--real", small_csv, "--synthetic", small_csv, "-n", 5, "-o", tmp_path / "o.csv"]
    assert main([str(argument) for argument in [*command, *options]]) == 2
    error = capsys.readouterr().err
    assert sentence in error and "Traceback" not in error
    assert not (tmp_path / "o.csv").exists()


def test_declared_missing_values(small_csv: Path, tmp_path: Path) -> None:
    run("fit", small_csv, "-o", tmp_path / "m", "--max-time", "0.5s", "--missing", "?", "--quiet")
    run("sample", tmp_path / "m", "-n", 200, "-o", tmp_path / "out.csv", "--where", "occupation=")
    assert lookalike.read_table(tmp_path / "out.csv")["occupation"].isna().all()


def test_quiet_says_nothing_on_stderr(
    small_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("sample", small_model, "-n", 5, "-o", tmp_path / "out.csv", "--quiet")
    assert capsys.readouterr().err == ""


OFTEN = f"{HERE}; import lookalike.difflm.training.loop as t; t.SECONDS = 0.2"  # a checkpoint soon, and many


def started(*arguments: object, before: str = "") -> Forked:
    """The command in a process of its own; `before` is Python code that runs there first."""
    return Forked(command, [str(one) for one in arguments], before)


def wait_for(paths: Callable[[], object], process: Forked, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not paths():
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            pytest.fail("\n".join(process.communicate()))
        time.sleep(0.05)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_sample_leaves_no_file(small_model: Path, tmp_path: Path, how: signal.Signals) -> None:
    process = started("sample", small_model, "-n", 100_000_000, "-o", tmp_path / "out.csv")
    wait_for(lambda: list(tmp_path.iterdir()), process)  # the file beside the target that is being written
    process.send_signal(how)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    assert errors.strip().splitlines()[-1] == "lookalike: stopped."
    assert "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def narrow_csv(small_csv: Path, tmp_path: Path) -> Path:
    """Two columns, of which a fit is at its first step soon."""
    narrow = tmp_path / "narrow.csv"
    pd.read_csv(small_csv)[["age", "sex"]].to_csv(narrow, index=False)
    return narrow


def test_a_killed_fit_goes_on_from_its_checkpoint(
    narrow_csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "m"
    first = started("fit", narrow_csv, "-o", folder, "--max-time", "60s", before=OFTEN)
    wait_for((folder / "checkpoint" / "state.json").exists, first)
    first.kill()
    first.communicate()
    with pytest.raises(lookalike.LookalikeError):
        lookalike.DiffLM.load(folder)
    run("fit", narrow_csv, "-o", folder, "--max-time", "1s")
    assert "going on from the checkpoint" in capsys.readouterr().err
    assert sorted(lookalike.DiffLM.load(folder).sample(5).columns) == sorted(pd.read_csv(narrow_csv).columns)
    assert not (folder / "checkpoint").exists()


def test_ctrl_c_once_keeps_what_a_fit_has_learned(narrow_csv: Path, tmp_path: Path) -> None:
    folder = tmp_path / "m"
    process = started("fit", narrow_csv, "-o", folder, before=OFTEN)
    wait_for((folder / "checkpoint" / "state.json").exists, process)
    process.send_signal(signal.SIGINT)
    told, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert "finishing with what has been learned; Ctrl-C again stops at once" in errors
    assert "cut short by Ctrl-C" in told
    assert f"goes on with the training, from what is kept in {folder}" in errors
    model = lookalike.DiffLM.load(folder)
    assert model.stopped and len(model.sample(5)) == 5
    assert (folder / "checkpoint" / "state.json").exists()


def test_ctrl_c_twice_stops_a_fit_and_says_how_to_go_on(narrow_csv: Path, tmp_path: Path) -> None:
    slow = (
        "import lookalike.difflm.training.course as c; "
        "c.Clock.stop = lambda self, kept: print('heard', flush=True)"
    )
    process = started("fit", narrow_csv, "-o", tmp_path / "m", before=f"{slow}; {OFTEN}")
    wait_for((tmp_path / "m" / "checkpoint" / "state.json").exists, process)
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "heard\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "the same command goes on from what is kept in" in errors.splitlines()[-1]
    assert "Traceback" not in errors


def test_persons_from_the_command_line(
    orders: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real, model, out = tmp_path / "orders.csv", tmp_path / "model", tmp_path / "out.csv"
    orders.to_csv(real, index=False)
    kinds = ["--kind", "customer_id=key", "--kind", "customer=pseudonym", "--kind", "email=drop"]
    run("fit", real, "-o", model, "--max-time", "0.5s", *kinds)
    said = capsys.readouterr().err
    assert "'email' is dropped" in said and "'customer' gets made-up names of persons" in said
    run("sample", model, "-n", 300, "-o", out)
    table = pd.read_csv(out)
    assert "email" not in table and not table["customer"].isin(orders["customer"]).any()
    run("generate", real, "-n", 100, "-o", out, "--max-time", "0.5s", *kinds)
    table = pd.read_csv(out)
    assert "email" not in table and (table.groupby("customer_id")["customer"].nunique() == 1).all()
    assert "ids, keys and pseudonyms have no distribution to compare" in capsys.readouterr().out
    orders.drop(columns="email").to_csv(real, index=False)
    ids = ["--id", "customer_id", "--id", "customer"]
    run("evaluate", "--real", real, "--synthetic", out, *ids, "--quick", "--only", "fidelity")
    assert "order_id, customer_id, customer" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["fit", "-o", "{}/m", "--kind", "planet=key"], "no column 'planet'"),
        (["generate", "-n", "5", "-o", "{}/o.csv", "--kind", "age=alias"], "the kind 'alias'"),
        (["generate", "-n", "5", "-o", "{}/o.csv", "--kind", "age"], "'age' has no '='"),
    ],
)
def test_wrong_kinds(
    small_csv: Path, tmp_path: Path, arguments: list[str], names: str, capsys: pytest.CaptureFixture[str]
) -> None:
    verb, *rest = (argument.format(tmp_path) for argument in arguments)
    assert main([verb, str(small_csv), *rest]) == 2
    assert names in capsys.readouterr().err


def test_a_table_goes_to_standard_output_and_what_is_told_to_stderr(
    small_csv: Path,
    small_model: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    verbs: dict[str, list[object]] = {
        "sample": ["sample", small_model, "-n", 30],
        "generate": ["generate", small_csv, "-n", 30, "--max-time", "0.5s"],
        "impute": ["impute", small_model, small_csv],
        "align": ["align", "--real", small_csv, "--synthetic", small_csv, "-n", 30],
    }
    columns = list(pd.read_csv(small_csv, nrows=1).columns)
    for name, verb in verbs.items():
        run(*verb, "-o", "-", "--quiet")
        shown = capfd.readouterr()
        made = pd.read_csv(io.StringIO(shown.out), keep_default_na=False)
        assert list(made.columns) == columns and len(made) == (300 if name == "impute" else 30), name
        assert "rows -> -" in shown.err
        assert not list(tmp_path.iterdir())


def test_a_pipe_that_is_closed_early_is_no_error(small_model: Path, tmp_path: Path) -> None:
    line = f"{sys.executable} -m lookalike sample {small_model} -n 2000 -o - --quiet | head -n 2"
    done = subprocess.run(line, shell=True, env=environment(), cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.count("\n") == 2 and done.stderr == ""


def test_standard_input_is_a_table(
    small_csv: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    packed._standard_input.cache_clear()
    with open(small_csv) as file:
        monkeypatch.setattr(sys, "stdin", file)
        run("align", "--real", small_csv, "--synthetic", "-", "-n", 20, "-o", "-", "--quiet")
    packed._standard_input.cache_clear()
    assert len(pd.read_csv(io.StringIO(capfd.readouterr().out), keep_default_na=False)) == 20


EUROPE = "id;preis;name\n" + "".join(f"{i};{i % 50},{i % 10}0;K\u00f6ln {'xyz'[i % 3]}\n" for i in range(300))


def test_a_european_table_in_and_a_european_table_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("eu.csv").write_bytes(EUROPE.encode("latin-1"))
    run("generate", "eu.csv", "-n", 40, "-o", "made.csv", "--max-time", "0.5s", "--quiet")
    said = "eu.csv: read with ';' between columns and decimal commas, as Windows-1252 (cp1252)\n"
    assert capsys.readouterr().err == said
    lines = Path("made.csv").read_text(encoding="cp1252").splitlines()
    assert lines[0] == "id;preis;name" and len(lines) == 41
    assert all(re.fullmatch(r"\d+;\d{1,2},\d0;K\u00f6ln [xyz]", line) for line in lines[1:]), lines

    run("fit", "eu.csv", "-o", "eu.model", "--max-time", "0.5s", "--quiet")
    run("sample", "eu.model", "-n", 40, "-o", "from-model.csv", "--quiet")
    lines = Path("from-model.csv").read_text(encoding="cp1252").splitlines()
    assert all(re.fullmatch(r"\d+;\d{1,2},\d0;K\u00f6ln [xyz]", line) for line in lines[1:]), lines
    run("sample", "eu.model", "-n", 40, "-o", "from-model.xlsx", "--quiet")
    assert lookalike.read_table("from-model.xlsx")["preis"].dtype == "float64"

    capsys.readouterr()
    options = ["--encoding", "latin-1", "--sep", ";", "--decimal", ","]
    run("align", "--real", "eu.csv", "--synthetic", "made.csv", "-n", 10, "-o", "a.csv", "--quiet", *options)
    assert capsys.readouterr().err == ""
    assert set(Path("a.csv").read_text(encoding="latin-1").splitlines()) <= {
        *Path("made.csv").read_text(encoding="cp1252").splitlines()
    }


def test_schema_shows_rules_and_takes_others(bookings, tmp_path, capsys) -> None:
    path = tmp_path / "b.csv"
    bookings.to_csv(path, index=False)
    assert main(["schema", str(path), "--rule", "room >= tax", "-o", str(tmp_path / "s.json")]) == 0
    out = capsys.readouterr().out
    assert "6 rules between columns" in out
    assert "total = room + tax  (100% of the rows)" in out
    assert main(["schema", str(path), "--no-rules"]) == 0
    assert "between columns" not in capsys.readouterr().out
    assert main(["schema", str(path), "--rule", "rooms >= tax"]) == 2
    assert "'rooms >= tax' cannot be read" in capsys.readouterr().err
