"""Personal data: single values, and documents with values planted in them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from pytest_llmprod.core.planted import Document, Pii, joined
from pytest_llmprod.strategies.drawing import below, chosen, pick
from pytest_llmprod.strategies.obfuscation import OBFUSCATIONS, PLACES, obfuscated, ways_of
from pytest_llmprod.strategies.recipes import NUMBERS, PII_KINDS, RECIPES, Recipe
from pytest_llmprod.strategies.sentences import FILLERS, LOCALES, sentences_for

_MOST_SENTENCES = 3
_BETWEEN = (" ", "\n", ", ", "; ", "\t", " / ")

Names = Iterable[str] | str | None


def _recipes(kinds: Names, locale: str | None) -> Mapping[str, Sequence[Recipe]]:
    """Return the wanted recipes by kind, without the kinds that a locale does not have."""
    wanted = chosen("kinds", kinds, PII_KINDS)
    countries = None if locale is None else {"", locale[-2:]}
    found: defaultdict[str, list[Recipe]] = defaultdict(list)
    for recipe in RECIPES:
        if recipe.kind in wanted and (countries is None or recipe.country in countries):
            found[recipe.kind].append(recipe)
    if not found:
        raise InvalidArgument(f"There is no {' or '.join(wanted)} of the locale {locale!r}.")
    return dict(found)


@st.composite
def _pii(
    draw: st.DrawFn, recipes: Mapping[str, Sequence[Recipe]], obfuscations: tuple[str, ...]
) -> Pii:
    kind = pick(draw, tuple(recipes))
    recipe = pick(draw, recipes[kind])
    value = recipe.make(draw(below(NUMBERS)))
    written = pick(draw, recipe.forms)(value)
    way = pick(draw, ways_of(kind, obfuscations))
    place = draw(below(PLACES)) if way == "zero width" else 0
    return Pii(
        kind=kind,
        variant=recipe.variant,
        value=value,
        text=obfuscated(written, way, place),
        obfuscation=way,
    )


def pii(kinds: Names = None, obfuscations: Names = None) -> st.SearchStrategy[Pii]:
    """Return a strategy of single pieces of personal data, which belong to nobody.

    `kinds` are some of PII_KINDS, `obfuscations` some of OBFUSCATIONS ("plain" for none of them).
    """
    ways = _obfuscations(kinds, obfuscations)
    return _pii(_recipes(kinds, None), ways)


def _obfuscations(kinds: Names, obfuscations: Names) -> tuple[str, ...]:
    ways = chosen("obfuscations", obfuscations, OBFUSCATIONS)
    for kind in chosen("kinds", kinds, PII_KINDS):
        if not ways_of(kind, ways):
            raise InvalidArgument(f"obfuscations={obfuscations!r}: no {kind} is written so.")
    return ways


@st.composite
def _documents(draw: st.DrawFn, values: st.SearchStrategy[Pii], locale: str) -> Document:
    planted = draw(st.lists(values, min_size=1, max_size=_MOST_SENTENCES))
    between = pick(draw, _BETWEEN)
    parts: list[str | Pii] = []
    for value in planted:
        sentences = sentences_for(locale, value.kind, value.variant)
        before, _, after = pick(draw, sentences).partition("{}")
        parts += [between if parts else "", before, value, after]
    filler = pick(draw, FILLERS)
    return joined([*parts, between, filler] if filler else parts)


def pii_documents(
    locale: str | None = None, kinds: Names = None, obfuscations: Names = None
) -> st.SearchStrategy[Document]:
    """Return a strategy of texts with one to three pieces of personal data, and where they stand.

    `locale` is one of LOCALES and chooses language and country; without one the sentences are
    English and the data of all countries. `kinds` and `obfuscations` are those of `pii()`.
    """
    if locale is not None:
        chosen("locale", locale, LOCALES)
    values = _pii(_recipes(kinds, locale), _obfuscations(kinds, obfuscations))
    return _documents(values, locale or "en_US")
