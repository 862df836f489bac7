"""Pairing: which recording of one cassette answers the same question as one of another?"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from pytest_llmprod.wire import canonical
from pytest_llmprod.wire.bodies import decode_document
from pytest_llmprod.wire.dialects import Dialect, find_dialect
from pytest_llmprod.wire.recording import Recording

_Question = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """The recordings of two cassettes: the pairs, and what only one of the two holds."""

    pairs: tuple[tuple[Recording, Recording], ...]
    only_old: tuple[Recording, ...]
    only_new: tuple[Recording, ...]


def pair(
    old: Sequence[Recording], new: Sequence[Recording], dialects: Sequence[Dialect]
) -> Pairing:
    """Pair the recordings of two cassettes by case, question, and order among equals.

    The cases do not count where one of the two cassettes names none, as vcrpy's do. A try that the
    client repeated is left out: what the last one brought is the answer. `dialects` tell which
    operation a URL asks for, whatever model it names.
    """
    has_cases = any(each.case for each in old) and any(each.case for each in new)
    olds, news = (_by_question(each, dialects, has_cases) for each in (old, new))
    pairs: list[tuple[Recording, Recording]] = []
    only_old: list[Recording] = []
    only_new: list[Recording] = []
    for question in dict.fromkeys([*olds, *news]):
        before, after = olds.get(question, []), news.get(question, [])
        pairs += zip(before, after, strict=False)
        only_old += before[len(after) :]
        only_new += after[len(before) :]
    return Pairing(pairs=tuple(pairs), only_old=tuple(only_old), only_new=tuple(only_new))


def _by_question(
    recordings: Iterable[Recording], dialects: Sequence[Dialect], has_cases: bool
) -> dict[_Question, list[Recording]]:
    groups: dict[_Question, list[Recording]] = {}
    for recording in recordings:
        name = recording.case if has_cases else ""
        group = groups.setdefault((name, question_of(recording, dialects)), [])
        if group and recording.attempt > group[-1].attempt:
            group.pop()  # it was tried again
        group.append(recording)
    return groups


def question_of(recording: Recording, dialects: Sequence[Dialect]) -> str:
    """Return the digest of what was asked, whichever model and host it was asked of.

    Unlike the key of a recording it leaves out the model, so that two models can be compared.
    """
    url = urlsplit(recording.request["uri"])
    dialect = find_dialect(dialects, recording.request["uri"])
    place = dialect.operation if dialect is not None else f"{url.path}?{url.query}"
    document = canonical.without_volatile(decode_document(recording.request["body"]))
    document = canonical.with_ordinals(canonical.with_whole_floats(document))
    if isinstance(document, dict):
        document = {name: value for name, value in document.items() if name != "model"}
    asked = json.dumps(document, sort_keys=True, separators=(",", ":"))
    text = f"{recording.request['method']} {place}\n{asked}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
