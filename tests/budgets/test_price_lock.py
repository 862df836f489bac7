"""The lock file: what is written is read, and what is wrong in it is told."""

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_llmprod.budgets.price_lock import Lock, dump, read
from pytest_llmprod.budgets.prices import ModelPrice
from pytest_llmprod.core.errors import PricesError

MINI = ModelPrice(input=Decimal("0.25"), cached=Decimal("0.025"), output=Decimal(2))


def write(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "llmprod.prices.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def row(table: str = "models", **changes: str) -> str:
    values = {
        "provider": '"openai"',
        "model": '"m"',
        "input": '"1"',
        "cached": '"0.5"',
        "output": '"2"',
    }
    lines = "".join(f"{k} = {v}\n" for k, v in {**values, **changes}.items() if v)
    return f"[[{table}]]\n{lines}"


LONGER = "[[models.longer]]\nabove = {}\ninput = 3\ncached = 3\noutput = 3\n"
PRICES = st.decimals(0, 10_000, places=6).map(Decimal)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
RATES = {
    **dict.fromkeys(["input", "cached", "output"], PRICES),
    **dict.fromkeys(["cache_write", "input_audio", "output_audio"], st.none() | PRICES),
}
STARTS = st.lists(st.integers(1, 10**6), unique=True, max_size=2).map(sorted)
LONGER_PRICES = STARTS.flatmap(
    lambda starts: st.tuples(
        *(st.tuples(st.just(n), st.builds(ModelPrice, **RATES)) for n in starts)
    )
)
MODELS = st.dictionaries(
    st.tuples(NAMES, NAMES),
    st.builds(
        ModelPrice,
        **RATES,
        longer=LONGER_PRICES,
        tiers=st.dictionaries(
            NAMES, st.builds(ModelPrice, **RATES, longer=LONGER_PRICES), max_size=2
        ),
    ),
    max_size=3,
)


@given(MODELS, MODELS, NAMES.filter(bool))
def test_a_lock_reads_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory,
    models: dict[tuple[str, str], ModelPrice],
    overrides: dict[tuple[str, str], ModelPrice],
    note: str,
) -> None:
    lock = Lock(
        source=note,
        locked_on="2026-11-22",
        models=models,
        overrides=overrides,
        notes=dict.fromkeys(overrides, note),
    )

    # In a folder of its own: other tests look for a lock in the folders above theirs.
    assert read(write(tmp_path_factory.mktemp("lock"), dump(lock))) == lock


def test_a_lock_is_sorted_and_says_where_it_came_from() -> None:
    models = {("openai", "b"): MINI, ("openai", "a"): MINI}

    text = dump(Lock(source="genai-prices 0.2.3", locked_on="2026-11-22", models=models))

    document = tomllib.loads(text)
    assert document["source"] == "genai-prices 0.2.3"
    assert document["locked_on"] == "2026-11-22"
    assert [each["model"] for each in document["models"]] == ["a", "b"]
    assert document["models"][0] == {
        "provider": "openai",
        "model": "a",
        "input": "0.25",
        "cached": "0.025",
        "output": "2",
    }


def test_a_lock_that_names_no_day_has_none(tmp_path: Path) -> None:
    assert (read(write(tmp_path, row())).locked_on, read(write(tmp_path, row())).source) == ("", "")


def test_an_override_without_a_note_has_none_in_the_file() -> None:
    text = dump(Lock(source="", locked_on="2026-11-22", models={}, overrides={("o", "m"): MINI}))

    assert "note" not in tomllib.loads(text)["overrides"][0]


def test_an_override_goes_before_what_was_locked(tmp_path: Path) -> None:
    lock = read(write(tmp_path, row() + row("overrides", input='"0.7"', note='"contract 12"')))

    assert lock.prices["openai", "m"].input == Decimal("0.7")
    assert lock.models["openai", "m"].input == 1
    assert lock.notes == {("openai", "m"): "contract 12"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff", "can't decode"),
        ("[[models]", "Expected"),
        (row(output=""), "'output' is missing"),
        (row() + LONGER.format(0), "above of 'm' must be tokens, more in each row, not 0"),
        (row() + LONGER.format(5) * 2, "above of 'm' must be tokens, more in each row, not 5"),
        (row() + LONGER.format('"5"'), "above of 'm' must be tokens, more in each row, not '5'"),
        (row() + "[models.tiers.batch]\ninput = 1\n", "'cached' is missing"),
        (row() * 2, "'m' of 'openai' stands there twice"),
        (
            row(cached_write='"1"'),
            "'cached_write' of 'm' is not known; did you mean 'cache_write'?",
        ),
        ("zzz = 1", "the key 'zzz' of the file is not known)"),
        ("overides = []", "'overides' of the file is not known; did you mean 'overrides'?"),
        (row(provider=""), "'provider' is missing"),
        (row(input='"cheap"'), "input of 'm' must be USD from 0 up, not 'cheap'"),
        (row(input='"NaN"'), "input of 'm' must be USD from 0 up, not 'NaN'"),
        (row(cached='"Infinity"'), "cached of 'm' must be USD from 0 up, not 'Infinity'"),
        (row(output='"-1"'), "output of 'm' must be USD from 0 up, not '-1'"),
        (row(output="true"), "output of 'm' must be USD from 0 up, not True"),
        (row(output="nan"), "output of 'm' must be USD from 0 up"),
        (row(output="[1]"), "output of 'm' must be USD from 0 up"),
        ("models = 5", "not iterable"),
        (row(tiers="5"), "no attribute"),
        (row(tiers="{batch = 5}"), "not iterable"),
        (row(longer="[5]"), "not subscriptable"),
        ("models = [5]", "not subscriptable"),
        ("[models]\ninput = 1", "indices"),
    ],
)
def test_a_broken_lock_is_told_with_the_cure(
    tmp_path: Path, content: str | bytes, reason: str
) -> None:
    path = write(tmp_path, content)

    with pytest.raises(PricesError) as caught:
        read(path)

    message = str(caught.value)
    assert message.startswith(f"{path}: cannot be read (")
    assert reason in message
    assert message.endswith(
        f"Correct it, or delete it and write it anew with `llmprod prices lock {tmp_path}`."
    )
