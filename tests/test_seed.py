"""Named streams: the same again, and none of them another one's."""

import ast
from collections import Counter
from functools import cache
from itertools import product

import numpy as np
import pytest

from lookalike.seed import child, child_seed
from tests.paths import PACKAGE

LANES = ("difflm/small/", "difflm/pretrained/")  # of a model one or the other is at work


@cache
def difflm() -> dict[str, list[ast.Call]]:
    """Every file of difflm/ by its path: what it calls, as it stands in the source."""
    return {
        path.relative_to(PACKAGE).as_posix(): [
            node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)
        ]
        for path in sorted((PACKAGE / "difflm").rglob("*.py"))
    }


def name_of(call: ast.Call) -> str:
    return ast.unparse(call.func).split(".")[-1]


def named(place: str) -> list[tuple[str, ...]]:
    """The constant names of each stream that a file uses."""
    calls = [call for call in difflm()[place] if name_of(call) in ("child", "child_seed")]
    return [tuple(one.value for one in call.args[1:] if isinstance(one, ast.Constant)) for call in calls]


def first(rng: np.random.Generator) -> tuple[int, ...]:
    return tuple(rng.integers(2**63, size=2).tolist())


def test_a_stream_is_the_same_on_every_machine() -> None:
    assert child(7, "sample", "chunk", 3).integers(10**9, size=3).tolist() == [
        494781684,
        793362742,
        119872333,
    ]
    assert child_seed(7, "sample", "chunk", 3) == 5877822468216218772
    assert first(child(np.int64(7), "chunk", np.int64(3))) == first(child(7, "chunk", 3))


def test_streams_of_other_seeds_or_names_are_others() -> None:
    names = [
        (),
        ("chunk",),
        ("chunk", 1),
        ("chunk", "1"),
        ("chunk", 1, 1),
        ("chunk", 11),
        ("chunk1",),
        (1, "chunk"),
        ("1", "chunk"),
        (0,),
        (1,),
    ]
    seeds = [*range(300), *(2**k for k in range(9, 63)), *(2**k - 1 for k in range(9, 64))]
    streams = {first(child(seed, *own)) for seed, own in product(seeds, names)}
    numbers = {child_seed(seed, *own) for seed, own in product(seeds, names)}
    assert len(streams) == len(numbers) == len(seeds) * len(names)
    assert all(0 <= number < 2**63 for number in numbers)
    assert not {first(np.random.default_rng(number)) for number in numbers} & streams


def test_difflm_has_no_stream_without_a_name() -> None:
    for place, calls in difflm().items():
        for call in calls:
            name, text = name_of(call), ast.unparse(call)
            assert name not in ("default_rng", "SeedSequence", "seed", "RandomState"), f"{place}: {text}"
            if name == "manual_seed":
                drawn = (
                    "manual_seed(int(rng.integers(2 ** 62)))",
                    "manual_seed(seeds[block])",
                )  # by a stream
                own = "child_seed(" in text or text.endswith(drawn)
                assert own, f"{place}: {text}"
            random_state = [one.value for one in call.keywords if one.arg == "random_state"]
            own = ("child(", "child_seed(")
            assert all(ast.unparse(one).startswith(own) for one in random_state), f"{place}: {text}"


@pytest.mark.parametrize("lane", LANES)
def test_no_two_places_of_difflm_share_a_stream(lane: str) -> None:
    other = [one for one in LANES if one != lane]
    used = Counter(names for place in difflm() if not place.startswith(*other) for names in named(place))
    assert {("prior rows",), ("batches",), ("call",), ("sample", "chunk"), ("sample", "fill")} <= used.keys()
    assert set(used.values()) == {1}
    streams = {
        first(child(0, *names, *index)) for names in used for index in [(), *((i,) for i in range(50))]
    }
    assert len(streams) == len(used) * 51
