"""Reference: write `docs/reference.md` from the code, so that neither lacks what the other has.

Run it from the root of the checkout after a change of an option, a marker, a fixture, a hook, a
command, or of a module: `make reference`. It draws the house of `docs/architecture.md`, too.
"""

import argparse
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pytest_llmprod import cli, fixtures, hookspecs, markers, plugin, strategies
from pytest_llmprod.composition import settings_keys
from pytest_llmprod.hooks import drill_fixtures
from scripts import house
from scripts.file_keys import FILES

PAGE = Path(__file__).parents[1] / "docs" / "reference.md"
_HEAD = """# Reference

Every option, setting, marker, fixture, strategy, hook, command and file. This page is made from
the code by `make reference`; the pages beside it say how they are used.
"""


class _Options:
    """Stands in for pytest's parser, and keeps what is added to it."""

    def __init__(self) -> None:
        self.added: list[tuple[str, dict[str, Any]]] = []

    def getgroup(self, name: str, description: str = "") -> "_Options":
        return self

    def addoption(self, name: str, **attributes: Any) -> None:
        self.added.append((name, attributes))


def page() -> str:
    """Return the text of the page."""
    parts = [_HEAD, *_options(), *_settings(), *_markers(), *_fixtures()]
    parts += [*_strategies(), *_hooks(), *_commands(), *_files()]
    return "\n".join(parts).rstrip() + "\n"


def _options() -> Iterator[str]:
    options = _Options()
    plugin.pytest_addoption(options)  # type: ignore[arg-type]  # all that it uses of a parser
    yield "## Options of pytest\n"
    for name, attributes in options.added:
        value = attributes.get("metavar") or "|".join(attributes.get("choices", ()))
        yield f"### `{name}{'=' if value else ''}{value}`\n\n{_sentence(attributes['help'])}\n"


def _settings() -> Iterator[str]:
    yield "## Settings\n\nThey stand in the `pyproject.toml` of pytest's rootdir. The command line"
    yield "wins over a marker, a marker over the settings. A key that is not here is an error.\n"
    for table, keys in settings_keys.TABLES.items():
        yield f"### `[{table}]`\n"
        rows = [
            f"| `{key.name}` | {_cell(key.takes)} | {_cell(key.default)} | "
            f"{_cell(_sentence(key.says))} |"
            for key in keys
        ]
        yield "\n".join(["| key | takes | default | |", "|---|---|---|---|", *rows, ""])


def _files() -> Iterator[str]:
    yield "## Files\n\nThe keys of [`--llm-json`](reports.md#the-json) and of a line of the"
    yield "[request log](log.md#a-line) stand on their pages.\n"
    for name, what, keys in FILES:
        yield f"### `{name}`\n\n{what}\n"
        rows = [f"| `{key}` | {_cell(_sentence(says))} |" for key, says in keys.items()]
        yield "\n".join(["| key | |", "|---|---|", *rows, ""])


def _markers() -> Iterator[str]:
    yield "## Markers\n"
    for line in markers.MARKERS:
        call, _, text = line.partition("): ")
        yield f"### `{call.partition('(')[0]}`\n\n```text\n{call})\n```\n\n{_sentence(text)}\n"


def _fixtures() -> Iterator[str]:
    yield "## Fixtures\n"
    found = {
        name: each
        for module in (fixtures, drill_fixtures)
        for name, each in vars(module).items()
        if name.startswith("llm_")
    }
    for name, each in found.items():
        yield f"### `{name}`\n\n{inspect.cleandoc(each.__doc__ or '')}\n"


def _strategies() -> Iterator[str]:
    yield "## Strategies\n\n`from pytest_llmprod import strategies as llm_st`;"
    yield "[strategies](strategies.md) shows each of them in a test.\n"
    found = {name: getattr(strategies, name) for name in strategies.__all__}
    for name, each in found.items():
        if inspect.isfunction(each):
            yield f"### `{name}({_parameters(each)})`\n\n{inspect.cleandoc(each.__doc__ or '')}\n"
    yield "### What they draw\n"
    rows = [
        f"| `{name}` | {_cell(_first_line(each))} |"
        for name, each in found.items()
        if inspect.isclass(each)
    ]
    yield "\n".join(["| value | |", "|---|---|", *rows, ""])
    yield "### What their parameters take\n"
    rows = [
        f"| `{name}` | {', '.join(f'`{value}`' for value in each)} |"
        for name, each in found.items()
        if name.isupper()
    ]
    yield "\n".join(["| names | |", "|---|---|", *rows, ""])


def _parameters(function: Callable[..., Any]) -> str:
    """Return the parameters of a function with their defaults, without their types."""
    signature = inspect.signature(function)
    untyped = [
        each.replace(annotation=inspect.Parameter.empty) for each in signature.parameters.values()
    ]
    return str(inspect.Signature(untyped))[1:-1]


def _first_line(value: Any) -> str:
    return inspect.cleandoc(value.__doc__ or "").partition("\n")[0]


def _hooks() -> Iterator[str]:
    yield "## Hooks\n\n[Hooks](hooks.md) has an example of each.\n"
    found = {name: each for name, each in vars(hookspecs).items() if name.startswith("pytest_")}
    for name, each in found.items():
        arguments = ", ".join(inspect.signature(each).parameters)
        yield f"### `{name}({arguments})`\n\n{inspect.cleandoc(each.__doc__ or '')}\n"


def _commands() -> Iterator[str]:
    yield "## Commands\n\nEach exits with 0 when all is well, with 1 when it found something, and"
    yield "with 2 when it was called in a wrong way.\n"
    for parser in _leaves(cli.make_parser()):
        yield f"### `{parser.prog}`\n\n{_sentence(parser.description or '')}\n"
        rows = [_row(action) for action in parser._actions if action.dest != "help"]
        if rows:
            yield "\n".join(["| | |", "|---|---|", *rows, ""])


def _leaves(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield the parsers below `parser` that have no commands of their own, by their names."""
    commands = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
    if not commands:
        yield parser
    for each in commands:
        for _, child in sorted(each.choices.items()):
            yield from _leaves(child)


def _row(action: argparse.Action) -> str:
    names = ", ".join(action.option_strings)
    value = "" if action.nargs == 0 else str(action.metavar or action.dest)
    if not value and action.choices:
        value = "|".join(map(str, action.choices))
    call = " ".join(filter(None, (names, value)))
    return f"| `{_cell(call)}` | {_cell(_sentence(action.help or ''))} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    text = text[:1].upper() + text[1:]
    return text if not text or text.endswith((".", ")")) else f"{text}."


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    house.write()
    print(f"{PAGE.name}, {house.MODULES.name}, {house.ARCHITECTURE.name}: written")
