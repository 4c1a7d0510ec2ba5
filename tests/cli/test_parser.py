"""The options of every verb: they exist once, and each verb has something to do."""

from inspect import signature
from pathlib import Path

import pytest

import lookalike
from lookalike.cli.parser import parse, parsers
from lookalike.cli.verbs import VERBS
from lookalike.errors import OptionError


def test_every_verb_does_something() -> None:
    assert {*VERBS, "resume"} == set(parsers()[1])  # resume becomes the command that began the run


def test_choices_and_defaults_are_those_of_python() -> None:
    from lookalike.curate.weights import METHODS as WEIGHTS
    from lookalike.defaults import METHODS
    from lookalike.llm import LLM

    files = ["--real", "r.csv", "--synthetic", "s.csv"]
    written = signature(lookalike.SynAlign).parameters | signature(LLM).parameters
    shared = {
        ("generate", "real.csv", "-n", "5", "-o", "o.csv"): (
            written,
            ("method", "demonstrations", "gen_size", "concurrency"),
        ),
        ("align", *files, "-n", "5", "-o", "o.csv"): (
            signature(lookalike.align).parameters,
            ("method", "most_repeats", "seed"),
        ),
        ("sample", "m", "-o", "o.csv"): (signature(lookalike.DiffLM.sample).parameters, ("strength",)),
        ("fit", "real.csv", "-o", "m"): (signature(lookalike.DiffLM).parameters, ("device", "seed")),
    }
    for command, (parameters, names) in shared.items():
        args = parse(command)
        for name in names:
            if getattr(args, name) is None:  # so that it is found where it has no effect
                (action,) = (one for one in parsers()[1][command[0]]._actions if one.dest == name)
                assert f"{parameters[name].default}" in str(action.help), (command[0], name)
            else:
                assert getattr(args, name) == parameters[name].default, (command[0], name)
    for verb, known in (("generate", METHODS), ("align", WEIGHTS)):
        (method,) = (action for action in parsers()[1][verb]._actions if action.dest == "method")
        assert tuple(method.choices or ()) == known


def test_lora_has_a_rank_of_its_own_on_the_command_line_and_in_a_file(tmp_path: Path) -> None:
    from lookalike.defaults import LORA_RANK

    command, file = ["fit", "real.csv", "-o", "m", "--backbone", "b"], tmp_path / "o.toml"
    assert parse(command).lora is None
    assert parse([*command, "--lora", "0"]).lora == 0
    assert parse([*command, "--lora", "3"]).lora == 3
    assert parse([*command, "--lora"]).lora == LORA_RANK
    file.write_text('real = "real.csv"\nlora = true\n')
    assert parse(["fit", "--config", str(file), "-o", "m"]).lora == LORA_RANK
    file.write_text("lora = false\n")
    assert parse([*command, "--config", str(file)]).lora == 0
    with pytest.raises(OptionError, match="--lora 1025: the rank"):
        parse([*command, "--lora", "1025"])


@pytest.mark.parametrize("option", ["--queue", "--threads"])
def test_a_number_out_of_range_names_its_option(option: str) -> None:
    verb = ["review", "t.csv"] if option == "--queue" else ["fit", "t.csv"]
    with pytest.raises(OptionError, match=f"{option} 0: write a whole number of at least 1"):
        parse([*verb, "-o", "out", option, "0"])
