"""A server on this machine that sends one file, in all the ways that servers have."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Answers as the server's attributes say, and remembers what it was asked for."""

    def do_GET(self) -> None:
        server = self.server
        asked = self.headers.get("Range")
        server.asked.append(asked)
        if server.status != 200:
            return self.send_error(server.status)
        start = 0
        same = not server.heeds_if_range or self.headers.get("If-Range") == server.headers.get("ETag")
        if asked and server.ranges and same:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        if start >= len(server.body) > 0:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(server.body)}")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(server.body) - 1}/{len(server.body)}")
        self.send_header("Content-Length", str(len(server.body) - start))
        for name, value in server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        stop = server.breaks.pop(0) if server.breaks else len(server.body)
        self.wfile.write(server.body[start:stop])
        return None

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def file_server(body: bytes, name: str) -> Iterator[ThreadingHTTPServer]:
    """Serve ``body`` under ``.url``, which ends in ``name``; the attributes below may be changed at any time."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.body, server.status, server.ranges = [], body, 200, True
    server.headers, server.heeds_if_range = {"ETag": '"one"'}, True
    server.breaks = []  # after how many bytes of the file each answer breaks off
    server.url = f"http://127.0.0.1:{server.server_port}/some/{name}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
