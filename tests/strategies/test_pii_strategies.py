"""What is planted, checked by others: python-stdnum, phonenumbers, the scanners of secrets."""

import ipaddress
import re
import unicodedata
from datetime import date

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument
from shrinking import SAME, seen, simplest
from stdnum import iban, isbn, luhn
from stdnum.fi import hetu
from stdnum.gb import nhs
from stdnum.nl import bsn
from stdnum.se import personnummer
from stdnum.us import ssn

from pytest_llmprod.core.planted import Document, Pii, joined
from pytest_llmprod.core.text import squeezed
from pytest_llmprod.strategies.checksums import french_digits, icao_digit, spanish_digits
from pytest_llmprod.strategies.lookalikes import LOOKALIKE_KINDS, Lookalike, pii_lookalikes
from pytest_llmprod.strategies.obfuscation import OBFUSCATIONS
from pytest_llmprod.strategies.pii import pii, pii_documents
from pytest_llmprod.strategies.recipes import PII_KINDS, RECIPES
from pytest_llmprod.strategies.sentences import LOCALES
from pytest_llmprod.wire.masking import BUILT_IN, findings

RESERVED_DOMAIN = re.compile(r"@(?:[a-z-]+\.)*(?:example\.(?:com|org|net)|[a-z-]+\.test)$", re.I)
RESERVED_NETS = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
LENGTHS = {
    "visa": 16,
    "visa 13": 13,
    "visa 19": 19,
    "mastercard": 16,
    "mastercard 2": 16,
    "amex": 15,
    "discover": 16,
    "diners": 14,
    "jcb": 16,
    "unionpay": 16,
    "unionpay 19": 19,
    "maestro": 16,
    "maestro 12": 12,
}


@SAME
@given(pii("email"))
def test_mail_goes_to_reserved_domains(value: Pii) -> None:
    assert RESERVED_DOMAIN.search(value.value)


@SAME
@given(pii("phone"))
def test_telephone_numbers_are_possible_ones_of_their_country(value: Pii) -> None:
    number = phonenumbers.parse(value.value)

    assert phonenumbers.is_possible_number(number)
    assert phonenumbers.region_code_for_country_code(number.country_code) == value.variant


@SAME
@given(pii("phone", "plain"))
def test_a_telephone_number_is_read_as_it_is_written(value: Pii) -> None:
    written = phonenumbers.parse(value.text, value.variant)

    assert phonenumbers.format_number(written, phonenumbers.PhoneNumberFormat.E164) == value.value


@SAME
@given(pii("card"))
def test_cards_are_valid_and_have_the_length_of_their_brand(value: Pii) -> None:
    assert luhn.is_valid(value.value)
    assert len(value.value) == LENGTHS[value.variant]


@SAME
@given(pii("iban"))
def test_ibans_are_valid_also_to_the_banks_of_their_country(value: Pii) -> None:
    assert iban.is_valid(value.value)
    assert value.value.startswith(value.variant)


def test_the_digits_within_french_and_spanish_accounts_are_those_of_examples() -> None:
    assert spanish_digits("21000418", "0200051332") == "45"
    assert french_digits("30006", "00001", "12345678901") == "89"


@SAME
@given(pii("national_id"))
def test_national_ids_are_valid(value: Pii) -> None:
    is_valid = {
        "us_ssn": ssn.is_valid,
        "gb_nhs": nhs.is_valid,
        "nl_bsn": bsn.is_valid,
        "se_personnummer": personnummer.is_valid,
        "fi_hetu": lambda number: hetu.is_valid(number, allow_temporary=True),
    }

    assert is_valid[value.variant](value.value)


def test_check_digits_of_passports_are_those_of_the_example_of_icao() -> None:
    """ICAO 9303-4, appendix A to section 4: the passport of Anna Maria Eriksson of Utopia."""
    fields = ("L898902C3", "740812", "120415", "ZE184226B<<<<<")

    assert [icao_digit(field) for field in fields] == ["6", "2", "9", "1"]
    assert icao_digit("L898902C3674081221204159ZE184226B<<<<<1") == "0"


@SAME
@given(pii("ip"))
def test_addresses_on_the_net_are_those_of_documentation(value: Pii) -> None:
    address = ipaddress.ip_address(value.value)

    assert any(address in ipaddress.ip_network(net) for net in RESERVED_NETS)


@SAME
@given(pii("date_of_birth"))
def test_dates_of_birth_are_days(value: Pii) -> None:
    assert 1970 <= date.fromisoformat(value.value).year <= 2002


@SAME
@given(pii("api_key", "plain"))
def test_the_scanners_of_secrets_know_the_keys(value: Pii) -> None:
    text = f"key {value.text}."

    assert {text[each.start : each.end] for each in findings(text, BUILT_IN)} == {value.text}


@SAME
@given(pii())
def test_a_value_is_readable_where_it_is_written(value: Pii) -> None:
    assert value.is_in(value.text)
    assert value.is_in(f"so {value.value}!")


@SAME
@given(pii(obfuscations=["zero width", "full width", "spaced"]))
def test_what_is_obfuscated_reads_as_before(value: Pii) -> None:
    recipes = [recipe for recipe in RECIPES if recipe.variant == value.variant]
    forms = {squeezed(form(value.value)) for recipe in recipes for form in recipe.forms}

    assert squeezed(value.text) in forms
    assert any(unicodedata.category(c) == "Cf" or not c.isascii() or c == " " for c in value.text)


def test_every_kind_variant_and_obfuscation_comes() -> None:
    values = seen(pii(), 3_000)

    assert {value.kind for value in values} == set(PII_KINDS)
    assert {value.obfuscation for value in values} == set(OBFUSCATIONS)
    assert {(value.kind, value.variant) for value in values} == {
        (recipe.kind, recipe.variant) for recipe in RECIPES
    }


@SAME
@given(pii_documents())
def test_spans_are_exact_in_order_and_apart(document: Document) -> None:
    end = 0
    for span in document.spans:
        assert end <= span.start < span.end
        assert document.text[span.start : span.end] == span.pii.text
        end = span.end


@SAME
@given(pii_documents())
def test_all_leaks_from_an_unchanged_text(document: Document) -> None:
    assert document.leaks_in(document.text) == [span.pii.value for span in document.spans]


@SAME
@given(pii_documents())
def test_all_leaks_from_what_a_normalising_reader_sees(document: Document) -> None:
    seen_by_reader = unicodedata.normalize("NFKC", document.text).upper()

    assert document.leaks_in(seen_by_reader) == [span.pii.value for span in document.spans]


@SAME
@given(pii_documents(), st.sampled_from(["[REDACTED]", "", "*", "<CARD_1>", "\u2588" * 8, " "]))
def test_nothing_leaks_from_a_perfect_redaction(document: Document, placeholder: str) -> None:
    assert document.leaks_in(document.redacted(placeholder)) == []


def test_a_value_that_a_redaction_puts_together_is_no_leak() -> None:
    mail = Pii(kind="email", variant="plain", value="ana@example.com", text="ana@example.com")
    name = Pii(kind="name", variant="", value="Anna Smith", text="Anna Smith")
    document = joined(["Anna Sm", mail, "ith was called ", name])

    assert document.redacted("") == "Anna Smith was called "
    assert document.leaks_in(document.redacted("")) == []
    assert document.leaks_in("Anna Smith was called Anna Smith") == ["Anna Smith"]


@SAME
@given(pii_documents(), st.data())
def test_exactly_what_is_kept_leaks(document: Document, data: st.DataObject) -> None:
    kept = data.draw(st.lists(st.booleans(), min_size=3, max_size=3))
    parts = [document.outside()[0]]
    for span, is_kept, after in zip(document.spans, kept, document.outside()[1:], strict=False):
        parts += [span.pii.text if is_kept else "[REDACTED]", after]
    left = [span.pii for span, is_kept in zip(document.spans, kept, strict=False) if is_kept]

    assert set(document.leaks_in("".join(parts))) == {pii.value for pii in left}


def test_half_of_a_card_is_a_leak_and_four_digits_are_none() -> None:
    card = Pii(kind="card", variant="visa", value="4000000000012345", text="4000 0000 0001 2345")

    assert card.part_in("**** **** **** 2345") == ""
    assert card.part_in("4000 00** **** 2345") == ""
    assert card.part_in("card **** 0000 0001 2345") == "000000012345"
    assert card.is_in("4000-0000-0001-2345")


def test_the_part_before_the_at_sign_is_what_an_address_tells() -> None:
    mail = Pii(kind="email", variant="plain", value="ana@example.com", text="ana@example.com")

    assert mail.part_in("***@example.com") == ""
    assert mail.part_in("ana [EMAIL]") == "ana"
    assert mail.is_in("ana@[DOMAIN]")


@SAME
@given(pii_documents(kinds=["national_id", "passport", "date_of_birth"]))
def test_what_digits_alone_do_not_tell_is_told_by_a_sentence(document: Document) -> None:
    assert all(re.search(r"\w+\W*$", text) for text in document.outside()[:-1])


@pytest.mark.parametrize("locale", LOCALES)
def test_a_locale_has_the_data_of_its_country(locale: str) -> None:
    documents = seen(pii_documents(locale, kinds=["phone", "iban", "name"]), 100)
    national = {recipe.variant for recipe in RECIPES if recipe.country not in ("", locale[-2:])}

    assert not {span.pii.variant for each in documents for span in each.spans} & national


def test_kinds_that_nobody_knows_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="'e-mail'"):
        pii("e-mail")
    with pytest.raises(InvalidArgument, match="no name is written so"):
        pii("name", "spelled out")
    with pytest.raises(InvalidArgument, match="no national_id of the locale 'de_DE'"):
        pii_documents("de_DE", kinds="national_id")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("email", "ana@example.com"),
        ("phone", "+1 202-555-0100"),
        ("card", "4000 0000 0000 0002"),
        ("iban", "DE36 0000 0000 0000 0000 00"),
        ("national_id", "SSN 001-01-0001"),
        ("date_of_birth", "born 1970-01-01"),
        ("ip", "192.0.2.0"),
        ("name", "Jane Doe"),
    ],
)
def test_the_simplest_document_is_a_value_alone_or_with_its_name(kind: str, text: str) -> None:
    found = simplest(pii_documents(), lambda document: document.spans[0].pii.kind == kind)

    assert found.text == text


@SAME
@given(pii_lookalikes())
def test_a_lookalike_is_none_of_what_it_looks_like(lookalike: Lookalike) -> None:
    assert lookalike.value in lookalike.text
    if lookalike.resembles == "card":
        is_long = len(re.sub(r"\D", "", lookalike.value)) >= 12
        assert (
            lookalike.kind in ("isbn", "uuid") or not is_long or not luhn.is_valid(lookalike.value)
        )
    if lookalike.kind == "wrong iban":
        assert not iban.is_valid(lookalike.value)
    if lookalike.kind == "never issued":
        assert not ssn.is_valid(lookalike.value)
    if lookalike.kind == "isbn":
        assert isbn.is_valid(lookalike.value)
    if lookalike.resembles == "ip":
        with pytest.raises(ValueError, match="does not appear to be"):
            ipaddress.ip_address(lookalike.value)


def test_every_lookalike_comes() -> None:
    assert {each.kind for each in seen(pii_lookalikes())} == set(LOOKALIKE_KINDS)
