"""Exchanges as metrics receive them."""

from typing import Any

from pytest_llmprod.core.exchange import Exchange, ToolCall


def asked_for(*calls: dict[str, Any], refusal: str = "") -> Exchange:
    """An answer in which the model asked for tools, or refused."""
    return Exchange(
        provider="openai",
        operation="chat",
        model_requested="m",
        model="m",
        stream=False,
        status=200,
        usage=None,
        latency_s=0.1,
        ttft_s=None,
        text="",
        replayed=True,
        recorded_at="",
        request={},
        key="k",
        refusal=refusal,
        tool_calls=tuple(ToolCall(**call) for call in calls),
    )
