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
        if key[start : start + shortest] not in read:
            continue
        # From the whole down: `besides` may hold each short part, and not the long one.
        for end in range(len(key), start + max(shortest, len(longest) + 1) - 1, -1):
            if is_left(key[start:end]):
                longest = key[start:end]
                break
    return longest
