"""The same live calls without pytest: `python plain_loop.py CONCURRENCY`; prints the hits."""

import asyncio
import sys

from feature import ask_async, cases


async def count_hits(concurrency: int) -> int:
    """Ask for all cases, at most `concurrency` at a time, and count the right answers."""
    places = asyncio.Semaphore(concurrency)

    async def is_hit(case: dict[str, str]) -> bool:
        async with places:
            return await ask_async(case["input"]) == case["expected"]

    return sum(await asyncio.gather(*(is_hit(case) for case in cases())))


if __name__ == "__main__":
    print(asyncio.run(count_hits(int(sys.argv[1]))), "hits")
