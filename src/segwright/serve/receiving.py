"""What arrives: not too much, not too slowly, not from too many at once; and who has gone is not worked for."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from segwright.serve.options import MIB, ServeOptions
from segwright.serve.problems import Refused, busy

GRACE = 2.0  # seconds that an upload has before it may have to give way to another
LINGER = 2.0  # seconds that a refused client is listened to, so that it reads the answer before the connection ends
CLIENT_GONE = 499  # in log and metrics, as nginx writes it


@dataclass(eq=False)
class _Upload:
    """A body that is being received: since when, how much there is of it, and whether it has to give way."""

    began: float = field(default_factory=time.monotonic)
    received: int = 0
    gives_way: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self.began

    @property
    def rate(self) -> float:
        """Bytes a second."""
        return self.received / self.seconds


class Receiving:
    """Receives each request's body, within its limits, before anybody works on it (ASGI middleware).

    Where too many arrive at once, the slowest gives way, so that clients who send a byte now and then do not keep the
    others out. A client that goes before it has its answer is dropped: what was to be done for it is cancelled.
    """

    def __init__(self, app: ASGIApp, options: ServeOptions) -> None:
        self.app, self.options = app, options
        self.uploads: set[_Upload] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        try:
            body = await self._body(scope, receive)
        except Refused as refused:
            return await refuse(refused, scope, receive, send)
        if body is None:
            scope["state"]["gone"] = True
            return None
        return await self._answer(body, scope, receive, send)

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        """The whole body; None if the client went before it was there.

        Raises:
            Refused: 400, 408, 413 or 429.
        """
        headers = Headers(scope=scope)
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > self.options.max_body:
            raise self._too_large(f"{int(length) / MIB:.1f} MiB")
        upload = _Upload()
        if not length and "transfer-encoding" not in headers:
            return await self._receive(receive, upload)  # nothing, at once
        if len(self.uploads) >= self.options.max_uploads:
            self._make_room()
        self.uploads.add(upload)
        arriving = asyncio.ensure_future(self._receive(receive, upload))
        try:
            limit = self.options.read_timeout
            ends: set[asyncio.Future[Any]] = {arriving, upload.gives_way}
            await asyncio.wait(ends, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if arriving.done():
                return arriving.result()
            if upload.gives_way.done():
                raise busy("other requests arrive, and faster")
            raise Refused(408, f"the request did not arrive within {limit:g} s")
        finally:
            self.uploads.discard(upload)
            await _cancel(arriving)

    def _make_room(self) -> None:
        """Have the slowest upload give way.

        Raises:
            Refused: 429 if all of them have only just begun.
        """
        may_go = [upload for upload in self.uploads if upload.seconds > GRACE]
        if not may_go:
            raise busy(f"{len(self.uploads)} other requests are being received")
        slowest = min(may_go, key=lambda upload: upload.rate)
        slowest.gives_way.set_result(None)
        self.uploads.discard(slowest)

    async def _receive(self, receive: Receive, upload: _Upload) -> bytes | None:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            upload.received = len(body)
            if len(body) > self.options.max_body:
                raise self._too_large("more")
            if not message.get("more_body"):
                return bytes(body)

    def _too_large(self, found: str) -> Refused:
        limit = f"{self.options.max_body / MIB:g} MiB"
        return Refused(413, f"the request has {found}, and the limit is {limit}: send a smaller picture")

    async def _answer(self, body: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the application answer, as long as the client is there and time has not run out."""
        left: Message = {"type": "http.request", "body": body, "more_body": False}
        gone, started, over = asyncio.ensure_future(receive()), False, False

        async def replay() -> Message:
            nonlocal left
            message, left = left, {}
            return message or await asyncio.shield(gone)

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            if not over:
                await send(message)

        work = asyncio.ensure_future(self.app(scope, replay, noted))
        try:
            await asyncio.wait({work, gone}, timeout=self.options.answer_timeout, return_when=asyncio.FIRST_COMPLETED)
            if work.done() or (gone.done() and started):  # what follows an answer that is out need not be stopped
                return await work
            scope["state"]["gone"] = gone.done()
            if not gone.done() and not started:
                over = True  # told at once, while work that cannot be interrupted still goes on
                wait = self.options.answer_timeout
                refused = Refused(503, f"no answer within {wait:g} s: too much to do", headers={"Retry-After": "5"})
                await refused.answer()(scope, receive, send)
        finally:
            await _cancel(work)
            await _cancel(gone)


async def _cancel(task: "asyncio.Future[Any]") -> None:
    if not task.done():
        task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def refuse(refused: Refused, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer while the client still sends, and read on for a moment; otherwise it may lose the answer with the line."""

    async def unfinished(message: Message) -> None:
        await send({**message, "more_body": True} if message["type"] == "http.response.body" else message)

    async def drain() -> None:
        while (message := await receive())["type"] == "http.request" and message.get("more_body"):
            pass

    refused.headers["Connection"] = "close"
    await refused.answer()(scope, receive, unfinished)
    await asyncio.wait({draining := asyncio.ensure_future(drain())}, timeout=LINGER)
    await _cancel(draining)
    await send({"type": "http.response.body", "body": b""})
