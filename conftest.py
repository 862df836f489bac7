"""Options that all tests of this repository share."""

from hypothesis import settings

pytest_plugins = ["pytester"]

# A machine that others use too may be slow at any moment: no test is timed.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
