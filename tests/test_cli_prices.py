"""The commands `llmprod prices`: overrides that stay, and what changed since the lock."""

import json
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from recordings import HOSTILE, cassette, recording

from pytest_llmprod.budgets import price_lock, prices
from pytest_llmprod.budgets.price_lock import Lock
from pytest_llmprod.cli import main
from pytest_llmprod.core.exchange import Usage

PAGE = (Path(__file__).parents[1] / "docs" / "recording.md").read_text(encoding="utf-8")
MINI = "gpt-5-mini-2025-08-07"
NAME = ("openai", MINI)
OVERRIDE = """
[[overrides]]
provider = "openai"
model = "gpt-5-mini-2025-08-07"
note = "contract of 2026"
input = "0.2"
cached = "0.02"
output = "1"
"""
USAGE = Usage(input_tokens=1_000_000, output_tokens=0)


def locked(folder: Path, **models: str) -> Path:
    """A lock in which each model costs so much for its input, and nothing for its output."""
    free = Decimal(0)
    lock = Lock(
        source="genai-prices 0.1.0",
        locked_on="2026-01-31",
        models={
            ("openai", name.replace("_", "-")): prices.ModelPrice(
                input=Decimal(price), cached=free, output=free
            )
            for name, price in models.items()
        },
    )
    path = folder / "llmprod.prices.toml"
    path.write_text(price_lock.dump(lock))
    return path


def test_a_model_can_be_priced_before_it_was_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["prices", "lock", str(tmp_path), "--model", "openai/gpt-5-mini"])

    assert status == 0
    assert ": 1 model priced, from genai-prices" in capsys.readouterr().out
    assert list(price_lock.read(tmp_path / "llmprod.prices.toml").models) == [
        ("openai", "gpt-5-mini")
    ]


def test_a_named_model_is_priced_beside_those_of_recordings(tmp_path: Path) -> None:
    cassette(tmp_path, recording(version=MINI))

    main(["prices", "lock", str(tmp_path), "--model", "openai/gpt-5-nano"])

    lock = price_lock.read(tmp_path / "llmprod.prices.toml")
    assert list(lock.models) == [("openai", MINI), ("openai", "gpt-5-nano")]


@pytest.mark.parametrize("name", ["gpt-5-mini", "/gpt-5", "openai/"])
def test_a_model_is_named_with_its_provider(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["prices", "lock", str(tmp_path), "--model", name])

    assert caught.value.code == 2
    assert "as in openai/gpt-5-mini" in capsys.readouterr().err


def test_an_override_survives_a_new_lock_and_goes_before_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cassette(tmp_path, recording(version=MINI))
    main(["prices", "lock", str(tmp_path)])
    path = tmp_path / "llmprod.prices.toml"
    path.write_text(path.read_text() + OVERRIDE)
    capsys.readouterr()

    status = main(["prices", "lock", str(tmp_path)])

    found = price_lock.read(path)
    assert status == 0
    assert capsys.readouterr().out.endswith(", and 1 override kept\n")
    assert found.notes == {NAME: "contract of 2026"}
    assert found.prices[NAME].input == Decimal("0.2")
    assert found.models[NAME].input == Decimal("0.25")


def test_an_override_prices_a_model_that_nobody_else_knows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cassette(tmp_path, recording(version="llama-at-home"))
    path = tmp_path / "llmprod.prices.toml"
    path.write_text(OVERRIDE.replace(MINI, "llama-at-home").replace('"0.2"', '"0"'))

    status = main(["prices", "lock", str(tmp_path)])

    assert status == 0
    assert capsys.readouterr().err == ""
    assert prices.load(path).find("openai", "llama-at-home") is not None


def test_the_override_on_the_page_is_one(tmp_path: Path) -> None:
    (shown,) = re.findall(r"^```toml\n(\[\[overrides.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    path = tmp_path / "llmprod.prices.toml"
    path.write_text(shown)

    assert price_lock.read(path).prices[NAME].output == Decimal("1.6")


def test_a_diff_shows_what_the_recordings_cost_before_and_now(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cassette(
        tmp_path, recording(version=MINI, usage=USAGE), recording(version="gpt-4", usage=USAGE)
    )
    path = locked(tmp_path, gpt_5_mini_2025_08_07="0.2", gpt_4="30")

    status = main(["prices", "diff", str(tmp_path)])

    lines = capsys.readouterr().out.splitlines()
    assert status == 1
    assert lines[:2] == [f"locked: {path}", "from:   genai-prices 0.1.0, 2026-01-31"]
    assert [line.split() for line in lines if line.startswith(("openai", "all", "model"))] == [
        ["model", "requests", "locked", "now", "change"],
        ["openai", MINI, "1", "$0.20", "$0.25", "+25.0%"],
        ["all", "models", "2", "$30.20", "$30.25", "+0.2%"],
    ]
    assert "".join(lines[-2:]).endswith(str(path.parent))
    assert all(len(line) <= 80 for line in lines[1:-1])


def test_a_diff_without_changes_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cassette(tmp_path, recording(version=MINI, usage=USAGE))
    main(["prices", "lock", str(tmp_path)])
    capsys.readouterr()

    status = main(["prices", "diff", str(tmp_path)])

    assert status == 0
    assert capsys.readouterr().out.endswith("\nnothing changed: 1 request, 0.25 USD\n")


def test_a_diff_leaves_overrides_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cassette(tmp_path, recording(version=MINI, usage=USAGE))
    (tmp_path / "llmprod.prices.toml").write_text(OVERRIDE)

    status = main(["prices", "diff", str(tmp_path)])

    assert status == 0
    assert "0.20 USD" in capsys.readouterr().out


def test_a_model_that_was_unpriced_is_a_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cassette(tmp_path, recording(version=MINI, usage=USAGE))
    locked(tmp_path)

    status = main(["prices", "diff", str(tmp_path), "--json"])

    found = json.loads(capsys.readouterr().out)
    assert status == 1
    assert found["locked"] == {"source": "genai-prices 0.1.0", "locked_on": "2026-01-31"}
    assert found["models"] == [
        {
            "provider": "openai",
            "model": MINI,
            "requests": 1,
            "locked_usd": "0",
            "locked_unpriced": 1,
            "now_usd": "0.25",
            "now_unpriced": 0,
        }
    ]


def test_what_was_served_in_another_tier_costs_what_that_tier_costs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = recording(version=MINI, usage=USAGE)
    answer = {**plain.response["body"]["json"], "service_tier": "flex"}
    flex = replace(plain, response={**plain.response, "body": {"json": answer}})
    event = {"t": 0.1, "data": {**answer, "choices": []}}
    streamed = replace(
        plain, response={**plain.response, "body": {"stream": [event], "text": "hello you"}}
    )
    cassette(tmp_path, plain, flex, streamed)
    main(["prices", "lock", str(tmp_path)])
    capsys.readouterr()

    main(["prices", "diff", str(tmp_path), "--json"])

    assert json.loads(capsys.readouterr().out)["total"]["now_usd"] == "0.5"


def test_a_diff_needs_a_lock(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cassette(tmp_path, recording())

    status = main(["prices", "diff", str(tmp_path)])

    assert status == 1
    assert "Write one with `llmprod prices lock`" in capsys.readouterr().err


def test_the_lock_above_a_folder_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cassette(tmp_path / "evals", recording(version=MINI, usage=USAGE))
    locked(tmp_path, gpt_5_mini_2025_08_07="0.25")

    status = main(["prices", "diff", str(tmp_path / "evals")])

    assert status == 0
    assert "0.25 USD" in capsys.readouterr().out


def test_a_hostile_name_of_a_model_is_escaped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cassette(tmp_path, recording(version=HOSTILE.replace("\ud800", ""), usage=USAGE))
    locked(tmp_path)

    main(["prices", "diff", str(tmp_path)])

    told = capsys.readouterr()
    assert all(line.isprintable() for line in (told.out + told.err).splitlines())
