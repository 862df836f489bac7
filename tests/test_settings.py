from pathlib import Path
from typing import Any

import pytest

from pytest_llmprod.core.errors import SettingsError
from pytest_llmprod.settings import Settings, load


def read(tmp_path: Path, table: str | bytes | None = None, **options: Any) -> Settings:
    if table is not None:
        content = table if isinstance(table, bytes) else table.encode()
        (tmp_path / "pyproject.toml").write_bytes(content)
    values: dict[str, Any] = {
        "record": "none",
        "model": None,
        "swaps": (),
        "models": None,
        "concurrency": None,
        "is_strict": False,
        "json_path": None,
    }
    return load(rootpath=tmp_path, **{**values, **options})


@pytest.mark.parametrize("table", [None, "", "[tool.other]\nx = 1\n"])
def test_without_configuration_the_defaults_hold(tmp_path: Path, table: str | None) -> None:
    found = read(tmp_path, table)

    assert (found.concurrency, found.gate_valid_days, found.allow_hosts) == (8, 90, ())
    assert (found.record, found.is_strict, found.json_path) == ("none", False, None)
    assert (found.choice.override, dict(found.choice.swaps)) == (None, {})
    assert found.rootpath == tmp_path


def test_pyproject_wins_over_the_defaults(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "[tool.llmprod]\nconcurrency = 3\ngate_valid_days = 7\n"
        '[tool.llmprod.wire]\nallow_hosts = ["db.internal:5432"]\n',
    )

    assert found.concurrency == 3
    assert found.gate_valid_days == 7
    assert found.allow_hosts == ("db.internal:5432",)


def test_the_command_line_wins_over_pyproject(tmp_path: Path) -> None:
    assert read(tmp_path, "[tool.llmprod]\nconcurrency = 3\n", concurrency=5).concurrency == 5


def test_the_command_line_is_taken_over(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        record="once",
        model="gpt-5-nano",
        swaps=["a=b", "c=d"],
        is_strict=True,
        json_path="out/run.json",
    )

    assert found.record == "once"
    assert found.choice.override == "gpt-5-nano"
    assert dict(found.choice.swaps) == {"a": "b", "c": "d"}
    assert found.is_strict
    assert found.json_path == Path("out/run.json")


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("[tool.llmprod]\nconcurency = 3\n", "no key 'concurency'. Did you mean 'concurrency'?"),
        (
            "[tool.llmprod]\nzzz = 3\n",
            "no key 'zzz'. Known are audit, budgets, concurrency, drill_every_days, features, ",
        ),
        (
            "[tool.llmprod]\nforbid = ['pii']\n",
            "no key 'forbid'. It is one of [tool.llmprod.wire]. Known are audit, ",
        ),
        ("[tool.llmprod.wire]\nallow_host = []\n", "[tool.llmprod.wire] has no key 'allow_host'."),
        ("[tool.llmprod]\nconcurrency = '3'\n", "concurrency must be a whole number, not '3'"),
        ("[tool.llmprod]\nconcurrency = true\n", "concurrency must be a whole number, not True"),
        ("[tool.llmprod]\nconcurrency = 2.5\n", "concurrency must be a whole number, not 2.5"),
        ("[tool.llmprod]\nconcurrency = 0\n", "pyproject.toml: [tool.llmprod] concurrency must be"),
        ("[tool.llmprod]\ngate_valid_days = 0\n", "gate_valid_days must be from 1 to 36500, not 0"),
        ("[tool.llmprod]\ngate_valid_days = 9999999\n", "from 1 to 36500, not 9999999"),
        ("[tool.llmprod]\nretention_days = 0\n", "retention_days must be from 1 to 36500, not 0"),
        ("[tool.llmprod]\nlog = 'replayed'\n", 'log must be "all", "live" (only'),
        ("[tool.llmprod]\nlog = true\n", 'or "none", not True'),
        ("[tool.llmprod]\nwire = 5\n", "wire must be a table, not 5"),
        ("[tool.llmprod.wire]\nallow_hosts = 'x'\n", "allow_hosts must be a list, not 'x'"),
        ("[tool.llmprod.wire]\nallow_hosts = [5]\n", "allow_hosts must be a list of texts"),
        ("[tool.llmprod.wire]\nmax_age_days = 0\n", "max_age_days must be from 1 to 36500, not 0"),
        ("[tool.llmprod.wire]\nmax_age_days = '9'\n", "max_age_days must be a whole number"),
        ("[tool]\nllmprod = 5\n", "tool.llmprod must be a table: write [tool.llmprod]."),
        ("[tool.llmprod\n", "cannot be read"),
        (b"\xff", "cannot be read"),
    ],
)
def test_a_wrong_setting_is_told_with_the_cure(
    tmp_path: Path, table: str | bytes, problem: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, table)

    assert "pyproject.toml" in str(caught.value)
    assert problem in str(caught.value)


@pytest.mark.parametrize("models", ["", "a", "a,", "a,,b", "a,b,a"])
def test_several_models_are_at_least_two_each_once(tmp_path: Path, models: str) -> None:
    with pytest.raises(
        SettingsError, match="two or more model names, the old one first, each once"
    ):
        read(tmp_path, models=models)


def test_several_models_are_asked_in_their_order(tmp_path: Path) -> None:
    assert read(tmp_path, models="a, b,c").choice.models == ("a", "b", "c")


@pytest.mark.parametrize("other", [{"model": "c"}, {"swaps": ["a=c"]}])
def test_several_models_and_another_choice_exclude_each_other(
    tmp_path: Path, other: dict[str, Any]
) -> None:
    with pytest.raises(SettingsError, match="Leave out --llm-model and --llm-swap"):
        read(tmp_path, models="a,b", **other)


def test_no_case_at_once_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--llm-concurrency must be at least 1, not 0"):
        read(tmp_path, concurrency=0)


@pytest.mark.parametrize("swap", ["a", "a=", "=b", "=", "", "a=b=c", "a==b"])
def test_a_swap_needs_two_names(tmp_path: Path, swap: str) -> None:
    with pytest.raises(SettingsError, match=r"--llm-swap takes OLD=NEW, two model names, not"):
        read(tmp_path, swaps=[swap])


@pytest.mark.parametrize("second", ["a=b", "a=c"])
def test_a_model_is_swapped_once(tmp_path: Path, second: str) -> None:
    new = second.partition("=")[2]

    with pytest.raises(SettingsError, match=f"names 'a' twice, for 'b' and for '{new}'. Keep one"):
        read(tmp_path, swaps=["a=b", second])


@pytest.mark.parametrize("value", ["", " "])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("model", "--llm-model takes the name of a model, not '"),
        ("json_path", "--llm-json takes the name of a file, not '"),
    ],
)
def test_an_option_without_a_value_is_told_with_the_cure(
    tmp_path: Path, name: str, text: str, value: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, **{name: value})

    assert str(caught.value).startswith(text)
    assert str(caught.value).endswith("or leave the option out.")
