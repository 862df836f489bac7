"""The smallest test there is."""


def test_nothing():
    assert True
