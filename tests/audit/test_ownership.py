"""Who owns the project, and who is called?"""

from pathlib import Path

import pytest

from pytest_llmprod.handoff.audit.ownership import find_on_call, find_owner

CATALOGUE = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: triage
  annotations:
    {key}: {value}
  links:
    - url: {url}
      title: Rota
spec:
  owner: {owner}
"""
SLO = """\
apiVersion: openslo/v1
kind: SLO
metadata:
  name: answers
  labels:
    owner: team-slo
---
apiVersion: openslo/v1
kind: AlertNotificationTarget
metadata:
  name: night-shift
spec:
  target: opsgenie
"""


def catalogue(
    key: str = "a/b", value: str = "x", url: str = "https://x", owner: str = "team-a"
) -> str:
    return CATALOGUE.format(key=key, value=value, url=url, owner=owner)


@pytest.mark.parametrize(
    ("rules", "owner"),
    [
        ("* @all\n", "@all"),
        ("* @all\n/tests/ @testers @leads\n", "@testers @leads"),
        ("/tests/ @testers\n* @all\n", "@all"),
        ("tests @testers\n", "@testers"),
        ("*.py @python\n", "@python"),
        ("/tests/*.py @python\n", "@python"),
        ("**/test_*.py @python\n", "@python"),
        ("[Section]\n* ann@example.com # who knows\n", "ann@example.com"),
        ("[All of it][2] @leads\ntests/\n", "@leads"),
        ("^[Optional] @leads\ntests/ @testers\n", "@testers"),
        ("[Ours] @leads\n[Theirs]\ntests/\n", None),
        ("/docs/ @writers\n", None),
        ("* @all\n/tests/\n", None),
        ("* @TODO\n", None),
    ],
)
def test_the_last_rule_of_codeowners_wins(tmp_path: Path, rules: str, owner: str | None) -> None:
    (tmp_path / "CODEOWNERS").write_text(rules)

    found = find_owner(tmp_path, ["tests/test_evals.py"])

    assert (found and found.name) == owner


def test_an_owner_of_some_tests_only_is_none(tmp_path: Path) -> None:
    (tmp_path / "CODEOWNERS").write_text("/a/ @a\n")

    assert find_owner(tmp_path, ["a/test_a.py", "b/test_b.py"]) is None


@pytest.mark.parametrize("folder", [".github", ".gitlab", "docs"])
def test_codeowners_lies_in_several_places(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "CODEOWNERS").write_text("\n* @all\n")

    found = find_owner(tmp_path, ["test_a.py"])

    assert found is not None
    assert str(found.at) == f"{folder}/CODEOWNERS:2"


def test_the_catalogue_names_an_owner_at_its_line(tmp_path: Path) -> None:
    (tmp_path / "catalog-info.yaml").write_text(catalogue())

    found = find_owner(tmp_path, ["test_a.py"])

    assert found is not None
    assert (found.name, str(found.at)) == ("team-a", "catalog-info.yaml:11")


@pytest.mark.parametrize("owner", ["unknown", "guests", "TODO", '"<team>"', '""'])
def test_what_a_template_leaves_open_is_no_owner(tmp_path: Path, owner: str) -> None:
    (tmp_path / "catalog-info.yaml").write_text(catalogue(owner=owner))

    assert find_owner(tmp_path, ["test_a.py"]) is None


def test_openslo_names_an_owner_and_who_is_called(tmp_path: Path) -> None:
    (tmp_path / "slo").mkdir()
    (tmp_path / "slo" / "answers.yaml").write_text(SLO)

    owner, on_call = find_owner(tmp_path, ["test_a.py"]), find_on_call(tmp_path)

    assert owner is not None
    assert owner.name == "team-slo"
    assert on_call is not None
    assert (on_call.name, on_call.at.line) == ("night-shift (opsgenie)", 13)


@pytest.mark.parametrize(
    "text",
    [
        catalogue(key="pagerduty.com/service-id", value="P1"),
        catalogue(key="opsgenie.com/team", value="night"),
        catalogue(url="https://shop.pagerduty.com/rota"),
    ],
)
def test_the_catalogue_says_who_is_called(tmp_path: Path, text: str) -> None:
    (tmp_path / "catalog-info.yaml").write_text(text)

    assert find_on_call(tmp_path) is not None


@pytest.mark.parametrize(
    "text", [catalogue(), "a: [", "- 1\n", "", "kind: AlertNotificationTarget"]
)
def test_files_that_say_nothing_of_it_name_nobody(tmp_path: Path, text: str) -> None:
    (tmp_path / "catalog-info.yaml").write_text(text)

    assert find_on_call(tmp_path) is None
