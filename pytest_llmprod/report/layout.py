"""Layout: sentences and commands as the lines of a terminal."""

import re
import shlex
from collections.abc import Iterable, Sequence
from itertools import takewhile

from pytest_llmprod.core.text import fitting, shorten, width

COLUMNS = 80
_INDENT = "  "
_LEAST_ENDED = 8


def wrapped(sentence: str, most_lines: int = 2, indent: str = "") -> list[str]:
    """Return `sentence` broken at spaces into at most `most_lines`, the later ones indented.

    All are indented by `indent`. What finds no room is cut, and `...` says so.
    """
    lines: list[str] = []
    line = indent
    words = sentence.split(" ")
    while words:
        grown = f"{line} {words[0]}" if line.strip() else line + words[0]
        if width(grown) > COLUMNS and line.strip() and len(lines) < most_lines - 1:
            lines.append(line)
            line = indent + _INDENT
            continue
        line = grown
        del words[0]
        if width(line) > COLUMNS:
            break
    return [*(shorten(each, COLUMNS) for each in lines), shorten(line, COLUMNS)]


def short_name(name: str, columns: int, names: Sequence[str]) -> str:
    """Return `name` cut to `columns` so that it can be told from the others in `names`.

    It is cut at its end, in the middle where others begin like it, or before the word in which it
    differs from those that begin and end like it.
    """
    short = shorten(name, columns)
    if columns < len("a...b") or short == name:
        return short
    others = [other for other in names if other != name]
    in_middle = _cut_in_middle(name, columns)
    before_word = _cut_before(name, columns, _difference(name, others))
    for cut, alike in (
        (short, (shorten(other, columns) for other in others)),
        (in_middle, (_cut_in_middle(other, columns) for other in others)),
        (before_word, (_cut_before(each, columns, _difference(each, names)) for each in others)),
    ):
        if cut not in alike:
            return cut
    return in_middle


def _cut_in_middle(name: str, columns: int) -> str:
    end = (columns - len("...")) // 2
    tail = fitting(name[::-1], end)[::-1]
    return shorten(name, columns - width(tail)) + tail


def _difference(name: str, names: Iterable[str]) -> int:
    """Return where the word begins in which `name` differs from the one of `names` most like it."""
    alike = max((_shared(name, each) for each in names if each != name), default=0)
    return max((found.end() for found in re.finditer(r"[\W_]", name[:alike])), default=0)


def _shared(name: str, other: str) -> int:
    """Return with how many characters both begin."""
    pairs = zip(name, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _cut_before(name: str, columns: int, start: int) -> str:
    """Return the start of `name`, if there is room for it, and what stands from `start` on."""
    head = shorten(name, max(len("..."), columns // 3))
    room = columns - width(head)
    if room < _LEAST_ENDED:  # no room to say that something follows
        return head + fitting(name[start:], room)
    return head + shorten(name[start:], room)


def short_name_of_model(
    name: str, columns: int, names: Sequence[str], models: Sequence[str]
) -> str:
    """Return `name` cut to `columns`, each of its parts by itself where it ends with a model.

    `names` are those from which it is to be told, itself included, and `models` all models.
    """
    feature, model = _split(name, models)
    if not model or width(name) <= columns:
        return short_name(name, columns, names)
    half = max(0, columns - 1) // 2
    of_model = min(width(model), max(half, columns - 1 - width(feature)))
    features = [_split(each, models)[0] for each in names]
    short = short_name(feature, columns - 1 - of_model, features)
    return shorten(f"{short} {short_name(model, of_model, models)}", columns)


def _split(name: str, models: Sequence[str]) -> tuple[str, str]:
    """Return the feature and the model of a name; '' for the model where it has none."""
    ends = [model for model in models if name.endswith(f" {model}")]
    model = max(ends, key=len, default="")
    return name.removesuffix(f" {model}") if model else name, model


def command_lines(words: Sequence[str], lead: str = _INDENT) -> list[str]:
    """Return a command after `lead`, broken as a shell allows where it is too wide."""
    line = lead + shlex.join(words)
    if width(line) <= COLUMNS:
        return [line]
    first, *others = _units(words)
    lines = [lead + first]
    for number, unit in enumerate(others, 1):
        end = "" if number == len(others) else " \\"
        if width(f"{lines[-1]} {unit}{end}") <= COLUMNS:
            lines[-1] += f" {unit}"
        else:
            lines.append(f"    {unit}")
    *start, last = lines
    parts = [last]
    if width(last) > COLUMNS and len(words) > 1:
        before = last.strip().removesuffix(shlex.quote(words[-1]))
        start += [f"    {before.strip()}"] if before else []
        parts = _parts(words[-1])
    return [*(f"{each} \\" for each in start), *(f"{each}\\" for each in parts[:-1]), parts[-1]]


def _units(words: Sequence[str]) -> list[str]:
    """Return the words of a command, quoted, each with the short option whose value it is."""
    units: list[str] = []
    for number, word in enumerate(words):
        is_value = number > 1 and re.fullmatch("-[a-z]", words[number - 1])
        if is_value:
            units[-1] += f" {shlex.quote(word)}"
        else:
            units.append(shlex.quote(word))
    return units


def _parts(word: str) -> list[str]:
    """Return a word in quoted pieces as wide as a line; such must not be indented."""
    parts = [""]
    for char in word:
        if width(shlex.quote(parts[-1] + char)) >= COLUMNS:
            parts.append("")
        parts[-1] += char
    return [shlex.quote(part) for part in parts]
