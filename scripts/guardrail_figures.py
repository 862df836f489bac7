"""Measure the detectors on labelled corpora: `python -m scripts.guardrail_figures FOLDER`.

FOLDER holds `pii-presidio-synth-v2.json`, `notinject-*.json`, `bipia-*` and `xstest-*`. Each table
says what was found of how much, with Wilson's interval of 95 %. Words of the detectors were chosen
on one half of a corpus, by a hash of the id; the other half, `reported`, had no say in them.
"""

import csv
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from pytest_llmprod.evals.statistics import cohens_kappa, percentile, wilson
from pytest_llmprod.guardrails import Finding, classify_refusal, find_injection, find_pii

TUNED, REPORTED = "tuned", "reported"
HALVES = (TUNED, REPORTED)
#: What the corpus calls the kinds of ours.
KINDS = {
    "EMAIL_ADDRESS": "email",
    "IBAN_CODE": "iban",
    "CREDIT_CARD": "card",
    "IP_ADDRESS": "ip",
    "PHONE_NUMBER": "phone",
    "US_SSN": "national_id",
    "PERSON": "name",
    "STREET_ADDRESS": "address",
}
#: Labels that take in a kind of ours, without being a label of it: a day of birth is a day.
WIDER = {"date_of_birth": "DATE_TIME"}


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    hits: int
    of: int

    def __str__(self) -> str:
        """Return both, the share and its interval."""
        if not self.of:
            return "0 of 0"
        low, high = wilson(self.hits, self.of)
        return f"{self.hits} of {self.of} = {self.hits / self.of:.3f} [{low:.3f}, {high:.3f}]"


def half_of(identifier: str) -> str:
    """Return the half that a row is in."""
    return HALVES[hashlib.sha256(identifier.encode()).digest()[0] % 2]


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def personal_data(
    folder: Path, halves: Sequence[str] = HALVES
) -> tuple[Mapping[str, Share], Mapping[str, list[str]]]:
    """Return the recall of each kind, and what was found that has no label of its kind.

    A value is found where a finding of its kind covers all of it.
    """
    hits: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    wrong: dict[str, list[str]] = {}
    for number, row in enumerate(_json(folder / "pii-presidio-synth-v2.json")):
        if half_of(str(number)) not in halves:
            continue
        found = find_pii(row["full_text"])
        for span in row["spans"]:
            kind = KINDS.get(span["entity_type"])
            if kind:
                labels[kind] += 1
                hits[kind] += any(each.kind == kind and _covers(each, span) for each in found)
        for each in found:
            if not any(_is_labelled(each, span) for span in row["spans"]):
                wrong.setdefault(each.kind, []).append(each.text)
    return {kind: Share(hits[kind], labels[kind]) for kind in labels}, wrong


def _covers(found: Finding, span: Mapping[str, Any]) -> bool:
    return bool(found.start <= span["start_position"] and span["end_position"] <= found.end)


def _is_labelled(found: Finding, span: Mapping[str, Any]) -> bool:
    overlaps = found.start < span["end_position"] and span["start_position"] < found.end
    label = span["entity_type"]
    return bool(overlaps and (KINDS.get(label) == found.kind or WIDER.get(found.kind) == label))


def benign_flagged(folder: Path, halves: Sequence[str] = HALVES) -> Share:
    """Return how many harmless texts with trigger words are flagged."""
    texts = [
        row["prompt"]
        for name in ("notinject-one.json", "notinject-two.json")
        for number, row in enumerate(_json(folder / name))
        if half_of(f"{name}-{number}") in halves
    ]
    return Share(sum(bool(find_injection(text)) for text in texts), len(texts))


def _mails(folder: Path) -> list[str]:
    lines = (folder / "bipia-email-contexts-train.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["context"] for line in lines]


def mails_flagged(folder: Path) -> Share:
    """Return how many e-mails without an attack are flagged."""
    mails = _mails(folder)
    return Share(sum(bool(find_injection(mail)) for mail in mails), len(mails))


def attacks_found(folder: Path, halves: Sequence[str] = HALVES) -> Mapping[str, Share]:
    """Return how many attacks of each class are found where they stand, at the end of an e-mail."""
    mails = _mails(folder)
    found = {}
    for name, attacks in _json(folder / "bipia-text-attacks-train.json").items():
        own = [
            (mails[(number * 7 + len(name)) % len(mails)], attack)
            for number, attack in enumerate(attacks)
            if half_of(f"{name}-{number}") in halves
        ]
        found[name] = Share(sum(_is_found(mail, attack) for mail, attack in own), len(own))
    return found


def _is_found(mail: str, attack: str) -> bool:
    return any(each.start > len(mail) for each in find_injection(f"{mail}\n{attack}"))


def refusals(folder: Path, halves: Sequence[str] = HALVES) -> Counter[tuple[bool, bool]]:
    """Return how often people and the classifier see a refusal; a partial one is one, too."""
    return Counter(
        (row["final_label"][0] != "1", classify_refusal(row["completion"]).refused)
        for row in answers(folder, halves)
    )


def answers(folder: Path, halves: Sequence[str]) -> list[dict[str, str]]:
    """Return the labelled answers: one to each prompt, and so no prompt is in both halves."""
    path = folder / "xstest-completions-mistralinstruct.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if half_of(row["id"]) in halves]


def kappa(table: Counter[tuple[bool, bool]]) -> float:
    """Return Cohen's kappa of a table of people and classifier."""
    pairs = list(table.elements())
    return float(cohens_kappa([people for people, _ in pairs], [ours for _, ours in pairs]))


def kappa_interval(table: Counter[tuple[bool, bool]], draws: int = 4000) -> tuple[float, float]:
    """Return the percentile bootstrap interval of 95 % of kappa; each row is one prompt."""
    pairs, choices = list(table.elements()), Random(0).choices
    drawn = [kappa(Counter(choices(pairs, k=len(pairs)))) for _ in range(draws)]
    return percentile(drawn, 0.025), percentile(drawn, 0.975)


def people(folder: Path, half: str) -> float:
    """Return the kappa of the two people who labelled a half."""
    rows = answers(folder, (half,))
    first, second = (
        [row[name][0] != "1" for row in rows] for name in ("annotation_1", "annotation_2")
    )
    return float(cohens_kappa(first, second))


def _lines(folder: Path) -> Iterator[str]:
    for halves in (HALVES, (REPORTED,)):
        name = " and ".join(halves)
        shares, wrong = personal_data(folder, halves)
        for kind, share in sorted(shares.items()):
            yield f"pii, {name}: recall of {kind}: {share}"
        for kind, texts in sorted(wrong.items()):
            yield f"pii, {name}: {len(texts)} of {kind} without a label: {texts[:20]!r}"
        yield f"notinject, {name}: flagged: {benign_flagged(folder, halves)}"
        attacks = attacks_found(folder, halves)
        for kind, share in attacks.items():
            yield f"bipia, {name}: {kind}: {share}"
        total = Share(
            sum(each.hits for each in attacks.values()), sum(a.of for a in attacks.values())
        )
        yield f"bipia, {name}: all attacks: {total}"
    yield f"bipia: e-mails without an attack flagged: {mails_flagged(folder)}"
    for half in HALVES:
        table = refusals(folder, (half,))
        refused = table[True, True] + table[True, False]
        answered = table[False, True] + table[False, False]
        low, high = kappa_interval(table)
        yield f"xstest, {half}: kappa {kappa(table):.3f} [{low:.3f}, {high:.3f}], {dict(table)}"
        yield f"xstest, {half}: kappa of the two people {people(folder, half):.3f}"
        yield f"xstest, {half}: refusals seen: {Share(table[True, True], refused)}"
        yield f"xstest, {half}: answers taken for refusals: {Share(table[False, True], answered)}"


if __name__ == "__main__":
    print("\n".join(_lines(Path(sys.argv[1]))))
