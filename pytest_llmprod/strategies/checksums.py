"""Check digits: computed, so that a planted number is valid by construction.

Each function takes what stands before the check digit and returns the digit, or None where a number
with this beginning is never given out, because its check digit would be ten.
"""

_HETU = "0123456789ABCDEFHJKLMNPRSTUVWXY"


def luhn_digit(digits: str) -> str:
    """Return the check digit of cards and Swedish numbers (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        doubled = 2 * digit if place % 2 == 0 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def iban_digits(country: str, account: str) -> str:
    """Return the two check digits of an IBAN (ISO 13616, by ISO 7064 MOD 97-10)."""
    return f"{98 - _as_number(f'{account}{country}00') % 97:02d}"


def _as_number(text: str) -> int:
    """Return letters and digits as one number, with A as 10 and Z as 35."""
    return int("".join(str(int(char, 36)) for char in text))


def spanish_digits(bank_and_branch: str, account: str) -> str:
    """Return the two check digits of a Spanish account (CCC): of eight and of ten digits."""
    return _spanish_digit(f"00{bank_and_branch}") + _spanish_digit(account)


def _spanish_digit(digits: str) -> str:
    total = sum(int(digit) * 2**place for place, digit in enumerate(digits))
    rest = 11 - total % 11
    return str({11: 0, 10: 1}.get(rest, rest))


def french_digits(bank: str, branch: str, account: str) -> str:
    """Return the two check digits of a French account of digits only (RIB)."""
    weighted = 89 * int(bank) + 15 * int(branch) + 3 * int(account)
    return f"{97 - weighted % 97:02d}"


def nhs_digit(digits: str) -> str | None:
    """Return the check digit of a British NHS number (modulus 11)."""
    rest = 11 - sum(int(digit) * (10 - place) for place, digit in enumerate(digits)) % 11
    return None if rest == 10 else str(rest % 11)


def bsn_digit(digits: str) -> str | None:
    """Return the check digit of a Dutch BSN (the eleven test)."""
    rest = sum(int(digit) * (9 - place) for place, digit in enumerate(digits)) % 11
    return None if rest == 10 else str(rest)


def hetu_character(date: str, number: str) -> str:
    """Return the check character of a Finnish identity code, of DDMMYY and three digits."""
    return _HETU[int(date + number) % 31]


def icao_digit(text: str) -> str:
    """Return the check digit of a field of a passport (ICAO 9303-3, 4.9)."""
    weights = (7, 3, 1)
    values = (0 if char == "<" else int(char, 36) for char in text)
    return str(sum(value * weights[place % 3] for place, value in enumerate(values)) % 10)


def isbn_digit(digits: str) -> str:
    """Return the check digit of an ISBN of 13 digits."""
    return str(-sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(digits)) % 10)
