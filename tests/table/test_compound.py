import numpy as np
import pandas as pd
import pytest

from lookalike.errors import SchemaError
from lookalike.table import compound
from lookalike.table.column import Column
from lookalike.table.inferring import infer

N = 60


def counts(cells: list[str]) -> pd.Series:
    return pd.Series(cells).value_counts()


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        ([f"{13 + i / 1000:.3f},{77 - i / 900:.3f}" for i in range(N)], "{number},{number}"),
        ([f"({-i / 7:.2f}, {i / 9:.2f})" for i in range(N)], "({number}, {number})"),
        ([f"{13 + i},{i % 9}7;{77 + i},{i % 9}1" for i in range(N)], "{number};{number}"),  # decimal commas
        ([f"{100 + i * 7 % 90}/{60 + i * 5 % 31}" for i in range(N)], "{number}/{number}"),
        ([f"{9 + i * 7 % 90}x{8 + i * 5 % 31}" for i in range(N)], "{number}x{number}"),
        ([f"{20 + i}:{i % 60:02d}:00" for i in range(N)], "{number}:{number}:{number}"),  # over 24 hours
        ([f"{20 + i}:{i % 60:02d}:00" for i in range(2 * N)] + ["56:32"], "{number}:{number}:{number}"),
        ([f"{20 + i}:{i % 60:02d}:00" for i in range(N)] + ["56:32", "51:07"], None),  # too many others
        ([f"{i * 7 % 23}-{i % 9}" for i in range(N)], "{number}-{number}"),  # goals, no number below zero
        ([f"{i % 17}-{i * 7 % 23}-{i % 5}" for i in range(N)], "{number}-{number}-{number}"),
        ([f"{-i}--{i * 7 % 23}" for i in range(1, N)], "{number}-{number}"),
        ([f"{i % 17}-{100 + i * 7}" for i in range(N)], None),  # codes
        ([f"+1-{200 + i}-{300 + i}-{4000 + i}" for i in range(N)], None),  # phones
        ([f"10.0.{i % 4}.{i}" for i in range(N)], None),  # addresses of machines
        ([f"{i + 1}/2021" for i in range(N)], None),  # numbers of papers
        ([f"2021-{i:04d}" for i in range(N)], None),
        ([f"1.{i}.{i % 7}" for i in range(N)], None),  # versions
        ([f"{4000 + i} {1111 + i} {5000 + i}" for i in range(N)], None),  # cards
        (["1.5,2.5"] * N, None),  # always the same
    ],
)
def test_cells_of_several_measures_are_told_from_codes(cells: list[str], wanted: str | None) -> None:
    assert compound.of_numbers(counts(cells)) == wanted


def test_words_that_come_again_make_a_compound_and_others_do_not() -> None:
    rng = np.random.default_rng(0)
    first, last = rng.choice(["Ada", "Pia", "Zoë"], 300), rng.choice([f"O'N{x}" for x in "abcdefghij"], 300)
    assert (
        compound.words(counts([f"{a} {b}" for a, b in zip(first, last, strict=True)]), 5) == "{word} {word}"
    )
    numbers = rng.integers(1, 99, 300)
    streets = [f"{n} {a} {'Street' if n % 2 else 'Road'}" for n, a in zip(numbers, first, strict=True)]
    assert compound.words(counts(streets), 5) == "{number} {word} {word}"
    versions = [f"{n % 3}.{n % 12}.{n}" for n in numbers]
    assert compound.words(counts(versions), 5) == "{number}.{number}.{number}"
    pages = [f"https://example.com/p/{n}?from={a}" for n, a in zip(numbers * 91, first, strict=True)]
    assert compound.words(counts(pages), 5) == "{word}://{word}.{word}/{word}/{number}?{word}={word}"
    rare = [f"{a} {i}{b}" for i, (a, b) in enumerate(zip(first, last, strict=True))]
    assert compound.words(counts(rare), 5) is None


def test_join_undoes_split() -> None:
    cells = ["(1.5, -2)", "(0, 7.25)", None]
    members = compound.split(cells, "({number}, {number})")
    assert [list(own) for own in members] == [["1.5", "0", None], ["-2", "7.25", None]]
    assert list(compound.join(members, "({number}, {number})")) == cells
    assert compound.split(["(1.5; -2)"], "({number}, {number})")[0][0] is None


@pytest.mark.parametrize("text", [None, "{number}", "{number}{number}", "plain"])
def test_a_format_without_members_is_refused(text: str | None) -> None:
    with pytest.raises(SchemaError, match="at least two members"):
        compound.check_format(Column("x", "compound", "object", format=text))


def test_codes_of_three_levels_that_come_again_are_compounds() -> None:
    rng = np.random.default_rng(0)
    levels = zip(rng.integers(1, 5, 600), rng.integers(1, 7, 600), rng.integers(1, 12, 600), strict=True)
    column = infer(pd.DataFrame({"code": [f"{a}.{b}.{c}" for a, b, c in levels]}))["code"]
    assert (column.kind, column.format) == ("compound", "{number}.{number}.{number}")


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        ([f"{i % 60}°{i * 7 % 60:02d}'{'NS'[i % 2]}" for i in range(200)], "{number}°{number}'{word}"),
        (
            [f"{i % 60}°{i * 7 % 60:02d}\u2032{i * 11 % 60:02d}.{i % 9}\u2033N" for i in range(200)],
            "{number}°{number}\u2032{number}\u2033N",
        ),
    ],
)
def test_angles_of_degrees_and_minutes_are_compounds(cells: list[str], form: str) -> None:
    column = infer(pd.DataFrame({"at": cells}))["at"]
    assert (column.kind, column.format) == ("compound", form)


def test_means_with_their_deviation_are_compounds_of_two_numbers() -> None:
    rng = np.random.default_rng(0)
    cells = [
        f"{a:.2f} ± {b:.2f}" for a, b in zip(rng.normal(5, 1, 300), rng.uniform(0.2, 0.8, 300), strict=True)
    ]
    column = infer(pd.DataFrame({"x": cells}))["x"]
    assert (column.kind, column.format) == ("compound", "{number} ± {number}")


@pytest.mark.parametrize(
    ("cell", "form"),
    [
        ("{a}'{b}\" x {c}'{d}\"", "{number}'{number}\" x {number}'{number}\""),
        ("{a}\u2032{b}\u2033", "{number}\u2032{number}\u2033"),
        ("{a}'{b:02}\"", "{number}'{number}\""),
    ],
)
def test_feet_and_inches_are_measures(cell: str, form: str) -> None:
    draws = np.random.default_rng(0).integers([8, 0, 8, 0], [20, 12, 20, 12], (300, 4))
    cells = [cell.format(a=a, b=b, c=c, d=d) for a, b, c, d in draws.tolist()]
    column = infer(pd.DataFrame({"x": cells}))["x"]
    assert (column.kind, column.format) == ("compound", form)
