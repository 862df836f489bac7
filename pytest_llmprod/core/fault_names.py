"""Fault names: what goes wrong at a provider, by group, as markers and strategies name it.

The catalogue in `faults/` says what each of them is; a test holds that both name the same.
"""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args

from pytest_llmprod.core.errors import FaultError

Group = Literal["outage", "slow", "limit", "garbage", "stream", "policy", "retired", "expensive"]
GROUPS: tuple[Group, ...] = get_args(Group)

FAULT_NAMES: Mapping[Group, tuple[str, ...]] = {
    "outage": (
        "dns-failure",
        "connection-refused",
        "closed-before-answer",
        "reset-before-answer",
        "not-http",
        "short-body",
        "invalid-key",
        "key-revoked-meanwhile",
        "conflict",
        "server-error",
        "server-error-empty",
        "bad-gateway-html",
        "overloaded",
        "overloaded-retry-after-20",
        "gateway-timeout-text",
        "overloaded-529",
        "redirect-loop",
        "response-failed",
    ),
    "slow": (
        "tls-never-answered",
        "no-answer",
        "slow-answer",
        "slow-drip",
        "request-timeout-408",
    ),
    "limit": (
        "context-too-long",
        "request-too-large",
        "rate-limit",
        "rate-limit-tokens",
        "rate-limit-retry-after-7",
        "rate-limit-retry-after-ms",
        "rate-limit-retry-after-121",
        "rate-limit-retry-after-date",
        "rate-limit-retry-after-0",
        "rate-limit-retry-after-garbage",
        "rate-limit-flapping",
        "quota",
        "quota-do-not-retry",
        "response-rate-limited",
    ),
    "garbage": (
        "truncated-json",
        "empty-body",
        "invalid-utf8",
        "html-page",
        "error-with-200",
        "null-choices",
        "no-choices",
        "wrong-types",
        "json-array",
        "not-a-number",
        "duplicate-keys",
        "unknown-finish-reason",
        "usage-null",
        "model-replaced",
        "fingerprint-changed",
        "plausible-nonsense",
        "wrong-language",
        "token-loop",
        "empty-content",
        "null-content",
        "cut-text",
        "prose-around-json",
        "unknown-tool",
        "tool-bad-json",
        "tool-ids-twice",
        "tool-without-id",
        "short-embedding",
        "response-empty",
        "response-output-null",
    ),
    "stream": (
        "stream-closed",
        "stream-reset",
        "stream-ends-early",
        "stream-without-end",
        "stream-stalls",
        "stream-error",
        "stream-error-event",
        "stream-flat-error",
        "stream-bad-json",
        "stream-empty-data",
        "stream-html",
        "stream-invalid-utf8",
        "stream-split-character",
        "stream-last-event-lost",
        "stream-without-choices",
        "stream-nothing",
        "stream-as-json",
        "stream-as-error",
        "stream-repeats",
        "stream-out-of-order",
    ),
    "policy": (
        "invalid-prompt",
        "prompt-filtered",
        "country-not-supported",
        "unprocessable",
        "length",
        "content-filter",
        "refusal",
        "response-policy",
    ),
    "retired": (
        "unsupported-parameter",
        "model-not-found",
        "model-deprecated",
        "model-gone",
        "deprecation-headers",
    ),
    "expensive": ("tokens-trebled",),
}
#: What no provider does, and no request meets: what a drill lets the gates file say.
GATE_NAMES = ("gate-closed", "gate-file-missing", "gate-file-broken")
_ALL = tuple(name for names in FAULT_NAMES.values() for name in names)


def expanded(wanted: Any, *, gate: bool = False) -> tuple[str, ...]:
    """Return the names of the faults that "all", a group, a name, or a list of these means.

    With `gate`, the group of that name is one of them. Each comes once, in the order in which it is
    named. Raises FaultError for what is none of them.
    """
    groups = {str(group): names for group, names in FAULT_NAMES.items()}
    if gate:
        groups["gate"] = GATE_NAMES
    everything = tuple(name for names in groups.values() for name in names)
    meant = {"all": everything, **groups, **{name: (name,) for name in everything}}
    found: dict[str, None] = {}
    for each in [wanted] if isinstance(wanted, str) else wanted:
        if each not in meant:
            raise unknown(each, meant, groups)
        found |= dict.fromkeys(meant[each])
    if not found:
        raise FaultError(f'faults= names no fault. Write faults="all" or {tuple(groups)}.')
    return tuple(found)


def unknown(
    name: Any, known: Iterable[str] = _ALL, groups: Iterable[str] = FAULT_NAMES
) -> FaultError:
    """Return the error that says that there is no fault `name`, and which one may be meant."""
    close = difflib.get_close_matches(str(name), list(known), n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return FaultError(
        f"there is no fault {name!r}.{hint} Known are 'all', the groups {', '.join(groups)}, and "
        f"the names in docs/faults.md."
    )


def is_fault(name: str) -> bool:
    """Say whether `name` is that of one fault."""
    return name in _ALL
