"""The service tier that an answer names."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_llmprod.wire.dialects.service_tier import tier_of


@pytest.mark.parametrize(
    ("documents", "tier"),
    [
        ([], ""),
        ([{"model": "m"}], ""),
        ([{"service_tier": None}], ""),
        ([{"service_tier": "flex"}], "flex"),
        ([{"service_tier": "auto"}, {"service_tier": "priority"}, {}], "priority"),
        ([{"type": "response.completed", "response": {"service_tier": "flex"}}], "flex"),
        ([{"usage": {"service_tier": "batch"}}], "batch"),
        (
            [{"type": "message_start", "message": {"usage": {"service_tier": "standard"}}}],
            "standard",
        ),
        ([{"usage": {"service_tier": "standard", "speed": "fast"}}], "fast"),
        ([{"usage": {"service_tier": "standard", "speed": "standard"}}], "standard"),
    ],
)
def test_a_tier_is_read_from_every_kind_of_answer(documents: list[Any], tier: str) -> None:
    assert tier_of(documents) == tier


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["usage", "service_tier", "response", "speed"]), inner)
    ),
)


@given(st.lists(JSON, max_size=4))
def test_no_answer_is_too_odd(documents: list[Any]) -> None:
    assert isinstance(tier_of(documents), str)
