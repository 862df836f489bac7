"""Personal data: what is found, in whichever way it is written, and what only looks like some."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_llmprod.guardrails import PII_KINDS, find_pii

CARD = "4111111111111111"
FOUND = [
    ("email", "Write to ana.doe+news@mail.example.com.", "ana.doe+news@mail.example.com"),
    ("email", "bob﹫example.com", "bob﹫example.com"),
    ("email", "b\u200bob@exam\u00adple.com", "b\u200bob@exam\u00adple.com"),
    ("email", "It is bob at example dot com.", "bob at example dot com"),
    ("email", "bob [at] example [dot] com", "bob [at] example [dot] com"),
    ("email", "a n a @ e x a m p l e . c o m", "a n a @ e x a m p l e . c o m"),
    ("card", f"card {CARD}, please", CARD),
    ("card", "12 4111 1111 1111 1111 04", "4111 1111 1111 1111"),
    ("card", "4111-1111-1111-1111", "4111-1111-1111-1111"),
    ("card", "3782 822463 10005", "3782 822463 10005"),
    ("card", "4\u200b111 1111 1111 1111", "4\u200b111 1111 1111 1111"),
    ("card", "４１１１ １１１１ １１１１ １１１１", "４１１１ １１１１ １１１１ １１１１"),  # noqa: RUF001
    ("card", "\u0664\u0661\u0661\u0661 1111 1111 1111", "\u0664\u0661\u0661\u0661 1111 1111 1111"),
    ("card", "four" + " one" * 15, "four" + " one" * 15),
    ("card", " ".join(CARD), " ".join(CARD)),
    ("iban", "to GB82 WEST 1234 5698 7654 32 today", "GB82 WEST 1234 5698 7654 32"),
    ("iban", "de89370400440532013000", "de89370400440532013000"),
    ("ip", "from 203.0.113.7:8080", "203.0.113.7"),
    ("ip", "at 2001:db8::8a2e:370:7334.", "2001:db8::8a2e:370:7334"),
    ("phone", "call +1 202 555 0100 x12", "+1 202 555 0100 x12"),
    ("phone", "(212) 555-0199", "(212) 555-0199"),
    ("phone", "020 7946 0123", "020 7946 0123"),
    ("phone", "Mobile: 78 651 450", "78 651 450"),
    ("phone", "+ 1 2 0 2 5 5 5 0 1 0 0", "+ 1 2 0 2 5 5 5 0 1 0 0"),
    ("national_id", "SSN 078-05-1120", "078-05-1120"),
    ("national_id", "NHS 943 476 5919", "943 476 5919"),
    ("national_id", "NINO AB123456C", "AB123456C"),
    ("national_id", "36 574 261 809", "36 574 261 809"),
    ("national_id", "2 95 10 99 126 111 93", "2 95 10 99 126 111 93"),
    ("national_id", "DNI 54362315K", "54362315K"),
    ("national_id", "NIE X-2482300-W", "X-2482300-W"),
    ("national_id", "RCCMNL83S18D969H", "RCCMNL83S18D969H"),
    ("national_id", "BSN: 111222333", "111222333"),
    ("national_id", "PESEL 44051401359", "44051401359"),
    ("national_id", "811218-9876", "811218-9876"),
    ("national_id", "131052-308T", "131052-308T"),
    ("national_id", "85.07.30-033.28", "85.07.30-033.28"),
    ("national_id", "00.01.01-001.05", "00.01.01-001.05"),  # born after 1999
    ("national_id", "701063-2391", "701063-2391"),  # a coordination number
    ("national_id", "390.533.447-05", "390.533.447-05"),
    ("national_id", "756.9217.0769.85", "756.9217.0769.85"),
    ("national_id", "2341 2341 2346", "2341 2341 2346"),
    ("national_id", "SIN 046 454 286", "046 454 286"),
    ("passport", "my passport is C01X00T47.", "C01X00T47"),
    ("passport", "L898902C36UTO7408122F1204159ZE184226B<<<<<10", ""),
    ("date_of_birth", "She was born on 2 May 1980.", "2 May 1980"),
    ("name", "My name is Ana Doe and", "Ana Doe"),
    ("address", "12 Example Street, Anytown, CA 90000", ""),
    ("address", "Er wohnt Musterstraße 5, 10115 Berlin", "Musterstraße 5, 10115 Berlin"),
]
NEAR_MISSES = [
    "4111111111111112",  # Luhn + 1
    "a distance of 539.2234688708106 km",
    "https://images.example/jpg/00/85/79/92/360_F_85799278.jpg",
    "0.4111111111111111",
    "GB83 WEST 1234 5698 7654 32",
    "550e8400-e29b-41d4-a716-446655440000",
    "3f786850e387550fdab836ed7e6dc881de23001b",
    "Order 999999000000001 has shipped.",
    "INV-123456789",
    "Upgrade to 10.3.2.1-rc1.",
    "version 10.1.2.3",
    "256.1.1.1 and 1.2.3.4.5",
    "127.0.0.1",
    "std::string::npos, ab::cd, 12:30:45",
    "978-3-16-148410-0",
    "000-12-3456, 666-12-3456, 900-12-3456",
    "2024-11-26 10:22:33",
    "01.02.2024 and 1/2/2024",
    "look at example.com, and @app.route_12",
    "a***1@...",
    "**** **** **** 4242",
    "1700000000000",
    "123456782",  # passes the eleven test of a BSN, and nothing says that it is one
    "Width 123-456 mm",
]


@pytest.mark.parametrize(("kind", "text", "part"), FOUND)
def test_personal_data_is_found_where_it_stands(kind: str, text: str, part: str) -> None:
    (finding,) = find_pii(text)

    assert finding.kind == kind
    assert finding.text == (part or text)
    assert text[finding.start : finding.end] == finding.text


@pytest.mark.parametrize("text", NEAR_MISSES)
def test_what_only_looks_like_personal_data_is_not_found(text: str) -> None:
    assert find_pii(text) == []


def test_the_value_is_plain() -> None:
    (finding,) = find_pii("4\u200b111-1111-1111-1111")

    assert finding.value == CARD
    assert finding.why == "visa, 16 digits, Luhn"


def test_the_repr_shows_nothing_of_what_was_found() -> None:
    shown = repr(find_pii(f"card {CARD} of bob@example.com"))

    assert CARD not in shown
    assert "bob" not in shown


def test_a_number_of_north_america_that_passes_the_check_of_the_nhs_is_a_phone() -> None:
    assert [each.kind for each in find_pii("212 555 0199")] == ["phone"]


@given(st.text())
def test_findings_are_apart_in_order_and_in_the_text(text: str) -> None:
    found = find_pii(text)

    edges = [edge for each in found for edge in (each.start, each.end)]
    assert edges == sorted(edges)
    assert all(text[each.start : each.end] == each.text != "" for each in found)
    assert {each.kind for each in found} <= set(PII_KINDS)


@given(st.text(max_size=20), st.sampled_from(["é", "\u200b", "😀", "ﬁ", "\ud800", "１"]))  # noqa: RUF001
def test_what_stands_before_moves_a_place_by_its_length(before: str, char: str) -> None:
    text = f"{before}{char} | bob@example.com"

    assert ("email", len(text) - 15) in [(each.kind, each.start) for each in find_pii(text)]


@pytest.mark.parametrize(
    ("kind", "text", "part"),
    [
        ("national_id", "BSN one one one two two two three three three", ""),
        ("date_of_birth", "born 0 9 . 0 2 . 1 9 7 0, in Rome", "0 9 . 0 2 . 1 9 7 0"),
        ("email", "a n a @ e x a m p l e . c o m.", "a n a @ e x a m p l e . c o m"),
        ("iban", " ".join("GB82WEST12345698765432") + ";", " ".join("GB82WEST12345698765432")),
    ],
)
def test_words_before_count_for_what_is_written_letter_by_letter(
    kind: str, text: str, part: str
) -> None:
    (finding,) = find_pii(text)

    assert (finding.kind, finding.text) == (kind, part or text.removeprefix("BSN "))


def test_two_numbers_in_two_sentences_are_two() -> None:
    found = find_pii("Call 020 7946 0527. 203.0.113.213 is mine")

    assert [(each.kind, each.text) for each in found] == [
        ("phone", "020 7946 0527"),
        ("ip", "203.0.113.213"),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # The first sixteen digits have a right check digit, too.
        ("5018 0000 0009 3566 0000 0000 0000", ["5018 0000 0009", "3566 0000 0000 0000"]),
        ("4000 0000 0000 0002 4000 0000 0000 0002", ["4000 0000 0000 0002"] * 2),
        ("5018 0000 0009 3566", ["5018 0000 0009 3566"]),
        ("5018 0000 0009 3566 0000 1111", ["5018 0000 0009 3566"]),
    ],
)
def test_of_cards_that_stand_side_by_side_each_is_found(text: str, found: list[str]) -> None:
    assert [each.text for each in find_pii(text) if each.kind == "card"] == found


OTHER = "5555555555554444"
IN_WORDS = {"4": "four", "1": "one", "5": "five"}


@pytest.mark.parametrize(
    "between",
    [" ", "-", ".", "\u00a0", ""],
    ids=["spaces", "dashes", "dots", "no-break spaces", "nothing"],
)
def test_of_cards_digit_by_digit_each_is_found(between: str) -> None:
    text = f"mine: {between.join(CARD + OTHER + CARD)}"

    found = find_pii(text)

    assert [each.value for each in found] == [CARD, OTHER, CARD]
    assert [each.text for each in found] == [between.join(each.value) for each in found]


def test_cards_digit_by_digit_are_found_before_a_day() -> None:
    text = f"{' '.join(CARD + OTHER)} 12/28"

    assert [each.value for each in find_pii(text)] == [CARD, OTHER]


def test_cards_told_in_words_are_found_with_all_that_is_told() -> None:
    told = " ".join(IN_WORDS[digit] for digit in CARD + OTHER)

    assert [(each.kind, each.text) for each in find_pii(f"mine: {told}")] == [("card", told)]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (
            "https://shop.example/account/settings/profile/a-very-long-path-name/?email=bob@x.example",
            "bob@x.example",
        ),
        ("a=1&" + "b" * 90 + "=2&mail_to=ana.doe+news@x.example", "ana.doe+news@x.example"),
        ("-" * 90 + "bob@x.example", "bob@x.example"),
        ("|" * 90 + "bob@x.example|", "bob@x.example"),
        ("**bob@x.example**", "bob@x.example"),
        ("{email=bob@x.example}", "bob@x.example"),
        ("bounce+bob=shop.example@x.example", "bounce+bob=shop.example@x.example"),
        ("o'neil@x.example", "o'neil@x.example"),
        ("a" * 64 + "@x.example", "a" * 64 + "@x.example"),
    ],
)
def test_an_address_is_found_without_the_signs_before_it(text: str, part: str) -> None:
    assert [each.text for each in find_pii(text) if each.kind == "email"] == [part]


@pytest.mark.parametrize(
    "text", ["a" * 65 + "@x.example", "https://social.example/@user.name", "@x.example", "=@x.com"]
)
def test_what_is_no_address_for_its_length_or_for_want_of_a_name(text: str) -> None:
    assert [each for each in find_pii(text) if each.kind == "email"] == []


@pytest.mark.parametrize(
    "text",
    [
        f"{CARD}{OTHER}7",
        f"{CARD}{OTHER[:-1]}5",
        f"0.{CARD}{OTHER}",
        f"x{CARD}{OTHER}",
        " ".join("4" * 200),
        " ".join(f"3{CARD}{OTHER}"),
    ],
)
def test_digits_that_are_not_all_cards_are_none(text: str) -> None:
    assert find_pii(text) == []
