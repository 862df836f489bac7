"""Stub: the model behind OpenAI's wire on a loopback port; `python stub.py LATENCY_S`.

Prints its port when it listens. `GET /stats` tells how many calls came since the last such
request, and how many were in flight at most.
"""

import asyncio
import json
import sys

from model import completion


class Stats:
    """Counts calls, those in flight, and the most that were in flight at once."""

    def __init__(self) -> None:
        self.calls = 0
        self.in_flight = 0
        self.peak = 0

    def begin(self) -> None:
        """Count a call that has come."""
        self.calls += 1
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)

    def take(self) -> bytes:
        """Return the counts as JSON and begin anew."""
        counts = {"calls": self.calls, "peak": self.peak}
        self.calls = 0
        self.peak = 0
        return json.dumps(counts).encode()


async def serve_connection(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, stats: Stats, latency_s: float
) -> None:
    """Answer the requests of one connection until the client closes it."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(content_length(head))
            if head.startswith(b"GET "):
                content = stats.take()
            else:
                stats.begin()
                await asyncio.sleep(latency_s)
                content = completion(body)
                stats.in_flight -= 1
            writer.write(response(content))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # the client has closed the connection, which ends every one of them
    finally:
        writer.close()


def content_length(head: bytes) -> int:
    """Return the length of the body that follows the header block `head`."""
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return int(value)
    return 0


def response(content: bytes) -> bytes:
    """Return a whole HTTP answer with this JSON content."""
    lines = [
        b"HTTP/1.1 200 OK",
        b"content-type: application/json",
        b"content-length: %d" % len(content),
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + content


async def serve(latency_s: float) -> None:
    """Serve on a free port of the loopback interface until the process is ended."""
    stats = Stats()
    server = await asyncio.start_server(
        lambda reader, writer: serve_connection(reader, writer, stats, latency_s),
        host="127.0.0.1",
        port=0,
        backlog=1000,
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(latency_s=float(sys.argv[1])))
