"""Dialect: one operation of one wire, as a row of data with the two functions that read it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pytest_llmprod.core.exchange import ToolCall, Usage
from pytest_llmprod.wire.dialects.loose import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an answer says about itself: the model that gave it, its tokens, and what it says.

    `finish_reasons` has one entry for each choice that came to its end, in the provider's words.
    `text`, `refusal` and `tool_calls` are those of the first choice. `refusal` is the text of a
    refusal or the provider's reason for one. `tool_calls` are those that the application is to
    make; what the provider runs itself, a web search for instance, is left out.
    """

    model: str = ""
    usage: Usage | None = None
    text: str = ""
    finish_reasons: tuple[str, ...] = ()
    refusal: str = ""
    tool_calls: tuple[ToolCall, ...] = ()


class Reader(Protocol):
    """Reads the decoded JSON body of an answer that was not streamed."""

    def __call__(self, body: Mapping[str, Json], /) -> Answer:
        """Return what the answer says; what is missing or malformed stays empty."""
        ...


class StreamReader(Protocol):
    """Reads the decoded `data` of each event of a streamed answer, in order."""

    def __call__(self, events: Sequence[Json], /) -> Answer:
        """Return what the answer says, also where the stream was cut short."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One operation of one wire.

    A URL speaks it where its path ends with `path_suffix`, where `path` is found in its path, and
    where its host is `host_suffix` or ends with it after a dot; what is not given does not count.
    The groups of `path` say more: `model` is the part that names the model, `stream` a part that is
    only there where a stream is asked for.

    `wire` stands in the keys of recordings and is the same for all hosts; it is `provider` where it
    is not given. `provider` stands in reports and prices; `provider_by_host` says that a host which
    we know has precedence. `generates` says whether `--llm-model` may replace the model.
    `keyed_by_url` says that the URL is part of what is asked, as one that holds an id is.
    """

    provider: str
    operation: str
    read: Reader
    read_stream: StreamReader
    path_suffix: str = ""
    path: re.Pattern[str] | None = None
    host_suffix: str = ""
    wire: str = ""
    provider_by_host: bool = False
    generates: bool = True
    keyed_by_url: bool = False

    def __post_init__(self) -> None:
        """Let the wire be called as the provider where it has no name of its own."""
        if not self.wire:
            object.__setattr__(self, "wire", self.provider)

    def speaks(self, host: str, path: str) -> bool:
        """Say whether a URL with this host, in small letters, and this path speaks this dialect."""
        if not path.endswith(self.path_suffix):
            return False
        if self.host_suffix and not f".{host}".endswith(f".{self.host_suffix}"):
            return False
        return self.path is None or self.path.search(path) is not None


def read_no_stream(events: Sequence[Json]) -> Answer:
    """Read the events of an operation that has no stream which we could read."""
    del events
    return Answer()
