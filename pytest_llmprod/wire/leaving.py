"""Leaving: what must not leave with a request, and what each request must have.

Every request of a test is looked at before it leaves, and before a recording answers it. What is
searched for comes from above: here is only where it may stand, and what is told of it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from pytest_llmprod.core.credential_names import is_credential_name
from pytest_llmprod.core.faulting import Patience
from pytest_llmprod.core.miss import RefusedText
from pytest_llmprod.core.text import printable, shorten
from pytest_llmprod.wire.key import WireRequest
from pytest_llmprod.wire.masking import Scanner
from pytest_llmprod.wire.outgoing import Outgoing, Piece, pieces
from pytest_llmprod.wire.scanners.known_secrets import request_scanners

#: What a client writes there by itself; a host is no address of a person.
_OF_THE_PROTOCOL = frozenset(
    {
        *("accept", "accept-encoding", "connection", "content-encoding", "content-length"),
        *("content-type", "host", "traceparent", "transfer-encoding", "user-agent"),
        *("x-amz-content-sha256", "x-amz-date"),
    }
)
_MOST_SHOWN = 10
_LONGEST = 40
_LONGEST_NAME = 100
_LONG = 20_000  # what is longer is not remembered: that would take more memory than it saves time
_MOST_REMEMBERED = 2_000


class Seen(NamedTuple):
    """What was found in a text: its kind, the value itself, and the encoding that hid it, or ""."""

    kind: str
    value: str
    how: str = ""


class Find(Protocol):
    """Finds in a text what must not leave."""

    def __call__(self, text: str, name: str, /) -> Sequence[Seen]:
        """Return what is in a text that stands under a name, "" where it has none."""
        ...


class Request(NamedTuple):
    """A request about to leave: as it leaves, as it is read, and how long the client waits.

    `read` is None where nobody has read it, `patience` where nobody knows.
    """

    outgoing: Outgoing
    read: WireRequest | None
    patience: Patience | None


class Broken(NamedTuple):
    """A rule that a request breaks, in words for a reader, and what mends it."""

    rule: str
    why: str
    mend: str


Rule = Callable[[Request], Iterable[Broken]]


class Customs:
    """Looks at each request of a run, and remembers in which texts there is nothing."""

    def __init__(
        self,
        *,
        find: Find | None,
        known: Callable[[], Sequence[Scanner]] | None = None,
        rules: Sequence[Rule] = (),
        is_allowed: Callable[[str], bool] = lambda value: False,
    ) -> None:
        """Search each text with `find`, and check each request by `rules`.

        `known` returns scanners for the secrets that this process holds; they are searched for
        together with what authenticates the request itself, but for what `is_allowed`. Without it,
        neither is; and nothing is searched without `find`.
        """
        self._find = find
        self._known = known
        self._rules = rules
        self._is_allowed = is_allowed
        self._harmless: set[tuple[str, str]] = set()
        self._scanners: Sequence[Scanner] = ()
        self.untold: list[str] = []  # of requests that belong to no tape

    def problem(self, request: Request) -> RefusedText | None:
        """Return why a request must not leave, None where it may.

        One that cannot be searched, because a plugin's scanner fails for instance, must not.
        """
        try:
            found = list(self._searched(request.outgoing)) if self._find is not None else []
            broken = [each for rule in self._rules for each in rule(request)]
        except Exception as error:
            return _unsearched(type(error).__name__)
        if not (found or broken):
            return None
        text = _told(request, found, broken)
        return RefusedText(text, brief=_brief(found, broken), cause=_cause(found, broken))

    def _searched(self, outgoing: Outgoing) -> Iterator[tuple[Piece, Seen]]:
        scanners: list[Scanner] = []
        if self._known is not None:
            scanners += [*self._known(), *request_scanners(outgoing.headers, "")]
        if scanners != self._scanners:
            self._scanners = scanners
            self._harmless.clear()
        for piece in pieces(outgoing):
            key = (piece.name, piece.text)
            if key in self._harmless or _is_its_place(piece):
                continue
            seen = self._seen(piece.text, piece.name)
            if seen:
                yield from ((piece, each) for each in seen)
            elif len(piece.text) < _LONG:
                if len(self._harmless) > _MOST_REMEMBERED:
                    self._harmless.clear()
                self._harmless.add(key)

    def _seen(self, text: str, name: str) -> list[Seen]:
        assert self._find is not None, "without it nothing is searched"
        seen = list(self._find(text, name))
        values = {each.value for each in seen}
        for scan in self._scanners:
            own = [Seen(kind, text[start:end]) for kind, start, end in scan(text)]
            seen += [
                each
                for each in own
                if each.value not in values and not self._is_allowed(each.value)
            ]
        return seen


def _is_its_place(piece: Piece) -> bool:
    """Say whether a text may be anything: a header of the protocol, or one for credentials."""
    if not piece.place.part.startswith("header "):
        return False
    return piece.name.lower() in _OF_THE_PROTOCOL or is_credential_name(piece.name)


def _told(request: Request, found: Sequence[tuple[Piece, Seen]], broken: Sequence[Broken]) -> str:
    lines = [
        "This request must not leave, by [tool.llmprod.wire] in pyproject.toml.",
        "",
        f"  request   {_named(request)}",
        "            not sent, and not answered from a recording",
    ]
    hidden = _hidden(found)
    for piece, seen in found[:_MOST_SHOWN]:
        how = seen.how or piece.how
        where = _where(piece, hidden)
        lines.append(f"  found     {seen.kind} {veiled(seen.value)}{f' in {how}' if how else ''}")
        lines.append(f"            at {where}")
    if len(found) > _MOST_SHOWN:
        lines.append(f"            and {len(found) - _MOST_SHOWN} more")
    lines += [f"  lacks     {each.rule}: {each.why}" for each in broken]
    mends = [_TAKE_OUT] if found else []
    mends += [each.mend for each in broken]
    words = ["mend", *[""] * len(mends)]
    lines += ["", *(f"  {word:<10}{mend}" for word, mend in zip(words, mends, strict=False))]
    return "\n".join(lines)


def _brief(found: Sequence[tuple[Piece, Seen]], broken: Sequence[Broken]) -> str:
    """Return in one line what the first finding is, or else the first rule that is broken."""
    others = len(found) + len(broken) - 1
    more = f" and {others} more" if others else ""
    if not found:
        return f"Must not leave: lacks {broken[0].rule}{more}"
    piece, seen = found[0]
    where = _where(piece, _hidden(found))
    return f"Must not leave: {seen.kind} {veiled(seen.value)} at {where}{more}"


def _cause(found: Sequence[tuple[Piece, Seen]], broken: Sequence[Broken]) -> str:
    """Return what requests have in common that one change mends: kinds, places and rules."""
    hidden = _hidden(found)
    kinds = [f"{seen.kind} {seen.how} {_where(piece, hidden)}" for piece, seen in found]
    return "\n".join([*kinds, *(f"{each.rule} {each.why}" for each in broken)])


def _unsearched(error: str) -> RefusedText:
    """Return why a request was not sent whose search raised an error; its text may hold much."""
    brief = f"This request could not be searched: {error} was raised"
    text = (
        "This request could not be searched for what [tool.llmprod.wire] in pyproject.toml "
        f"forbids: {error} was raised. It was not sent. If a scanner of a plugin raises it, mend "
        "that."
    )
    return RefusedText(text, brief=brief, cause=brief)


_TAKE_OUT = "take it out before the request is made, or name the value under allow"


def _named(request: Request) -> str:
    outgoing, read = request.outgoing, request.read
    host = urlsplit(outgoing.url).netloc.rpartition("@")[2]
    is_known = read is not None and read.dialect is not None
    what = f"{read.operation} to {read.named_model}" if read and is_known else "a request"
    return shorten(printable(f"{outgoing.method} {what} at {host}"), _LONGEST_NAME)


def _hidden(found: Sequence[tuple[Piece, Seen]]) -> set[str]:
    return {part for piece, seen in found for part in (seen.value, piece.text)}


def _where(piece: Piece, hidden: Collection[str]) -> str:
    return piece.place.told(lambda step: _step(step, hidden))


def _step(step: str, hidden: Collection[str]) -> str:
    """Return a step of a pointer for a reader, veiled where it holds what was found."""
    shown = veiled(step) if any(each in step for each in hidden) else step
    return shorten(printable(shown), _LONGEST)


def veiled(value: str) -> str:
    """Return a value of which only the first letter and the signs can be seen.

    >>> veiled("bob@example.com")
    'b**@*******.***'
    """
    first = next((at for at, char in enumerate(value) if char.isalnum()), 0)
    stars = "".join("*" if char.isalnum() else char for char in value[first + 1 :])
    return shorten(printable(value[: first + 1] + stars), _LONGEST)
