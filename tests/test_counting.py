"""What has come from workers is counted against what they say."""

from pytest_llmprod.composition.counting import Counting


def counting(**come: int) -> Counting:
    made = Counting()
    for worker, number in come.items():
        for _ in range(number):
            made.came(worker)
    return made


def test_nothing_is_missing_where_all_counts_agree() -> None:
    made = counting(gw0=2)
    made.ended("gw0", 2, "")
    made.ended("gw1", 0, "")

    assert made.problem == ""


def test_less_and_more_than_was_sent_is_a_problem() -> None:
    made = counting(gw0=1, gw1=2)
    made.ended("gw0", 2, "")
    made.ended("gw1", 1, "")

    assert made.problem == (
        "Worker gw0 has sent 2 records, and 1 came. Worker gw1 has sent 1 record, and 2 came."
    )


def test_a_crash_is_told_with_its_reason_in_one_safe_line() -> None:
    made = counting()
    made.ended("gw0", None, "lost\n\x1b[31m connection")

    assert made.problem == (
        "Worker gw0 ended before its time (lost \\x1b[31m connection), and what its last test left "
        "behind is missing."
    )
