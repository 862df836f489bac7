"""What is kept of a failing example is the example."""

import json
import math
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from shrinking import SAME

from pytest_llmprod import strategies as llm_st
from pytest_llmprod.core.errors import RegressionError
from pytest_llmprod.evals.handed_in import read
from pytest_llmprod.strategies import found


class Decision(BaseModel):
    label: Literal["refund", "spam"]
    share: float


VALUES = st.one_of(
    llm_st.malformed_text(["empty", "lone surrogate", "ansi", "nested"]),
    llm_st.malformed_json(),
    llm_st.conversations(malformed=True),
    llm_st.pii(),
    llm_st.pii_documents(),
    llm_st.pii_lookalikes(),
    llm_st.prompt_injections(),
    llm_st.benign_lookalikes(),
    llm_st.jailbreak_turns(),
    llm_st.model_outputs(Decision, broken=True),
    llm_st.chat_completions(),
    llm_st.responses(),
    llm_st.streams(llm_st.pii_documents()),
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text() | st.integers() | st.just("$type"), inner, max_size=3)
    ),
    max_leaves=5,
)


def some_test() -> None:
    """The test whose examples are kept."""


def kept(value: Any, folder: Path) -> Any:
    path = found.write(folder / "test_it.py", some_test, "test_it.py::test_x", {"it": value})
    return llm_st.regression(path)["it"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@SAME
@given(VALUES)
def test_a_value_of_a_strategy_comes_back(folder: Path, value: Any) -> None:
    assert kept(value, folder) == value


@SAME
@given(PLAIN)
def test_plain_values_come_back_with_their_types(folder: Path, value: Any) -> None:
    again = kept(value, folder)

    assert repr(again) == repr(value)  # nan is not nan


def test_not_a_number_comes_back(folder: Path) -> None:
    assert math.isnan(kept(math.nan, folder))


def test_what_json_cannot_hold_is_refused(folder: Path) -> None:
    with pytest.raises(RegressionError, match=r"type object has no form in JSON\. Keep it"):
        kept(object(), folder)


def test_the_file_is_a_row_that_dataset_add_reads(tmp_path: Path) -> None:
    path = found.write(tmp_path / "test_it.py", some_test, "test_it.py::test_x", {"text": "a\0b"})

    row = read(path.read_bytes(), ()).row
    assert row["input"] == {"text": "a\0b"}
    assert row["tags"] == ["fuzz"]


def test_equal_examples_share_a_file_and_others_do_not(tmp_path: Path) -> None:
    test = (tmp_path / "test_it.py", some_test, "test_it.py::test_x")

    paths = [found.write(*test, {"text": text}) for text in ("a", "b", "a")]

    assert paths[0] == paths[2] != paths[1]
    assert paths[0].parent == tmp_path / "regressions" / "test_it"


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"input": 1}', '{"input": {"a": {"$type": "Popen"}}}']
)
def test_another_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "test_x-1.json"
    path.write_text(content)

    with pytest.raises(RegressionError, match="no example that --llm-fuzz has written"):
        llm_st.regression(path)


def test_a_file_of_a_type_with_other_fields_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "test_x-1.json"
    path.write_text(json.dumps({"input": {"a": {"$type": "Goal", "name": "x"}}}))

    with pytest.raises(RegressionError, match="find it again"):
        llm_st.regression(path)
