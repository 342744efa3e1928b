"""HTTP connections that cannot be held for ever: uvicorn's protocol with the limits that it lacks."""

import asyncio
import json
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from segwright.serve.options import ServeOptions
from segwright.serve.problems import Problem
from segwright.serve.receiving import LINGER

MAX_CONNECTIONS = 800  # below the 1024 files that a process may commonly have open
MAX_HEADERS = 32 << 10  # bytes
JSON_HEADERS = [("content-type", "application/json"), ("connection", "close")]


class ServeConfig(uvicorn.Config):
    """uvicorn's configuration, which also knows ours."""

    options: ServeOptions


class PatientProtocol(H11Protocol):
    """Ends connections that are too many, bring no headers in time, or do not read their answers in time."""

    config: ServeConfig

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._waiting: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None
        self._ended = False
        transport.set_write_buffer_limits(0)  # whatever the client leaves unread starts the clock
        if len(self.connections) > MAX_CONNECTIONS:
            self._end(429, "too many connections; try again in 5 s", [("retry-after", "5")])
            return transport.close()  # at once: they are too many to be listened to
        return self._wait()

    def data_received(self, data: bytes) -> None:
        """Take bytes; the time for headers runs from the first to the last of them."""
        if self._ended:
            return
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._waiting is None and self.conn.trailing_data[0]:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all clocks."""
        self._stop_waiting()
        self.resume_writing()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client does not read: give it a while."""
        super().pause_writing()
        self._watch_writing(self.transport.get_write_buffer_size())

    def _watch_writing(self, left: int) -> None:
        """Give up on a client that takes nothing for so long; ``left`` are the bytes that wait for it."""

        def look() -> None:
            now = self.transport.get_write_buffer_size()
            if now >= left:
                self.transport.abort()
            else:
                self._watch_writing(now)

        self._writing = self.loop.call_later(self.config.options.write_timeout, look)

    def resume_writing(self) -> None:
        """The client reads."""
        super().resume_writing()
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    def send_400_response(self, msg: str) -> None:
        """Answer bytes that are no HTTP request in the shape of all errors."""
        self._end(400, f"{msg} Headers may have {MAX_HEADERS >> 10} KiB.")

    def _wait(self) -> None:
        seconds = self.config.options.read_timeout
        self._waiting = self.loop.call_later(seconds, self._end, 408, f"no request arrived within {seconds:g} s")

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _end(self, status: int, error: str, headers: list[tuple[str, str]] | None = None) -> None:
        """Answer, where an answer is still possible, and close when the client has had time to read it."""
        self._stop_waiting()
        self._ended = True
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json.dumps(Problem(error=error).model_dump()).encode()
            length = [("content-length", str(len(body)))]
            events: list[Any] = [
                h11.Response(status_code=status, headers=[*JSON_HEADERS, *length, *(headers or [])]),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ]
            for event in events:
                self.transport.write(self.conn.send(event) or b"")
        try:
            self.transport.write_eof()
        except OSError:  # the client has reset the connection at this moment
            self.transport.close()
            return
        self.loop.call_later(LINGER, self.transport.close)
