"""Phones: telephone numbers, by how they are written and by what stands beside them.

A number in international form, in the form of North America, or in groups with a leading zero is
one by itself. Any other is one where the word next to it says so: `Mobile: 78 651 450`.
"""

import re
from collections.abc import Iterator

from pytest_llmprod.guardrails.digit_groups import Run
from pytest_llmprod.guardrails.hits import Hit, is_attached, label_before

_LABELS = re.compile(
    r"(?i)(?:"
    r"(?P<yes>\b(?:tele)?phones?\b|\bmobile?\b|\bcell(?:ular)?\b|\bfax\b|\btel(?:efone?|efono)?\b"
    r"|\bt[ée]l[ée]phone|\bm[óo]vil\b|\bhandy|\bdesk\b|\bhotline|\bwhatsapp|\bsms\b|\bext\b"
    r"|\bcall(?:s|ed|ing|ers?)?\b|\bdial\b|\bring\b|\breach\b|\bcontact|\banswering\b"
    r"|\btext(?:ing|ed)?\b|\bmessag(?:e|es|ing)\b|\bruf(?:en|nummer)?\b|\bappel|\bllam)"
    r"|(?P<no>\border|\binvoice|\bticket|\bref(?:erence)?\b|\bcase\b|\bversion|\bisbn|\bid\b"
    r"|\baccount|\bsku\b|\bserial|\btracking|\bparcel|\bzip\b|\bpostcode|\bpage\b|\bitem\b"
    r"|\bpart\b|\bmodel\b|\breport\b|\bbuild\b|\bcommit\b|\bsection\b|\bchapter\b|\bpolicy\b"
    r"|\bamount|\btotal\b|\bprice|\bcard\b|\bwidth\b|\bsize\b|\bcode\b|[$€£#])"
    r")"
)
_BEHIND = re.compile(r"(?i)[\s\-,(]{0,3}+(?:office|fax|mobile|cell|home|work|phone|tel|desk)\b")
_EXTENSION = re.compile(r"(?i) ?(?:x|ext\.?|extension) ?\d{1,6}(?![^\W_])")
_NORTH_AMERICAN = (b"\3\3\4", b"\1\3\3\4")
_INTERNATIONAL = range(8, 16)
_NATIONAL = range(9, 12)
_BY_WORD = range(6, 16)
_LENGTHS = range(6, 18)
_MOST_GROUPS = 8
_YEARS = ("19", "20")


def international(run: Run) -> tuple[Hit, int] | None:
    """Return the number behind a plus with which a run begins, and of how many groups it is."""
    start = run.groups[0][0]
    return _phone_at(run, 0, len(run.groups)) if _has_plus(run.text, start) else None


def find_phones(run: Run, first: int, count: int) -> Iterator[Hit]:
    """Find telephone numbers in `count` groups of a run, which nothing else was found in."""
    at, last = first, first + count
    while at < last:
        found = _phone_at(run, at, last)
        if found is None:
            at += 1
        else:
            hit, groups = found
            yield hit
            at += groups


def _phone_at(run: Run, at: int, last: int) -> tuple[Hit, int] | None:
    for groups, why in _candidates(run, at, last):
        hit = _phone(run, at, groups, why)
        if hit is not None:
            return hit, groups
    return None


def _candidates(run: Run, at: int, last: int) -> list[tuple[int, str]]:
    """Return of how many groups a number may be that begins here, and by what it is one."""
    found = []
    start = run.groups[at][0]
    is_zero = run.text[start] == "0"
    if (at == 0 and _has_plus(run.text, start)) or (is_zero and _has_exit_code(run, at)):
        found.append((_up_to(run, at, last, _INTERNATIONAL), "international form"))
    for sizes in _NORTH_AMERICAN:
        if run.sizes.startswith(sizes, at) and at + len(sizes) <= last:
            found.append((len(sizes), "form of North America"))
    rest = last - at
    if rest <= _MOST_GROUPS:
        if rest > 1 and is_zero:
            found.append((rest, "form with a leading zero"))
        if at == 0 or " " in run.text[run.groups[at - 1][1] : start]:
            found.append((rest, "word"))
    return found


def _has_plus(text: str, start: int) -> bool:
    return "+" in text[max(0, start - 3) : start]


def _has_exit_code(run: Run, at: int) -> bool:
    """Say whether a number begins with 00, behind which there is a country."""
    if run.sizes[at] < 2:
        return False
    digits = run.digits(at, 2)
    return digits.startswith("00") and digits[2:3] not in ("", "0")


def _up_to(run: Run, at: int, last: int, lengths: range) -> int:
    """Return how many groups make a number that is as long as it may be."""
    total = count = 0
    for size in run.sizes[at:last]:
        if total + size >= lengths.stop or count == _MOST_GROUPS:
            break
        total += size
        count += 1
    return count


def _phone(run: Run, at: int, count: int, why: str) -> Hit | None:
    if not count or sum(run.sizes[at : at + count]) not in _LENGTHS:
        return None
    digits = run.digits(at, count)
    if not _may_be(run, at, count, digits, why):
        return None
    start, end = run.place(at, count)
    extension = _EXTENSION.match(run.text, end)
    if extension is not None:
        end = extension.end()
    if is_attached(run.text, start, end):
        return None
    label = label_before(run.text, start, _LABELS)
    if why == "word":
        is_told = label == "yes" or (label is None and _BEHIND.match(run.text, end) is not None)
        if not is_told:
            return None
        why = "a word beside it"
    elif label == "no":
        return None
    before = run.text[max(0, start - 3) : start]
    if "+" in before or "(" in before:
        start -= len(_leading(before, run.text[start:end]))
    plus = "+" if "+" in run.text[start : start + 3] else ""
    return Hit("phone", start, end, plus + digits, why)


def _may_be(run: Run, at: int, count: int, digits: str, why: str) -> bool:
    sizes = run.sizes[at : at + count]
    if _begins_with_a_day(run, at) or (count > 3 and max(sizes) == 1):
        return False
    if count > 2 and set(run.separators(at, count)) == {"/"}:  # a path: `/00/85/79/92/360_F.jpg`
        return False
    if why == "international form":
        if not digits.startswith("00"):
            return len(digits) in _INTERNATIONAL
        return count > 1 and len(digits) - 2 in _INTERNATIONAL
    if why == "form of North America":
        area = digits[-10:][:1]
        start, end = run.place(at, count)
        has_code = count == 3 or digits[0] == "1"
        return area not in "01" and has_code and "/" not in run.text[start:end]
    separators = run.separators(at, count)
    if why == "form with a leading zero":
        first = run.sizes[at]
        is_version = count < 4 and set(separators) == {"."}
        is_trunk = 2 <= first <= 5 and digits[1] != "0"
        return len(digits) in _NATIONAL and is_trunk and not is_version
    is_address = bytes(run.sizes[at : at + count]) == run.sizes and set(separators) == {"."}
    return len(digits) in _BY_WORD and not (is_address and count == 4 and max(run.sizes) < 4)


def _begins_with_a_day(run: Run, at: int) -> bool:
    """Say whether three groups are a day with a year of four digits, first or last."""
    sizes = run.sizes[at : at + 3]
    if len(sizes) < 3 or sorted(sizes)[1:] not in ([1, 4], [2, 4]) or sizes[1] == 4:
        return False
    return run.digits(at + sizes.index(4), 1).startswith(_YEARS)


def _leading(before: str, number: str) -> str:
    """Return what of the signs before a number belongs to it: a plus, an opening bracket."""
    if not before.endswith(("+", "(", " ")) or (before.endswith("(") and ")" not in number):
        return ""
    for signs in ("+ (", "+(", "+ ", "+", "("):
        if before.endswith(signs):
            return signs
    return ""
