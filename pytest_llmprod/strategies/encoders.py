"""Encoders: the names of `core.encoders` under which the strategies know them."""

from pytest_llmprod.core.encoders import (
    ENCODERS,
    ENCODINGS,
    PLAIN,
    Encoder,
    decoded,
    encoded,
    kept,
    may_follow,
)

__all__ = [
    "ENCODERS",
    "ENCODINGS",
    "PLAIN",
    "Encoder",
    "decoded",
    "encoded",
    "kept",
    "may_follow",
]
