"""Clients that do not behave, one act each; each tells what was wrong with the server's side of it, if anything."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from campaigns.bad_requests import Bad
from campaigns.exchange import HOST, Answer, exchange

PATIENCE = 20.0  # seconds; every time-out of the server is shorter


@dataclass(frozen=True)
class Target:
    """Whom to abuse: port, name of the model, good requests, wrong ones, and how long it waits for who does nothing."""

    port: int
    model: str
    requests: Sequence[bytes]
    wrong: Sequence[Bad]
    timeout: float


Act = Callable[[Target, random.Random], Awaitable[str]]


@dataclass(frozen=True)
class Abuser:
    """What one does, and how often beside the others."""

    act: Act
    weight: float


async def bad(target: Target, rng: random.Random) -> str:
    """A request that is wrong."""
    one = rng.choice(target.wrong)
    try:
        answer = await asyncio.wait_for(exchange(target.port, one.sent), PATIENCE)
    except (OSError, ValueError, asyncio.TimeoutError) as error:
        return f"{one.name}: {error!r}"
    return "" if answer.status in (*one.statuses, 429, 408) else f"{one.name}: {answer.status}"


async def endless(target: Target, rng: random.Random) -> str:
    """A body without an end."""
    chunked = rng.random() < 0.5
    piece = b"10000\r\n" + bytes(0x10000) + b"\r\n" if chunked else bytes(1 << 16)
    return await _pour(
        target, _head(target, "Transfer-Encoding: chunked" if chunked else "Content-Length: 999999999999"), piece, 0
    )


async def slow(target: Target, rng: random.Random) -> str:
    """A byte now and then: of a line, of headers, or of a body."""
    head = rng.choice([b"", b"GET / HTTP/1.1\r\nX: ", _head(target, "Content-Length: 100000")])
    return await _pour(target, head, b"a", 0.3)


async def gone(target: Target, rng: random.Random) -> str:
    """Leaves: in mid-request, in mid-inference, or in mid-answer."""
    sent = rng.choice(target.requests)
    part = rng.choice([rng.randrange(len(sent)), len(sent)])
    try:
        reader, writer = await asyncio.open_connection(HOST, target.port)
        writer.write(sent[:part])
        await asyncio.sleep(rng.uniform(0, 0.2))
        if rng.random() < 0.3:
            await asyncio.wait_for(reader.read(50), 1)
    except (OSError, asyncio.TimeoutError):
        pass
    else:
        writer.transport.abort()
    return ""


async def deaf(target: Target, rng: random.Random) -> str:
    """Asks for much, again and again over one connection, and reads nothing."""
    sent = (
        max(target.requests, key=len)
        .replace(b"Connection: close\r\n", b"")
        .replace(b"/segment", b"/segment?output=json")
    )
    try:
        _, writer = await asyncio.open_connection(HOST, target.port, limit=1024)
        writer.transport.pause_reading()
        for _ in range(20):
            writer.write(sent)
        await asyncio.sleep(rng.uniform(0.5, 2 * target.timeout))
        writer.transport.abort()
    except OSError:
        pass
    return ""


ABUSERS = {
    "a request that is wrong": Abuser(bad, 60),
    "an endless body": Abuser(endless, 2),
    "a byte now and then": Abuser(slow, 8),
    "gone in the middle": Abuser(gone, 25),
    "reads nothing": Abuser(deaf, 5),
}


def _head(target: Target, length: str) -> bytes:
    lines = [f"POST /models/{target.model}/segment HTTP/1.1", f"Host: {HOST}", "Content-Type: image/png", length]
    return "\r\n".join([*lines, "", ""]).encode()


async def _pour(target: Target, head: bytes, piece: bytes, pause: float) -> str:
    """Send pieces until there is an answer; what is wrong with that."""
    try:
        reader, writer = await asyncio.open_connection(HOST, target.port)
    except OSError as error:
        return f"no connection: {error}"
    answer = asyncio.ensure_future(reader.read())
    try:
        writer.write(head)
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE
        while not answer.done() and loop.time() < end:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
        if not answer.done():
            return f"no answer within {PATIENCE:g} s"
        status = Answer.parse(answer.result()).status
        return "" if status in (408, 413, 429) else f"{status}"
    except OSError:  # sent on for longer than anybody listens
        return ""
    finally:
        answer.cancel()
        await asyncio.gather(answer, return_exceptions=True)
        writer.transport.abort()
