"""The command `llmprod`."""


def main() -> int:
    """Run."""
    return 0
