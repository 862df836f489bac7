"""Price source: what does the package genai-prices say that a model costs?

Only `llmprod prices` asks it: it takes half a second to import, and runs read the lock.
"""

import importlib.metadata
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from pytest_llmprod.budgets.model_price import ModelPrice
from pytest_llmprod.core.errors import PricesError

#: The keys by which genai-prices tells tiers apart, each a fact that answers state themselves.
_TIER_KEYS = ("service_tier", "processing", "speed")
_FIELDS = {
    "input": "input_mtok",
    "cached": "cache_read_mtok",
    "output": "output_mtok",
    "cache_write": "cache_write_mtok",
    "input_audio": "input_audio_mtok",
    "output_audio": "output_audio_mtok",
}


def name() -> str:
    """Return the name and the version of the package."""
    return f"genai-prices {importlib.metadata.version('genai-prices')}"


def look_up(provider: str, model: str, when: datetime) -> ModelPrice:
    """Return what `model` costs at `provider`.

    Raises PricesError where the package does not know the model, or knows no price of its tokens.
    """
    from genai_prices import Usage, calc_price

    def ask(context: Mapping[str, str] | None) -> Any:
        return calc_price(
            Usage(input_tokens=1),
            model_ref=model,
            provider_id=provider,
            genai_request_timestamp=when,
            price_context=context,
        )

    try:
        standard = ask(None)
        tiers = {
            name: _price(ask(context).model_price) for name, context in _tiers_of(standard).items()
        }
        price = _price(standard.model_price, tiers)
    except (LookupError, ValueError) as error:
        raise PricesError(
            f"genai-prices does not know {model!r} of {provider!r}. Add its prices to "
            f"llmprod.prices.toml by hand, under [[overrides]]."
        ) from error
    return price


def _tiers_of(standard: Any) -> dict[str, dict[str, str]]:
    """Return the tiers of a model, each with what makes genai-prices use its prices."""
    # Where another provider's prices stand in, genai-prices would give them for every tier.
    if not any(standard.model is each for each in standard.provider.models):
        return {}
    contexts = [variant.when for variant in standard.model.price_variants or ()]
    return {
        next(iter(context.values())): dict(context)
        for context in contexts
        if len(context) == 1
        and next(iter(context)) in _TIER_KEYS
        and "default" not in context.values()
    }


def _price(found: Any, tiers: Mapping[str, ModelPrice] | None = None) -> ModelPrice:
    """Return a price of genai-prices; raise ValueError where it has none of tokens."""
    values = {ours: getattr(found, theirs, None) for ours, theirs in _FIELDS.items()}
    if values["input"] is None and values["output"] is None:
        raise ValueError("it is priced by something else than tokens")
    starts = sorted(
        {tier.start for value in values.values() for tier in getattr(value, "tiers", ())}
    )
    longer = tuple((start, _rates(values, start)) for start in starts)
    base = _rates(values, None)
    return ModelPrice(
        input=base.input,
        cached=base.cached,
        output=base.output,
        cache_write=base.cache_write,
        input_audio=base.input_audio,
        output_audio=base.output_audio,
        longer=longer,
        tiers=tiers or {},
    )


def _rates(values: Mapping[str, Any], start: int | None) -> ModelPrice:
    """Return the prices of requests with more than `start` input tokens, None for short ones."""
    found = {name: _rate(value, start) for name, value in values.items()}
    free = Decimal(0)
    return ModelPrice(
        input=found["input"] or free,
        cached=(found["input"] or free) if found["cached"] is None else found["cached"],
        output=found["output"] or free,
        cache_write=found["cache_write"],
        input_audio=found["input_audio"],
        output_audio=found["output_audio"],
    )


def _rate(value: Any, start: int | None) -> Decimal | None:
    if value is None or isinstance(value, Decimal):
        return value
    rate: Decimal = value.base
    for tier in value.tiers:
        if start is not None and tier.start <= start:
            rate = tier.price
    return rate
