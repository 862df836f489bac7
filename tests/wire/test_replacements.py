"""Replacements: what is replaced in others stands there again afterwards."""

from types import SimpleNamespace

from pytest_llmprod.wire.replacements import Replacements


class Base:
    def inherited(self) -> str:
        return "inherited"


class Owner(Base):
    @staticmethod
    def own() -> str:
        return "own"


def test_what_was_put_is_there_until_it_is_undone() -> None:
    before = dict(vars(Owner))
    replacements = Replacements()

    replacements.put(Owner, "own", lambda self: "ours")
    replacements.put(Owner, "inherited", lambda self: "ours too")
    during = Owner().own(), Owner().inherited(), Base().inherited()
    replacements.undo()

    assert during == ("ours", "ours too", "inherited")
    assert dict(vars(Owner)) == before
    assert (Owner().own(), Owner().inherited()) == ("own", "inherited")


def test_what_was_put_twice_is_undone_to_the_first() -> None:
    module = SimpleNamespace(attribute="original")
    replacements = Replacements()

    replacements.put(module, "attribute", "one")
    replacements.put(module, "attribute", "two")
    replacements.undo()

    assert module.attribute == "original"


def test_undoing_twice_changes_nothing_of_what_came_between() -> None:
    module = SimpleNamespace(attribute="original")
    replacements = Replacements()
    replacements.put(module, "attribute", "ours")
    replacements.undo()
    module.attribute = "theirs"

    replacements.undo()

    assert module.attribute == "theirs"


def test_what_others_put_on_top_goes_too() -> None:
    module = SimpleNamespace(attribute="original")
    replacements = Replacements()
    replacements.put(module, "attribute", "ours")
    module.attribute = "theirs, on top of ours"

    replacements.undo()

    assert module.attribute == "original"


def test_an_attribute_that_somebody_deleted_is_put_back() -> None:
    before = dict(vars(Owner))
    replacements = Replacements()
    replacements.put(Owner, "inherited", None)
    replacements.put(Owner, "own", None)
    del Owner.inherited, Owner.own

    replacements.undo()

    assert dict(vars(Owner)) == before


def test_what_stands_there_is_ours_until_it_is_undone_or_replaced_again() -> None:
    module = SimpleNamespace(attribute="original")
    replacements = Replacements()
    holds = [replacements.holds(module, "attribute")]

    replacements.put(module, "attribute", "ours")
    holds.append(replacements.holds(module, "attribute"))
    module.attribute = "original, executed again"
    holds.append(replacements.holds(module, "attribute"))
    replacements.put(module, "attribute", "ours again")
    replacements.undo()
    holds.append(replacements.holds(module, "attribute"))

    assert holds == [False, True, False, False]
