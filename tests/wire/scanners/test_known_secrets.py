"""Known secrets: those of the environment stay secrets after they have left it."""

from pytest_llmprod.wire.scanners.known_secrets import EnvironmentSecrets

FIRST, SECOND = "first-0123456789abcdef", "second-0123456789abcdef"


def found(secrets: EnvironmentSecrets, text: str) -> list[str]:
    return [text[each.start : each.end] for scan in secrets.scanners() for each in scan(text)]


def test_a_secret_that_was_seen_is_found_after_it_has_left_the_environment() -> None:
    environ = {"SERVICE_TOKEN": FIRST}
    secrets = EnvironmentSecrets(environ)
    assert found(secrets, f"{FIRST} {SECOND}") == [FIRST]

    environ["SERVICE_TOKEN"] = SECOND
    assert found(secrets, f"{FIRST} {SECOND}") == [FIRST, SECOND]

    environ.clear()
    assert found(secrets, f"{FIRST} {SECOND}") == [FIRST, SECOND]
