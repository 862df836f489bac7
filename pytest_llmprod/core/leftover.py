"""Leftover: what of a value can still be read in a text from which it was to be taken out."""


def longest_left(key: str, read: str, besides: str = "", *, least: int = 5) -> str:
    """Return the longest part of `key` that stands in `read` more often than in `besides`.

    All three are squeezed texts (`core.text.squeezed`). The part is "" where it would be half of
    the key or less, or shorter than `least`: four digits of a card are no leak, as receipts show
    them.
    """

    def is_left(part: str) -> bool:
        return read.count(part) > besides.count(part)

    shortest = min(len(key), max(least, len(key) // 2 + 1))
    longest = ""
    for start in range(len(key) - shortest + 1):
        end = start + shortest
        if not is_left(key[start:end]):
            continue
        while end < len(key) and is_left(key[start : end + 1]):
            end += 1
        longest = max(longest, key[start:end], key=len)
    return longest
