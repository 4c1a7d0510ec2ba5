"""Cells of several items: which columns are such, how they are read and compared."""

import json

import numpy as np
import pandas as pd
import pytest

from lookalike.errors import SchemaError
from lookalike.table import lists
from lookalike.table.column import Column
from lookalike.table.inferring import infer

WORDS = ["Drama", "Comedy", "Crime", "Action", "Romance", "Sci-Fi", "Horror", "War", "Family"]


def drawn(rows: int = 600, words: list[str] = WORDS, ordered: bool = True, seed: int = 0) -> list[list[str]]:
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(1, len(words) + 1)
    made = []
    for _ in range(rows):
        own = rng.choice(len(words), 1 + min(rng.poisson(1.5), 5), replace=False, p=share / share.sum())
        made.append([words[at] for at in (sorted(own) if ordered else own)])
    return made


def of_cells(cells: list[str | None]) -> Column:
    return infer(pd.DataFrame({"x": cells, "n": range(len(cells))}))["x"]


LAYOUTS = {
    "{item}|{item}": "|".join,
    "{item}, {item}": ", ".join,
    "{item},{item}": ",".join,
    "{item};{item}": ";".join,
    "{item}; {item}": "; ".join,
    "{item} / {item}": " / ".join,
    "{item} + {item}": " + ".join,
    "{item}\n{item}": "\n".join,
    "{item};{item};": lambda own: ";".join(own) + ";",
    "['{item}', '{item}']": str,
    '["{item}", "{item}"]': json.dumps,
    '["{item}","{item}"]': lambda own: json.dumps(own, separators=(",", ":")),
    "{{item},{item}}": lambda own: "{" + ",".join(own) + "}",
}


@pytest.mark.parametrize("text", LAYOUTS)
def test_how_items_are_written_is_found(text: str) -> None:
    made = drawn()
    cells = [LAYOUTS[text](own) for own in made]
    column = of_cells([*cells, None])
    assert (column.kind, column.format, column.exceptions) == ("list", text, None)
    assert set(column.items or []) == set(WORDS) and (column.items or [])[0] == "Drama"
    assert lists.split(cells, text) == made and lists.join(made, text).tolist() == cells


def test_an_empty_list_is_a_value_of_its_own() -> None:
    column = of_cells([*map(str, drawn()), *["[]"] * 30])
    assert column.kind == "list" and column.exceptions == ["[]"]


def test_numbers_may_be_items() -> None:
    made = drawn(words=[str(n) for n in range(1, 13)])
    assert of_cells([",".join(own) for own in made]).format == "{item},{item}"
    assert of_cells([json.dumps([int(item) for item in own]) for own in made]).format == "[{item}, {item}]"


def test_items_may_hold_what_stands_between_others() -> None:
    made = drawn(
        words=["Price", "Quality, durability", "Brand", "Time to wait", "Other", "None, really", "A"]
    )
    assert of_cells([";".join(own) for own in made]).format == "{item};{item}"


RNG = np.random.default_rng(1)


def mixed(words: str, between: str, fewest: int = 2, most: int = 7) -> list[str]:
    return [between.join(RNG.choice(words.split(), RNG.integers(fewest, most))) for _ in range(600)]


OTHERS = {
    "few combinations, all frequent": RNG.choice(["a|b", "a", "b|c", "a|b|c"], 600),
    "towns and countries": [
        f"{town}, {RNG.choice(['Spain', 'Italy', 'France', 'Peru'])}"
        for town in RNG.choice([*"ABCDEFGHIJKL"], 600)
    ],
    "paths": [
        "/".join([f"shop{a}", f"part{a}{b}", f"{a}{b}{c}x"][: 2 + (c > 1)])
        for a, b, c in RNG.integers(0, 6, (900, 3))
    ],
    "sentences": mixed("the a cat dog runs sees old", " ", 3, 9),
    "numbers of groups": [f"{n:,}" for n in RNG.integers(1, 10**7, 600)],
    "repeated items": mixed("home cart item pay", ">"),
    "repeats between commas": mixed("a b c d", ","),
    "unlike parts": [f"{a}, {b}" for a, b in RNG.integers(0, 10**6, (600, 2))],
    "dates": [f"{d}/{m}/{2000 + y}" for d, m, y in RNG.integers(1, 13, (600, 3))],
}


@pytest.mark.parametrize("what", OTHERS)
def test_other_cells_are_no_lists(what: str) -> None:
    assert of_cells([str(cell) for cell in OTHERS[what]]).kind != "list"


def test_items_of_few_rows_are_none_of_the_column() -> None:
    made = drawn()
    for at in range(4):
        made[at].append("Western")
    assert "Western" not in (of_cells(["|".join(own) for own in made]).items or [])
    made[5].append("Western")
    assert "Western" in (of_cells(["|".join(own) for own in made]).items or [])


def test_items_that_name_persons_are_told_of() -> None:
    first, last = ["Anna", "Ben", "Carl", "Dora", "Emil"], ["Smith", "Jones", "Brown", "Meyer"]
    made = drawn(words=[f"{a} {b}" for a in first for b in last])
    real = pd.DataFrame({"authors": [", ".join(own) for own in made], "n": range(len(made))})
    schema = infer(real)
    assert schema["authors"].kind == "list" and schema["authors"].personal == "name"
    assert any("'authors'" in note for note in schema.notes())
    assert of_cells(["|".join(own) for own in drawn()]).personal is None


def test_the_order_of_items() -> None:
    made = drawn()
    assert lists.order(made, sorted(WORDS)) == WORDS
    assert lists.order([sorted(own) for own in made], WORDS) == sorted(WORDS)
    assert lists.order(drawn(ordered=False), WORDS) is None


def test_tables_are_compared_by_the_number_of_items_and_by_each() -> None:
    column = Column(
        "x", "list", "str", True, "str", format="{item}|{item}", items=["a", "b"], exceptions=["-"]
    )
    assert [one.name for one in lists.columns_of(column)] == ["x [items]", "x [a]", "x [b]"]
    parts = lists.parts(np.array(["b|c", None, "a", "-"], dtype=object), column)
    assert [part.tolist() for part in parts] == [
        ["2", None, "1", "0"],
        ["no", None, "yes", "no"],
        ["yes", None, "no", "no"],
    ]


@pytest.mark.parametrize(
    "text", ["{item}", "{item}{item}", "a, b", "{item}|{item}|{item}", ["{item}|{item}"]]
)
def test_a_format_shows_what_stands_between_two_items(text: object) -> None:
    with pytest.raises(SchemaError, match="write the item twice"):
        lists.check_format(Column("x", "list", "str", format=text))  # type: ignore[arg-type]
