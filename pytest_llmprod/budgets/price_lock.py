"""Price lock: which prices does the file `llmprod.prices.toml` hold?

    [[models]]                     [[models.longer]]          [models.tiers.batch]
    provider = "openai"            above = 272000             input = "2.5"
    model = "gpt-5.5"              input = "10"               cached = "0.25"
    input = "5"                    cached = "1"               output = "15"
    cached = "0.5"                 output = "45"
    output = "30"

Rows under `[[overrides]]` have the same keys, and a `note` where there is one.
"""

import difflib
import json
import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from pytest_llmprod.budgets.model_price import ModelPrice
from pytest_llmprod.core.errors import PricesError

FILE_NAME = "llmprod.prices.toml"
#: A provider and one of its models.
Name = tuple[str, str]

_NEEDED = ("input", "cached", "output")
_RARER = ("cache_write", "input_audio", "output_audio")
_ROW_KEYS = ("provider", "model", *_NEEDED, *_RARER, "above", "longer", "tiers", "note")
_TOP_KEYS = ("source", "locked_on", "models", "overrides")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """What a lock file holds: where its prices are from, and those that were set by hand.

    `overrides` are prices that were negotiated, or of models that one serves oneself; they go
    before those of `models` and stay when these are locked anew. `notes` says of some of them why.
    """

    source: str = ""
    locked_on: str = ""
    models: Mapping[Name, ModelPrice] = field(default_factory=dict)
    overrides: Mapping[Name, ModelPrice] = field(default_factory=dict)
    notes: Mapping[Name, str] = field(default_factory=dict)

    @property
    def prices(self) -> Mapping[Name, ModelPrice]:
        """Return the prices that a run uses."""
        return {**self.models, **self.overrides}


def read(path: Path) -> Lock:
    """Read a lock file; raise PricesError where it cannot be read."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
        _refuse_unknown(document, _TOP_KEYS, "the file")
        overrides = document.get("overrides", [])
        return Lock(
            source=str(document.get("source", "")),
            locked_on=str(document.get("locked_on", "")),
            models=_rows(document.get("models", [])),
            overrides=_rows(overrides),
            notes={_name(row): str(row["note"]) for row in overrides if "note" in row},
        )
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise PricesError(
            f"{path}: cannot be read ({reason}). Correct it, or delete it and write it anew with "
            f"`llmprod prices lock {shlex.quote(str(path.parent))}`."
        ) from error


def _rows(rows: Any) -> dict[Name, ModelPrice]:
    found: dict[Name, ModelPrice] = {}
    for row in rows:
        name = _name(row)
        if name in found:
            raise ValueError(f"{name[1]!r} of {name[0]!r} stands there twice")
        tiers = {tier: _model_price(rates, name[1]) for tier, rates in row.get("tiers", {}).items()}
        found[name] = replace(_model_price(row, name[1]), tiers=tiers)
    return found


def _name(row: Mapping[str, Any]) -> Name:
    return row["provider"], row["model"]


def _model_price(row: Mapping[str, Any], model: str) -> ModelPrice:
    _refuse_unknown(row, _ROW_KEYS, repr(model))
    longer: list[tuple[int, ModelPrice]] = []
    for rates in row.get("longer", []):
        above = rates["above"]
        if type(above) is not int or above <= (longer[-1][0] if longer else 0):
            raise ValueError(f"above of {model!r} must be tokens, more in each row, not {above!r}")
        longer.append((above, _model_price(rates, model)))
    rarer = {key: _price(row, key, model) if key in row else None for key in _RARER}
    return ModelPrice(
        input=_price(row, "input", model),
        cached=_price(row, "cached", model),
        output=_price(row, "output", model),
        cache_write=rarer["cache_write"],
        input_audio=rarer["input_audio"],
        output_audio=rarer["output_audio"],
        longer=tuple(longer),
    )


def _price(row: Mapping[str, Any], key: str, model: str) -> Decimal:
    value = row[key]
    try:
        price = Decimal(value) if isinstance(value, str | int | Decimal) else None
    except ArithmeticError:
        price = None
    if price is None or isinstance(value, bool) or not price.is_finite() or price < 0:
        raise ValueError(f"{key} of {model!r} must be USD from 0 up, not {value!r}")
    return price


def _refuse_unknown(row: Mapping[str, Any], known: Iterable[str], where: str) -> None:
    for key in row:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise ValueError(f"the key {key!r} of {where} is not known{hint}")


def dump(lock: Lock) -> str:
    """Return the text of a lock file, models in order of their names."""
    lines = [
        "# Prices in USD for a million tokens. Written by `llmprod prices lock`; runs read nothing",
        "# else. Prices under [[overrides]] are set by hand, go before the others, and stay.",
        f"source = {_quoted(lock.source)}",
        f"locked_on = {_quoted(lock.locked_on)}",
    ]
    for name, price in sorted(lock.models.items(), key=_by_name):
        lines += ["", "[[models]]", *_row_lines("models", name, price, "")]
    for name, price in sorted(lock.overrides.items(), key=_by_name):
        note = lock.notes.get(name, "")
        lines += ["", "[[overrides]]", *_row_lines("overrides", name, price, note)]
    return "\n".join(lines) + "\n"


def _by_name(item: tuple[Name, ModelPrice]) -> Name:
    return item[0]


def _row_lines(table: str, name: Name, price: ModelPrice, note: str) -> Iterator[str]:
    yield f"provider = {_quoted(name[0])}"
    yield f"model = {_quoted(name[1])}"
    if note:
        yield f"note = {_quoted(note)}"
    yield from _price_lines(table, price)
    for tier, rates in sorted(price.tiers.items()):
        inner = f"{table}.tiers.{tier if _BARE.fullmatch(tier) else _quoted(tier)}"
        yield from ("", f"[{inner}]")
        yield from _price_lines(inner, rates)


def _price_lines(table: str, price: ModelPrice) -> Iterator[str]:
    yield from _rate_lines(price)
    for above, rates in price.longer:
        yield from ("", f"[[{table}.longer]]", f"above = {above}")
        yield from _rate_lines(rates)


def _rate_lines(price: ModelPrice) -> Iterator[str]:
    for key in (*_NEEDED, *_RARER):
        value: Decimal | None = getattr(price, key)
        if value is not None:
            yield f'{key} = "{_plain(value)}"'


def _quoted(text: str) -> str:
    # A string of JSON is one of TOML, but for this character.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")
