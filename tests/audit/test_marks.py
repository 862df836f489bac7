"""Which markers stand above which tests?"""

from pathlib import Path

from pytest_llmprod.handoff.audit.marks import Mark, read_marks


def marks_in(root: Path, text: str, name: str = "test_a.py") -> list[Mark]:
    (root / name).write_text(text)
    return list(read_marks(root))


def test_a_marker_is_found_with_its_line_and_what_is_written_out(tmp_path: Path) -> None:
    (mark,) = marks_in(
        tmp_path,
        "import pytest\n\n"
        '@pytest.mark.llm_eval(feature="f", dataset=find(), threshold={"exact": 0.9})\n'
        "def test_one(llm_case): ...\n",
    )

    assert (mark.name, mark.path, mark.line, mark.test) == ("llm_eval", "test_a.py", 3, "test_one")
    assert mark.arguments == {"feature": "f", "threshold": {"exact": 0.9}}


def test_names_that_the_module_sets_once_are_known_and_others_are_not(tmp_path: Path) -> None:
    (mark,) = marks_in(
        tmp_path,
        'from pytest import mark\nF = "f"\nD = "a"\nD = "b"\nT = 0.9\nT += 0.05\n'
        "@mark.llm_eval(feature=F, dataset=D, threshold=T)\ndef test_one(llm_case): ...\n",
    )

    assert mark.arguments == {"feature": "f"}


def test_names_that_are_set_with_their_type_are_known_too(tmp_path: Path) -> None:
    (ours, of_all) = marks_in(
        tmp_path,
        'import pytest\nfrom typing import Any, Final\nF: Final = "f"\nD: str\n'
        "pytestmark: Any = pytest.mark.llm_drill(feature=F, fallback=D)\n"
        "ours: Any = pytest.mark.llm_eval(feature=F)\n"
        "@ours\ndef test_one(llm_case): ...\n",
    )[::-1]

    assert (ours.name, ours.arguments) == ("llm_eval", {"feature": "f"})
    assert (of_all.name, of_all.arguments) == ("llm_drill", {"feature": "f"})


def test_a_type_alone_sets_no_name(tmp_path: Path) -> None:
    (mark,) = marks_in(
        tmp_path,
        'import pytest\nF: str\nF = "f"\n'
        "@pytest.mark.llm_eval(feature=F)\ndef test_one(llm_case): ...\n",
    )

    assert mark.arguments == {"feature": "f"}


def test_a_marker_with_a_name_of_its_own_is_followed(tmp_path: Path) -> None:
    (mark,) = marks_in(
        tmp_path,
        'import pytest\nsurvives = pytest.mark.llm_drill(feature="f", fallback="a:b")\n'
        "@survives\ndef test_one(llm_fault): ...\n",
    )

    assert (mark.text("fallback"), mark.line) == ("a:b", 3)


def test_markers_of_classes_and_modules_hold_for_their_tests(tmp_path: Path) -> None:
    found = marks_in(
        tmp_path,
        'import pytest\npytestmark = [pytest.mark.llm_guardrail(feature="f", kind="pii")]\n'
        '@pytest.mark.llm_budget("cost < 1")\n'
        "class TestAll:\n    def test_one(self): ...\n    def helper(self): ...\n",
    )

    assert {(mark.name, mark.test) for mark in found} == {
        ("llm_guardrail", "TestAll.test_one"),
        ("llm_budget", "TestAll.test_one"),
    }


def test_a_test_with_the_records_of_the_application_is_told(tmp_path: Path) -> None:
    (mark,) = marks_in(tmp_path, "\n\ndef test_logs(llm_records): ...\n")

    assert (mark.name, mark.line) == ("llm_records", 3)


def test_only_test_files_outside_of_environments_are_read(tmp_path: Path) -> None:
    text = "def test_logs(llm_records): ...\n"
    for folder in (".hidden", "node_modules", "env"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "test_b.py").write_text(text)
    (tmp_path / "env" / "pyvenv.cfg").write_text("")
    (tmp_path / "helper.py").write_text(text)

    assert [mark.path for mark in marks_in(tmp_path, text, "a_test.py")] == ["a_test.py"]


def test_a_file_that_is_no_python_has_no_markers(tmp_path: Path) -> None:
    assert marks_in(tmp_path, "def test_one(:\n") == []
