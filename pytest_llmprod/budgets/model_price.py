"""Model price: what do the tokens of one exchange with a model cost, in USD?"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from pytest_llmprod.core.exchange import Usage

_MILLION = Decimal(1_000_000)
#: How providers call it in their answers that a request was served at their ordinary price.
_STANDARD = frozenset({"", "default", "standard", "auto", "on_demand"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPrice:
    """Prices of one model in USD for a million tokens.

    `cached` is the price of input that the provider read from its prompt cache, `cache_write` of
    input that it wrote there, and the audio prices those of sound; None is the price of other
    tokens. `longer` has other prices for requests of more than so many input tokens, smallest
    first; they hold for all tokens of such a request. `tiers` has the prices of requests that were
    served in another way, such as `batch`, `flex` or `priority`, by the name in the answer.
    """

    input: Decimal
    cached: Decimal
    output: Decimal
    cache_write: Decimal | None = None
    input_audio: Decimal | None = None
    output_audio: Decimal | None = None
    longer: tuple[tuple[int, "ModelPrice"], ...] = ()
    tiers: Mapping[str, "ModelPrice"] = field(default_factory=dict, hash=False)

    def at_tier(self, tier: str) -> "ModelPrice | None":
        """Return the prices of a service tier, named as in the answer, None where it has none."""
        return self if tier in _STANDARD else self.tiers.get(tier)

    def cost_usd(self, usage: Usage) -> Decimal:
        """Return what `usage` costs."""
        prices = self._for_length(usage.input_tokens)
        text = usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens
        sound = min(text, usage.input_audio_tokens)  # the rest of it came from the cache
        said = min(usage.output_tokens, usage.output_audio_tokens)
        total = (
            (text - sound) * prices.input
            + sound * _or(prices.input_audio, prices.input)
            + usage.cache_read_tokens * prices.cached
            + usage.cache_write_tokens * _or(prices.cache_write, prices.input)
            + (usage.output_tokens - said) * prices.output
            + said * _or(prices.output_audio, prices.output)
        )
        return total / _MILLION

    def without_cache_usd(self, usage: Usage) -> Decimal:
        """Return what `usage` would cost had the provider cached nothing."""
        return self.cost_usd(replace(usage, cache_read_tokens=0, cache_write_tokens=0))

    def worst_case_usd(self, request_bytes: int, most_output_tokens: int) -> Decimal:
        """Return the most that a request of so many bytes can cost for its tokens.

        Every byte counts as a token: no tokeniser makes more of them out of a text.
        """
        prices = self._for_length(request_bytes)
        inputs = (prices.input, prices.cached, prices.cache_write, prices.input_audio)
        dearest_input = max(price for price in inputs if price is not None)
        dearest_output = max(prices.output, _or(prices.output_audio, prices.output))
        total = request_bytes * dearest_input + most_output_tokens * dearest_output
        return total / _MILLION

    def _for_length(self, input_tokens: int) -> "ModelPrice":
        prices = self
        for above, others in self.longer:
            if input_tokens > above:
                prices = others
        return prices


def _or(price: Decimal | None, otherwise: Decimal) -> Decimal:
    return otherwise if price is None else price
