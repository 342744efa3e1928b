"""One HTTP request over a connection of its own, byte for byte, and what came back. Standard library only."""

import asyncio
import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Answer:
    """What a server said.

    Attributes:
        status: code.
        headers: by name in lower case.
        body: the bytes.
        seconds: from the connection to the last byte.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float = 0.0

    @classmethod
    def parse(cls, raw: bytes, seconds: float = 0.0) -> "Answer":
        """From all that came until the connection ended.

        Raises:
            ValueError: that is no whole answer.
        """
        head, blank, body = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        if not blank or not first.startswith("HTTP/1.1 "):
            raise ValueError(f"no answer, but {raw[:200]!r}")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if len(body) != int(headers.get("content-length", -1)):
            raise ValueError(f"{len(body)} bytes came of an answer of {headers.get('content-length')}: {raw[:200]!r}")
        return cls(int(first.split()[1]), headers, body, seconds)

    def json(self) -> Any:
        """The body, which is JSON."""
        return json.loads(self.body)


def request(path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None, method: str = "") -> bytes:
    """The bytes of a request after which the connection ends."""
    lines = [f"{method or ('GET' if body is None else 'POST')} {path} HTTP/1.1", f"Host: {HOST}", "Connection: close"]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


async def exchange(port: int, sent: bytes) -> Answer:
    """Send a request and read until the connection ends.

    Raises:
        ValueError: what came back is no whole answer.
        OSError: the connection broke.
    """
    begin = time.monotonic()
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(sent)
        raw = await reader.read()
    finally:
        writer.close()
    return Answer.parse(raw, time.monotonic() - begin)


def ask(port: int, sent: bytes, patience: float = 30.0) -> Answer:
    """As ``exchange``, for who has nothing else to do."""
    begin = time.monotonic()
    with socket.create_connection((HOST, port), timeout=patience) as line:
        line.sendall(sent)
        return Answer.parse(read_all(line), time.monotonic() - begin)


def read_answer(line: socket.socket) -> bytes:
    """Whatever comes until an answer is whole, also where the other side goes on listening for a while."""
    raw = b""
    while piece := line.recv(1 << 16):
        raw += piece
        try:
            Answer.parse(raw)
        except ValueError:
            continue
        break
    return raw


def read_all(line: socket.socket) -> bytes:
    """Whatever comes until the other side ends the connection."""
    pieces = []
    while piece := line.recv(1 << 16):
        pieces.append(piece)
    return b"".join(pieces)
