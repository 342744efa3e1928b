"""Who comes, whether it may, and what became of it: request ids, API keys, one log line and one measurement each."""

import hmac
import json
import logging
import re
import time
import uuid
from datetime import datetime, timezone
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from segwright.serve.metrics import Metrics
from segwright.serve.problems import Refused
from segwright.serve.receiving import CLIENT_GONE, refuse

log = logging.getLogger("segwright.access")

REQUEST_ID = "X-Request-Id"
ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
OPEN_PATHS = ("/", "/health/", "/v2/health/", "/page/", "/docs", "/openapi.json", "/static-offline-docs/")

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Access:
    """The outermost layer (ASGI middleware)."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        began = time.monotonic()
        identity = request_id(Headers(scope=scope))
        scope.setdefault("state", {})
        status = 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = identity
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self.app(scope, receive, noted)
        finally:
            if scope["state"].get("gone"):
                status = CLIENT_GONE
            self._note(scope, identity, status, time.monotonic() - began)
        return None

    def _note(self, scope: Scope, identity: str, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"] in METHODS else "other"  # each kind that is counted takes memory
        self.metrics.requests.labels(method, route, status).observe(seconds)
        client = scope.get("client")
        facts = {
            "method": scope["method"],
            "path": quote(scope["path"]),  # a line break in it would begin a line of its own
            "status": status,
            "ms": round(1000 * seconds, 1),
            "client": client[0] if client else None,
            "request_id": identity,
            **scope["state"].get("facts", {}),
        }
        log.log(logging.WARNING if status >= 500 else logging.INFO, "request", extra={"facts": facts})


def request_id(headers: Headers) -> str:
    """The client's own where that fits into a line of the log, else a new one."""
    given = headers.get(REQUEST_ID, "")
    return given if ID.fullmatch(given) else uuid.uuid4().hex


class Keys:
    """Lets in who sends one of the keys, as ``Authorization: Bearer KEY`` or ``X-API-Key: KEY`` (ASGI middleware)."""

    def __init__(self, app: ASGIApp, keys: tuple[str, ...]) -> None:
        self.app, self.keys = app, [key.encode() for key in keys]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or self._may_enter(Headers(scope=scope)):
            return await self.app(scope, receive, send)
        if self._is_open(scope["path"]):
            scope["state"]["stranger"] = True
            return await self.app(scope, receive, send)
        headers = {"WWW-Authenticate": "Bearer"}
        error = "this service asks for an API key: send the header 'Authorization: Bearer KEY'"
        return await refuse(Refused(401, error, headers=headers), scope, receive, send)

    def _is_open(self, path: str) -> bool:
        return any(path == name or (len(name) > 1 and path.startswith(name)) for name in OPEN_PATHS)

    def _may_enter(self, headers: Headers) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        sent = (token if scheme.lower() == "bearer" else headers.get("x-api-key", "")).strip().encode()
        return sum(hmac.compare_digest(sent, key) for key in self.keys) > 0  # all, so that the time tells nothing


class AccessFormatter(logging.Formatter):
    """Log lines as text or as one JSON object each."""

    def __init__(self, style: str) -> None:
        super().__init__()
        self.as_json = style == "json"

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback where there is one."""
        facts = getattr(record, "facts", {})
        now = datetime.fromtimestamp(record.created, timezone.utc)
        trace = self.formatException(record.exc_info) if record.exc_info else ""
        if self.as_json:
            entry = {"time": now.isoformat(timespec="milliseconds"), "level": record.levelname.lower()}
            entry |= {"message": record.getMessage(), **facts}
            return json.dumps(entry | ({"traceback": trace} if trace else {}))
        text = " ".join(f"{key}={value}" for key, value in facts.items()) if facts else record.getMessage()
        line = f"{now.astimezone():%Y-%m-%d %H:%M:%S} [{record.levelname}]\t{text}"
        return f"{line}\n{trace}" if trace else line
