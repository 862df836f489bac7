"""`llmprod cassette diff`: behaviour first, then words, then figures."""

import json
import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from recordings import CHAT_URL, HOSTILE, recording, save

from pytest_llmprod.cli import main
from pytest_llmprod.core.exchange import Usage
from pytest_llmprod.core.text import width
from pytest_llmprod.wire.recording import Recording

EXAMPLE = Path(__file__).parents[1] / "examples" / "support_triage"
RECORDED = EXAMPLE / "cassettes" / "test_triage"


def diff(
    capsys: pytest.CaptureFixture[str], old: Path, new: Path, *options: str
) -> tuple[int, list[str]]:
    status = main(["cassette", "diff", str(old), str(new), *options])
    return status, capsys.readouterr().out.splitlines()


def two(folder: Path, old: list[Recording], new: list[Recording]) -> tuple[Path, Path]:
    return save(folder / "old.json", *old), save(folder / "new.json", *new)


def test_equal_answers_are_counted_and_pass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = two(tmp_path, [recording()], [recording(latency_s=0.5, model="other")])

    status, lines = diff(capsys, *paths)

    assert status == 0
    assert lines[0] == "1 pair: 1 same, 0 text, 0 behaviour; 0 only in OLD, 0 only in NEW"
    assert lines[1] == "answered by another model in 1: gpt-test-1 -> other-1"
    assert [line.split() for line in lines[3:]] == [
        ["OLD", "total", "median", "NEW", "total", "median", "change"],
        ["-" * length for length in (10, 11, 8, 11, 8, 8)],
        ["tokens", "in", "10", "10", "10", "10", "+0%"],
        ["tokens", "out", "4", "4", "4", "4", "+0%"],
        ["cost", "unpriced", "-", "unpriced", "-", "-"],
        ["latency", "250", "ms", "250", "ms", "500", "ms", "500", "ms", "+100%"],
    ]


def test_other_words_are_shown_and_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = two(tmp_path, [recording("I can help you")], [recording("I cannot help you")])

    status, lines = diff(capsys, *paths)

    assert status == 0
    assert lines[0].startswith("1 pair: 0 same, 1 text, 0 behaviour;")
    assert lines[1:4] == ["", "text", "  t-1  I [-can-]{+cannot+} help you"]


def test_behaviour_comes_first_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = [
        recording("I can help you", case="t-1"),
        recording('{"label": "a", "why": "it is so"}', case="t-2"),
        recording('{"label": "a"}', case="t-3"),
    ]
    new = [
        recording("I cannot help you", case="t-1"),
        recording('{"label": 1, "why": "it is not so"}', case="t-2"),
        recording("Sure, it is a", case="t-3"),
    ]

    status, lines = diff(capsys, *two(tmp_path, old, new))

    assert status == 1
    assert lines[0] == "3 pairs: 0 same, 1 text, 2 behaviour; 0 only in OLD, 0 only in NEW"
    assert lines[1:8] == [
        "",
        "behaviour: 1 structure, 1 form",
        '  t-2  structure   .label: "a" -> 1',
        "  t-3  form        JSON -> text: Sure, it is a",
        "",
        "text",
        "  t-1  I [-can-]{+cannot+} help you",
    ]


def test_a_recording_without_a_partner_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = [recording(asked="a"), recording("yes sir", asked="b", case="t-2")]
    new = [recording(asked="a"), recording("no madam", asked="c", case="t-3")]

    status, lines = diff(capsys, *two(tmp_path, old, new))

    assert status == 1
    assert lines[0] == "1 pair: 1 same, 0 text, 0 behaviour; 1 only in OLD, 1 only in NEW"
    assert lines[1:7] == [
        "",
        "only in OLD",
        "  t-2  200  gpt-test-1  yes sir",
        "",
        "only in NEW",
        "  t-3  200  gpt-test-1  no madam",
    ]


def test_pairs_of_one_case_are_numbered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = [recording("a"), recording("b"), recording("c", case="")]
    new = [recording("a"), recording("c"), recording("d", case="")]

    _, lines = diff(capsys, *two(tmp_path, old, new))

    assert lines[3:5] == ['  t-1 #2  value       "b" -> "c"', '  #1      value       "c" -> "d"']


def test_ten_details_are_printed_and_the_rest_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = [recording("a", case=f"t-{number:02}") for number in range(12)]
    new = [recording("b", case=f"t-{number:02}") for number in range(12)]

    _, lines = diff(capsys, *two(tmp_path, old, new))

    assert sum(line.startswith("  t-") for line in lines) == 10
    assert "  and 2 more: --json prints all of them" in lines


def test_everything_is_told_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = [recording("a", case=HOSTILE), recording(asked="b")]
    new = [recording("b", case=HOSTILE, version="gpt-test-2"), recording(asked="c")]
    paths = two(tmp_path, old, new)

    status, lines = diff(capsys, *paths, "--json")

    told = json.loads("\n".join(lines))
    (cassette,) = told["cassettes"]
    (pair,) = cassette["pairs"]
    assert status == 1
    assert told["counts"] == {
        "pairs": 1,
        "same": 0,
        "text": 0,
        "behaviour": 1,
        "only_in_old": 1,
        "only_in_new": 1,
        "by_another_model": 1,
    }
    assert (pair["case"], pair["verdict"], pair["is_by_another_model"]) == (
        HOSTILE,
        "behaviour",
        True,
    )
    assert pair["changes"] == [
        {"aspect": "value", "place": "", "old": '"a"', "new": '"b"', "is_behaviour": True}
    ]
    assert (pair["old"]["text"], pair["new"]["model"]) == ("a", "gpt-test-2")
    assert pair["new"]["usage"]["output_tokens"] == 4
    assert (pair["new"]["latency_s"], pair["new"]["cost_usd"]) == (0.25, None)
    assert len(cassette["only_in_old"]) == len(cassette["only_in_new"]) == 1


def test_hostile_text_is_escaped_in_lines_of_80_columns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def hostile(word: str, **facts: Any) -> Recording:
        text = f"{HOSTILE} {word} {'wide 漢字 ' * 20}"
        return recording(text, case=f"{HOSTILE}{'漢' * 50}", version=f"{word}{HOSTILE}", **facts)

    old = [hostile("a"), recording(json.dumps({HOSTILE: 1})), hostile("c", asked="c")]
    new = [hostile("b"), recording(json.dumps({HOSTILE: HOSTILE}))]
    paths = two(tmp_path, old, new)

    status, lines = diff(capsys, *paths)

    assert status == 1
    assert lines[0] == "2 pairs: 0 same, 1 text, 1 behaviour; 1 only in OLD, 0 only in NEW"
    assert all(line.isprintable() and width(line) <= 80 for line in lines)


PRICES = """
[[models]]
provider = "openai"
model = "gpt-test-1"
input = "1"
cached = "1"
output = "10"
"""


def test_the_nearest_prices_say_what_it_costs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "llmprod.prices.toml").write_text(PRICES)
    old = recording(case="a", usage=Usage(input_tokens=10_000, output_tokens=9_000))
    new = recording(case="a", usage=Usage(input_tokens=5_000, output_tokens=4_500))

    _, lines = diff(capsys, *two(tmp_path, [old, old], [old, new]))

    cost = next(line.split() for line in lines if line.startswith("cost"))
    assert cost == ["cost", "$0.2000", "$0.1000", "$0.1500", "$0.0750", "-25%"]


def test_a_service_tier_has_its_own_price_or_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiers = '[models.tiers.flex]\ninput = "0.5"\ncached = "0.5"\noutput = "5"\n'
    (tmp_path / "llmprod.prices.toml").write_text(PRICES + tiers)
    usage = Usage(input_tokens=10_000, output_tokens=9_000)
    old = recording(usage=usage)
    body = dict(old.response["body"]["json"])
    told = {"flex": "0.0500", "priority": None}

    for tier, cost in told.items():
        response = {**old.response, "body": {"json": {**body, "service_tier": tier}}}
        new = replace(old, response=response)
        main(["cassette", "diff", *map(str, two(tmp_path, [old], [new])), "--json"])
        (found,) = json.loads(capsys.readouterr().out)["cassettes"]
        (pair,) = found["pairs"]
        assert Decimal(pair["old"]["cost_usd"]) == Decimal("0.1")
        assert pair["new"]["cost_usd"] == (cost and str(Decimal(cost).normalize()))


def test_figures_are_of_the_pairs_in_which_both_sides_are_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "llmprod.prices.toml").write_text(PRICES)
    usage = Usage(input_tokens=10_000, output_tokens=9_000)
    new = [recording(case=f"t-{number}", usage=usage) for number in range(10)]
    old = [new[0], *(replace(each, usage=None) for each in new[1:])]

    _, lines = diff(capsys, *two(tmp_path, old, new))

    assert [line.split() for line in lines[-5:-1]] == [
        ["tokens", "in", "10,000", "10,000", "10,000", "10,000", "+0%"],
        ["tokens", "out", "9,000", "9,000", "9,000", "9,000", "+0%"],
        ["cost", "$0.1000", "$0.1000", "$0.1000", "$0.1000", "+0%"],
        ["latency", "2.50", "s", "250", "ms", "2.50", "s", "250", "ms", "+0%"],
    ]
    assert lines[-1] == "tokens in, tokens out, cost: over 1 of 10 pairs"


def test_the_first_event_of_streams_is_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = two(tmp_path, [recording(ttft_s=0.1)], [recording(ttft_s=0.05)])

    _, lines = diff(capsys, *paths)

    old, new = ["100", "ms", "100", "ms"], ["50", "ms", "50", "ms"]
    assert lines[-1].split() == ["first", "event", *old, *new, "-50%"]


def test_folders_are_compared_name_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "old" / "cassettes", tmp_path / "new" / "cassettes"
    save(old / "test_m" / "a.json", recording("a"))
    save(new / "test_m" / "a.json", recording("b"))
    save(old / "test_m" / "only.json", recording("c c"))
    save(old / "test_m" / "same.json", recording("d"))
    save(new / "test_m" / "same.json", recording("d"))

    status, lines = diff(capsys, old, new)

    assert status == 1
    assert lines[0] == "2 pairs: 1 same, 0 text, 1 behaviour; 1 only in OLD, 0 only in NEW"
    assert lines[2:8] == [
        "behaviour: 1 value",
        "  test_m/a.json",
        '  t-1  value       "a" -> "b"',
        "",
        "only in OLD",
        "  test_m/only.json",
    ]


def test_folders_without_a_common_name_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path / "old" / "a.json", recording())
    save(tmp_path / "new" / "b.json", recording())

    status = main(["cassette", "diff", str(tmp_path / "old"), str(tmp_path / "new")])

    assert status == 1
    assert "these folders hold no cassette of the same name" in capsys.readouterr().err


def test_ours_is_compared_with_vcrpys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours = save(tmp_path / "a.json", recording("a"), recording("b", asked="b"))
    answer = {"model": "gpt-test-1", "choices": [{"message": {"content": "c"}}]}
    interaction = {
        "request": {
            "method": "POST",
            "uri": CHAT_URL,
            "headers": {},
            "body": json.dumps({"messages": [{"role": "user", "content": "say hello"}]}),
        },
        "response": {
            "status": {"code": 200, "message": "OK"},
            "headers": {"content-type": ["application/json"]},
            "body": {"string": json.dumps(answer)},
        },
    }
    vcrpys = tmp_path / "a.yaml"
    vcrpys.write_text(yaml.safe_dump({"version": 1, "interactions": [interaction]}))

    status, lines = diff(capsys, ours, vcrpys)

    assert status == 1
    assert lines[0] == "1 pair: 0 same, 0 text, 1 behaviour; 1 only in OLD, 0 only in NEW"
    assert '  t-1  value       "a" -> "c"' in lines
    assert lines[-1].split() == ["latency", "-", "-", "-", "-", "-"]


def test_the_two_models_of_the_example_are_compared(
    capsys: pytest.CaptureFixture[str],
) -> None:
    old = RECORDED / "test_labels_a_ticket.gpt-5-mini.json"
    new = RECORDED / "test_labels_a_ticket.gpt-5-nano.json"

    status, lines = diff(capsys, old, new)

    assert status == 1
    assert lines[0] == "217 pairs: 173 same, 0 text, 44 behaviour; 0 only in OLD, 0 only in NEW"


def test_a_folder_does_not_differ_from_its_copy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(EXAMPLE / "cassettes", tmp_path / "cassettes")

    status, lines = diff(capsys, EXAMPLE / "cassettes", tmp_path / "cassettes")

    assert status == 0
    assert lines[0] == "868 pairs: 868 same, 0 text, 0 behaviour; 0 only in OLD, 0 only in NEW"


def test_a_file_and_a_folder_are_wrong_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save(tmp_path / "a.json", recording())

    with pytest.raises(SystemExit) as caught:
        main(["cassette", "diff", str(path), str(tmp_path)])

    assert caught.value.code == 2
    assert "OLD and NEW must be two cassettes, or two folders" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "{", '{"interactions": 5}'])
def test_a_broken_cassette_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    good, bad = save(tmp_path / "a.json", recording()), tmp_path / "b.json"
    bad.write_text(content)

    status = main(["cassette", "diff", str(good), str(bad)])

    out, err = capsys.readouterr()
    assert (status, out) == (1, "")
    assert err.startswith(f"llmprod: {bad}")
