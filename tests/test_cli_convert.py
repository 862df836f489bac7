"""`llmprod cassette import` and `export`: from vcrpy's to ours and back."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from recordings import CHAT_URL, HOSTILE, recording, save

from pytest_llmprod.cli import main
from pytest_llmprod.wire.cassettes import cassette_file, locks
from pytest_llmprod.wire.label import cassette_name
from pytest_llmprod.wire.recording import Failure, Recording


def vcrpys(path: Path, *models: str) -> Path:
    """Write a cassette as vcrpy does, with a chat that asks each model."""
    interactions = [
        {
            "request": {
                "method": "POST",
                "uri": CHAT_URL,
                "headers": {"content-type": ["application/json"]},
                "body": json.dumps({"model": model, "messages": []}),
            },
            "response": {
                "status": {"code": 200, "message": "OK"},
                "headers": {"content-type": ["application/json"]},
                "body": {"string": '{"model": "gpt-test-1", "choices": []}'},
            },
        }
        for model in models
    ]
    path.write_text(yaml.safe_dump({"version": 1, "interactions": interactions}))
    return path


def sections(path: Path) -> dict[str, int]:
    """Return how many recordings each case has in a cassette."""
    return {case: len(numbers) for case, numbers in cassette_file.load(path).cases.items()}


def test_each_model_gets_a_cassette_beside_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = vcrpys(tmp_path / "test_x.yaml", "gpt-test", "ft:other/x", "gpt-test")

    status = main(["cassette", "import", str(path)])

    first, second = tmp_path / "test_x.gpt-test.json", next(tmp_path.glob("test_x.ft-other*.json"))
    assert status == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{first}: 2 recordings",
        f"{second}: 1 recording",
    ]
    assert len(cassette_file.load(first)) == 2
    (recorded,) = cassette_file.load(second).all()
    assert (recorded.case, recorded.model, len(recorded.key)) == ("", "gpt-test-1", 32)


def test_a_function_that_is_no_file_name_is_imported_to_where_its_test_looks(
    tmp_path: Path,
) -> None:
    path = vcrpys(tmp_path / "test_größe.yaml", "gpt-test")

    main(["cassette", "import", str(path)])

    assert (tmp_path / cassette_name("test_größe", "gpt-test")).exists()


def test_one_model_goes_into_the_file_that_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = vcrpys(tmp_path / "a.yaml", "gpt-test")
    out = tmp_path / "cassettes" / "test_m" / "test_x.gpt-test.json"

    status = main(["cassette", "import", str(path), "-o", str(out)])

    assert (status, capsys.readouterr().out) == (0, f"{out}: 1 recording\n")
    assert len(cassette_file.load(out)) == 1


def test_several_models_in_one_file_are_wrong_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = vcrpys(tmp_path / "a.yaml", "gpt-test", f"other{HOSTILE[:3]}")

    with pytest.raises(SystemExit) as caught:
        main(["cassette", "import", str(path), "-o", str(tmp_path / "b.json")])

    err = capsys.readouterr().err
    assert caught.value.code == 2
    assert "-o names one cassette, and 2 are to be written: a.gpt-test.json, a.other--2-" in err
    assert list(tmp_path.iterdir()) == [path]


def test_all_cases_of_one_test_go_into_the_file_that_is_named(tmp_path: Path) -> None:
    paths = [str(vcrpys(tmp_path / f"test_x[{case}].yaml", "gpt-test")) for case in "ab"]
    out = tmp_path / "b.json"

    assert main(["cassette", "import", *paths, "-o", str(out)]) == 0
    assert sections(out) == {"a": 1, "b": 1}


def test_several_tests_in_one_file_are_wrong_use(tmp_path: Path) -> None:
    paths = [str(vcrpys(tmp_path / f"test_{name}.yaml", "gpt-test")) for name in "xy"]

    with pytest.raises(SystemExit) as caught:
        main(["cassette", "import", *paths, "-o", str(tmp_path / "b.json")])

    assert caught.value.code == 2


def test_the_files_of_one_test_function_become_one_cassette(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refund = vcrpys(tmp_path / "TestThat.test_many[refund].yaml", "gpt-test", "gpt-test")
    parcel = vcrpys(tmp_path / "TestThat.test_many[a parcel].yaml", "gpt-test")

    status = main(["cassette", "import", str(refund), str(parcel)])

    (written,) = tmp_path.glob("*.json")
    assert written.name == "TestThat.test_many.gpt-test.json"
    assert (status, capsys.readouterr().out) == (0, f"{written}: 3 recordings\n")
    assert sections(written) == {"refund": 2, "a parcel": 1}


def test_a_second_parameter_is_added_to_the_cassette_of_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = tmp_path / "test_many.gpt-test.json"
    main(["cassette", "import", str(vcrpys(tmp_path / "test_many[a].yaml", "gpt-test"))])
    first = cassette_file.load(written).all()
    capsys.readouterr()

    status = main(["cassette", "import", str(vcrpys(tmp_path / "test_many[b].yaml", "gpt-test"))])

    assert (status, capsys.readouterr().out) == (0, f"{written}: 1 recording\n")
    assert cassette_file.load(written).section("a") == first
    assert sections(written) == {"a": 1, "b": 1}


def test_recordings_that_a_case_has_already_stay_and_the_others_are_added(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = save(tmp_path / "test_many.gpt-test.json", recording(case="a"))
    for case in "ab":
        vcrpys(tmp_path / f"test_many[{case}].yaml", "gpt-test")

    status = main(["cassette", "import", str(tmp_path)])

    out, err = capsys.readouterr()
    assert (status, out) == (1, f"{written}: 1 recording\n")
    assert f"llmprod: {written}: has recordings of the case 'a' already, and they stay." in err
    assert cassette_file.load(written).section("a") == [recording(case="a")]
    assert sections(written) == {"a": 1, "b": 1}


def test_two_files_of_one_case_are_not_mixed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    vcrpys(tmp_path / "test_x.yaml", "gpt-test")
    vcrpys(tmp_path / "test_x.yml", "gpt-test", "gpt-test")

    status = main(["cassette", "import", str(tmp_path)])

    assert status == 1
    assert "has recordings of the test already" in capsys.readouterr().err
    assert sections(tmp_path / "test_x.gpt-test.json") == {"": 1}


def test_a_folder_is_imported_whole_and_what_is_ours_in_it_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "cassettes" / "test_chat"
    folder.mkdir(parents=True)
    save(folder / "test_own.gpt-test.json", recording())
    vcrpys(folder / "test_many[a].yaml", "gpt-test", "other")
    vcrpys(folder / "test_one.yaml", "gpt-test")

    status = main(["cassette", "import", str(folder)])

    assert (status, capsys.readouterr().out.splitlines()) == (
        0,
        [
            f"{folder}/test_many.gpt-test.json: 1 recording",
            f"{folder}/test_many.other.json: 1 recording",
            f"{folder}/test_one.gpt-test.json: 1 recording",
        ],
    )


def test_a_folder_without_a_cassette_of_vcrpys_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path / "test_own.gpt-test.json", recording())

    status = main(["cassette", "import", str(tmp_path)])

    assert status == 1
    assert f"llmprod: {tmp_path}: holds no cassette of vcrpy's." in capsys.readouterr().err


def test_a_broken_file_does_not_hold_up_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "test_a.yaml").write_text("[")
    vcrpys(tmp_path / "test_b.yaml", "gpt-test")

    status = main(["cassette", "import", str(tmp_path)])

    out, err = capsys.readouterr()
    assert (status, out) == (1, f"{tmp_path / 'test_b.gpt-test.json'}: 1 recording\n")
    assert err.startswith(f"llmprod: {tmp_path / 'test_a.yaml'}: ")


def test_a_cassette_that_no_test_plays_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "test_chat.py").write_text(
        "class TestA:\n  class TestB:\n    def test_x(self): ..."
    )
    folder = tmp_path / "cassettes" / "test_chat"
    folder.mkdir(parents=True)
    vcrpys(folder / "TestB.test_x.yaml", "gpt-test")

    status = main(["cassette", "import", str(folder)])

    assert status == 1
    assert "no test plays it: test_chat.py has no such test." in capsys.readouterr().err


@pytest.mark.parametrize("name", ["test_x", "test_x[a]"])
def test_an_existing_file_that_cannot_be_read_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    path = vcrpys(tmp_path / f"{name}.yaml", "a", "b")
    (tmp_path / "test_x.b.json").write_text("mine")

    status = main(["cassette", "import", str(path)])

    assert status == 1
    assert "test_x.b.json, line 1: the cassette is not valid JSON" in capsys.readouterr().err
    assert (tmp_path / "test_x.b.json").read_text() == "mine"
    assert not (tmp_path / "test_x.a.json").exists()


@pytest.mark.parametrize("verb", ["import", "export"])
@pytest.mark.parametrize("content", ["", "[", "a: b", "interactions: 5\n"])
def test_what_is_no_cassette_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str, content: str
) -> None:
    path = tmp_path / "a.yml"
    path.write_text(content)

    status = main(["cassette", verb, str(path)])

    out, err = capsys.readouterr()
    assert (status, out) == (1, "")
    assert err.startswith(f"llmprod: {path}: ")


def test_a_run_that_writes_its_recordings_at_the_same_time_loses_none(tmp_path: Path) -> None:
    source = vcrpys(tmp_path / "test_x[a].yaml", "gpt-test")
    path = tmp_path / "test_x.gpt-test.json"
    (tmp_path / locks.LOCK.parent).mkdir()  # as somebody has who records
    with ThreadPoolExecutor() as pool:
        with locks.alone(tmp_path):
            imported = pool.submit(main, ["cassette", "import", str(source)])
            with pytest.raises(TimeoutError):
                imported.result(timeout=0.5)
            save(path, recording(case="b"))

        assert imported.result(timeout=10) == 0
    assert sections(path) == {"b": 1, "a": 1}


def test_a_cassette_is_exported_beside_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save(tmp_path / "test_x.gpt-5.1.json", recording(), recording(asked="b"))

    status = main(["cassette", "export", str(path)])

    out = tmp_path / "test_x.gpt-5.1.yaml"
    assert (status, capsys.readouterr().out) == (0, f"{out}: 2 recordings\n")
    assert len(yaml.safe_load(out.read_text())["interactions"]) == 2


@pytest.mark.parametrize(
    ("recorded", "why"),
    [
        ([recording(failure=Failure(error="x.Y", message=""))], "holds only failures on the wire"),
        ([], "holds no recording"),
    ],
)
def test_where_nothing_can_be_exported_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], recorded: list[Recording], why: str
) -> None:
    path = save(tmp_path / "a.json", *recorded)

    status = main(["cassette", "export", str(path)])

    out, err = capsys.readouterr()
    assert (status, out) == (1, "")
    assert err.startswith(f"llmprod: {path}: {why}, ")
    assert list(tmp_path.iterdir()) == [path]


def test_failures_among_answers_are_left_out_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save(
        tmp_path / "a.json", recording(), recording(failure=Failure(error="x.Y", message=""))
    )

    status = main(["cassette", "export", str(path)])

    assert status == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{tmp_path / 'a.yaml'}: 1 recording",
        "1 failure on the wire left out: vcrpy cannot raise any",
    ]


def test_what_was_exported_is_imported(tmp_path: Path) -> None:
    path = save(tmp_path / "a.json", recording("hello you", case=""))

    main(["cassette", "export", str(path), "-o", str(tmp_path / "b.yaml")])
    main(["cassette", "import", str(tmp_path / "b.yaml"), "-o", str(tmp_path / "c.json")])

    (old,), (new,) = (cassette_file.load(tmp_path / name).all() for name in ("a.json", "c.json"))
    assert (new.request["body"], new.response["body"]) == (
        old.request["body"],
        old.response["body"],
    )


def test_an_export_overwrites_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = save(tmp_path / "a.json", recording())
    (tmp_path / "a.yaml").write_text("mine")

    status = main(["cassette", "export", str(path)])

    assert status == 1
    assert "a.yaml: is there already, and would be overwritten" in capsys.readouterr().err
    assert (tmp_path / "a.yaml").read_text() == "mine"


@pytest.mark.parametrize("verb", ["export", "show"])
@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("other.yaml", "a: 1\n", "has no list of interactions"),
        ("words.yml", "only words\n", "has no list of interactions"),
        ("package.json", "{}", "has no list of interactions"),
        ("empty.yaml", "", "has no list of interactions"),
        (
            "old.yaml",
            "- request: {}\n",
            "that vcrpy can read (ValueError: Your cassette files were",
        ),
        ("text.yaml", "interactions: hello\n", "has no list of interactions"),
        ("pyproject.toml", "[project]\nname = 'shop'\n\n[tool]\n", "that vcrpy can read (Parser"),
    ],
)
def test_what_is_no_cassette_is_told_as_such(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    verb: str,
    name: str,
    content: str,
    what: str,
) -> None:
    (tmp_path / name).write_text(content)

    status = main(["cassette", verb, str(tmp_path / name)])

    told = capsys.readouterr().err
    assert status == 1
    assert "is no cassette" in told
    assert what in told
    assert "ame a cassette, a file under cassettes/" in told
