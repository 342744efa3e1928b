"""What stands before Ray's proxy: a request whose replica dies has a second try, and errors have the shape of ours.

Ray calls ``layers`` in each of its proxies, by the name that the environment variable ``VARIABLE`` holds there.
"""

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from segwright.serve.access import REQUEST_ID, request_id
from segwright.serve.problems import Refused

VARIABLE = "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH"
LAYERS = f"{__name__}:layers"
TRIES = 2
RETRY_AFTER = "5"  # seconds, within which Ray replaces a replica
REASONS = {
    404: "the service is starting or ending",
    429: "all replicas have as many requests as they take",
    503: "no replica of the service is ready",
}


def layers() -> list[Middleware]:
    """For Ray."""
    return [Middleware(SecondTry)]


class SecondTry:
    """Repeats a request that was not answered (ASGI middleware).

    Whatever is served may be asked for twice: a label map depends on its picture alone, and loading a model again
    changes nothing. Where a replica dies, Ray's proxy returns without an answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = MutableHeaders(scope=scope)
        headers[REQUEST_ID] = request_id(headers)
        exchange = _Exchange(headers[REQUEST_ID], receive, send)
        for _ in range(TRIES):
            await self.app({**scope}, exchange.replay(), exchange.send)
            if exchange.answered or exchange.gone:
                return None
        refused = _unavailable(503, "the replica that worked on the request has died")
        return await refused.answer()(scope, receive, exchange.send)


class _Exchange:
    """A request that can be read again until its answer begins, and the answer."""

    def __init__(self, identity: str, receive: Receive, send: Send) -> None:
        self._identity, self._receive, self._send = identity, receive, send
        self._read: list[Message] = []
        self._instead: bytes | None = None
        self.answered = False
        self.gone = False

    def replay(self) -> Receive:
        """What was read before, then what comes."""
        before = iter(tuple(self._read))

        async def receive() -> Message:
            if (message := next(before, None)) is not None:
                return message
            message = await self._receive()
            self.gone = message["type"] == "http.disconnect"
            if not self.answered:
                self._read.append(message)
            return message

        return receive

    async def send(self, message: Message) -> None:
        """Pass an answer on; for an error in Ray's words comes one of ours."""
        if message["type"] == "http.response.start":
            self.answered = True
            self._read.clear()
            headers = MutableHeaders(scope=message)
            if message["status"] in REASONS and headers.get("content-type", "").startswith("text/plain"):
                answer = _unavailable(message["status"], REASONS[message["status"]]).answer()
                message = {**message, "status": answer.status_code, "headers": answer.raw_headers}
                self._instead = bytes(answer.body)
                headers = MutableHeaders(scope=message)
            headers[REQUEST_ID] = self._identity  # Ray has added it again
        elif self._instead is not None:
            message = {**message, "body": self._instead}
            self._instead = b""
        await self._send(message)


def _unavailable(status: int, why: str) -> Refused:
    told = f"{why}; try again in {RETRY_AFTER} s"
    return Refused(429 if status == 429 else 503, told, headers={"Retry-After": RETRY_AFTER})
