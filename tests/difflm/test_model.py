"""What a call of `sample` and its kin gives: fresh rows or the same, rows of `like`, unknown values."""

import inspect
import pydoc

import numpy as np
import pandas as pd
import pytest

from lookalike.difflm import DiffLM
from lookalike.errors import ConditionError, LookalikeError
from lookalike.files.writing import write_table

pytestmark = pytest.mark.usefixtures("few_candidates")

ROWS = 400
RNG = np.random.default_rng(0)
SIZE = RNG.integers(1, 40, ROWS)
TABLE = pd.DataFrame(
    {
        "fare": np.round(SIZE * 2.5 + RNG.gamma(2, 2, ROWS), 2),
        "size": SIZE,
        "zone": RNG.choice(list("ABCD"), ROWS),
        "rate": RNG.choice([1, 2, 5], ROWS),
        "day": (pd.Timestamp("2024-01-01") + pd.to_timedelta(RNG.integers(0, 90, ROWS), "D")).strftime(
            "%d/%m/%Y"
        ),
        "at": pd.Timestamp("2024-01-01") + pd.to_timedelta(RNG.integers(0, 90 * 24, ROWS), "h"),
        "note": [
            f"words {i % 37} of {'an old note' if i % 2 else 'a note'} {i % 211} x{i}" for i in range(ROWS)
        ],
        "key": np.arange(1000, 1000 + ROWS),
        "same": "x",
        "tip": np.where(RNG.random(ROWS) < 0.2, np.nan, np.round(RNG.random(ROWS), 3)),
        "spec": [{"a": int(i % 5), "b": ["x"] * int(i % 3)} for i in range(ROWS)],
    }
)
TABLE.loc[[3, 7], "zone"] = "rare"
KEPT = [name for name in TABLE if name != "key"]


@pytest.fixture(scope="module")
def model(quick) -> DiffLM:
    return quick(steps=60, denoiser_steps=30).fit(TABLE)


@pytest.fixture(scope="module")
def folder(model: DiffLM, tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("models") / "calls"
    model.save(path)
    return path


LATENTS = np.zeros((3, 4, 4), dtype=np.float32)
CALLS = {
    "sample": lambda m, **o: m.sample(20, **o),
    "where": lambda m, **o: m.sample(20, where={"zone": "A"}, **o),
    "balance": lambda m, **o: m.sample(12, balance="zone", **o),
    "chunks": lambda m, **o: pd.concat(m.sample_chunks(20, **o)),
    "given": lambda m, **o: m.sample(given=TABLE[["zone"]].iloc[10:30], **o),
    "like": lambda m, **o: m.sample(like=TABLE.iloc[10:20], strength=0.5, **o),
    "impute": lambda m, **o: m.impute(TABLE[["zone", "fare"]].iloc[10:30].assign(fare=np.nan), **o),
    "decode": lambda m, **o: m.decode(m.encode(TABLE.iloc[10:30]), **o),
    "interpolate": lambda m, **o: m.interpolate(TABLE.iloc[[10]], TABLE.iloc[[11]], steps=5, **o),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_without_a_seed_gives_new_rows_and_one_with_a_seed_the_same(folder, name: str) -> None:
    call, one, again = CALLS[name], DiffLM.load(folder), DiffLM.load(folder)
    first, second = call(one), call(one)
    assert not first["fare"].equals(second["fare"])
    pd.testing.assert_frame_equal(
        call(again), first
    )  # the k-th call of a loaded model, whenever it is loaded
    seeded = call(one, seed=5)  # the third call of one model, the second of the other
    pd.testing.assert_frame_equal(call(again, seed=5), seeded)
    pd.testing.assert_frame_equal(call(again), second)  # a seeded call moves no other one


def test_both_ways_to_sample_show_all_their_options() -> None:
    one, other = (inspect.signature(call).parameters for call in (DiffLM.sample, DiffLM.sample_chunks))
    assert list(one) == [
        *("self", "n", "where", "given", "like", "strength", "balance"),
        *("temperature", "top_p", "valid_only", "refine", "seed"),
    ]
    assert [*one.values(), other["after"]] == list(other.values())  # of rows in shards
    assert {p.kind for p in one.values()} == {
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.KEYWORD_ONLY,
    }
    assert "valid_only: 'bool' = False" in pydoc.render_doc(DiffLM.sample, renderer=pydoc.plaintext)


def test_ids_go_on_from_call_to_call(folder) -> None:
    model = DiffLM.load(folder)
    keys = [
        model.sample(30)["key"],
        model.sample(like=TABLE.head(4), n=30, strength=0)["key"],
        model.sample(10, seed=3)["key"],  # a seed begins anew: the same table each time
        model.sample(30)["key"],
    ]
    assert keys[2].tolist() == list(range(1400, 1410))
    fresh = pd.concat([keys[0], keys[1], keys[3]])
    assert fresh.is_unique and not fresh.isin(TABLE["key"]).any()
    assert fresh.tolist() == list(range(1400, 1490))


def test_fitting_again_begins_anew(quick) -> None:
    table = TABLE[["zone", "size"]]
    model = quick(steps=3, denoiser_steps=3).fit(table)
    first = model.sample(20)
    model.sample(20)
    pd.testing.assert_frame_equal(model.fit(table).sample(20), first)


def test_strength_0_is_the_rows_themselves_with_fresh_ids(model: DiffLM) -> None:
    rows = TABLE.iloc[:90]  # a rare zone, missing tips, texts and objects among them
    made = model.sample(like=rows, strength=0)
    pd.testing.assert_frame_equal(made[KEPT], rows[KEPT])
    assert not made["key"].isin(TABLE["key"]).any() and made["key"].is_unique
    twice = model.sample(200, like=rows, strength=0)[KEPT]
    pd.testing.assert_frame_equal(twice, rows[KEPT].iloc[np.arange(200) % 90].reset_index(drop=True))
    under = model.sample(like=rows, strength=0, where={"zone": "B"})
    assert set(under["zone"]) == {"B"}
    pd.testing.assert_frame_equal(under.drop(columns=["zone", "key"]), rows.drop(columns=["zone", "key"]))


def test_a_cell_is_drawn_anew_with_the_chance_of_the_strength(model: DiffLM) -> None:
    rows = TABLE.iloc[100:300]
    columns = ["fare", "at"]  # of so many values that a draw seldom gives the same

    def kept(strength: float) -> float:
        made = model.sample(like=rows, strength=strength, seed=1)
        return float(np.mean(made[columns].to_numpy() == rows[columns].to_numpy()))

    strengths = (0.0, 0.1, 0.5, 1.0)
    shares = [kept(strength) for strength in strengths]
    for share, strength in zip(shares, strengths, strict=True):
        assert abs(share - (1 - strength)) < 0.15, (strength, share)
    assert shares == sorted(shares, reverse=True)
    made = model.sample(like=rows.head(100), strength=0.05)
    assert (
        made["note"].to_numpy() != rows["note"].head(100).to_numpy()
    ).mean() > 0.9  # texts are written anew
    assert (made.dtypes == TABLE.dtypes).all()


def test_rare_values_of_like_come_back_at_strength_0_alone(model: DiffLM) -> None:
    rare = TABLE.iloc[[3, 7]]
    assert (model.sample(100, like=rare, strength=0)["zone"] == "rare").all()
    assert (model.sample(100, like=rare, strength=0.05)["zone"] != "rare").all()


def test_impute_keeps_what_was_not_learned_and_says_so(folder, capsys: pytest.CaptureFixture[str]) -> None:
    model = DiffLM.load(folder)
    table = pd.DataFrame({"zone": ["rare", "Z"], "fare": [1e6, np.nan], "same": ["y", "x"]})
    filled = model.impute(table)
    assert (
        filled["zone"].tolist() == ["rare", "Z"] and filled["fare"][0] == 1e6 and filled["fare"].notna().all()
    )
    said = capsys.readouterr().err
    assert "4 in 'zone', 'fare', 'same'" in said and "'rare' in row 0" in said


UNKNOWN = [  # column, value in row 1, what the sentence has to say
    ("zone", "Z", "'Z'"),
    ("zone", "rare", "'rare'"),
    ("rate", 3, "3"),
    ("fare", 1e6, "1000000.0"),
    ("fare", -1e6, "go from"),
    ("fare", float("inf"), "inf"),
    ("fare", "cheap", "'cheap'"),
    ("size", 7.5, "7.5"),
    ("day", "2024-02-01", "'2024-02-01'"),
    ("day", "31/02/2024", "'31/02/2024'"),
    ("day", "01/02/1924", "go from"),
    ("at", pd.Timestamp("1990-01-01"), "1990"),
    ("at", "noon", "'noon'"),
    ("same", "y", "always 'x'"),
    ("note", 7, "7"),
    ("spec", "{", "'{'"),
]


@pytest.mark.parametrize(("name", "value", "said"), UNKNOWN)
def test_a_given_value_that_was_never_learned_is_a_sentence(
    model: DiffLM, name: str, value: object, said: str
) -> None:
    first = TABLE[name].iloc[20]
    given = pd.DataFrame({name: pd.Series([first, value, first], dtype=object)})
    with pytest.raises(ConditionError) as caught:
        model.sample(given=given)
    text = str(caught.value)
    assert "row 1 of the given table" in text and f"column '{name}'" in text and said in text
    assert text.endswith(".") and "\n" not in text
    good = model.sample(given=given.drop(index=1))
    assert good[name].tolist() == [first, first]


def test_rows_of_the_real_table_can_be_given_and_varied(model: DiffLM) -> None:
    """But for those with a rare category, which cannot be given."""
    given = TABLE[["fare", "size", "rate", "day", "at", "tip", "note", "spec"]]
    made = model.sample(given=given)
    known = given.drop(columns="tip")
    pd.testing.assert_frame_equal(made[known.columns], known)
    assert len(model.sample(like=TABLE, strength=0.3)) == ROWS


@pytest.mark.parametrize(
    ("name", "value"), [("same", "y"), ("day", "2024-02-01"), ("size", "many"), ("spec", "{"), ("note", 7)]
)
def test_rows_of_like_that_cannot_be_read_are_a_sentence(model: DiffLM, name: str, value: object) -> None:
    rows = TABLE.iloc[:3].astype({name: object})
    rows.loc[2, name] = value
    with pytest.raises(ConditionError, match=rf"row 2 of like: the value .* of column '{name}' .*\.$"):
        model.sample(like=rows)


def test_what_plainly_means_a_table_or_a_number_is_taken(model: DiffLM) -> None:
    pd.testing.assert_frame_equal(
        model.sample(given={"size": [3, 4]}, seed=0),
        model.sample(given=pd.DataFrame({"size": [3, 4]}), seed=0),
    )
    assert model.sample(given={"size": 3, "zone": "A"})[["size", "zone"]].values.tolist() == [[3, "A"]]
    assert model.sample(given=[{"size": 3}, {"size": 4}])["size"].tolist() == [3, 4]
    assert len(model.sample(1e1)) == len(model.sample(np.int64(10))) == 10
    made = model.sample(50, where="fare=20..40")
    assert made["fare"].between(20, 40).all()
    made = model.sample(50, where=["fare=20..", "zone=A,B"])
    assert (made["fare"] >= 20).all() and set(made["zone"]) <= {"A", "B"}
    assert model.sample(20, where={"size": range(3, 6)})["size"].isin([3, 4, 5]).all()


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("fare > 10", "write fare=10.., a range whose ends are included"),
        ("fare >= 10", "write fare=10.."),
        ("fare<10", "write fare=..10"),
        ("zone == A", "write zone=A."),
        ("zone != A", "write zone!= for not missing"),
        ("fare", "write COLUMN=VALUE, such as fare=10"),
        ("speed > 10", "COLUMN=VALUE"),
        ({"fare": {"min": 3}}, "write a value, a set of values, a range"),
        ({"fare": lambda fare: fare > 3}, "write a value"),
        (7, "{'fare': (10, 20)}"),
    ],
)
def test_a_condition_that_is_none_says_how_to_write_one(model: DiffLM, where: object, said: str) -> None:
    with pytest.raises(LookalikeError) as caught:
        model.sample(5, where=where)
    assert said in str(caught.value) and str(caught.value).endswith(".")


def test_rows_are_written_like_the_file_that_was_learned(model: DiffLM, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(model.schema, "layout", {"sep": ";"})
    for made in (model.sample(20, seed=1), model.impute(TABLE.iloc[10:30].assign(fare=np.nan))):
        write_table(made[["fare", "zone"]], tmp_path / "made.csv")
        assert (tmp_path / "made.csv").read_text().splitlines()[0] == "fare;zone"
