"""Check digits: the arithmetic by which a number is told from one that only looks like it.

Each function takes a number in plain form, digits and capital letters of the length that its
issuer writes, and says whether its check is right.
"""

from datetime import date

# What each digit counts, as ASCII has it: doubled, with the digits of the result added up.
_ONCE = bytes.maketrans(b"0123456789", bytes(range(10)))
_DOUBLED = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))


def luhn(digits: str) -> bool:
    """Say whether a number passes the check of cards (ISO/IEC 7812-1, Annex B)."""
    values = digits.encode("ascii")
    odd, even = values[::-2].translate(_ONCE), values[-2::-2].translate(_DOUBLED)
    return (sum(odd) + sum(even)) % 10 == 0


_AS_NUMBERS = str.maketrans({chr(ord("A") + place): str(10 + place) for place in range(26)})


def mod_97(text: str) -> bool:
    """Say whether letters and digits pass the check of account numbers (ISO 7064, MOD 97-10)."""
    return int(text.translate(_AS_NUMBERS)) % 97 == 1


def _weighted(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))


def us_ssn(digits: str) -> bool:
    """Say whether a Social Security number may have been issued; it has no check digit."""
    area = digits[:3]
    return (
        area not in ("000", "666") and area < "900" and digits[3:5] != "00" and int(digits[5:]) > 0
    )


def gb_nhs(digits: str) -> bool:
    """Say whether a British NHS number is right (modulus 11)."""
    return _weighted(digits, (10, 9, 8, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def nl_bsn(digits: str) -> bool:
    """Say whether a Dutch BSN passes the eleven test."""
    return int(digits) > 0 and _weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def de_tax_id(digits: str) -> bool:
    """Say whether a German tax id is right (ISO 7064, MOD 11,10).

    Of its first ten digits exactly one comes twice or three times.
    """
    counts = sorted(digits[:10].count(digit) for digit in set(digits[:10]))
    if digits[0] == "0" or counts[-1] not in (2, 3) or (len(counts) > 1 and counts[-2] != 1):
        return False
    product = 10
    for digit in digits[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def fr_insee(text: str) -> bool:
    """Say whether a French social security number is right; 2A and 2B are the parts of Corsica."""
    number = text[:13].replace("2A", "19").replace("2B", "18")
    month = int(text[3:5])
    is_month = 1 <= month <= 12 or 20 <= month <= 42 or month >= 50
    return text[0] in "12" and is_month and 97 - int(number) % 97 == int(text[13:])


_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"


def es_dni(text: str) -> bool:
    """Say whether a Spanish DNI or NIE is right: eight digits, or X, Y or Z and seven, a letter."""
    digits = text[:-1].translate(str.maketrans("XYZ", "012"))
    return _DNI[int(digits) % 23] == text[-1]


_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_OF_LETTERS = "1 0 5 7 9 13 15 17 19 21 2 4 18 20 11 3 6 8 12 14 16 10 22 25 24 23"
_ODD_LETTERS = dict(zip(_ALPHABET, map(int, _OF_LETTERS.split()), strict=True))
# A digit counts at an odd place as the letter of its number does.
_ODD = {**_ODD_LETTERS, **{str(digit): _ODD_LETTERS[_ALPHABET[digit]] for digit in range(10)}}


def it_codice_fiscale(text: str) -> bool:
    """Say whether an Italian tax code is right: sixteen characters, the last is the check."""
    total = sum(_ODD[char] for char in text[0:15:2])
    total += sum(int(char) if char.isdigit() else ord(char) - ord("A") for char in text[1:15:2])
    return chr(ord("A") + total % 26) == text[15]


def pl_pesel(digits: str) -> bool:
    """Say whether a Polish PESEL is right: a day, and a check digit."""
    century, month = divmod(int(digits[2:4]), 20)
    year = {4: 1800, 0: 1900, 1: 2000, 2: 2100, 3: 2200}[century] + int(digits[:2])
    total = _weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1))
    return is_day(year, month, int(digits[4:6])) and total % 10 == 0


def se_personnummer(digits: str) -> bool:
    """Say whether a Swedish personal number of ten digits is right: a day, and Luhn's check."""
    day = int(digits[4:6])
    day -= 60 if day > 60 else 0  # a coordination number
    return is_day(2000, int(digits[2:4]), day) and luhn(digits)


_HETU = "0123456789ABCDEFHJKLMNPRSTUVWXY"


def fi_hetu(text: str) -> bool:
    """Say whether a Finnish identity code, `DDMMYY-NNNX`, is right."""
    is_right_day = is_day(2000, int(text[2:4]), int(text[:2]))
    return is_right_day and _HETU[int(text[:6] + text[7:10]) % 31] == text[10]


def be_national(digits: str) -> bool:
    """Say whether a Belgian national number is right; who was born after 1999 has a 2 before it."""
    number, check = digits[:9], int(digits[9:])
    return check in (97 - int(number) % 97, 97 - int(f"2{number}") % 97)


def br_cpf(digits: str) -> bool:
    """Say whether a Brazilian CPF is right: two check digits, and not all digits alike."""
    for length in (9, 10):
        weights = tuple(range(length + 1, 1, -1))
        if _weighted(digits[:length], weights) * 10 % 11 % 10 != int(digits[length]):
            return False
    return len(set(digits)) > 1


def ch_ahv(digits: str) -> bool:
    """Say whether a Swiss AHV number is right: 756, and the check of EAN-13."""
    return digits.startswith("756") and _weighted(digits, (1, 3) * 6 + (1,)) % 10 == 0


def _table(*rows: str) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(map(int, row)) for row in rows)


_TIMES = _table(
    *("0123456789", "1234067895", "2340178956", "3401289567", "4012395678"),
    *("5987604321", "6598710432", "7659821043", "8765932104", "9876543210"),
)
_SHIFTED = _table(
    *("0123456789", "1576283094", "5803796142", "8916043527"),
    *("9453126870", "4286573901", "2793806415", "7046913258"),
)


def in_aadhaar(digits: str) -> bool:
    """Say whether an Indian Aadhaar number is right (Verhoeff's check)."""
    if digits[0] in "01":
        return False
    total = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        total = _TIMES[total][_SHIFTED[place % 8][digit]]
    return total == 0


def icao(field: str, check: str) -> bool:
    """Say whether `check` is the digit of a field of a passport (ICAO 9303-3, 4.9)."""
    values = (0 if char == "<" else int(char, 36) for char in field)
    total = sum(value * (7, 3, 1)[place % 3] for place, value in enumerate(values))
    return str(total % 10) == check or (check == "<" and total == 0)


def is_day(year: int, month: int, day: int) -> bool:
    """Say whether there is such a day."""
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
