"""`llmprod cassette import` and `export`: from vcrpy's to ours and back."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from recordings import CHAT_URL, HOSTILE, recording, save

from pytest_llmprod.cli import main
from pytest_llmprod.wire.cassettes import cassette_file
from pytest_llmprod.wire.label import cassette_name


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
    assert "asks 2 models (gpt-test, other\\x1b[2), and each has a cassette" in err
    assert list(tmp_path.iterdir()) == [path]


def test_an_existing_file_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = vcrpys(tmp_path / "a.yaml", "a", "b")
    (tmp_path / "a.b.json").write_text("mine")

    status = main(["cassette", "import", str(path)])

    assert status == 1
    assert "a.b.json: is there already, and would be overwritten" in capsys.readouterr().err
    assert (tmp_path / "a.b.json").read_text() == "mine"
    assert not (tmp_path / "a.a.json").exists()


@pytest.mark.parametrize("verb", ["import", "export"])
@pytest.mark.parametrize("content", [None, "", "[", "a: b", "interactions: 5\n"])
def test_what_is_no_cassette_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str, content: Any
) -> None:
    path = tmp_path / "a.yml"
    if content is not None:
        path.write_text(content)

    status = main(["cassette", verb, str(path)])

    out, err = capsys.readouterr()
    assert (status, out) == (1, "")
    assert err.startswith(f"llmprod: {path}: ")


def test_a_cassette_is_exported_beside_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save(tmp_path / "test_x.gpt-5.1.json", recording(), recording(asked="b"))

    status = main(["cassette", "export", str(path)])

    out = tmp_path / "test_x.gpt-5.1.yaml"
    assert (status, capsys.readouterr().out) == (0, f"{out}: 2 recordings\n")
    assert len(yaml.safe_load(out.read_text())["interactions"]) == 2


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
