"""Drills of features that ask Anthropic, the Responses API, or for embeddings."""

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_llmprod.faults.catalogue import DRILLED

APPS = Path(__file__).parent / "apps"
DRILL = """
    import other_apis
    import pytest

    @pytest.mark.parametrize("app", {apps!r})
    @pytest.mark.llm_drill(
        feature="triage", faults="all", fallback="sound:by_rules", within={within!r}
    )
    def test_survives(llm_fault, llm_script, {fixture} app):
        llm_script.json({{"label": "billing"}})
        assert getattr(other_apis, app)("my invoice is wrong")["source"] in {{"model", "rules"}}
"""
#: How many faults can meet a feature of each API, at least.
SOUND = {
    "messages": 60,
    "messages_stream": 50,
    "responses": 60,
    "responses_stream": 50,
    "embeddings": 45,
}
#: What each wrong feature shows: (weakness, faults that bring it to light).
WRONG = {
    "catches_anthropic_errors_only": (
        "crashed with a foreign exception",
        {"stream-closed", "stream-reset", "stream-stalls", "stream-bad-json"},
    ),
    "takes_a_failed_response": (
        "accepted the fault as success",
        {"response-failed", "response-rate-limited", "response-policy", "response-empty"},
    ),
    "takes_any_vector": ("accepted the fault as success", {"short-embedding"}),
}


def drilled(
    pytester: pytest.Pytester, apps: list[str], within: str, fixture: str = ""
) -> list[dict[str, Any]]:
    """Drill features under the whole catalogue, and return the drills that the run wrote."""
    for path in APPS.glob("*.py"):
        (pytester.path / path.name).write_text(path.read_text())
    pytester.makeini("[pytest]")
    pytester.makeconftest(
        """
        def pytest_runtest_logreport(report):
            row = getattr(report, "llmprod_drill", None)
            if row is not None:
                row["test"] = report.nodeid.removesuffix("]").rpartition(f"{row['fault']}-")[2]
        """
    )
    pytester.makepyfile(test_drill=DRILL.format(apps=apps, within=within, fixture=fixture))
    pytester.runpytest_inprocess("-q", "--llm-json=run.json", "--tb=no")
    rows: list[dict[str, Any]] = json.loads((pytester.path / "run.json").read_text())["drills"]
    assert len(rows) == len(apps) * len(DRILLED)
    return rows


def assert_all_survived(rows: list[dict[str, Any]]) -> None:
    assert [(row["test"], row["fault"], row["findings"]) for row in rows if row["findings"]] == []
    met = [row["test"] for row in rows if row["outcome"] != "not met"]
    assert [name for name, least in SOUND.items() if met.count(name) < least] == [], met


def test_a_sound_feature_of_each_api_survives_the_whole_catalogue(
    pytester: pytest.Pytester,
) -> None:
    assert_all_survived(drilled(pytester, [*SOUND], "30s"))


def test_a_sound_feature_of_each_api_survives_it_on_sockets(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCALE", "0.05")

    assert_all_survived(drilled(pytester, [*SOUND], "2s", "llm_server,"))


@pytest.mark.parametrize("app", WRONG)
def test_a_wrong_feature_of_each_api_is_caught(pytester: pytest.Pytester, app: str) -> None:
    rows = drilled(pytester, [app], "30s")

    weakness, faults = WRONG[app]
    found = {row["fault"] for row in rows if weakness in (kind for kind, _ in row["findings"])}
    assert faults <= found
